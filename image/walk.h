/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks a directory tree in an order that depends on names only (bytewise), never following a
 * symbolic link and never entering another mount: what is mounted somewhere below is shown as an
 * empty directory.
 */
#ifndef HILLOCK_IMAGE_WALK_H
#define HILLOCK_IMAGE_WALK_H

#include <sys/stat.h>

#include "base/err.h"

#define WALK_DEPTH_MAX 512

struct walk_item {
	const char *path; /* below the top, without a leading '/'; "" is the top itself */
	const char *name; /* its last part; "" for the top */
	int parent_fd;    /* where `name` is; -1 for the top */
	int fd;           /* a directory: itself, readable; else -1 */
	struct stat st;
	const char *target; /* of a symbolic link, else NULL */
	void *parent;       /* what visit() left in `own` of the directory that this is in */
	void *own;
};

struct walk {
	/* Called for each directory before what is in it. Not 0: the walk ends and returns it. */
	int (*visit)(struct walk *walk, struct walk_item *item, struct err *err);
	void *context;
	dev_t skip_dev; /* this directory is left out: the store itself may lie in the tree */
	ino_t skip_ino;
};

/* `top_fd` stays the caller's. An error names the file, relative to the top. */
int walk_tree(struct walk *walk, int top_fd, struct err *err);

#endif

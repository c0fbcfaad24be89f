/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FUSE requests straight into the engine, with the translator `dir` behind it, for tests. */
#ifndef HILLOCK_TESTS_FILES_GUEST_H
#define HILLOCK_TESTS_FILES_GUEST_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>

#include "files/files.h"
#include "translators/dir.h"

#define FG_OUT_MAX (128 * 1024)

struct fg {
	struct state state;
	struct translator translator;
	struct files files;
	struct dir *dir;
	int state_fd, root_fd;
	char root[64]; /* path of the directory that is served */
	uint64_t unique;
	uint32_t uid, gid;
	int again; /* of the next request */

	/* The answer to the last request, behind its header. */
	uint8_t out[FG_OUT_MAX] __attribute__((aligned(8)));
	size_t out_size;
	int answered;
};

/* A directory of its own below `base`, a state in memory; INIT is done. */
void fg_open(struct fg *fg, const char *base, enum dir_owners owners);
/* The engine and translator anew on the same state, as after a restart. */
void fg_start(struct fg *fg, enum dir_owners owners);
void fg_stop(struct fg *fg);
/* Removes the directory too. */
void fg_close(struct fg *fg);

/* Returns the answer's error (0 or -errno). Two parts of arguments, either may be NULL. */
int fg_call(struct fg *fg, uint32_t opcode, uint64_t node, const void *a, size_t a_size,
	    const void *b, size_t b_size);

/* With the structures that each needs; node and handle come back where they are asked for. */
int fg_lookup(struct fg *fg, uint64_t parent, const char *name, uint64_t *node);
int fg_getattr(struct fg *fg, uint64_t node, struct fuse_attr *attr);
int fg_mkdir(struct fg *fg, uint64_t parent, const char *name, uint32_t mode, uint64_t *node);
int fg_mknod(struct fg *fg, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
	     uint64_t *node);
int fg_create(struct fg *fg, uint64_t parent, const char *name, uint32_t mode, uint32_t flags,
	      uint64_t *node, uint64_t *handle);
int fg_open_file(struct fg *fg, uint64_t node, uint32_t flags, uint64_t *handle);
int fg_write(struct fg *fg, uint64_t node, uint64_t handle, uint64_t offset, const char *text,
	     uint32_t flags);
/* Returns the number of bytes, which then are in fg->out, or -errno. */
int fg_read(struct fg *fg, uint64_t node, uint64_t handle, uint64_t offset, uint32_t size);
int fg_rename(struct fg *fg, uint64_t parent, const char *name, uint64_t to_parent,
	      const char *to_name, uint32_t flags);
int fg_name(struct fg *fg, uint32_t opcode, uint64_t parent, const char *name);
int fg_symlink(struct fg *fg, uint64_t parent, const char *name, const char *target);
int fg_link(struct fg *fg, uint64_t node, uint64_t parent, const char *name);
int fg_release(struct fg *fg, uint64_t node, uint64_t handle);
void fg_forget(struct fg *fg, uint64_t node, uint64_t count);
int fg_setattr(struct fg *fg, uint64_t node, const struct fuse_setattr_in *in,
	       struct fuse_attr *attr);
int fg_setxattr(struct fg *fg, uint64_t node, const char *name, const char *value, uint32_t flags);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file server: FUSE requests in, a translator's operations out.
 *
 * Theory of operation
 * -------------------
 *	virtio/	      a request: pieces of guest memory to read from and to write to
 *	fuse.c	      header, version, which operation; the answer's header
 *	fuse_node.c   names and attributes
 *	fuse_file.c   contents; reads and writes go straight between guest memory and the file
 *	fuse_dir.c    directories
 *	dirents.c     how directory entries stand in an answer
 *	state.c	      what survives the server
 *	keep.c	      who keeps its descriptors meanwhile
 *
 * Everything but contents is copied out of guest memory once, checked there and used from there.
 * The engine has no policy but the cache mode: what the guest's kernel may remember, how long.
 */
#ifndef HILLOCK_FILES_FILES_H
#define HILLOCK_FILES_FILES_H

#include "files/state.h"
#include "files/translator.h"
#include "virtio/virtio.h"

enum files_cache {
	FILES_CACHE_NONE,   /* every access asks: what others change shows at once */
	FILES_CACHE_AUTO,   /* names and attributes for a second, contents until the file is
			       opened after a change */
	FILES_CACHE_ALWAYS, /* nobody else changes the tree */
};

struct files_options {
	enum files_cache cache;
	int writeback; /* writes are collected in the guest; needs FILES_CACHE_ALWAYS to be exact */
	int read_only;
};

struct files {
	struct translator *translator;
	struct state *state;
	struct files_options options;
};

#define FILES_REPLY_MAX (64 * 1024) /* of an answer other than a file's contents */
#define FILES_ARGS_MAX (72 * 1024)  /* of a request, likewise: a value of 64 KiB and its name */

/* Carries out one request. Returns how many bytes of `out` are the answer; 0: there is none. */
size_t files_handle(struct files *files, struct virtio_request *request);

/* After a predecessor was killed: what it left half done is undone. Before virtio_open(). */
void files_recover(struct files *files);

/* The guest has gone: a fresh session. */
void files_reset(struct files *files);

#endif

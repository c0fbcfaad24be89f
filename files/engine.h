/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One FUSE request on its way through the engine. Private to files/ and its tests. */
#ifndef HILLOCK_FILES_ENGINE_H
#define HILLOCK_FILES_ENGINE_H

#include <errno.h>
#include <linux/fuse.h>

#include "files/files.h"

/* What newer headers have. */
#define FUSE_OP_STATX 52
#define FUSE_F2_DIRECT_IO_MMAP (1u << 4)

/* Pieces of memory, read or written from the front. */
struct pieces {
	const struct iovec *at;
	size_t count, skip; /* pieces left; bytes of the first that are done */
};

size_t pieces_read(struct pieces *from, void *to, size_t size);
size_t pieces_write(struct pieces *to, const void *from, size_t size);
/* The next `size` bytes as a list of its own in `list`; returns its length, at most `max`. */
size_t pieces_cut(const struct pieces *from, size_t size, struct iovec *list, size_t max);

struct engine {
	struct files *files;
	struct translator *t;
	struct fuse_in_header in;
	uint8_t *args; /* behind the header, ends with a NUL that does not count */
	size_t args_size, args_used;
	struct pieces payload; /* behind the header: WRITE's contents */
	size_t payload_size;
	struct pieces answer; /* behind the answer's header: READ's contents */
	size_t answer_room;
	uint8_t *reply;
	size_t reply_size; /* what is in `reply`, or went straight to `answer` if `direct` */
	int direct, no_reply;
};

/* The next fixed part of the arguments, zeroes where an older guest's is shorter than
 * `size` but at least `least`; NULL (and args_used stays) if it is not there. */
int engine_take(struct engine *e, void *to, size_t size, size_t least);
/* The next string; NULL if it does not end. */
const char *engine_take_string(struct engine *e);
/* As a string, but one component. */
const char *engine_take_name(struct engine *e, int *rc);
void engine_reply(struct engine *e, const void *data, size_t size);

void engine_attr(struct fuse_attr *to, const struct statx *from);
void engine_entry(const struct engine *e, struct fuse_entry_out *to,
		  const struct translator_entry *from);
void engine_attr_out(struct engine *e, const struct statx *attr);

#define ENGINE_HAS(e, op) ((e)->t->ops->op != NULL)

int engine_lookup(struct engine *e);
int engine_forget(struct engine *e);
int engine_batch_forget(struct engine *e);
int engine_getattr(struct engine *e);
int engine_statx(struct engine *e);
int engine_setattr(struct engine *e);
int engine_readlink(struct engine *e);
int engine_symlink(struct engine *e);
int engine_mknod(struct engine *e);
int engine_mkdir(struct engine *e);
int engine_unlink(struct engine *e);
int engine_rmdir(struct engine *e);
int engine_rename(struct engine *e);
int engine_rename2(struct engine *e);
int engine_link(struct engine *e);
int engine_setxattr(struct engine *e);
int engine_getxattr(struct engine *e);
int engine_listxattr(struct engine *e);
int engine_removexattr(struct engine *e);
int engine_statfs(struct engine *e);

int engine_open(struct engine *e);
int engine_create(struct engine *e);
int engine_tmpfile(struct engine *e);
int engine_read(struct engine *e);
int engine_write(struct engine *e);
int engine_flush(struct engine *e);
int engine_release(struct engine *e);
int engine_fsync(struct engine *e);
int engine_lseek(struct engine *e);
int engine_fallocate(struct engine *e);
int engine_copy(struct engine *e);
int engine_syncfs(struct engine *e);

int engine_opendir(struct engine *e);
int engine_readdir(struct engine *e);
int engine_readdirplus(struct engine *e);
int engine_releasedir(struct engine *e);
int engine_fsyncdir(struct engine *e);

#endif

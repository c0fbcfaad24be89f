// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Contents. Each function here carries out the FUSE operation of its name. What is read or
 * written is not copied: the translator gets pieces of guest memory.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "files/engine.h"

/* What open(2) flags a translator sees. */
#define OPEN_FLAGS                                                                               \
	(O_ACCMODE | O_TRUNC | O_APPEND | O_DIRECT | O_DSYNC | O_SYNC | O_NOATIME | O_NONBLOCK | \
	 O_LARGEFILE | O_EXCL)

static uint32_t open_flags(const struct engine *e, int flags)
{
	if (e->files->options.cache == FILES_CACHE_NONE)
		return FOPEN_DIRECT_IO;
	if (e->files->options.cache == FILES_CACHE_ALWAYS)
		return FOPEN_KEEP_CACHE;
	return flags & O_DIRECT ? FOPEN_DIRECT_IO : 0;
}

static int translated(const struct engine *e, uint32_t flags, uint32_t more)
{
	int to = (int)flags & OPEN_FLAGS;

	/* A guest that collects writes reads what is around them, and knows where the end is. */
	if (e->files->state->head->writeback) {
		if ((to & O_ACCMODE) == O_WRONLY)
			to = (to & ~O_ACCMODE) | O_RDWR;
		to &= ~O_APPEND;
	}
	return to | (more & FUSE_OPEN_KILL_SUIDGID ? (int)TRANSLATOR_KILL_SUID : 0);
}

int engine_open(struct engine *e)
{
	struct fuse_open_out out = { 0 };
	struct fuse_open_in in;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (!ENGINE_HAS(e, open))
		return -ENOSYS;
	if (e->files->options.read_only &&
	    ((in.flags & O_ACCMODE) != O_RDONLY || in.flags & O_TRUNC))
		return -EROFS;
	rc = e->t->ops->open(e->t, e->in.nodeid, translated(e, in.flags, in.open_flags), &out.fh);
	if (rc < 0)
		return rc;
	out.open_flags = open_flags(e, (int)in.flags);
	engine_reply(e, &out, sizeof(out));
	return 0;
}

static void reply_created(struct engine *e, const struct translator_entry *entry, uint64_t handle,
			  uint32_t flags)
{
	struct fuse_open_out out = { .fh = handle, .open_flags = open_flags(e, (int)flags) };
	struct fuse_entry_out entry_out;

	engine_entry(e, &entry_out, entry);
	engine_reply(e, &entry_out, sizeof(entry_out));
	engine_reply(e, &out, sizeof(out));
}

int engine_create(struct engine *e)
{
	struct translator_entry entry = { 0 };
	struct fuse_create_in in;
	uint64_t handle;
	const char *name;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	name = engine_take_name(e, &rc);
	if (!name)
		return rc;
	if (!ENGINE_HAS(e, create))
		return -ENOSYS;
	rc = e->t->ops->create(e->t, e->in.nodeid, name, in.mode & 07777,
			       translated(e, in.flags, in.open_flags), &entry, &handle);
	if (rc == 0)
		reply_created(e, &entry, handle, in.flags);
	return rc;
}

int engine_tmpfile(struct engine *e)
{
	struct translator_entry entry = { 0 };
	struct fuse_create_in in;
	uint64_t handle;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (!ENGINE_HAS(e, tmpfile))
		return -EOPNOTSUPP;
	rc = e->t->ops->tmpfile(e->t, e->in.nodeid, in.mode & 07777, translated(e, in.flags, 0),
				&entry, &handle);
	if (rc == 0)
		reply_created(e, &entry, handle, in.flags);
	return rc;
}

int engine_release(struct engine *e)
{
	struct fuse_release_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (ENGINE_HAS(e, release))
		e->t->ops->release(e->t, e->in.nodeid, in.fh);
	return 0;
}

int engine_read(struct engine *e)
{
	struct iovec list[VIRTIO_IOV_MAX];
	struct fuse_read_in in;
	size_t size, count;
	ssize_t n;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || in.offset > INT64_MAX)
		return -EINVAL;
	if (!ENGINE_HAS(e, read))
		return -ENOSYS;
	size = in.size < e->answer_room ? in.size : e->answer_room;
	count = pieces_cut(&e->answer, size, list, VIRTIO_IOV_MAX);
	n = e->t->ops->read(e->t, e->in.nodeid, in.fh, list, count, (off_t)in.offset);
	if (n < 0)
		return (int)n;
	e->reply_size = (size_t)n;
	e->direct = 1;
	return 0;
}

int engine_write(struct engine *e)
{
	struct iovec list[VIRTIO_IOV_MAX];
	struct fuse_write_out out = { 0 };
	struct fuse_write_in in;
	size_t count;
	ssize_t n;
	int flags;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || in.offset > INT64_MAX ||
	    in.size > e->payload_size)
		return -EINVAL;
	if (!ENGINE_HAS(e, write))
		return -ENOSYS;
	/* From the guest's cache: it knows where; its handle is just any that may write. */
	flags = in.write_flags & FUSE_WRITE_CACHE ? 0 : translated(e, in.flags & O_APPEND, 0);
	if (in.write_flags & FUSE_WRITE_KILL_SUIDGID)
		flags |= (int)TRANSLATOR_KILL_SUID;
	count = pieces_cut(&e->payload, in.size, list, VIRTIO_IOV_MAX);
	n = e->t->ops->write(e->t, e->in.nodeid, in.fh, list, count, (off_t)in.offset, flags);
	if (n < 0)
		return (int)n;
	out.size = (uint32_t)n;
	engine_reply(e, &out, sizeof(out));
	return 0;
}

int engine_flush(struct engine *e)
{
	struct fuse_flush_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	return ENGINE_HAS(e, flush) ? e->t->ops->flush(e->t, e->in.nodeid, in.fh) : -ENOSYS;
}

int engine_fsync(struct engine *e)
{
	struct fuse_fsync_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (!ENGINE_HAS(e, fsync))
		return -ENOSYS;
	return e->t->ops->fsync(e->t, e->in.nodeid, in.fh, in.fsync_flags & FUSE_FSYNC_FDATASYNC);
}

int engine_lseek(struct engine *e)
{
	struct fuse_lseek_out out;
	struct fuse_lseek_in in;
	off_t at;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || in.offset > INT64_MAX ||
	    (in.whence != SEEK_DATA && in.whence != SEEK_HOLE))
		return -EINVAL;
	if (!ENGINE_HAS(e, lseek))
		return -ENOSYS;
	at = e->t->ops->lseek(e->t, e->in.nodeid, in.fh, (off_t)in.offset, (int)in.whence);
	if (at < 0)
		return (int)at;
	out.offset = (uint64_t)at;
	engine_reply(e, &out, sizeof(out));
	return 0;
}

int engine_fallocate(struct engine *e)
{
	struct fuse_fallocate_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || in.offset > INT64_MAX ||
	    in.length > INT64_MAX)
		return -EINVAL;
	if (!ENGINE_HAS(e, fallocate))
		return -ENOSYS;
	return e->t->ops->fallocate(e->t, e->in.nodeid, in.fh, (int)in.mode, (off_t)in.offset,
				    (off_t)in.length);
}

int engine_copy(struct engine *e)
{
	struct fuse_copy_file_range_in in;
	struct fuse_write_out out = { 0 };
	ssize_t n;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || in.off_in > INT64_MAX ||
	    in.off_out > INT64_MAX || in.flags)
		return -EINVAL;
	if (!ENGINE_HAS(e, copy))
		return -ENOSYS;
	/* Other requests wait meanwhile: a piece at a time. */
	if (in.len > 16 << 20)
		in.len = 16 << 20;
	n = e->t->ops->copy(e->t, e->in.nodeid, in.fh_in, (off_t)in.off_in, in.nodeid_out,
			    in.fh_out, (off_t)in.off_out, in.len);
	if (n < 0)
		return (int)n;
	out.size = (uint32_t)n;
	engine_reply(e, &out, sizeof(out));
	return 0;
}

int engine_syncfs(struct engine *e)
{
	return ENGINE_HAS(e, syncfs) ? e->t->ops->syncfs(e->t) : -ENOSYS;
}

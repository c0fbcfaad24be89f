// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directories: opening, and entries as they stand in an answer (struct fuse_dirent, or
 * struct fuse_direntplus, each padded to 8 bytes).
 */
#include <string.h>

#include "files/engine.h"

struct translator_dirents {
	struct engine *engine;
	size_t room;
	int plus;
};

static size_t dirent_size(const struct translator_dirents *to, size_t name_length)
{
	size_t head = to->plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	return FUSE_DIRENT_ALIGN(head + name_length);
}

int translator_dirent_fits(const struct translator_dirents *to, size_t name_length)
{
	const struct engine *e = to->engine;

	return e->reply_size + dirent_size(to, name_length) <= to->room &&
	       (!to->plus || state_room(e->files->state) > STATE_UNDO_LOW);
}

void translator_dirent_add(struct translator_dirents *to, const char *name, size_t name_length,
			   uint64_t inode, unsigned int type, uint64_t next,
			   const struct translator_entry *entry)
{
	struct engine *e = to->engine;
	const struct fuse_dirent dirent = {
		.ino = inode, .off = next, .namelen = (uint32_t)name_length, .type = type
	};
	static const uint8_t zeroes[8];
	struct fuse_entry_out out = { 0 };
	size_t start = e->reply_size, size = dirent_size(to, name_length);

	if (to->plus) {
		if (entry)
			engine_entry(e, &out, entry);
		engine_reply(e, &out, sizeof(out));
	}
	engine_reply(e, &dirent, FUSE_NAME_OFFSET);
	engine_reply(e, name, name_length);
	engine_reply(e, zeroes, size - (e->reply_size - start));
}

int engine_opendir(struct engine *e)
{
	struct fuse_open_out out = { 0 };
	struct fuse_open_in in;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (!ENGINE_HAS(e, opendir))
		return -ENOSYS;
	rc = e->t->ops->opendir(e->t, e->in.nodeid, &out.fh);
	if (rc < 0)
		return rc;
	if (e->files->options.cache == FILES_CACHE_ALWAYS)
		out.open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
	engine_reply(e, &out, sizeof(out));
	return 0;
}

static int read_entries(struct engine *e, int plus)
{
	struct translator_dirents to = { .engine = e, .plus = plus };
	struct fuse_read_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (!ENGINE_HAS(e, readdir))
		return -ENOSYS;
	to.room = in.size < e->answer_room ? in.size : e->answer_room;
	if (to.room > FILES_REPLY_MAX)
		to.room = FILES_REPLY_MAX;
	return e->t->ops->readdir(e->t, e->in.nodeid, in.fh, in.offset, plus, &to);
}

int engine_readdir(struct engine *e)
{
	return read_entries(e, 0);
}

int engine_readdirplus(struct engine *e)
{
	return read_entries(e, 1);
}

int engine_releasedir(struct engine *e)
{
	struct fuse_release_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (ENGINE_HAS(e, releasedir))
		e->t->ops->releasedir(e->t, e->in.nodeid, in.fh);
	return 0;
}

int engine_fsyncdir(struct engine *e)
{
	struct fuse_fsync_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (!ENGINE_HAS(e, fsyncdir))
		return -ENOSYS;
	return e->t->ops->fsyncdir(e->t, e->in.nodeid, in.fh,
				   in.fsync_flags & FUSE_FSYNC_FDATASYNC);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names and attributes. Each function here carries out the FUSE operation of its name; what the
 * structures mean stands in linux/fuse.h.
 */
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "files/engine.h"

#define FOREVER 86400 /* seconds */

/* Newer than Debian 12's header. */
struct statx_in {
	uint32_t getattr_flags, reserved;
	uint64_t fh;
	uint32_t sx_flags, sx_mask;
};

struct statx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec, flags;
	uint64_t spare[2];
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare2[14];
};

_Static_assert(sizeof(struct statx_out) == 32 + 256, "as in the protocol");

/* --- what the guest may remember -------------------------------------------------------------- */

static uint64_t valid_for(const struct engine *e)
{
	switch (e->files->options.cache) {
	case FILES_CACHE_NONE:
		return 0;
	case FILES_CACHE_AUTO:
		return 1;
	case FILES_CACHE_ALWAYS:
		return FOREVER;
	}
	return 0;
}

void engine_attr(struct fuse_attr *to, const struct statx *from)
{
	*to = (struct fuse_attr){
		.ino = from->stx_ino,
		.size = from->stx_size,
		.blocks = from->stx_blocks,
		.atime = (uint64_t)from->stx_atime.tv_sec,
		.mtime = (uint64_t)from->stx_mtime.tv_sec,
		.ctime = (uint64_t)from->stx_ctime.tv_sec,
		.atimensec = from->stx_atime.tv_nsec,
		.mtimensec = from->stx_mtime.tv_nsec,
		.ctimensec = from->stx_ctime.tv_nsec,
		.mode = from->stx_mode,
		.nlink = from->stx_nlink,
		.uid = from->stx_uid,
		.gid = from->stx_gid,
		.rdev = (from->stx_rdev_minor & 0xff) | from->stx_rdev_major << 8 |
			(from->stx_rdev_minor & ~0xffu) << 12,
		.blksize = from->stx_blksize,
	};
}

void engine_entry(const struct engine *e, struct fuse_entry_out *to,
		  const struct translator_entry *from)
{
	*to = (struct fuse_entry_out){
		.nodeid = from->node,
		.generation = from->generation,
		.entry_valid = valid_for(e),
		.attr_valid = valid_for(e),
	};
	engine_attr(&to->attr, &from->attr);
}

void engine_attr_out(struct engine *e, const struct statx *attr)
{
	struct fuse_attr_out out = { .attr_valid = valid_for(e) };

	engine_attr(&out.attr, attr);
	engine_reply(e, &out, sizeof(out));
}

static int reply_entry(struct engine *e, int rc, const struct translator_entry *entry)
{
	struct fuse_entry_out out;

	if (rc < 0)
		return rc;
	engine_entry(e, &out, entry);
	engine_reply(e, &out, sizeof(out));
	return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

int engine_lookup(struct engine *e)
{
	struct translator_entry entry = { 0 };
	int rc;
	const char *name = engine_take_name(e, &rc);

	if (!name)
		return rc;
	rc = e->t->ops->lookup(e->t, e->in.nodeid, name, &entry);
	/* That there is nothing may be remembered too. */
	if (rc == -ENOENT && e->files->options.cache == FILES_CACHE_ALWAYS) {
		memset(&entry, 0, sizeof(entry));
		rc = 0;
	}
	return reply_entry(e, rc, &entry);
}

int engine_forget(struct engine *e)
{
	struct fuse_forget_in in;

	e->no_reply = 1;
	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (ENGINE_HAS(e, forget))
		e->t->ops->forget(e->t, e->in.nodeid, in.nlookup);
	return 0;
}

int engine_batch_forget(struct engine *e)
{
	struct state *state = e->files->state;
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;

	e->no_reply = 1;
	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || !ENGINE_HAS(e, forget))
		return -EINVAL;
	/* There may be more of them than can be undone: each one is finished by itself. */
	for (uint32_t i = 0; i < in.count && engine_take(e, &one, sizeof(one), sizeof(one)) == 0;
	     i++) {
		if (i < state->head->progress)
			continue;
		e->t->ops->forget(e->t, one.nodeid, one.nlookup);
		state_set32(state, &state->head->progress, i + 1);
		state_commit(state);
	}
	return 0;
}

int engine_symlink(struct engine *e)
{
	struct translator_entry entry = { 0 };
	const char *name, *target;
	int rc;

	name = engine_take_name(e, &rc);
	target = name ? engine_take_string(e) : NULL;
	if (!target)
		return rc < 0 ? rc : -EINVAL;
	if (!*target || strlen(target) >= PATH_MAX)
		return *target ? -ENAMETOOLONG : -ENOENT;
	if (!ENGINE_HAS(e, symlink))
		return -ENOSYS;
	return reply_entry(e, e->t->ops->symlink(e->t, e->in.nodeid, name, target, &entry), &entry);
}

int engine_mknod(struct engine *e)
{
	struct translator_entry entry = { 0 };
	struct fuse_mknod_in in;
	const char *name;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	name = engine_take_name(e, &rc);
	if (!name)
		return rc;
	if (!ENGINE_HAS(e, mknod))
		return -ENOSYS;
	return reply_entry(e,
			   e->t->ops->mknod(e->t, e->in.nodeid, name, in.mode,
					    makedev(in.rdev >> 8 & 0xfff,
						    (in.rdev & 0xff) | (in.rdev >> 12 & 0xfff00)),
					    &entry),
			   &entry);
}

int engine_mkdir(struct engine *e)
{
	struct translator_entry entry = { 0 };
	struct fuse_mkdir_in in;
	const char *name;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	name = engine_take_name(e, &rc);
	if (!name)
		return rc;
	if (!ENGINE_HAS(e, mkdir))
		return -ENOSYS;
	return reply_entry(e, e->t->ops->mkdir(e->t, e->in.nodeid, name, in.mode & 07777, &entry),
			   &entry);
}

int engine_link(struct engine *e)
{
	struct translator_entry entry = { 0 };
	struct fuse_link_in in;
	const char *name;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	name = engine_take_name(e, &rc);
	if (!name)
		return rc;
	if (!ENGINE_HAS(e, link))
		return -ENOSYS;
	return reply_entry(e, e->t->ops->link(e->t, in.oldnodeid, e->in.nodeid, name, &entry),
			   &entry);
}

int engine_unlink(struct engine *e)
{
	int rc;
	const char *name = engine_take_name(e, &rc);

	if (!name)
		return rc;
	return ENGINE_HAS(e, unlink) ? e->t->ops->unlink(e->t, e->in.nodeid, name) : -ENOSYS;
}

int engine_rmdir(struct engine *e)
{
	int rc;
	const char *name = engine_take_name(e, &rc);

	if (!name)
		return rc;
	return ENGINE_HAS(e, rmdir) ? e->t->ops->rmdir(e->t, e->in.nodeid, name) : -ENOSYS;
}

static int rename_to(struct engine *e, uint64_t to_parent, unsigned int flags)
{
	const char *name, *to;
	int rc;

	name = engine_take_name(e, &rc);
	to = name ? engine_take_name(e, &rc) : NULL;
	if (!to)
		return rc;
	if (!ENGINE_HAS(e, rename))
		return -ENOSYS;
	return e->t->ops->rename(e->t, e->in.nodeid, name, to_parent, to, flags);
}

int engine_rename(struct engine *e)
{
	struct fuse_rename_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	return rename_to(e, in.newdir, 0);
}

int engine_rename2(struct engine *e)
{
	struct fuse_rename2_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	return rename_to(e, in.newdir, in.flags);
}

int engine_readlink(struct engine *e)
{
	ssize_t n;

	if (!ENGINE_HAS(e, readlink))
		return -ENOSYS;
	n = e->t->ops->readlink(e->t, e->in.nodeid, (char *)e->reply,
				e->answer_room < PATH_MAX ? e->answer_room : PATH_MAX);
	if (n < 0)
		return (int)n;
	e->reply_size = (size_t)n;
	return 0;
}

/* --- attributes ------------------------------------------------------------------------------- */

int engine_getattr(struct engine *e)
{
	struct fuse_getattr_in in;
	struct statx attr;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	rc = e->t->ops->getattr(e->t, e->in.nodeid,
				in.getattr_flags & FUSE_GETATTR_FH ? in.fh : TRANSLATOR_NO_HANDLE,
				&attr);
	if (rc == 0)
		engine_attr_out(e, &attr);
	return rc;
}

static struct statx_time time_out(const struct statx_timestamp *t)
{
	return (struct statx_time){ t->tv_sec, t->tv_nsec, 0 };
}

int engine_statx(struct engine *e)
{
	struct statx_out out = { .attr_valid = valid_for(e) };
	struct statx_in in;
	struct statx a;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	rc = e->t->ops->getattr(e->t, e->in.nodeid,
				in.getattr_flags & FUSE_GETATTR_FH ? in.fh : TRANSLATOR_NO_HANDLE,
				&a);
	if (rc < 0)
		return rc;
	out.mask = a.stx_mask & (STATX_BASIC_STATS | STATX_BTIME);
	out.blksize = a.stx_blksize;
	out.nlink = a.stx_nlink;
	out.uid = a.stx_uid;
	out.gid = a.stx_gid;
	out.mode = a.stx_mode;
	out.ino = a.stx_ino;
	out.size = a.stx_size;
	out.blocks = a.stx_blocks;
	out.atime = time_out(&a.stx_atime);
	out.btime = time_out(&a.stx_btime);
	out.ctime = time_out(&a.stx_ctime);
	out.mtime = time_out(&a.stx_mtime);
	out.rdev_major = a.stx_rdev_major;
	out.rdev_minor = a.stx_rdev_minor;
	engine_reply(e, &out, sizeof(out));
	return 0;
}

static struct timespec time_in(uint64_t seconds, uint32_t nanoseconds, int now)
{
	struct timespec t = { (time_t)seconds, now ? UTIME_NOW : (long)nanoseconds };

	return t;
}

int engine_setattr(struct engine *e)
{
	struct translator_set set = { 0 };
	struct fuse_setattr_in in;
	struct statx attr;
	int rc;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || in.atimensec > 999999999 ||
	    in.mtimensec > 999999999 || in.size > INT64_MAX)
		return -EINVAL;
	if (!ENGINE_HAS(e, setattr))
		return -ENOSYS;
	set.what = (in.valid & FATTR_MODE ? TRANSLATOR_SET_MODE : 0) |
		   (in.valid & FATTR_UID ? TRANSLATOR_SET_UID : 0) |
		   (in.valid & FATTR_GID ? TRANSLATOR_SET_GID : 0) |
		   (in.valid & FATTR_SIZE ? TRANSLATOR_SET_SIZE : 0) |
		   (in.valid & (FATTR_ATIME | FATTR_ATIME_NOW) ? TRANSLATOR_SET_ATIME : 0) |
		   (in.valid & (FATTR_MTIME | FATTR_MTIME_NOW) ? TRANSLATOR_SET_MTIME : 0) |
		   (in.valid & FATTR_KILL_SUIDGID ? TRANSLATOR_SET_KILL_SUID : 0);
	set.mode = in.mode & 07777;
	set.uid = in.uid;
	set.gid = in.gid;
	set.size = in.size;
	set.atime = time_in(in.atime, in.atimensec, in.valid & FATTR_ATIME_NOW);
	set.mtime = time_in(in.mtime, in.mtimensec, in.valid & FATTR_MTIME_NOW);
	rc = e->t->ops->setattr(e->t, e->in.nodeid,
				in.valid & FATTR_FH ? in.fh : TRANSLATOR_NO_HANDLE, &set, &attr);
	if (rc == 0)
		engine_attr_out(e, &attr);
	return rc;
}

/* --- extended attributes ---------------------------------------------------------------------- */

int engine_setxattr(struct engine *e)
{
	struct fuse_setxattr_in in;
	const char *name;

	/* Without FUSE_SETXATTR_EXT, of which we did not ask, the structure is its old self. */
	if (engine_take(e, &in, FUSE_COMPAT_SETXATTR_IN_SIZE, FUSE_COMPAT_SETXATTR_IN_SIZE) < 0)
		return -EINVAL;
	name = engine_take_string(e);
	if (!name || in.size > XATTR_SIZE_MAX || in.size > e->args_size - e->args_used)
		return -EINVAL;
	if (!ENGINE_HAS(e, setxattr))
		return -ENOSYS;
	return e->t->ops->setxattr(e->t, e->in.nodeid, name, e->args + e->args_used, in.size,
				   (int)in.flags);
}

/* Size 0 asks how much room is needed. */
static int reply_xattr(struct engine *e, ssize_t n, uint32_t asked)
{
	struct fuse_getxattr_out out = { .size = (uint32_t)n };

	if (n < 0)
		return (int)n;
	if (asked == 0)
		engine_reply(e, &out, sizeof(out));
	else
		e->reply_size = (size_t)n;
	return 0;
}

static size_t xattr_room(const struct engine *e, uint32_t asked)
{
	size_t room = asked < e->answer_room ? asked : e->answer_room;

	return asked == 0 ? 0 : room < FILES_REPLY_MAX ? room : FILES_REPLY_MAX;
}

int engine_getxattr(struct engine *e)
{
	struct fuse_getxattr_in in;
	const char *name;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0 || !(name = engine_take_string(e)))
		return -EINVAL;
	if (!ENGINE_HAS(e, getxattr))
		return -ENOSYS;
	return reply_xattr(
		e, e->t->ops->getxattr(e->t, e->in.nodeid, name, e->reply, xattr_room(e, in.size)),
		in.size);
}

int engine_listxattr(struct engine *e)
{
	struct fuse_getxattr_in in;

	if (engine_take(e, &in, sizeof(in), sizeof(in)) < 0)
		return -EINVAL;
	if (!ENGINE_HAS(e, listxattr))
		return -ENOSYS;
	return reply_xattr(
		e,
		e->t->ops->listxattr(e->t, e->in.nodeid, (char *)e->reply, xattr_room(e, in.size)),
		in.size);
}

int engine_removexattr(struct engine *e)
{
	const char *name = engine_take_string(e);

	if (!name)
		return -EINVAL;
	return ENGINE_HAS(e, removexattr) ? e->t->ops->removexattr(e->t, e->in.nodeid, name)
					  : -ENOSYS;
}

int engine_statfs(struct engine *e)
{
	struct fuse_statfs_out out = { 0 };
	struct statvfs st;
	int rc;

	if (!ENGINE_HAS(e, statfs))
		return -ENOSYS;
	rc = e->t->ops->statfs(e->t, e->in.nodeid, &st);
	if (rc < 0)
		return rc;
	out.st = (struct fuse_kstatfs){
		.blocks = st.f_blocks,
		.bfree = st.f_bfree,
		.bavail = st.f_bavail,
		.files = st.f_files,
		.ffree = st.f_ffree,
		.bsize = (uint32_t)st.f_bsize,
		.namelen = (uint32_t)st.f_namemax,
		.frsize = (uint32_t)st.f_frsize,
	};
	engine_reply(e, &out, sizeof(out));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* FUSE requests straight into the engine, for tests. */
#include "files_guest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define STATE_SIZE (4 << 20)

void fg_start(struct fg *fg, enum dir_owners owners)
{
	const struct dir_options options = { .owners = owners };
	struct err err = ERR_INIT;

	if (state_open(&fg->state, fg->state_fd, 0, &err) < 0)
		fail_msg("%s", err.text);
	fg->files = (struct files){ &fg->translator, &fg->state, { .cache = FILES_CACHE_AUTO } };
	files_recover(&fg->files);
	if (dir_open(&fg->dir, &fg->translator, fcntl(fg->root_fd, F_DUPFD_CLOEXEC, 0), &fg->state,
		     &options, &err) < 0)
		fail_msg("%s", err.text);
}

void fg_stop(struct fg *fg)
{
	dir_close(fg->dir);
	fg->dir = NULL;
	state_close(&fg->state);
}

void fg_open(struct fg *fg, const char *base, enum dir_owners owners)
{
	const struct fuse_init_in init = { .major = 7, .minor = 38 };

	memset(fg, 0, sizeof(*fg));
	snprintf(fg->root, sizeof(fg->root), "%s/files-test-XXXXXX", base);
	assert_non_null(mkdtemp(fg->root));
	fg->root_fd = open(fg->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fg->root_fd >= 0);
	fg->state_fd = memfd_create("state", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fg->state_fd, STATE_SIZE), 0);
	umask(0);
	fg_start(fg, owners);
	assert_int_equal(fg_call(fg, FUSE_INIT, 0, &init, sizeof(init), NULL, 0), 0);
}

void fg_close(struct fg *fg)
{
	fg_stop(fg);
	fd_close(&fg->root_fd);
	fd_close(&fg->state_fd);
	fd_remove_tree(AT_FDCWD, fg->root, NULL);
}

int fg_call(struct fg *fg, uint32_t opcode, uint64_t node, const void *a, size_t a_size,
	    const void *b, size_t b_size)
{
	struct fuse_in_header in = { .len = (uint32_t)(sizeof(in) + a_size + b_size),
				     .opcode = opcode,
				     .unique = fg->again ? fg->unique : ++fg->unique,
				     .nodeid = node,
				     .uid = fg->uid,
				     .gid = fg->gid };
	struct fuse_out_header out = { 0 };
	struct iovec from[3] = { { &in, sizeof(in) },
				 { (void *)(uintptr_t)a, a_size },
				 { (void *)(uintptr_t)b, b_size } };
	struct iovec to[2] = { { &out, sizeof(out) }, { fg->out, sizeof(fg->out) } };
	struct virtio_request request = { .again = fg->again,
					  .in = from,
					  .in_count = 3,
					  .in_size = in.len,
					  .out = to,
					  .out_count = 2,
					  .out_size = sizeof(out) + sizeof(fg->out) };
	size_t size;

	fg->again = 0;
	size = files_handle(&fg->files, &request);
	state_commit(&fg->state);
	fg->answered = size != 0;
	fg->out_size = size ? size - sizeof(out) : 0;
	if (!size)
		return 0;
	assert_int_equal(out.len, size);
	assert_int_equal(out.unique, in.unique);
	assert_true(out.error <= 0 && out.error > -512);
	if (out.error)
		assert_int_equal(fg->out_size, 0);
	return out.error;
}

static int entry_out(struct fg *fg, int rc, uint64_t *node)
{
	struct fuse_entry_out out;

	if (rc < 0)
		return rc;
	assert_true(fg->out_size >= sizeof(out));
	memcpy(&out, fg->out, sizeof(out));
	if (node)
		*node = out.nodeid;
	return 0;
}

int fg_name(struct fg *fg, uint32_t opcode, uint64_t parent, const char *name)
{
	return fg_call(fg, opcode, parent, name, strlen(name) + 1, NULL, 0);
}

int fg_lookup(struct fg *fg, uint64_t parent, const char *name, uint64_t *node)
{
	return entry_out(fg, fg_name(fg, FUSE_LOOKUP, parent, name), node);
}

int fg_getattr(struct fg *fg, uint64_t node, struct fuse_attr *attr)
{
	const struct fuse_getattr_in in = { 0 };
	struct fuse_attr_out out;
	int rc = fg_call(fg, FUSE_GETATTR, node, &in, sizeof(in), NULL, 0);

	if (rc == 0 && attr) {
		memcpy(&out, fg->out, sizeof(out));
		*attr = out.attr;
	}
	return rc;
}

int fg_mkdir(struct fg *fg, uint64_t parent, const char *name, uint32_t mode, uint64_t *node)
{
	const struct fuse_mkdir_in in = { .mode = mode };

	return entry_out(
		fg, fg_call(fg, FUSE_MKDIR, parent, &in, sizeof(in), name, strlen(name) + 1), node);
}

int fg_mknod(struct fg *fg, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
	     uint64_t *node)
{
	const struct fuse_mknod_in in = { .mode = mode, .rdev = rdev };

	return entry_out(
		fg, fg_call(fg, FUSE_MKNOD, parent, &in, sizeof(in), name, strlen(name) + 1), node);
}

int fg_create(struct fg *fg, uint64_t parent, const char *name, uint32_t mode, uint32_t flags,
	      uint64_t *node, uint64_t *handle)
{
	const struct fuse_create_in in = { .mode = S_IFREG | mode, .flags = flags };
	struct fuse_open_out out;
	int rc;

	rc = entry_out(fg,
		       fg_call(fg, FUSE_CREATE, parent, &in, sizeof(in), name, strlen(name) + 1),
		       node);
	if (rc == 0 && handle) {
		memcpy(&out, fg->out + sizeof(struct fuse_entry_out), sizeof(out));
		*handle = out.fh;
	}
	return rc;
}

int fg_open_file(struct fg *fg, uint64_t node, uint32_t flags, uint64_t *handle)
{
	const struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out out;
	int rc = fg_call(fg, flags & O_DIRECTORY ? FUSE_OPENDIR : FUSE_OPEN, node, &in, sizeof(in),
			 NULL, 0);

	if (rc == 0) {
		memcpy(&out, fg->out, sizeof(out));
		*handle = out.fh;
	}
	return rc;
}

int fg_write(struct fg *fg, uint64_t node, uint64_t handle, uint64_t offset, const char *text,
	     uint32_t flags)
{
	const struct fuse_write_in in = {
		.fh = handle, .offset = offset, .size = (uint32_t)strlen(text), .flags = flags
	};
	struct fuse_write_out out;
	int rc = fg_call(fg, FUSE_WRITE, node, &in, sizeof(in), text, strlen(text));

	if (rc < 0)
		return rc;
	memcpy(&out, fg->out, sizeof(out));
	return (int)out.size;
}

int fg_read(struct fg *fg, uint64_t node, uint64_t handle, uint64_t offset, uint32_t size)
{
	const struct fuse_read_in in = { .fh = handle, .offset = offset, .size = size };
	int rc = fg_call(fg, FUSE_READ, node, &in, sizeof(in), NULL, 0);

	return rc < 0 ? rc : (int)fg->out_size;
}

int fg_rename(struct fg *fg, uint64_t parent, const char *name, uint64_t to_parent,
	      const char *to_name, uint32_t flags)
{
	const struct fuse_rename2_in in = { .newdir = to_parent, .flags = flags };
	char names[600];
	size_t first = strlen(name) + 1, second = strlen(to_name) + 1;

	memcpy(names, name, first);
	memcpy(names + first, to_name, second);
	return fg_call(fg, FUSE_RENAME2, parent, &in, sizeof(in), names, first + second);
}

int fg_symlink(struct fg *fg, uint64_t parent, const char *name, const char *target)
{
	return fg_call(fg, FUSE_SYMLINK, parent, name, strlen(name) + 1, target,
		       strlen(target) + 1);
}

int fg_link(struct fg *fg, uint64_t node, uint64_t parent, const char *name)
{
	const struct fuse_link_in in = { node };

	return fg_call(fg, FUSE_LINK, parent, &in, sizeof(in), name, strlen(name) + 1);
}

int fg_release(struct fg *fg, uint64_t node, uint64_t handle)
{
	const struct fuse_release_in in = { .fh = handle };

	return fg_call(fg, FUSE_RELEASE, node, &in, sizeof(in), NULL, 0);
}

void fg_forget(struct fg *fg, uint64_t node, uint64_t count)
{
	const struct fuse_forget_in in = { count };

	fg_call(fg, FUSE_FORGET, node, &in, sizeof(in), NULL, 0);
}

int fg_setattr(struct fg *fg, uint64_t node, const struct fuse_setattr_in *in,
	       struct fuse_attr *attr)
{
	struct fuse_attr_out out;
	int rc = fg_call(fg, FUSE_SETATTR, node, in, sizeof(*in), NULL, 0);

	if (rc == 0 && attr) {
		memcpy(&out, fg->out, sizeof(out));
		*attr = out.attr;
	}
	return rc;
}

int fg_setxattr(struct fg *fg, uint64_t node, const char *name, const char *value, uint32_t flags)
{
	struct {
		uint32_t size, flags;
	} in = { (uint32_t)strlen(value), flags };
	char rest[600];
	size_t n = strlen(name) + 1;

	memcpy(rest, name, n);
	memcpy(rest + n, value, in.size);
	return fg_call(fg, FUSE_SETXATTR, node, &in, sizeof(in), rest, n + in.size);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The translator `dir`: its beginning and its table; dir.h has the theory. */
#include "translators/dir.h"

#include <stdlib.h>
#include <unistd.h>

#include "translators/dir_room.h"

/* Everything that the guest held is gone. */
static void dir_reset(struct translator *t)
{
	struct dir *d = dir_of(t);

	for (uint32_t i = 1; i < d->area->handles.high; i++)
		if (d->handles[i].node && d->handles[i].kept && d->options.drop)
			d->options.drop(d->options.context, d->options.first_key + i);
	dir_fds_clear(d);
	state_clear_area(d->state);
	dir_table_open(d, NULL);
}

static const struct translator_ops dir_ops = {
	.name = "dir",
	.lookup = dir_lookup,
	.forget = dir_forget,
	.getattr = dir_getattr,
	.setattr = dir_setattr,
	.readlink = dir_readlink,
	.mknod = dir_mknod,
	.mkdir = dir_mkdir,
	.symlink = dir_symlink,
	.link = dir_link,
	.unlink = dir_unlink,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
	.open = dir_open_file,
	.create = dir_create,
	.tmpfile = dir_tmpfile,
	.release = dir_release,
	.read = dir_read,
	.write = dir_write,
	.fsync = dir_fsync,
	.lseek = dir_lseek,
	.fallocate = dir_fallocate,
	.copy = dir_copy,
	.opendir = dir_opendir,
	.readdir = dir_readdir,
	.releasedir = dir_release,
	.fsyncdir = dir_fsync,
	.getxattr = dir_getxattr,
	.listxattr = dir_listxattr,
	.setxattr = dir_setxattr,
	.removexattr = dir_removexattr,
	.statfs = dir_statfs,
	.syncfs = dir_syncfs,
	.reset = dir_reset,
};

int dir_open(struct dir **dir, struct translator *t, int root_fd, struct state *state,
	     const struct dir_options *options, struct err *err)
{
	struct dir *d = calloc(1, sizeof(*d));
	struct statx stx;
	int rc;

	if (!d)
		return err_sys(err, ENOMEM, "serving a directory");
	d->t = t;
	d->state = state;
	d->options = *options;
	d->uid = geteuid();
	d->gid = getegid();
	rc = dir_statx(root_fd, "", &stx);
	if (rc == 0 && !S_ISDIR(stx.stx_mode))
		rc = -ENOTDIR;
	if (rc < 0) {
		free(d);
		return err_sys(err, -rc, "the directory to serve");
	}
	d->root_device = dir_device(&stx);
	rc = dir_table_open(d, err);
	if (rc == 0)
		rc = dir_fds_open(d, root_fd, err);
	if (rc < 0) {
		free(d);
		return rc;
	}
	t->ops = &dir_ops;
	t->own = d;
	*dir = d;
	return 0;
}

void dir_restore(struct dir *d, unsigned int key, int fd)
{
	uint32_t index = key - d->options.first_key;

	if (key < d->options.first_key || index >= d->area->handles.high ||
	    !d->handles[index].node) {
		if (d->options.drop)
			d->options.drop(d->options.context, key);
		fd_close(&fd);
		return;
	}
	d->handle_fds[index] = fd + 1;
	d->handles[index].kept = 1;
}

void dir_close(struct dir *d)
{
	if (!d)
		return;
	dir_fds_close(d);
	free(d);
}

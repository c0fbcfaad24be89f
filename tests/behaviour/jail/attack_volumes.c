// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attempts to get beyond the volumes from inside them. The test has laid out in bait.volume: `file`,
 * `out` (a symbolic link to bait.path), `device` (if it may make one), `program` (executable).
 */
#include "attack.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int in_volume(const struct bait *b, const char *name, int flags)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", b->volume, name);
	return outcome(open(path, flags, 0600));
}

static int follow_link(const struct bait *b)
{
	return in_volume(b, "out", O_RDONLY);
}

static int climb_out(const struct bait *b)
{
	char up[512];

	snprintf(up, sizeof(up), "../../../../../../../..%s", b->path);
	return in_volume(b, up, O_RDONLY);
}

static int climb_from_open_volume(const struct bait *b)
{
	int fd = open(b->volume, O_RDONLY | O_DIRECTORY), rc;
	char up[512];

	if (fd < 0)
		return -errno;
	snprintf(up, sizeof(up), "../../../../../../../..%s", b->path);
	rc = outcome(openat(fd, up, O_RDONLY));
	close(fd);
	return rc;
}

static int open_device(const struct bait *b)
{
	return in_volume(b, "device", O_RDONLY);
}

static int make_device(const struct bait *b)
{
	char path[1024];
	int rc;

	snprintf(path, sizeof(path), "%s/made-device", b->volume);
	rc = outcome(mknod(path, S_IFCHR | 0600, makedev(1, 1)));
	unlink(path);
	return rc;
}

static int change_read_only_volume(const struct bait *b)
{
	char path[1024];
	int rc;

	snprintf(path, sizeof(path), "%s/new", b->volume_ro);
	rc = outcome(open(path, O_CREAT | O_RDWR, 0600));
	unlink(path);
	return rc;
}

static int write_read_only_file(const struct bait *b)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/file", b->volume_ro);
	return outcome(open(path, O_RDWR));
}

static int change_read_only_mode(const struct bait *b)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/file", b->volume_ro);
	return outcome(chmod(path, 0666));
}

static int make_in_root(const struct bait *b)
{
	int rc = outcome(mkdir("/made", 0700));

	rmdir("/made");
	return rc;
}

static int give_away(const struct bait *b)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/file", b->volume);
	return outcome(chown(path, 1, 1));
}

static int execute_in_volume(const struct bait *b)
{
	char *const argv[] = { (char *)(uintptr_t)"intruder", NULL };
	char path[1024];

	snprintf(path, sizeof(path), "%s/program", b->volume);
	return outcome(syscall(SYS_execveat, AT_FDCWD, path, argv, argv + 1, AT_EMPTY_PATH));
}

static int mount_over_volume(const struct bait *b)
{
	int rc = outcome(mount("none", b->volume, "tmpfs", 0, NULL));

	if (rc == 0)
		umount2(b->volume, MNT_DETACH);
	return rc;
}

static int read_file(const struct bait *b)
{
	return in_volume(b, "file", O_RDONLY);
}

static int make_and_remove(const struct bait *b)
{
	char path[1024], other[1024];
	int rc;

	snprintf(path, sizeof(path), "%s/made", b->volume);
	snprintf(other, sizeof(other), "%s/moved", b->volume);
	rc = outcome(mkdir(path, 0700));
	if (rc == 0)
		rc = outcome(rename(path, other));
	return rc == 0 ? outcome(rmdir(other)) : rc;
}

static int write_file(const struct bait *b)
{
	int rc = in_volume(b, "written", O_CREAT | O_EXCL | O_RDWR | O_TRUNC);
	char path[1024];

	snprintf(path, sizeof(path), "%s/written", b->volume);
	return rc == 0 ? outcome(unlink(path)) : rc;
}

static int read_read_only_volume(const struct bait *b)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/file", b->volume_ro);
	return outcome(open(path, O_RDONLY));
}

const struct attack rights_in_volumes[] = {
	{ "read a file of a volume", read_file, VOLUMES, UNKNOWN, UNKNOWN },
	{ "write a file of a volume", write_file, VOLUMES, UNKNOWN, UNKNOWN },
	{ "make, move and remove a directory in a volume", make_and_remove, VOLUMES, UNKNOWN,
	  UNKNOWN },
	{ "read a file of a read-only volume", read_read_only_volume, VOLUMES, UNKNOWN, UNKNOWN },
	{ 0 },
};

/* The last of them ends the program if it works. */
const struct attack attacks_through_volumes[] = {
	{ "follow a link out of a volume", follow_link, VOLUMES, WORKS, WORKS },
	{ "climb out of a volume", climb_out, VOLUMES, WORKS, WORKS },
	{ "climb out of an open volume", climb_from_open_volume, VOLUMES, WORKS, WORKS },
	{ "open a device in a volume", open_device, VOLUMES, WORKS, UNKNOWN },
	{ "make a device in a volume", make_device, VOLUMES, WORKS, UNKNOWN },
	{ "make a file in a read-only volume", change_read_only_volume, VOLUMES, WORKS, WORKS },
	{ "write a file of a read-only volume", write_read_only_file, VOLUMES, WORKS, WORKS },
	{ "change permissions in a read-only volume", change_read_only_mode, VOLUMES, WORKS, WORKS },
	{ "make a directory beside the volumes", make_in_root, VOLUMES, WORKS, UNKNOWN },
	{ "give a file to another user", give_away, VOLUMES, WORKS, UNKNOWN },
	{ "mount over a volume", mount_over_volume, VOLUMES, WORKS, UNKNOWN },
	{ "execute a program of a volume", execute_in_volume, VOLUMES, WORKS, WORKS },
	{ 0 },
};

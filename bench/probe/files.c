// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines about files: of the line's directory, and /dev/zero and /dev/null. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/probe/probe.h"

#define SMALL 1
#define LARGE 65536
#define CREATED_SIZE 10240
#define CREATED_MOST 256

static char buffer[LARGE];
static int fd = -1;

static int file_open(void)
{
	fd = open("here", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 || write(fd, buffer, LARGE) != LARGE ? -errno : 0;
}

static int zero_open(void)
{
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static int null_open(void)
{
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static int transfer(unsigned runs, size_t size, ssize_t (*call)(size_t size))
{
	while (runs--) {
		ssize_t done = call(size);

		if (done != (ssize_t)size)
			return done < 0 ? -errno : -EIO;
	}
	return 0;
}

static ssize_t call_read(size_t size)
{
	return read(fd, buffer, size);
}
static ssize_t call_write(size_t size)
{
	return write(fd, buffer, size);
}
static ssize_t call_pread(size_t size)
{
	return pread(fd, buffer, size, 0);
}
static ssize_t call_pwrite(size_t size)
{
	return pwrite(fd, buffer, size, 0);
}

static int read_small(unsigned runs)
{
	return transfer(runs, SMALL, call_read);
}
static int read_large(unsigned runs)
{
	return transfer(runs, LARGE, call_read);
}
static int write_small(unsigned runs)
{
	return transfer(runs, SMALL, call_write);
}
static int pread_small(unsigned runs)
{
	return transfer(runs, SMALL, call_pread);
}
static int pread_large(unsigned runs)
{
	return transfer(runs, LARGE, call_pread);
}
static int pwrite_small(unsigned runs)
{
	return transfer(runs, SMALL, call_pwrite);
}
static int pwrite_large(unsigned runs)
{
	return transfer(runs, LARGE, call_pwrite);
}

/* --- names ----------------------------------------------------------------------------------- */

static int stat_run(unsigned runs)
{
	struct stat status;

	while (runs--)
		if (stat("here", &status) < 0)
			return -errno;
	return 0;
}

static int open_run(unsigned runs)
{
	while (runs--) {
		int opened = open("here", O_RDONLY | O_CLOEXEC);

		if (opened < 0 || close(opened) < 0)
			return -errno;
	}
	return 0;
}

static int create_run(unsigned runs)
{
	char name[16];

	while (runs--) {
		int made;

		snprintf(name, sizeof(name), "%u", runs);
		made = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (made < 0 || write(made, buffer, CREATED_SIZE) != CREATED_SIZE ||
		    close(made) < 0)
			return -errno;
	}
	return 0;
}

static int unlink_run(unsigned runs)
{
	char name[16];

	while (runs--) {
		snprintf(name, sizeof(name), "%u", runs);
		if (unlink(name) < 0)
			return -errno;
	}
	return 0;
}

const struct probe_line probe_files[] = {
	{ "read-1", "read 1 byte of a file", .open = file_open, .run = pread_small },
	{ "read-64k", "read 64 KB of a file", .open = file_open, .run = pread_large },
	{ "write-1", "write 1 byte of a file", .open = file_open, .run = pwrite_small },
	{ "write-64k", "write 64 KB of a file", .open = file_open, .run = pwrite_large },
	{ "read-zero-1", "read 1 byte of /dev/zero", .open = zero_open, .run = read_small },
	{ "read-zero-64k", "read 64 KB of /dev/zero", .open = zero_open, .run = read_large },
	{ "write-null-1", "write 1 byte to /dev/null", .open = null_open, .run = write_small },
	{ "stat", "stat() of a file", .open = file_open, .run = stat_run },
	{ "open-close", "open() and close() of a file", .open = file_open, .run = open_run },
	{ "create-10k", "make a file of 10 KB", CREATED_MOST, .open = file_open, .run = create_run,
	  .finish = unlink_run },
	{ "unlink", "remove a file of 10 KB", CREATED_MOST, .open = file_open,
	  .prepare = create_run, .run = unlink_run },
	{ 0 },
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock-mkimage: a tar archive or a directory becomes a read-only root image.
 *
 *	hillock-mkimage [-r FD] [-s DEVICE:INODE] tar|tree SOURCE OUTPUT
 *
 * SOURCE and OUTPUT are paths, or `fd:N` for a descriptor that the caller opened; `-` as SOURCE
 * is standard input. With -r the course of things is told in lines on descriptor FD:
 *	progress FILES BYTES INPUT
 *	done FILES BYTES BLOCKS
 *	error ERRNO TEXT
 *	hint TEXT
 * and without it an error goes to standard error. -s leaves one directory of a tree out.
 *
 * A program apart from hillock, because it needs libraries that hillock does not, and because it
 * reads what strangers made: it opens what it needs, jails itself for good (jail.h), and only
 * then reads.
 */
#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/mkimage/ext4.h"
#include "image/mkimage/jail.h"
#include "image/mkimage/scan.h"
#include "image/mkimage/tar.h"

#define REPORT_EVERY_MS 100

struct job {
	int from_tar, report_fd, source_fd, out_fd;
	dev_t skip_dev;
	ino_t skip_ino;
	uint32_t files;
	uint64_t last_report;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void report_progress(void *context, uint32_t files, uint64_t bytes, uint64_t input)
{
	struct job *job = context;
	uint64_t now = now_ms();

	job->files = files;
	if (job->report_fd < 0 || now - job->last_report < REPORT_EVERY_MS)
		return;
	job->last_report = now;
	dprintf(job->report_fd, "progress %u %llu %llu\n", files, (unsigned long long)bytes,
		(unsigned long long)input);
}

/* One line, whatever a file's name holds. */
static void one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static int report_error(const struct job *job, struct err *err)
{
	one_line(err->text);
	if (job->report_fd < 0) {
		fprintf(stderr, "hillock-mkimage: %s\n", err->text);
		return 1;
	}
	dprintf(job->report_fd, "error %d %s\n", err->code, err->text);
	if (err->hint[0])
		dprintf(job->report_fd, "hint %s\n", err->hint);
	return 1;
}

/* Opens a path, or takes a descriptor over. */
static int open_argument(const char *text, int flags, struct err *err)
{
	char *end;
	long n;
	int fd;

	if (!strcmp(text, "-"))
		return STDIN_FILENO;
	if (strncmp(text, "fd:", 3) != 0) {
		fd = open(text, flags | O_CLOEXEC | O_NOCTTY, 0644);
		return fd < 0 ? err_sys(err, errno, "%s", text) : fd;
	}
	n = strtol(text + 3, &end, 10);
	if (*end || end == text + 3 || n < 0 || n > 1 << 20 || fcntl((int)n, F_GETFD) < 0)
		return err_set(err, EBADF, "%s: not an open descriptor", text);
	return (int)n;
}

/* Whoever writes the archive should not be told that nobody listens: it may end in padding. */
static void drain(int fd)
{
	char rest[4096];

	while (read(fd, rest, sizeof(rest)) > 0)
		;
}

static int read_source(struct job *job, struct fs_tree *tree, struct scan_spec *scan,
		       struct err *err)
{
	struct archive *archive = NULL;
	int rc;

	if (job->from_tar && !(archive = tar_open()))
		return err_sys(err, ENOMEM, "making an image");
	rc = jail_enter(job->from_tar ? -1 : job->source_fd, err);
	if (rc == 0 && job->from_tar) {
		rc = tar_read(tree, archive, job->source_fd, scan->progress, err);
		if (rc == 0)
			drain(job->source_fd);
	} else if (rc == 0) {
		rc = scan_read(tree, scan, err);
	}
	archive_read_free(archive);
	return rc;
}

static int make(struct job *job, struct err *err)
{
	const struct fs_progress progress = { .report = report_progress, .context = job };
	struct scan_spec scan = { .progress = &progress,
				  .top_fd = job->source_fd,
				  .skip_dev = job->skip_dev,
				  .skip_ino = job->skip_ino };
	struct ext4_result result;
	struct fs_tree tree;
	int rc = fs_tree_init(&tree, job->out_fd, err);

	if (rc < 0)
		return rc;
	if (!job->from_tar)
		idmap_load(&scan.users, &scan.groups);
	rc = read_source(job, &tree, &scan, err);
	if (rc == 0)
		rc = ext4_finish(&tree, &result, err);
	if (rc == 0 && job->report_fd >= 0)
		dprintf(job->report_fd, "done %u %llu %llu\n", result.files,
			(unsigned long long)tree.bytes, (unsigned long long)result.blocks);
	fs_tree_free(&tree);
	return rc;
}

static int usage(void)
{
	fputs("usage: hillock-mkimage [-r FD] [-s DEVICE:INODE] tar|tree SOURCE OUTPUT\n"
	      "example: hillock-mkimage tar rootfs.tar.xz root.ext4\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct job job = { .report_fd = -1 };
	unsigned long long dev, ino;
	struct err err = ERR_INIT;
	int opt;

	/* Names in archives are UTF-8 or bytes; in the plain C locale libarchive would balk. */
	setlocale(LC_CTYPE, "C.UTF-8");
	while ((opt = getopt(argc, argv, "r:s:")) != -1) {
		if (opt == 'r') {
			job.report_fd = atoi(optarg);
		} else if (opt == 's' && sscanf(optarg, "%llu:%llu", &dev, &ino) == 2) {
			job.skip_dev = (dev_t)dev;
			job.skip_ino = (ino_t)ino;
		} else {
			return usage();
		}
	}
	if (argc - optind != 3)
		return usage();
	job.from_tar = !strcmp(argv[optind], "tar");
	if (!job.from_tar && strcmp(argv[optind], "tree") != 0)
		return usage();
	job.source_fd =
		open_argument(argv[optind + 1], O_RDONLY | (job.from_tar ? 0 : O_DIRECTORY), &err);
	if (job.source_fd < 0)
		return report_error(&job, &err);
	job.out_fd = open_argument(argv[optind + 2], O_RDWR | O_CREAT | O_TRUNC, &err);
	if (job.out_fd < 0 || make(&job, &err) < 0)
		return report_error(&job, &err);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packs the initramfs: `pack INIT OUT.cpio`. Runs while Hillock is built.
 *
 * Theory of operation
 * -------------------
 * The kernel takes a cpio archive in the "newc" form: for each file a header of 6 + 13 * 8
 * hexadecimal digits, the name with its NUL, the content, each of the two padded to 4 bytes; an
 * entry named TRAILER!!! ends it. Owners, devices and times are plain numbers in there, so no
 * privilege is needed and the same input gives the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INIT_MAX (1024 * 1024)

static FILE *out;
static unsigned long written, inode;

static void emit(const void *data, size_t size)
{
	if (size && fwrite(data, 1, size, out) != size) {
		perror("pack: writing");
		exit(1);
	}
	written += size;
}

static void pad(void)
{
	static const char zeros[4];

	emit(zeros, (4 - written % 4) % 4);
}

static void entry(const char *name, unsigned mode, const void *data, size_t size, unsigned major,
		  unsigned minor)
{
	char header[6 + 13 * 8 + 1];

	/* magic, inode, mode, uid, gid, links, mtime, size, device (2), node (2), name, check */
	snprintf(header, sizeof(header),
		 "070701%08lX%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ++inode, mode, 0, 0,
		 S_ISDIR(mode) ? 2 : 1, 0, (unsigned)size, 0, 0, major, minor,
		 (unsigned)strlen(name) + 1, 0);
	emit(header, sizeof(header) - 1);
	emit(name, strlen(name) + 1);
	pad();
	emit(data, size);
	pad();
}

int main(int argc, char *argv[])
{
	static const char *const directories[] = { "dev",   "proc", "lower",
						   "layer", "root", "volumes" };
	static char init[INIT_MAX];
	size_t size;
	FILE *in;

	if (argc != 3) {
		fprintf(stderr, "usage: %s INIT OUT.cpio\n", argv[0]);
		return 2;
	}
	in = fopen(argv[1], "rb");
	size = in ? fread(init, 1, sizeof(init), in) : 0;
	if (in)
		fclose(in);
	if (size == 0 || size == sizeof(init)) {
		fprintf(stderr, "pack: %s: cannot be read, or is larger than it should be\n",
			argv[1]);
		return 1;
	}
	out = fopen(argv[2], "wb");
	if (!out) {
		perror(argv[2]);
		return 1;
	}
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		entry(directories[i], S_IFDIR | 0755, NULL, 0, 0, 0);
	/* What the kernel opens for PID 1 before that can mount anything. */
	entry("dev/console", S_IFCHR | 0600, NULL, 0, 5, 1);
	entry("init", S_IFREG | 0755, init, size, 0, 0);
	entry("TRAILER!!!", 0, NULL, 0, 0, 0);
	if (fclose(out) != 0) {
		perror(argv[2]);
		return 1;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a file is, by its first bytes.
 *
 * Theory of operation
 * -------------------
 * Root images are recognised by the magic of their file systems, never by their names, and are
 * looked at just enough to refuse in words what the guest's kernel would refuse with a number: a
 * file that was cut off, a file system that needs its journal first. Everything else is named, so
 * that the error says what was given. Fields are read where the file systems' documentation has
 * them (ext4: "The Super Block"; EROFS: struct erofs_super_block), as little-endian bytes.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/room.h"

#define SUPERBLOCK 1024

static uint32_t get16(const unsigned char *at)
{
	return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t get32(const unsigned char *at)
{
	return get16(at) | get16(at + 2) << 16;
}

static const char *ext4_fault(const unsigned char *super, uint64_t file_size)
{
	const uint32_t needs_journal = 0x4, is_journal = 0x8, wide = 0x80;
	uint32_t incompat = get32(super + 96), shift = get32(super + 24);
	uint64_t blocks = get32(super + 4);

	if (incompat & wide)
		blocks |= (uint64_t)get32(super + 0x150) << 32;
	if (incompat & is_journal)
		return "it is only a journal";
	if (shift > 6 || blocks == 0 || blocks > UINT64_MAX >> 16)
		return "its superblock is damaged";
	if (file_size < blocks << (10 + shift))
		return "it is cut off: the file is shorter than its file system";
	if (incompat & needs_journal)
		return "it was not unmounted cleanly, and is not written to here: "
		       "run 'e2fsck -p' on it";
	return NULL;
}

static const char *erofs_fault(const unsigned char *super, uint64_t file_size)
{
	const uint32_t several_devices = 0x8, wide = 0x80;
	uint32_t incompat = get32(super + 80), shift = super[12];
	uint64_t blocks = get32(super + 36);

	if (incompat & several_devices)
		return "it is spread over several files";
	if (shift < 9 || shift > 16)
		return "its superblock is damaged";
	if (!(incompat & wide) && file_size < blocks << shift)
		return "it is cut off: the file is shorter than its file system";
	return NULL;
}

static int starts(const unsigned char *head, size_t size, size_t at, const char *magic,
		  size_t magic_size)
{
	return size >= at + magic_size && !memcmp(head + at, magic, magic_size);
}

void image_kind_find(const unsigned char *head, size_t head_size, uint64_t file_size,
		     struct image_kind *kind)
{
	static const struct {
		size_t at;
		const char *magic;
		size_t size;
		const char *what;
		int is_archive;
	} others[] = {
		{ 257, "ustar", 5, "a tar archive", 1 },
		{ 0, "\x1f\x8b", 2, "compressed with gzip", 1 },
		{ 0, "\3757zXZ", 5, "compressed with xz", 1 },
		{ 0, "\x28\xb5\x2f\xfd", 4, "compressed with zstd", 1 },
		{ 0, "BZh", 3, "compressed with bzip2", 1 },
		{ 0, "\x04\x22\x4d\x18", 4, "compressed with lz4", 1 },
		{ 0, "PK\x03\x04", 4, "a zip archive", 0 },
		{ 0, "070701", 6, "a cpio archive", 0 },
		{ 0, "!<arch>\n", 8, "an ar archive or Debian package", 0 },
		{ 0, "hsqs", 4, "a squashfs file system", 0 },
		{ 0, "QFI\xfb", 4, "a qcow2 disk", 0 },
		{ 0, "KDMV", 4, "a VMDK disk", 0 },
		{ 510, "\x55\xaa", 2, "a disk with partitions", 0 },
		{ 0, "XFSB", 4, "an XFS file system", 0 },
		{ 0, "\177ELF", 4, "a program", 0 },
		{ 0, "#!", 2, "a script", 0 },
	};
	const unsigned char *super = head + SUPERBLOCK;

	*kind = (struct image_kind){ .what = head_size ? "a file of an unknown kind" : "empty" };
	if (head_size >= SUPERBLOCK + 1024 && get16(super + 56) == 0xef53) {
		kind->type = "ext4";
		kind->what = "an ext4 file system";
		kind->fault = ext4_fault(super, file_size);
		return;
	}
	if (head_size >= SUPERBLOCK + 128 && get32(super) == 0xe0f5e1e2) {
		kind->type = "erofs";
		kind->what = "an EROFS file system";
		kind->fault = erofs_fault(super, file_size);
		return;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (starts(head, head_size, others[i].at, others[i].magic, others[i].size)) {
			kind->what = others[i].what;
			kind->is_archive = others[i].is_archive;
			return;
		}
	}
}

int image_kind_read(int fd, struct image_kind *kind, struct err *err)
{
	unsigned char head[IMAGE_HEAD_SIZE];
	size_t size = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "reading the file");
	while (size < sizeof(head)) {
		ssize_t n = pread(fd, head + size, sizeof(head) - size, (off_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "reading the file");
		if (n == 0)
			break;
		size += (size_t)n;
	}
	image_kind_find(head, size, (uint64_t)st.st_size, kind);
	return 0;
}

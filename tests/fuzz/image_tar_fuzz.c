// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tar archive from a stranger, all the way to an image.
 *
 * Headers get their check sum put right first: else nearly every change would end at it. What is
 * promised: whatever comes in, there is an image that is one, or an error with a text.
 */
#include <archive.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/mkimage/ext4.h"
#include "image/mkimage/tar.h"
#include "image/room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_headers(unsigned char *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size; at += 512) {
		unsigned sum = 8 * ' ';
		char text[8];

		if (memcmp(data + at + 257, "ustar", 5) != 0)
			continue;
		for (size_t i = 0; i < 512; i++)
			if (i < 148 || i >= 156)
				sum += data[at + i];
		snprintf(text, sizeof(text), "%06o", sum & 0777777);
		memcpy(data + at + 148, text, 7);
	}
}

static void check_image(int fd)
{
	struct image_kind kind;

	if (image_kind_read(fd, &kind, NULL) < 0 || !kind.type || kind.fault)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size ? size : 1);
	int fd = memfd_create("image", MFD_CLOEXEC), rc;
	struct archive *archive = tar_open();
	struct err err = ERR_INIT;
	struct ext4_result result;
	struct fs_tree tree;

	if (!copy || fd < 0 || !archive || fs_tree_init(&tree, fd, &err) < 0)
		abort();
	setlocale(LC_CTYPE, "C.UTF-8");
	memcpy(copy, data, size);
	mend_headers(copy, size);
	rc = tar_read_memory(&tree, archive, copy, size, &err);
	if (rc == 0)
		rc = ext4_finish(&tree, &result, &err);
	if (rc == 0)
		check_image(fd);
	else if (!err.text[0])
		abort();
	fs_tree_free(&tree);
	archive_read_free(archive);
	close(fd);
	free(copy);
	return 0;
}

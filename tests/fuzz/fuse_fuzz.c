// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FUSE requests of a hostile guest, one after the other, to an empty directory. The input: for
 * each request two bytes with its length, then the request from its header on. What is promised:
 * an answer that is as long as it says, or none; nothing beyond the directory.
 *
 * A file beside the directory, and a link to it inside, tell whether something got out: the file
 * must never change.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "files/files.h"
#include "translators/dir.h"

#define REQUESTS_MAX 32
#define ROOM 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char place[64];
static int place_fd = -1;

static void remove_place(void)
{
	fd_remove_tree(AT_FDCWD, place, NULL);
}

static void make_tree(void)
{
	int fd;

	if (place_fd < 0) {
		const char *tmp = getenv("TMPDIR");

		snprintf(place, sizeof(place), "%.40s/fuse-fuzz-XXXXXX", tmp ? tmp : "/tmp");
		if (!mkdtemp(place) || (place_fd = open(place, O_PATH | O_CLOEXEC)) < 0)
			abort();
		atexit(remove_place);
		umask(0);
		fd = openat(place_fd, "outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, "safe", 4) != 4)
			abort();
		close(fd);
	}
	if (fd_remove_tree(place_fd, "root", NULL) < 0 || mkdirat(place_fd, "root", 0755) < 0 ||
	    symlinkat("../outside", place_fd, "root/l") < 0)
		abort();
}

static void check_outside(void)
{
	struct stat st;
	char text[5] = "";
	int fd = openat(place_fd, "outside", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size != 4 || (st.st_mode & 07777) != 0600 ||
	    st.st_nlink != 1 || read(fd, text, 4) != 4 || strcmp(text, "safe") != 0)
		abort();
	close(fd);
}

static void request(struct files *files, const uint8_t *data, size_t size)
{
	static uint8_t out[ROOM];
	uint8_t *copy = malloc(size ? size : 1);
	struct iovec in_iov = { copy, size }, out_iov = { out, sizeof(out) };
	struct virtio_request r = { .in = &in_iov,
				    .in_count = 1,
				    .in_size = size,
				    .out = &out_iov,
				    .out_count = 1,
				    .out_size = sizeof(out) };
	struct fuse_out_header header;
	size_t n;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	n = files_handle(files, &r);
	state_commit(files->state);
	free(copy);
	if (n == 0)
		return;
	memcpy(&header, out, sizeof(header));
	if (n < sizeof(header) || n > sizeof(out) || header.len != n || header.error > 0 ||
	    header.error <= -512 || (header.error && n != sizeof(header)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuse_init_in init = { .major = 7, .minor = 38 };
	static const struct dir_options options = { .owners = DIR_OWNERS_ASIDE };
	struct {
		struct fuse_in_header header;
		struct fuse_init_in init;
	} first = { { .len = sizeof(first), .opcode = FUSE_INIT, .unique = 1 }, init };
	struct translator translator = { 0 };
	struct state state;
	struct files files = { .translator = &translator, .state = &state };
	struct err err = ERR_INIT;
	struct dir *dir;

	make_tree();
	if (state_open(&state, -1, 4 << 20, &err) < 0 ||
	    dir_open(&dir, &translator, openat(place_fd, "root", O_PATH | O_CLOEXEC), &state,
		     &options, &err) < 0)
		abort();
	request(&files, (const uint8_t *)&first, sizeof(first));
	for (int i = 0; i < REQUESTS_MAX && size > 2; i++) {
		size_t n = (size_t)data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (n > size)
			n = size;
		request(&files, data, n);
		data += n;
		size -= n;
	}
	files_reset(&files);
	dir_close(dir);
	state_close(&state);
	check_outside();
	return 0;
}

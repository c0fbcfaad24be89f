// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole reads and writes, files replaced at once, trees removed; the contracts stand in fd.h. */
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void fd_cleanup_close(int *fd)
{
	fd_close(fd);
}

void mem_cleanup_free(void *pointer_to_pointer)
{
	int saved = errno;

	free(*(void **)pointer_to_pointer);
	errno = saved;
}

ssize_t fd_read_full(int fd, void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, (const char *)buf + done, size - done);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				return -errno;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int fd_read_file(int dirfd, const char *name, size_t limit, char **data, size_t *size,
		 struct err *err)
{
	cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	cleanup_free char *buf = NULL;
	size_t room = 4096, used = 0;

	if (fd < 0)
		return err_sys(err, errno, "%s", name);
	for (;;) {
		char *grown;
		ssize_t n;

		if (room > limit + 1)
			room = limit + 1;
		grown = realloc(buf, room + 1);
		if (!grown)
			return err_sys(err, ENOMEM, "%s", name);
		buf = grown;
		n = fd_read_full(fd, buf + used, room - used);
		if (n < 0)
			return err_sys(err, (int)-n, "%s", name);
		used += (size_t)n;
		if (used > limit)
			return err_set(err, EFBIG, "%s: longer than %zu bytes", name, limit);
		if (used < room)
			break;
		room *= 2;
	}
	buf[used] = '\0';
	if (size)
		*size = used;
	*data = steal(&buf);
	return 0;
}

int fd_replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct err *err)
{
	cleanup_close int fd = -1;
	char tmp[300];
	int rc;

	if ((size_t)snprintf(tmp, sizeof(tmp), ".%s.%d", name, (int)getpid()) >= sizeof(tmp))
		return err_sys(err, ENAMETOOLONG, "%s", name);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(err, errno, "writing %s", name);
	rc = fd_write_full(fd, data, size);
	if (rc == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		rc = -errno;
	if (rc < 0) {
		unlinkat(dirfd, tmp, 0);
		return err_sys(err, -rc, "writing %s", name);
	}
	return 0;
}

int fd_set_nonblock(int fd, int on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

static int remove_below(int parent, const char *name, dev_t device, unsigned depth)
{
	cleanup_close int fd = -1;
	struct dirent *ent;
	struct stat st;
	int rc = 0;
	DIR *dir;

	if (depth > 1024)
		return -ELOOP;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != device)
		return -EXDEV;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	fd_steal(&fd);
	while (rc == 0 && (errno = 0, ent = readdir(dir))) {
		if (!strcmp(ent->d_name, ".") || !strcmp(ent->d_name, ".."))
			continue;
		if (unlinkat(dirfd(dir), ent->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM) {
			rc = -errno;
			break;
		}
		rc = remove_below(dirfd(dir), ent->d_name, device, depth + 1);
		if (rc == 0 && unlinkat(dirfd(dir), ent->d_name, AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			rc = -errno;
	}
	closedir(dir);
	return rc;
}

int fd_remove_tree(int dirfd, const char *name, struct err *err)
{
	struct stat st;
	int rc;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "removing %s", name);
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
			return err_sys(err, errno, "removing %s", name);
		return 0;
	}
	rc = remove_below(dirfd, name, st.st_dev, 0);
	if (rc == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = -errno;
	return rc < 0 ? err_sys(err, -rc, "removing %s", name) : 0;
}

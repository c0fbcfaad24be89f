// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store: where containers and their names lie; and the files that came with the program.
 *
 * Theory of operation
 * -------------------
 * The store belongs to one user and to nobody else: its root must be owned by whoever runs us and
 * must not be writable by others, or another user could put links where we write. Without a
 * usable home directory (`nobody` has none) it is /tmp/hillock-UID, where the name may have been
 * taken by a stranger before us; the same check finds that out, on the opened directory, and the
 * last component is never followed as a link.
 */
#include "container/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* mkdir -p, for what is below the first `keep` bytes of `path`. */
static int make_path(const char *path, size_t keep)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = keep + 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Opens `path` as a store's root, making it below its first `keep` bytes. */
static int open_root(const char *path, size_t keep, struct err *err)
{
	cleanup_close int fd = -1;
	struct stat st;
	int rc;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		rc = make_path(path, keep);
		if (rc < 0)
			return err_sys(err, -rc, "making the store %s", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(err, errno, "opening the store %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "the store %s", path);
	if (st.st_uid != geteuid())
		return err_set(err, EPERM, "the store %s belongs to user %u, not to user %u", path,
			       st.st_uid, geteuid());
	if (st.st_mode & 022)
		return err_set(err, EPERM, "the store %s may be written by others (mode %04o)",
			       path, st.st_mode & 07777);
	return fd_steal(&fd);
}

/* Finds the place; *path is new. Returns an open directory. */
static int find_root(const char *root, char **path, struct err *err)
{
	const char *chosen = root && *root ? root : getenv("HILLOCK_HOME");
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	int fd, rc = 0;

	*path = NULL;
	if (chosen && *chosen)
		rc = asprintf(path, "%s", chosen);
	else if (data && *data == '/')
		rc = asprintf(path, "%s/hillock", data);
	if (rc < 0)
		return err_sys(err, ENOMEM, "opening the store");
	if (*path) {
		fd = open_root(*path, 0, err);
		if (fd < 0)
			err_hint(err, "name a directory of your own with --root or $HILLOCK_HOME");
		return fd;
	}
	if (home && *home == '/') {
		if (asprintf(path, "%s/.local/share/hillock", home) < 0)
			return err_sys(err, ENOMEM, "opening the store");
		fd = open_root(*path, strlen(home), err);
		if (fd >= 0)
			return fd;
		free(steal(path));
	}
	if (asprintf(path, "/tmp/hillock-%u", geteuid()) < 0)
		return err_sys(err, ENOMEM, "opening the store");
	fd = open_root(*path, strlen("/tmp"), err);
	if (fd < 0)
		err_hint(err, "name a directory of your own with --root or $HILLOCK_HOME");
	return fd;
}

static int open_part(int parent, const char *name, const char *path, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
			return err_sys(err, errno, "making %s/%s", path, name);
		fd = openat(parent, name, flags);
	}
	return fd < 0 ? err_sys(err, errno, "opening %s/%s", path, name) : fd;
}

int container_store_open(struct container_store *store, const char *root, struct err *err)
{
	cleanup_free char *path = NULL;
	cleanup_close int fd = find_root(root, &path, err), containers = -1, names = -1;

	if (fd < 0)
		return fd;
	containers = open_part(fd, "containers", path, err);
	if (containers < 0)
		return containers;
	names = open_part(fd, "names", path, err);
	if (names < 0)
		return names;
	*store = (struct container_store){
		.fd = fd_steal(&fd),
		.containers_fd = fd_steal(&containers),
		.names_fd = fd_steal(&names),
		.path = steal(&path),
	};
	return 0;
}

void container_store_close(struct container_store *store)
{
	fd_close(&store->names_fd);
	fd_close(&store->containers_fd);
	fd_close(&store->fd);
	free(store->path);
	store->path = NULL;
}

/* --- what came with the program -------------------------------------------------------------- */

int container_libexec_path(const char *name, char *path, struct err *err)
{
	/* Installed beside bin/, or in a build tree, below the sources, beside cli/. */
	static const char *const places[] = { "../libexec/hillock", "../share/hillock", "../guest",
					      "../image",           "../bench",         "../cut",
					      ".",                  "../.." };
	const char *chosen = getenv("HILLOCK_LIBEXEC");
	char exe[PATH_MAX], *slash;
	ssize_t n;

	if (chosen && *chosen) {
		if (snprintf(path, PATH_MAX, "%s/%s", chosen, name) < PATH_MAX &&
		    access(path, R_OK) == 0)
			return 0;
	}
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return err_sys(err, errno, "finding %s: /proc/self/exe", name);
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (snprintf(path, PATH_MAX, "%s/%s/%s", exe, places[i], name) < PATH_MAX &&
		    access(path, R_OK) == 0)
			return 0;
	}
	err_set(err, ENOENT, "%s, which belongs to hillock, is not beside its program in %s", name,
		exe);
	err_hint(err, "install hillock again, or name the directory with $HILLOCK_LIBEXEC");
	return -ENOENT;
}

int container_libexec_open(const char *name, struct err *err)
{
	char path[PATH_MAX];
	int fd, rc = container_libexec_path(name, path, err);

	if (rc < 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "opening %s", path) : fd;
}

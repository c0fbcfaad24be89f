// SPDX-License-Identifier: GPL-2.0-or-later
/* Walks a directory tree; the contract stands in walk.h. */
#include "image/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

struct names {
	char **at;
	size_t count;
};

struct walker {
	struct walk *walk;
	char path[PATH_MAX];
	struct err *err;
};

static int walk_directory(struct walker *w, int fd, size_t path_size, void *own, unsigned depth);

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->at[i]);
	free(names->at);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(int dirfd, struct names *names)
{
	cleanup_close int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t room = 0;
	struct dirent *ent;
	int rc = 0;
	DIR *dir;

	if (fd < 0 || !(dir = fdopendir(fd)))
		return -errno;
	fd_steal(&fd);
	while (rc == 0 && (errno = 0, ent = readdir(dir))) {
		if (!strcmp(ent->d_name, ".") || !strcmp(ent->d_name, ".."))
			continue;
		if (names->count == room) {
			char **grown = reallocarray(names->at, room * 2 + 64, sizeof(char *));

			if (!grown) {
				rc = -ENOMEM;
				break;
			}
			names->at = grown;
			room = room * 2 + 64;
		}
		names->at[names->count] = strdup(ent->d_name);
		if (!names->at[names->count])
			rc = -ENOMEM;
		else
			names->count++;
	}
	if (rc == 0 && errno)
		rc = -errno;
	closedir(dir);
	if (rc == 0 && names->count)
		qsort(names->at, names->count, sizeof(char *), by_name);
	return rc;
}

/* Opens a directory unless something is mounted on it: then -EXDEV. */
static int open_below(int parent_fd, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS };
	long fd = syscall(SYS_openat2, parent_fd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int visit_directory(struct walker *w, struct walk_item *item, size_t path_size,
			   unsigned depth)
{
	int opened = open_below(item->parent_fd, item->name), foreign = opened == -EXDEV, rc;
	cleanup_close int fd = opened;

	if (foreign)
		fd = opened = openat(item->parent_fd, item->name,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (opened < 0)
		return err_sys(w->err, foreign ? errno : -opened, "%s", w->path);
	if (fstat(fd, &item->st) < 0)
		return err_sys(w->err, errno, "%s", w->path);
	if (item->st.st_dev == w->walk->skip_dev && item->st.st_ino == w->walk->skip_ino)
		return 0;
	item->fd = fd;
	rc = w->walk->visit(w->walk, item, w->err);
	if (rc != 0 || foreign)
		return rc;
	return walk_directory(w, fd, path_size, item->own, depth);
}

static int visit_link(struct walker *w, struct walk_item *item)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(item->parent_fd, item->name, target, sizeof(target));

	if (n < 0)
		return err_sys(w->err, errno, "%s", w->path);
	if ((size_t)n >= sizeof(target))
		return err_sys(w->err, ENAMETOOLONG, "%s", w->path);
	target[n] = '\0';
	item->target = target;
	return w->walk->visit(w->walk, item, w->err);
}

static int visit_name(struct walker *w, int fd, const char *name, size_t path_size, void *parent,
		      unsigned depth)
{
	struct walk_item item = { .path = w->path, .parent_fd = fd, .fd = -1, .parent = parent };
	size_t size = strlen(name), slash = path_size != 0;

	if (path_size + slash + size >= sizeof(w->path))
		return err_sys(w->err, ENAMETOOLONG, "%s/%s", w->path, name);
	if (slash)
		w->path[path_size] = '/';
	memcpy(w->path + path_size + slash, name, size + 1);
	item.name = w->path + path_size + slash;
	path_size += slash + size;
	if (fstatat(fd, name, &item.st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return err_sys(w->err, errno, "%s", w->path);
	if (S_ISDIR(item.st.st_mode))
		return visit_directory(w, &item, path_size, depth + 1);
	if (S_ISLNK(item.st.st_mode))
		return visit_link(w, &item);
	return w->walk->visit(w->walk, &item, w->err);
}

static int walk_directory(struct walker *w, int fd, size_t path_size, void *own, unsigned depth)
{
	struct names names = { 0 };
	int rc;

	if (depth > WALK_DEPTH_MAX)
		return err_set(w->err, ELOOP, "%s: more than %d directories deep", w->path,
			       WALK_DEPTH_MAX);
	rc = read_names(fd, &names);
	if (rc < 0)
		err_sys(w->err, -rc, "reading the directory %s", path_size ? w->path : ".");
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		rc = visit_name(w, fd, names.at[i], path_size, own, depth);
		w->path[path_size] = '\0';
	}
	names_free(&names);
	return rc;
}

int walk_tree(struct walk *walk, int top_fd, struct err *err)
{
	struct walker w = { .walk = walk, .err = err };
	struct walk_item top = { .path = w.path, .name = w.path, .parent_fd = -1, .fd = top_fd };
	int rc;

	if (fstat(top_fd, &top.st) < 0)
		return err_sys(err, errno, "reading the directory");
	rc = walk->visit(walk, &top, err);
	return rc ? rc : walk_directory(&w, top_fd, 0, top.own, 0);
}

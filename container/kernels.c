// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernels of a store.
 *
 * Theory of operation
 * -------------------
 * `kernels/NAME/linux` is a kernel and `kernels/NAME/kernel.json` says what made it; `default` is
 * a symbolic link to one of the names. kernel/build writes them. A package may bring some along
 * (libexec/hillock/kernels): they are used when the store has none of that name.
 */
#include "container/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

enum { KERNEL_JSON_MAX = 64 * 1024 };

/* The store's directory of kernels, or the installed one; -1 if there is none. */
static int open_directory(const struct container_store *store, int installed)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	char path[PATH_MAX];

	if (!installed)
		return openat(store->fd, "kernels", flags);
	if (container_libexec_path("kernels", path, NULL) < 0)
		return -1;
	return open(path, flags);
}

static int name_valid(const char *name)
{
	return *name && *name != '.' && strcmp(name, "default") != 0 && !strchr(name, '/') &&
	       strlen(name) < CONTAINER_NAME_MAX;
}

/* What `default` in this directory points at, as a name; empty if there is none. */
static void read_default(int dir_fd, char name[CONTAINER_NAME_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, "default", target, sizeof(target) - 1);
	const char *base;

	name[0] = '\0';
	if (n <= 0)
		return;
	target[n] = '\0';
	base = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	if (name_valid(base))
		strcpy(name, base);
}

/* --- opening --------------------------------------------------------------------------------- */

/* The default's name, of the store or the installation; empty if neither has one. */
static void default_name(const struct container_store *store, char name[CONTAINER_NAME_MAX])
{
	name[0] = '\0';
	for (int installed = 0; installed < 2 && !name[0]; installed++) {
		cleanup_close int dir = open_directory(store, installed);

		if (dir >= 0)
			read_default(dir, name);
	}
}

static int open_named(const struct container_store *store, const char *name)
{
	char path[CONTAINER_NAME_MAX + 16];
	int rc = -ENOENT;

	snprintf(path, sizeof(path), "%.*s/linux", CONTAINER_NAME_MAX, name);
	for (int installed = 0; installed < 2 && rc == -ENOENT; installed++) {
		cleanup_close int dir = open_directory(store, installed);
		int fd = dir < 0 ? -1 : openat(dir, path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		rc = -errno;
	}
	return rc;
}

static int no_such_kernel(const struct container_store *store, const char *name, struct err *err)
{
	struct container_kernel *list = NULL;
	size_t count = 0, used = 0;
	char have[256] = "none";

	container_kernel_list(store, &list, &count, NULL);
	for (size_t i = 0; i < count && used < sizeof(have); i++)
		used += (size_t)snprintf(have + used, sizeof(have) - used, "%s%s", i ? ", " : "",
					 list[i].name);
	free(list);
	if (*name)
		err_set(err, ENOENT, "no such kernel '%s' (have: %s)", name, have);
	else
		err_set(err, ENOENT, "there is no default kernel in %s/kernels (have: %s)",
			store->path, have);
	err_hint(err, "build one with 'hillock kernel build'%s",
		 count ? ", or name one with --kernel" : "");
	return -ENOENT;
}

int container_kernel_open(const struct container_store *store, const char *name,
			  char resolved[CONTAINER_NAME_MAX], struct err *err)
{
	int fd;

	if (name && strchr(name, '/')) {
		snprintf(resolved, CONTAINER_NAME_MAX, "%s", name);
		fd = open(name, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? err_sys(err, errno, "kernel %s", name) : fd;
	}
	if (!name || !strcmp(name, "default"))
		default_name(store, resolved);
	else
		snprintf(resolved, CONTAINER_NAME_MAX, "%s", name);
	fd = name_valid(resolved) ? open_named(store, resolved) : -ENOENT;
	if (fd >= 0)
		return fd;
	if (fd != -ENOENT && fd != -ENOTDIR)
		return err_sys(err, -fd, "kernel %s", resolved);
	return no_such_kernel(store, resolved, err);
}

/* --- listing --------------------------------------------------------------------------------- */

static void read_version(int dir_fd, const char *name, struct container_kernel *kernel)
{
	char path[CONTAINER_NAME_MAX + 16];
	cleanup_free char *text = NULL;
	struct json_object *o, *version;

	snprintf(path, sizeof(path), "%.*s/kernel.json", CONTAINER_NAME_MAX, name);
	if (fd_read_file(dir_fd, path, KERNEL_JSON_MAX, &text, NULL, NULL) < 0)
		return;
	o = json_tokener_parse(text);
	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, "version", &version) &&
	    json_object_is_type(version, json_type_string))
		snprintf(kernel->version, sizeof(kernel->version), "%s",
			 json_object_get_string(version));
	json_object_put(o);
}

/* Is there a kernel of that name, and not one that is listed already? */
static int describe(int dir_fd, const char *name, int installed,
		    const struct container_kernel *list, size_t count,
		    struct container_kernel *kernel)
{
	char path[CONTAINER_NAME_MAX + 16];
	struct stat st;

	if (!name_valid(name))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(list[i].name, name))
			return 0;
	}
	snprintf(path, sizeof(path), "%.*s/linux", CONTAINER_NAME_MAX, name);
	if (fstatat(dir_fd, path, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0;
	*kernel = (struct container_kernel){ .installed = installed, .size = (uint64_t)st.st_size };
	strcpy(kernel->name, name);
	read_version(dir_fd, name, kernel);
	return 1;
}

static int list_directory(int fd, int installed, struct container_kernel **list, size_t *count)
{
	DIR *dir = fdopendir(fd);
	struct dirent *ent;

	if (!dir) {
		close(fd);
		return -errno;
	}
	while ((ent = readdir(dir))) {
		struct container_kernel kernel, *grown;

		if (!describe(dirfd(dir), ent->d_name, installed, *list, *count, &kernel))
			continue;
		grown = realloc(*list, (*count + 1) * sizeof(**list));
		if (!grown)
			break;
		*list = grown;
		grown[(*count)++] = kernel;
	}
	closedir(dir);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct container_kernel *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int container_kernel_list(const struct container_store *store, struct container_kernel **list,
			  size_t *count, struct err *err)
{
	char chosen[CONTAINER_NAME_MAX];

	*list = NULL;
	*count = 0;
	for (int installed = 0; installed < 2; installed++) {
		int fd = open_directory(store, installed), rc;

		if (fd < 0)
			continue;
		rc = list_directory(fd, installed, list, count);
		if (rc < 0)
			return err_sys(err, -rc, "reading the kernels of %s", store->path);
	}
	default_name(store, chosen);
	for (size_t i = 0; i < *count; i++)
		(*list)[i].is_default = !strcmp((*list)[i].name, chosen);
	if (*count > 1)
		qsort(*list, *count, sizeof(**list), by_name);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Identities: directories, names and locks of containers, claimed and given back by any number
 * of processes at once. The rules of locking stand in container.h.
 *
 * Theory of operation
 * -------------------
 * A name is a symbolic link, so it comes into being with its content, in one step, or not at all.
 * It is only ever removed under the exclusive lock, after a second look at where it points: two
 * processes that both find a stale name cannot remove each other's new one.
 *
 * Removal renames the directory to `.gone-ID` under the lock and empties it afterwards: a large
 * layer takes a while to free, and nobody else should wait for that. What a crash leaves there is
 * swept by whoever comes next.
 */
#include "container/room.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define GONE_PREFIX ".gone-"

int claim_id_valid(const char *id)
{
	return strlen(id) == CONTAINER_ID_LENGTH &&
	       strspn(id, "0123456789abcdef") == CONTAINER_ID_LENGTH;
}

int claim_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (length < 2 || length > CONTAINER_NAME_MAX || !isalnum((unsigned char)name[0]))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return 0;
	}
	return 1;
}

static int random_id(char id[CONTAINER_ID_LENGTH + 1])
{
	uint8_t raw[CONTAINER_ID_LENGTH / 2];

	do {
		if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
			return -errno;
		for (size_t i = 0; i < sizeof(raw); i++)
			snprintf(id + 2 * i, 3, "%02x", raw[i]);
		/* A short ID of digits only would look like a number to the tools around us. */
	} while (strspn(id, "0123456789") >= CONTAINER_ID_SHORT);
	return 0;
}

static void random_name(char *name, size_t room, unsigned attempt)
{
	static const char *const first[] = {
		"amber",  "ancient", "bright", "broad",  "calm",  "chalky", "clear",  "dewy",
		"early",  "ferny",   "fresh",  "gentle", "green", "grassy", "heathy", "high",
		"hollow", "kind",    "late",   "little", "lofty", "lone",   "low",    "mossy",
		"muted",  "open",    "pale",   "quiet",  "round", "rugged", "sandy",  "shady",
		"silent", "slow",    "soft",   "steep",  "still", "stony",  "sunny",  "tall",
		"tidy",   "warm",    "wide",   "wild",   "windy", "wooded", "wry",    "young",
	};
	static const char *const second[] = {
		"bank",  "barrow", "beacon", "bluff", "bourne", "brae",  "burrow",  "cairn",
		"combe", "copse",  "crag",   "dale",  "dell",   "down",  "drumlin", "dune",
		"esker", "fell",   "fen",    "field", "ford",   "glade", "glen",    "grove",
		"heath", "holm",   "howe",   "kame",  "knoll",  "lea",   "mead",    "moor",
		"mound", "pass",   "peak",   "pike",  "ridge",  "rise",  "scarp",   "shaw",
		"slope", "spur",   "stone",  "tor",   "tump",   "vale",  "weald",   "wold",
	};
	uint16_t r[3] = { 0 };

	/* With no randomness the names collide, and the caller tries the next. */
	if (getrandom(r, sizeof(r), 0) < 0)
		r[0] = (uint16_t)attempt;
	snprintf(name, room, "%s_%s", first[r[0] % (sizeof(first) / sizeof(first[0]))],
		 second[r[1] % (sizeof(second) / sizeof(second[0]))]);
	if (attempt > 3)
		snprintf(name + strlen(name), room - strlen(name), "_%u", r[2]);
}

/* --- under the exclusive lock ---------------------------------------------------------------- */

static int read_name(const struct container_store *store, const char *name,
		     char id[CONTAINER_ID_LENGTH + 1])
{
	char target[CONTAINER_ID_LENGTH + 2];
	ssize_t n = readlinkat(store->names_fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (!claim_id_valid(target))
		return -EINVAL;
	memcpy(id, target, CONTAINER_ID_LENGTH + 1);
	return 0;
}

static void drop_name(const struct container_store *store, const char *name, const char *id)
{
	char found[CONTAINER_ID_LENGTH + 1];

	if (read_name(store, name, found) == 0 && !strcmp(found, id))
		unlinkat(store->names_fd, name, 0);
}

/* Is there a container of this ID that somebody may still want? */
static int is_wanted(const struct container_store *store, const char *id)
{
	cleanup_close int dir =
		openat(store->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int lock = -1;
	struct container_config config = { 0 };
	int rc, wanted;

	if (dir < 0)
		return errno != ENOENT;
	lock = openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0 ? errno != ENOENT : flock(lock, LOCK_SH | LOCK_NB) < 0)
		return 1;
	rc = config_read(dir, &config, NULL);
	if (rc < 0) /* what cannot be read may be wanted; what was never written is not */
		return rc != -ENOENT;
	wanted = !config.auto_remove;
	container_config_free(&config);
	return wanted;
}

/* Makes a directory invisible; it is emptied later. */
static int hide(const struct container_store *store, const char *id, char gone[96])
{
	snprintf(gone, 96, GONE_PREFIX "%.*s", CONTAINER_ID_LENGTH, id);
	return renameat(store->containers_fd, id, store->containers_fd, gone) < 0 ? -errno : 0;
}

/* --- claiming -------------------------------------------------------------------------------- */

/*
 * The name exists. Removes it if it is nobody's; 0 if it is worth another try. Takes the lock
 * exclusively and leaves it shared, as it came.
 */
static int contest_name(const struct container_store *store, const char *name, struct err *err)
{
	char id[CONTAINER_ID_LENGTH + 1], gone[96] = "";
	int rc;

	if (flock(store->containers_fd, LOCK_EX) < 0)
		return err_sys(err, errno, "locking %s", store->path);
	rc = read_name(store, name, id);
	if (rc == -ENOENT) {
		rc = 0;
	} else if (rc < 0) {
		rc = err_set(err, EEXIST, "%s/names/%s is in the way: it is no container's name",
			     store->path, name);
	} else if (is_wanted(store, id)) {
		rc = err_set(err, EEXIST, "the name \"%s\" is already in use by container %.*s",
			     name, CONTAINER_ID_SHORT, id);
		err_hint(err, "remove that one with 'hillock rm %s', or choose another name", name);
	} else {
		drop_name(store, name, id);
		if (hide(store, id, gone) == 0)
			guard_cgroup_discard(id);
	}
	flock(store->containers_fd, LOCK_SH);
	if (*gone)
		fd_remove_tree(store->containers_fd, gone, NULL);
	return rc;
}

static int take_name(const struct container_store *store, struct container_config *config,
		     struct err *err)
{
	int made_up = !config->name[0];

	for (unsigned attempt = 0; attempt < 32; attempt++) {
		int rc;

		if (made_up)
			random_name(config->name, sizeof(config->name), attempt);
		if (symlinkat(config->id, store->names_fd, config->name) == 0)
			return 0;
		if (errno != EEXIST)
			return err_sys(err, errno, "taking the name %s in %s/names", config->name,
				       store->path);
		if (made_up)
			continue;
		rc = contest_name(store, config->name, err);
		if (rc < 0)
			return rc;
	}
	return err_set(err, EBUSY, "the name %s is taken again and again", config->name);
}

static int make_directory(const struct container_store *store, const char *id, int *dir_fd,
			  int *lock_fd, struct err *err)
{
	static const char no_code[] = { '\n', '\n', '\n', '\n' };
	cleanup_close int dir = -1, lock = -1;

	if (mkdirat(store->containers_fd, id, 0700) < 0)
		return err_sys(err, errno, "making a container in %s/containers", store->path);
	dir = openat(store->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, errno, "opening a container in %s/containers", store->path);
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return err_sys(err, errno, "locking a new container in %s/containers", store->path);
	/* Room for the exit code, so that a disk that is full by then can take it. */
	if (write(lock, no_code, sizeof(no_code)) != (ssize_t)sizeof(no_code))
		return err_sys(err, errno ? errno : ENOSPC, "making a container in %s/containers",
			       store->path);
	*dir_fd = fd_steal(&dir);
	*lock_fd = fd_steal(&lock);
	return 0;
}

int claim_create(const struct container_store *store, struct container_config *config, int *dir_fd,
		 int *lock_fd, struct err *err)
{
	cleanup_close int dir = -1, lock = -1;
	int rc;

	if (config->name[0] && !claim_name_valid(config->name))
		return err_set(err, EINVAL,
			       "invalid container name (%s): only [a-zA-Z0-9][a-zA-Z0-9_.-]+, at "
			       "most %d characters",
			       config->name, CONTAINER_NAME_MAX);
	rc = random_id(config->id);
	if (rc < 0)
		return err_sys(err, -rc, "making up an ID");
	if (flock(store->containers_fd, LOCK_SH) < 0)
		return err_sys(err, errno, "locking %s/containers", store->path);
	rc = make_directory(store, config->id, &dir, &lock, err);
	if (rc == 0)
		rc = take_name(store, config, err);
	flock(store->containers_fd, LOCK_UN);
	if (rc < 0) {
		fd_remove_tree(store->containers_fd, config->id, NULL);
		return rc;
	}
	*dir_fd = fd_steal(&dir);
	*lock_fd = fd_steal(&lock);
	return 0;
}

int claim_remove(const struct container_store *store, const char *id, const char *name,
		 struct err *err)
{
	char gone[96];
	int rc;

	if (flock(store->containers_fd, LOCK_EX) < 0)
		return err_sys(err, errno, "locking %s/containers", store->path);
	if (*name)
		drop_name(store, name, id);
	rc = hide(store, id, gone);
	flock(store->containers_fd, LOCK_UN);
	if (rc < 0)
		return rc == -ENOENT ? 0 : err_sys(err, -rc, "removing container %s", id);
	return fd_remove_tree(store->containers_fd, gone, err);
}

/* --- finding --------------------------------------------------------------------------------- */

static int find_prefix(const struct container_store *store, const char *prefix,
		       char id[CONTAINER_ID_LENGTH + 1], struct err *err)
{
	int fd = openat(store->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t length = strlen(prefix), found = 0;
	struct dirent *ent;

	if (!dir) {
		fd_close(&fd);
		return err_sys(err, errno, "reading %s/containers", store->path);
	}
	while ((ent = readdir(dir))) {
		if (strncmp(ent->d_name, prefix, length) != 0 || !claim_id_valid(ent->d_name))
			continue;
		memcpy(id, ent->d_name, CONTAINER_ID_LENGTH + 1);
		found++;
	}
	closedir(dir);
	if (found > 1)
		return err_set(err, ENOTUNIQ, "multiple IDs found with provided prefix: %s",
			       prefix);
	return found == 1 ? 0 : -ENOENT;
}

int container_find(const struct container_store *store, const char *reference,
		   char id[CONTAINER_ID_LENGTH + 1], struct err *err)
{
	size_t length;
	int rc = -ENOENT;

	if (*reference == '/') /* docker shows names with one, and takes them so */
		reference++;
	length = strlen(reference);
	if (claim_id_valid(reference)) {
		memcpy(id, reference, CONTAINER_ID_LENGTH + 1);
		if (faccessat(store->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
	}
	if (claim_name_valid(reference))
		rc = read_name(store, reference, id);
	if (rc < 0 && length > 0 && length < CONTAINER_ID_LENGTH &&
	    strspn(reference, "0123456789abcdef") == length)
		rc = find_prefix(store, reference, id, err);
	if (rc == 0 || rc == -ENOTUNIQ)
		return rc;
	err_set(err, ENOENT, "no such container: %s", reference);
	err_hint(err, "'hillock ps -a' lists the containers in %s", store->path);
	return -ENOENT;
}

/* --- sweeping -------------------------------------------------------------------------------- */

typedef void sweep_fn(const struct container_store *store, const char *name);

static void sweep_directory(const struct container_store *store, const char *name)
{
	char gone[96];

	if (claim_id_valid(name) && !is_wanted(store, name) && hide(store, name, gone) == 0)
		guard_cgroup_discard(name);
}

static void sweep_gone(const struct container_store *store, const char *name)
{
	if (!strncmp(name, GONE_PREFIX, strlen(GONE_PREFIX)))
		fd_remove_tree(store->containers_fd, name, NULL);
}

static void sweep_name(const struct container_store *store, const char *name)
{
	char id[CONTAINER_ID_LENGTH + 1];

	if (read_name(store, name, id) == 0 &&
	    faccessat(store->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		unlinkat(store->names_fd, name, 0);
}

static void for_each_entry(const struct container_store *store, int dir_fd, sweep_fn *fn)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *ent;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while ((ent = readdir(dir)))
		fn(store, ent->d_name);
	closedir(dir);
}

void container_sweep(const struct container_store *store)
{
	/* Busy: somebody makes or removes one right now, and the next sweep will do. */
	if (flock(store->containers_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	for_each_entry(store, store->containers_fd, sweep_directory);
	for_each_entry(store, store->names_fd, sweep_name);
	flock(store->containers_fd, LOCK_UN);
	for_each_entry(store, store->containers_fd, sweep_gone);
}

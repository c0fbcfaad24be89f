// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking at containers, and ending them.
 *
 * Theory of operation
 * -------------------
 * Whether one is alive is asked of its lock and of nothing else: process numbers are used again,
 * and a file can be left over. What state.json says is believed as far as the lock agrees: a
 * container that runs by its state but whose lock is free lost its keeper.
 *
 * Waiting for the end is waiting for the lock, in the kernel, with no time-out and no polling.
 * Where there is a time-out (stop), it is on a connection to the monitor, which ends when the
 * container does; the lock comes after it. The keeper writes the exit code into the lock file
 * before it lets go, so that whoever waited has it even when all files are removed by then.
 */
#include "container/room.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

enum { KILL_MS = 20 * 1000, EXIT_DEAD = 137 };

/* --- looking --------------------------------------------------------------------------------- */

static int is_locked(int lock_fd)
{
	if (flock(lock_fd, LOCK_SH | LOCK_NB) < 0)
		return 1;
	flock(lock_fd, LOCK_UN);
	return 0;
}

/* What the keeper wrote into the lock file as its last act; -1: nothing. */
static int final_code(int lock_fd)
{
	char text[8] = "";

	if (pread(lock_fd, text, sizeof(text) - 1, 0) <= 0 || !isdigit((unsigned char)text[0]))
		return -1;
	return atoi(text) & 255;
}

static int load_state(struct container *c, struct err *err)
{
	int rc, code;

	/* In this order: if it ends in between, the state is the final one. */
	c->alive = is_locked(c->lock_fd);
	rc = state_read(c->dir_fd, &c->state, err);
	if (rc < 0)
		return rc;
	if (c->alive || c->state.status == CONTAINER_EXITED)
		return 0;
	code = final_code(c->lock_fd);
	if (code >= 0) {
		struct stat st = { 0 };

		fstat(c->lock_fd, &st);
		c->state.status = CONTAINER_EXITED;
		c->state.exit_code = code;
		c->state.finished = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		snprintf(c->state.reason, sizeof(c->state.reason),
			 "how it ended could not be written to its state.json: is the disk full?");
	} else {
		c->state.status = CONTAINER_DEAD;
		c->state.exit_code = EXIT_DEAD;
		snprintf(c->state.reason, sizeof(c->state.reason),
			 "its keeper was killed, and its kernel with it: nobody saw the end");
	}
	return 0;
}

int container_load(const struct container_store *store, const char *id, struct container *c,
		   struct err *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
	int rc;

	*c = (struct container){ .dir_fd = -1, .lock_fd = -1 };
	snprintf(c->id, sizeof(c->id), "%s", id);
	c->dir_fd = openat(store->containers_fd, id, flags | O_DIRECTORY);
	if (c->dir_fd < 0)
		return err_sys(err, errno, "container %.*s", CONTAINER_ID_SHORT, id);
	c->lock_fd = openat(c->dir_fd, "lock", flags);
	if (c->lock_fd < 0)
		rc = err_sys(err, errno, "container %.*s: lock", CONTAINER_ID_SHORT, id);
	else
		rc = config_read(c->dir_fd, &c->config, err);
	if (rc == 0)
		rc = load_state(c, err);
	if (rc == 0)
		return 0;
	if (rc != -ENOENT && err)
		err_context(err, "container %.*s", CONTAINER_ID_SHORT, id);
	container_close(c);
	return rc;
}

int container_get(const struct container_store *store, const char *reference, struct container *c,
		  struct err *err)
{
	char id[CONTAINER_ID_LENGTH + 1];
	int rc = container_find(store, reference, id, err);

	if (rc < 0)
		return rc;
	rc = container_load(store, id, c, err);
	if (rc == -ENOENT) {
		err_set(err, ENOENT, "no such container: %s", reference);
		err_hint(err, "it is just being made, or just being removed");
	}
	return rc;
}

void container_close(struct container *c)
{
	container_config_free(&c->config);
	fd_close(&c->lock_fd);
	fd_close(&c->dir_fd);
}

static int newest_first(const void *a, const void *b)
{
	const struct container *x = a, *y = b;

	return (x->config.created < y->config.created) - (x->config.created > y->config.created);
}

int container_list(const struct container_store *store, struct container **list, size_t *count,
		   struct err *err)
{
	int fd = openat(store->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t room = 0;
	struct dirent *ent;

	*list = NULL;
	*count = 0;
	if (!dir) {
		fd_close(&fd);
		return err_sys(err, errno, "reading %s/containers", store->path);
	}
	while ((ent = readdir(dir))) {
		if (!claim_id_valid(ent->d_name))
			continue;
		if (*count == room) {
			struct container *grown;

			room = room ? room * 2 : 16;
			grown = realloc(*list, room * sizeof(**list));
			if (!grown)
				break;
			*list = grown;
		}
		if (container_load(store, ent->d_name, &(*list)[*count], NULL) == 0)
			++*count;
	}
	closedir(dir);
	if (*count > 1)
		qsort(*list, *count, sizeof(**list), newest_first);
	return 0;
}

/* --- talking --------------------------------------------------------------------------------- */

int container_connect(const struct container *c, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, errno, "making a socket");
	/* The directory's own path may be longer than the 108 bytes that a socket's may have. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", c->dir_fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd_steal(&fd);
	if (errno == ECONNREFUSED || errno == ENOENT) {
		err_set(err, ESRCH, "container %.*s (%s) is not running", CONTAINER_ID_SHORT, c->id,
			c->config.name);
		return -ESRCH;
	}
	return err_sys(err, errno, "reaching the monitor of container %.*s", CONTAINER_ID_SHORT,
		       c->id);
}

static int send_signal(int fd, int number, struct err *err)
{
	uint8_t frame[WIRE_HEADER_SIZE + 4];
	struct wire_out out = { .data = frame, .room = sizeof(frame) };
	size_t begun = wire_begin(&out, WIRE_SIGNAL, 1, 0);

	wire_put_u32(&out, (uint32_t)number);
	wire_end(&out, begun);
	if (send(fd, frame, out.used, MSG_NOSIGNAL) != (ssize_t)out.used)
		return err_sys(err, errno, "sending a signal");
	return 0;
}

int container_signal(const struct container *c, int number, struct err *err)
{
	cleanup_close int fd = container_connect(c, err);

	return fd < 0 ? fd : send_signal(fd, number, err);
}

/* Waits until the monitor lets go of us. 1: it did, 0: not in time. */
static int wait_monitor(int fd, uint64_t ms)
{
	uint64_t until = loop_now() + ms * 1000000u;

	for (;;) {
		uint64_t now = loop_now();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n;

		if (now >= until)
			return 0;
		n = poll(&p, 1, (int)((until - now) / 1000000u) + 1);
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return 0;
	}
}

/* --- the end --------------------------------------------------------------------------------- */

int container_wait(struct container *c, int *exit_code, struct err *err)
{
	while (flock(c->lock_fd, LOCK_SH) < 0) {
		if (errno != EINTR)
			return err_sys(err, errno, "waiting for container %.*s", CONTAINER_ID_SHORT,
				       c->id);
	}
	flock(c->lock_fd, LOCK_UN);
	c->alive = 0;
	*exit_code = final_code(c->lock_fd);
	if (*exit_code >= 0)
		return 0;
	if (load_state(c, NULL) < 0)
		c->state.exit_code = EXIT_DEAD;
	*exit_code = c->state.exit_code;
	return 0;
}

/* The last resort, when a monitor does not answer: its keeper takes the kernel along. The lock
 * tells that there is a keeper, so its number in state.json is still its own. */
static void kill_keeper(const struct container *c)
{
	int fd = (int)syscall(SYS_pidfd_open, c->state.keeper, 0);

	if (fd < 0)
		return;
	if (c->state.keeper > 1 && is_locked(c->lock_fd))
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	close(fd);
}

static int end_it(struct container *c, unsigned seconds, int first_signal, struct err *err)
{
	cleanup_close int fd = container_connect(c, err);
	int code, over, rc;

	if (fd == -ESRCH && c->alive) /* it ends just now */
		return container_wait(c, &code, err);
	if (fd < 0)
		return fd;
	rc = send_signal(fd, first_signal, err);
	if (rc < 0)
		return rc;
	over = wait_monitor(fd, (first_signal == SIGKILL ? 0 : seconds) * 1000ull);
	if (!over) {
		if (first_signal != SIGKILL)
			send_signal(fd, SIGKILL, NULL);
		over = wait_monitor(fd, KILL_MS);
	}
	if (!over)
		kill_keeper(c);
	return container_wait(c, &code, err);
}

int container_stop(struct container *c, unsigned seconds, struct err *err)
{
	return c->alive ? end_it(c, seconds, seconds ? SIGTERM : SIGKILL, err) : 0;
}

int container_remove(const struct container_store *store, struct container *c, int force,
		     struct err *err)
{
	int rc;

	if (c->alive && !force) {
		err_set(err, EBUSY, "container %.*s (%s) is running", CONTAINER_ID_SHORT, c->id,
			c->config.name);
		err_hint(err, "stop it before, or use 'hillock rm --force'");
		return -EBUSY;
	}
	if (c->alive) {
		rc = end_it(c, 0, SIGKILL, err);
		if (rc < 0 && rc != -ESRCH)
			return rc;
	}
	if (c->state.status == CONTAINER_DEAD)
		guard_cgroup_discard(c->id);
	return claim_remove(store, c->id, c->config.name, err);
}

int container_remove_damaged(const struct container_store *store, const char *reference,
			     struct err *err)
{
	char id[CONTAINER_ID_LENGTH + 1];
	cleanup_close int dir = -1, lock = -1;
	int rc = container_find(store, reference, id, err);

	if (rc < 0)
		return rc;
	dir = openat(store->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	lock = dir < 0 ? -1 : openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (lock >= 0 && is_locked(lock))
		return err_set(err, EBUSY, "container %.*s is running", CONTAINER_ID_SHORT, id);
	guard_cgroup_discard(id);
	rc = claim_remove(store, id, "", err);
	/* Its name, which only the lost file knew, now leads nowhere. */
	container_sweep(store);
	return rc;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file server as a process.
 *
 * Theory of operation
 * -------------------
 * It jails itself (jail.h), then takes back what was kept for it. If a connection is among that,
 * it goes on with that session, else it waits for a guest. One session at a time: a guest has a
 * server of its own.
 */
#include "files/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "files/jail.h"
#include "files/keep.h"

#define KEPT_MAX 192 /* of a session's own; open files go to the translator */

/* As the device tells its guest (virtio 1.2, section 5.11.4). */
struct config {
	uint8_t tag[36];
	uint32_t request_queues;
};

struct server {
	const struct server_options *options;
	struct loop loop;
	struct loop_source listening;
	struct state state;
	struct translator translator;
	struct files files;
	struct dir *dir;
	struct virtio *virtio;
	struct config config;
	int connection; /* kept from before; -1: none */
	struct virtio_kept kept[KEPT_MAX];
	size_t kept_count;
	int ended;
	struct err *err;
};

static void keep(void *context, unsigned int key, int fd)
{
	const struct server *s = context;

	if (s->options->keep_fd >= 0)
		keep_put(s->options->keep_fd, key, fd);
}

static void drop(void *context, unsigned int key)
{
	const struct server *s = context;

	if (s->options->keep_fd >= 0)
		keep_drop(s->options->keep_fd, key);
}

static size_t handle(void *context, struct virtio_request *request)
{
	struct server *s = context;

	return files_handle(&s->files, request);
}

static void done(void *context)
{
	struct server *s = context;

	state_commit(&s->state);
}

static void reset(void *context)
{
	struct server *s = context;

	files_reset(&s->files);
}

static void end(void *context, const struct err *why)
{
	struct server *s = context;

	if (why->code)
		fprintf(stderr, "hillock-files: the session is over: %s\n", why->text);
	virtio_close(s->virtio);
	s->virtio = NULL;
	drop(s, SERVER_KEY_CONNECTION);
	if (s->options->once || s->options->listen_fd < 0 ||
	    loop_add(&s->loop, &s->listening, EPOLLIN) < 0)
		s->ended = 1;
}

static int begin(struct server *s, int connection)
{
	const struct virtio_device device = {
		.queue_count = 1 + s->options->queues,
		.config = (const uint8_t *)&s->config,
		.config_size = sizeof(s->config),
		.handle = handle,
		.done = done,
		.reset = reset,
		.keep = keep,
		.drop = drop,
		.end = end,
		.context = s,
	};
	int rc = virtio_open(&s->virtio, &s->loop, &device, &s->state.head->virtio, connection,
			     s->kept, s->kept_count, s->err);

	s->kept_count = 0;
	return rc;
}

static void on_listening(struct loop_source *source, uint32_t events)
{
	struct server *s = loop_owner(source, struct server, listening);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	loop_remove(&s->loop, source);
	keep(s, SERVER_KEY_CONNECTION, fd);
	if (begin(s, fd) < 0)
		s->ended = 1;
}

static void take_kept(void *context, uint32_t key, int fd)
{
	struct server *s = context;

	if (key == SERVER_KEY_CONNECTION) {
		s->connection = fd;
	} else if (key >= SERVER_KEY_HANDLES) {
		dir_restore(s->dir, key, fd);
	} else if (s->kept_count < KEPT_MAX) {
		s->kept[s->kept_count++] = (struct virtio_kept){ key, fd };
	} else {
		fd_close(&fd);
	}
}

static int prepare(struct server *s, struct err *err)
{
	const struct server_options *o = s->options;
	const struct dir_options dir = {
		.owners = o->owners >= 0 ? (enum dir_owners)o->owners
					 : dir_owners_possible(o->root_fd),
		.keep = keep,
		.drop = drop,
		.context = s,
		.first_key = SERVER_KEY_HANDLES,
	};
	size_t tag = strlen(o->tag);
	int rc;

	if (tag == 0 || tag > sizeof(s->config.tag))
		return err_set(err, EINVAL, "a tag has 1 to 36 bytes: '%s'", o->tag);
	memcpy(s->config.tag, o->tag, tag);
	s->config.request_queues = o->queues;
	rc = state_open(&s->state, o->state_fd, 256 << 20, err);
	if (rc < 0)
		return rc;
	s->files = (struct files){ &s->translator, &s->state, o->files };
	files_recover(&s->files);
	rc = dir_open(&s->dir, &s->translator, o->root_fd, &s->state, &dir, err);
	if (rc == 0 && o->keep_fd >= 0)
		rc = keep_receive(o->keep_fd, take_kept, s, err);
	if (rc == 0)
		rc = loop_init(&s->loop);
	return rc;
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int server_run(const struct server_options *options, struct err *err)
{
	static struct server s;
	int rc;

	s = (struct server){ .options = options, .connection = -1, .err = err };
	s.listening = (struct loop_source){ .fd = options->listen_fd, .ready = on_listening };
	umask(0);
	/* A guest may close what we call it by, and a limit is its own error. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	raise_file_limit();
	rc = jail_enter(options->root_fd, options->files.read_only, err);
	if (rc == 0)
		rc = prepare(&s, err);
	if (rc == 0 && s.connection < 0 && options->socket_fd >= 0) {
		s.connection = options->socket_fd;
		keep(&s, SERVER_KEY_CONNECTION, s.connection);
	}
	if (rc == 0 && s.connection >= 0)
		rc = begin(&s, s.connection);
	else if (rc == 0)
		rc = loop_add(&s.loop, &s.listening, EPOLLIN);
	while (rc == 0 && !s.ended)
		rc = loop_turn(&s.loop);
	virtio_close(s.virtio);
	dir_close(s.dir);
	state_close(&s.state);
	return err->code ? -err->code : rc;
}

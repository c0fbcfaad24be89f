// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Launching: from what was asked for to a keeper that runs.
 *
 * Theory of operation
 * -------------------
 * Everything that can fail for the user's reasons fails here, in the client, before there is a
 * second process: a name that is taken, a full disk, arguments too long for a frame. What the
 * guest will be told (SETUP and START) is put together here too, so the jailed monitor only has
 * to send bytes.
 */
#include "container/room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

static struct wire_string string_of(const char *text)
{
	return (struct wire_string){ text ? text : "", text ? (uint32_t)strlen(text) : 0 };
}

/* "…%u…" with a volume's index in its place. */
static void volume_source(const char *format, unsigned index, char *out, size_t room)
{
	const char *at = strstr(format, "%u");

	snprintf(out, room, "%.*s%u%s", at ? (int)(at - format) : 0, format, index,
		 at ? at + 2 : "");
}

int launch_needs_sync(const struct container_config *config)
{
	for (unsigned i = 0; i < config->mount_count; i++) {
		if (!strcmp(config->mounts[i].kind, "volume") && !config->mounts[i].read_only)
			return 1;
	}
	return !config->auto_remove && !config->read_only && config->layer == CONTAINER_LAYER_DISK;
}

static int put_setup(struct wire_out *out, const struct container_launch *launch)
{
	const struct container_config *config = launch->config;
	const struct machine_ops *machine = launch->machine;
	struct wire_setup setup = {
		.hostname = string_of(config->hostname),
		.root_device = string_of(machine->root_device),
		.root_type = string_of(launch->root_type),
		.read_only = config->read_only != 0,
		.sync = launch_needs_sync(config) != 0,
		.mount_count = config->mount_count,
	};
	char sources[CONTAINER_VOLUMES_MAX][64];
	unsigned volumes = 0;
	size_t begun;

	if (!config->read_only && config->layer == CONTAINER_LAYER_DISK)
		setup.layer_device = string_of(machine->layer_device);
	for (unsigned i = 0; i < config->mount_count; i++) {
		const struct container_mount *m = &config->mounts[i];

		setup.mounts[i] = (struct wire_mount){
			.kind = string_of(m->kind),
			.target = string_of(m->target),
			.options = string_of(m->options),
			.read_only = m->read_only != 0,
			.is_file = m->is_file != 0,
		};
		if (strcmp(m->kind, "volume") != 0)
			continue;
		volume_source(machine->volume_source_format, volumes, sources[volumes],
			      sizeof(sources[volumes]));
		setup.mounts[i].source = string_of(sources[volumes++]);
	}
	begun = wire_begin(out, WIRE_SETUP, 0, 0);
	wire_put_setup(out, &setup);
	return wire_end(out, begun);
}

static int put_start(struct wire_out *out, const struct container_launch *launch)
{
	const struct container_config *config = launch->config;
	const struct wire_start start = {
		.cwd = string_of(config->cwd),
		.user = string_of(config->user),
		.terminal = config->terminal != 0,
		.stdin_open = config->stdin_open != 0,
		.rows = launch->rows,
		.columns = launch->columns,
	};
	size_t begun = wire_begin(out, WIRE_START, 1, 0);

	wire_put_start(out, &start, config->argv, config->env);
	return wire_end(out, begun);
}

/* Both frames in one new buffer, which spec->setup owns. */
static int put_frames(struct keeper_spec *spec, struct err *err)
{
	struct wire_out out = { .room = 2 * (WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX) };

	out.data = malloc(out.room);
	if (!out.data)
		return err_sys(err, ENOMEM, "starting a container");
	spec->setup = out.data;
	if (put_setup(&out, spec->launch) < 0)
		return err_set(err, E2BIG, "its mounts take more than %d bytes to describe",
			       WIRE_PAYLOAD_MAX);
	spec->setup_size = out.used;
	if (put_start(&out, spec->launch) < 0)
		return err_set(err, E2BIG, "argument list and environment take more than %d bytes",
			       WIRE_PAYLOAD_MAX);
	spec->start = out.data + spec->setup_size;
	spec->start_size = out.used - spec->setup_size;
	return 0;
}

/* As root the processes are nobody else's on the host; otherwise they are the caller's. */
static void choose_ids(struct container_config *config)
{
	unsigned random = 0;

	config->host_uid = geteuid();
	config->host_gid = getegid();
	if (config->host_uid != 0)
		return;
	sscanf(config->id, "%8x", &random);
	config->host_uid = CONTAINER_UID_BASE + (random & CONTAINER_UID_MASK);
	config->host_gid = config->host_uid;
}

struct ends {
	int session[2], news[2]; /* the client's, the keeper's */
};

static int make_sockets(int attach, struct ends *ends, struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends->news) < 0)
		return err_sys(err, errno, "making a socket");
	if (attach && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->session) < 0)
		return err_sys(err, errno, "making a socket");
	return 0;
}

static void close_ends(struct ends *ends, int side)
{
	fd_close(&ends->session[side]);
	fd_close(&ends->news[side]);
}

/* Everything that the keeper needs beyond its directory. */
static int fill_in(struct keeper_spec *spec, struct ends *ends, struct err *err)
{
	struct container_config *config = spec->launch->config;
	struct timespec now;
	int rc;

	clock_gettime(CLOCK_REALTIME, &now);
	config->created = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	choose_ids(config);
	spec->state.phases[PHASE_CLIENT] = spec->launch->client_ns;
	spec->state.landlock = guard_landlock_abi();
	if (!config->hostname) {
		config->hostname = strndup(config->id, CONTAINER_ID_SHORT);
		if (!config->hostname)
			return err_sys(err, ENOMEM, "starting a container");
	}
	rc = put_frames(spec, err);
	if (rc < 0)
		return rc;
	if (!config->read_only && config->layer == CONTAINER_LAYER_DISK) {
		spec->layer_fd = layer_create(spec->store, spec->dir_fd, config->layer_size, err);
		if (spec->layer_fd < 0)
			return spec->layer_fd;
	}
	rc = make_sockets(spec->launch->attach, ends, err);
	spec->session_fd = ends->session[1];
	spec->news_fd = ends->news[1];
	return rc;
}

static int fork_keeper(struct keeper_spec *spec, struct ends *ends, struct err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(err, errno, "forking the keeper");
	if (pid == 0) {
		close_ends(ends, 0);
		keeper_run(spec);
	}
	return 0;
}

int container_launch(const struct container_store *store, const struct container_launch *launch,
		     struct container_client *client, struct err *err)
{
	struct keeper_spec spec = {
		.store = store, .launch = launch, .dir_fd = -1, .lock_fd = -1, .layer_fd = -1
	};
	struct ends ends = { { -1, -1 }, { -1, -1 } };
	int rc = claim_create(store, launch->config, &spec.dir_fd, &spec.lock_fd, err);

	if (rc < 0)
		return rc;
	rc = fill_in(&spec, &ends, err);
	if (rc == 0)
		rc = fork_keeper(&spec, &ends, err);
	if (rc < 0)
		claim_remove(store, launch->config->id, launch->config->name, NULL);
	else
		*client = (struct container_client){ .session_fd = fd_steal(&ends.session[0]),
						     .news_fd = fd_steal(&ends.news[0]) };
	close_ends(&ends, 0);
	close_ends(&ends, 1);
	fd_close(&spec.layer_fd);
	fd_close(&spec.lock_fd);
	fd_close(&spec.dir_fd);
	free((void *)(uintptr_t)spec.setup);
	return rc;
}

int container_news_read(int news_fd, struct container_news *news, struct err *err)
{
	ssize_t n;

	do
		n = recv(news_fd, news, sizeof(*news), 0);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(*news))
		return 0;
	err_set(err, ECONNRESET, "the container's keeper was killed, and its kernel with it");
	return -ECONNRESET;
}

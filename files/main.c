// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock-files: serves one directory to one private kernel.
 *
 * Theory of operation
 * -------------------
 * Who starts it hands over descriptors: where the guest connects (or the connection), the
 * directory, a file in memory for the state, a socket to the keeper. For people and tests it also
 * takes paths, and with --supervise is its own keeper: a parent that opens everything, keeps it,
 * and starts a child that serves, again and again when that dies of anything but its own will.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "files/keep.h"
#include "files/server.h"

#define STATE_SIZE (256ll << 20)
/* So many deaths in a second, and it is not worth going on. */
#define DEATHS_MAX 1000

static const char usage_text[] =
	"Usage: hillock-files --root DIR|@FD (--listen PATH|@FD | --socket @FD) [OPTION]...\n"
	"Serves a directory to a private kernel, as a virtio-fs device (vhost-user).\n"
	"\n"
	"  --root DIR|@FD      what to serve\n"
	"  --listen PATH|@FD   where the kernel (or QEMU) connects\n"
	"  --socket @FD        a connection that there is already\n"
	"  --state @FD         a file in memory that outlives the server\n"
	"  --keep @FD          socket to who keeps its descriptors\n"
	"  --supervise         be one's own keeper: start again after a crash\n"
	"  --once              end with the first session\n"
	"  --tag NAME          what the guest mounts it by (hillock)\n"
	"  --queues N          request queues, 1 to 16 (1)\n"
	"  --cache MODE        what the guest may remember: none, auto, always (auto)\n"
	"  --writeback         the guest may collect writes\n"
	"  --read-only\n"
	"  --owners MODE       native or aside (what is possible)\n"
	"\n"
	"Example: hillock-files --root /srv/data --listen /tmp/files.sock --supervise\n";

struct settings {
	struct server_options server;
	int supervise;
};

static int number_of(const char *text, long max, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	return errno || end == text || *end || *value < 0 || *value > max ? -EINVAL : 0;
}

/* "@N": a descriptor that we were handed. 1: it is none. */
static int handed(const char *text, int *fd, struct err *err)
{
	long n;

	if (text[0] != '@')
		return 1;
	if (number_of(text + 1, INT_MAX, &n) < 0 || fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(err, EBADF, "%s: no such descriptor", text);
	*fd = (int)n;
	return 0;
}

static int open_root(const char *text, int *fd, struct err *err)
{
	int rc = handed(text, fd, err);

	if (rc <= 0)
		return rc;
	*fd = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? err_sys(err, errno, "%s", text) : 0;
}

static int open_listen(const char *text, int *fd, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int rc = handed(text, fd, err);

	if (rc <= 0)
		return rc;
	if (strlen(text) >= sizeof(address.sun_path))
		return err_set(err, ENAMETOOLONG, "%s", text);
	memcpy(address.sun_path, text, strlen(text));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(*fd, 1) < 0)
		return err_sys(err, errno, "%s", text);
	return 0;
}

static int only_handed(const char *text, int *fd, struct err *err)
{
	return handed(text, fd, err) == 0 ? 0 : err_set(err, EINVAL, "%s: give @FD", text);
}

static int choose(const char *text, const char *const *names, int *value, struct err *err)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(text, names[i])) {
			*value = i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "'%s' is none of the choices", text);
}

enum {
	ROOT = 256,
	LISTEN,
	SOCKET,
	STATE,
	KEEP,
	SUPERVISE,
	ONCE,
	TAG,
	QUEUES,
	CACHE,
	WRITEBACK,
	READ_ONLY,
	OWNERS,
	HELP
};

static int take_option(struct settings *set, int option, const char *value, struct err *err)
{
	static const char *const caches[] = { "none", "auto", "always", NULL };
	static const char *const owners[] = { "native", "aside", NULL };
	struct server_options *s = &set->server;
	int cache = 0, rc = 0;
	long n = 0;

	switch (option) {
	case ROOT:
		return open_root(value, &s->root_fd, err);
	case LISTEN:
		return open_listen(value, &s->listen_fd, err);
	case SOCKET:
		return only_handed(value, &s->socket_fd, err);
	case STATE:
		return only_handed(value, &s->state_fd, err);
	case KEEP:
		return only_handed(value, &s->keep_fd, err);
	case SUPERVISE:
		set->supervise = 1;
		return 0;
	case ONCE:
		s->once = 1;
		return 0;
	case TAG:
		s->tag = value;
		return 0;
	case QUEUES:
		if (number_of(value, VIRTIO_QUEUES_MAX - 1, &n) < 0 || n == 0)
			return err_set(err, EINVAL, "--queues %s: 1 to 16", value);
		s->queues = (unsigned int)n;
		return 0;
	case CACHE:
		rc = choose(value, caches, &cache, err);
		s->files.cache = (enum files_cache)cache;
		return rc;
	case WRITEBACK:
		s->files.writeback = 1;
		return 0;
	case READ_ONLY:
		s->files.read_only = 1;
		return 0;
	case OWNERS:
		return choose(value, owners, &s->owners, err);
	default:
		return err_set(err, EINVAL, "see hillock-files --help");
	}
}

static int take_options(struct settings *set, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "root", 1, NULL, ROOT },
		{ "listen", 1, NULL, LISTEN },
		{ "socket", 1, NULL, SOCKET },
		{ "state", 1, NULL, STATE },
		{ "keep", 1, NULL, KEEP },
		{ "supervise", 0, NULL, SUPERVISE },
		{ "once", 0, NULL, ONCE },
		{ "tag", 1, NULL, TAG },
		{ "queues", 1, NULL, QUEUES },
		{ "cache", 1, NULL, CACHE },
		{ "writeback", 0, NULL, WRITEBACK },
		{ "read-only", 0, NULL, READ_ONLY },
		{ "owners", 1, NULL, OWNERS },
		{ "help", 0, NULL, HELP },
		{ 0 },
	};
	int option, rc = 0;

	while (rc == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == HELP) {
			fputs(usage_text, stdout);
			exit(0);
		}
		rc = take_option(set, option, optarg, err);
	}
	if (rc == 0 && (optind < argc || set->server.root_fd < 0 ||
			(set->server.listen_fd < 0) == (set->server.socket_fd < 0)))
		rc = err_set(err, EINVAL, "what to serve, and to whom? See hillock-files --help");
	return rc;
}

/* --- its own keeper --------------------------------------------------------------------------- */

static int make_state(int *fd, struct err *err)
{
	*fd = memfd_create("hillock-files", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0 || ftruncate(*fd, STATE_SIZE) < 0 ||
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_sys(err, errno, "memory for the state");
	return 0;
}

static int serve(const struct server_options *options)
{
	struct err err = ERR_INIT;
	int rc = server_run(options, &err);

	if (rc < 0)
		fprintf(stderr, "hillock-files: %s\n", err.code ? err.text : strerror(-rc));
	return rc < 0;
}

/* Keeps until the child ends. Returns its status. */
static int keep_for(struct keep *keep, pid_t child, struct err *err)
{
	struct pollfd p = { .fd = keep->socket, .events = POLLIN };
	int status;

	if (keep_give(keep, err) < 0)
		fprintf(stderr, "hillock-files: %s\n", err->text);
	/* It says nothing more once it is dead. */
	while (poll(&p, 1, -1) >= 0 || errno == EINTR)
		if (keep_read(keep) < 0)
			break;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "waiting for the server");
	return status;
}

static int supervise(struct server_options *options, struct err *err)
{
	struct keep keep = { .socket = -1 };
	uint64_t since = loop_now();
	unsigned int deaths = 0;
	int status;

	if (make_state(&options->state_fd, err) < 0)
		return -err->code;
	for (;;) {
		pid_t child;

		if (keep_start(&keep, &options->keep_fd, err) < 0)
			return -err->code;
		child = fork();
		if (child < 0)
			return err_sys(err, errno, "starting the server");
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			keep_close(&keep);
			_exit(serve(options));
		}
		fd_close(&options->keep_fd);
		status = keep_for(&keep, child, err);
		if (status < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
			return status < 0 ? status : 0;
		if (loop_now() - since > 1000000000) {
			since = loop_now();
			deaths = 0;
		}
		if (++deaths > DEATHS_MAX || WIFEXITED(status))
			return err_set(err, EIO, "the server does not stay alive");
	}
}

int main(int argc, char **argv)
{
	struct settings set = {
		.server = { .listen_fd = -1,
			    .socket_fd = -1,
			    .root_fd = -1,
			    .state_fd = -1,
			    .keep_fd = -1,
			    .tag = "hillock",
			    .queues = 1,
			    .files = { .cache = FILES_CACHE_AUTO },
			    .owners = -1 },
	};
	struct err err = ERR_INIT;

	if (take_options(&set, argc, argv, &err) < 0) {
		fprintf(stderr, "hillock-files: %s\n", err.text);
		return 2;
	}
	if (!set.supervise)
		return serve(&set.server);
	if (supervise(&set.server, &err) < 0) {
		fprintf(stderr, "hillock-files: %s\n", err.text);
		return 1;
	}
	return 0;
}

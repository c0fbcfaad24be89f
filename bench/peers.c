// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: peers.h. */
#include "bench/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench/bundle.h"
#include "container/container.h"

#define WAY_OPTIONS_MAX 4
#define UNPACK_SECONDS 900 /* a large image, on a busy machine */

enum {
	FOR_ROOT = 1,
	FOR_USER = 2,
	USER_NAMESPACE = 4, /* the bundle asks for one */
	HIDE_CGROUP2 = 8,   /* needs process_view_hide() */
};

struct peer_way {
	const char *words; /* NULL ends a list */
	unsigned flags;
	const char *options[WAY_OPTIONS_MAX];
};

struct peer_kind {
	const char *name;
	const struct peer_way *ways;
};

static const struct peer_way crun_ways[] = {
	{ "as root", FOR_ROOT, { NULL } },
	{ "as root, cgroup v2 hidden from it (it refuses hybrid hosts)",
	  FOR_ROOT | HIDE_CGROUP2,
	  { NULL } },
	{ "rootless", FOR_USER | USER_NAMESPACE, { NULL } },
	{ "rootless, no cgroups", FOR_USER | USER_NAMESPACE, { "--cgroup-manager=disabled" } },
	{ "rootless, cgroup v2 hidden from it (it refuses hybrid hosts)",
	  FOR_USER | USER_NAMESPACE | HIDE_CGROUP2,
	  { NULL } },
	{ "rootless, cgroup v2 hidden from it (it refuses hybrid hosts), no cgroups",
	  FOR_USER | USER_NAMESPACE | HIDE_CGROUP2,
	  { "--cgroup-manager=disabled" } },
	{ NULL },
};

static const struct peer_way runc_ways[] = {
	{ "as root", FOR_ROOT, { NULL } },
	{ "rootless", FOR_USER | USER_NAMESPACE, { NULL } },
	{ NULL },
};

/* Rootless, runsc makes a user namespace of its own and wants none in the bundle. */
static const struct peer_way runsc_ways[] = {
	{ "as root, systrap, no network", FOR_ROOT, { "--platform=systrap", "--network=none" } },
	{ "as root, systrap, no network, no cgroups",
	  FOR_ROOT,
	  { "--platform=systrap", "--network=none", "--ignore-cgroups" } },
	{ "rootless, systrap, no network",
	  FOR_USER,
	  { "--rootless", "--platform=systrap", "--network=none" } },
	{ "rootless, systrap, no network, no cgroups",
	  FOR_USER,
	  { "--rootless", "--platform=systrap", "--network=none", "--ignore-cgroups" } },
	{ NULL },
};

static const struct peer_kind kinds[] = {
	{ "crun", crun_ways },
	{ "runc", runc_ways },
	{ "runsc", runsc_ways },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

const char *const peer_names[] = { "crun", "runc", "runsc", NULL };

_Static_assert(sizeof(peer_names) / sizeof(*peer_names) == KINDS + 1, "a name for each kind");

static const char cgroup2_of_hybrid[] = "/sys/fs/cgroup/unified";

/* --- the site -------------------------------------------------------------------------------- */

static int unpack(const struct peer_site *site, const struct image *image, struct err *err)
{
	char program[PATH_MAX];
	const char *argv[] = { program, "/proc/self/fd/3", site->tree, NULL };
	struct process_spec spec = PROCESS_SPEC_INIT;
	struct process_result result;
	int ret;

	if (strcmp(image->type, "ext4"))
		return err_set(err, ENOTSUP, "%s is an %s image: peers can be given ext4 ones only",
			       image->name, image->type);
	ret = container_libexec_path("hillock-unpack", program, err);
	if (ret)
		return ret;
	spec.argv = argv;
	spec.extra_fd = image->root_fd;
	spec.seconds = UNPACK_SECONDS;
	ret = process_run_well(&spec, &result, err);
	process_result_free(&result);
	return ret;
}

static int site_directories(struct peer_site *site, struct err *err)
{
	const char *parent = getenv("TMPDIR");
	char runtime[PATH_MAX];

	snprintf(site->work, sizeof(site->work), "%s/hillock-bench-XXXXXX",
		 parent && *parent == '/' ? parent : "/tmp");
	if (!mkdtemp(site->work)) {
		int code = errno;

		*site->work = 0;
		return err_sys(err, code, "cannot make a directory for the benchmark");
	}
	snprintf(site->tree, sizeof(site->tree), "%s/tree", site->work);
	snprintf(runtime, sizeof(runtime), "%s/run", site->work);
	snprintf(site->runtime_dir, sizeof(site->runtime_dir), "XDG_RUNTIME_DIR=%s", runtime);
	if (mkdir(site->tree, 0755) < 0 || mkdir(runtime, 0700) < 0)
		return err_sys(err, errno, "cannot make a directory in %s", site->work);
	return 0;
}

int peer_site_open(struct peer_site *site, const char *store, const struct image *image,
		   struct err *err)
{
	int ret;

	*site = (struct peer_site){ .hidden = { -1, -1 } };
	snprintf(site->fetched, sizeof(site->fetched), "%s/peers", store);
	ret = site_directories(site, err);
	if (!ret && image)
		ret = unpack(site, image, err);
	if (ret)
		peer_site_close(site);
	return ret;
}

void peer_site_close(struct peer_site *site)
{
	process_view_close(&site->hidden);
	if (*site->work)
		fd_remove_tree(AT_FDCWD, site->work, NULL);
	*site->work = 0;
}

/* --- finding a peer -------------------------------------------------------------------------- */

static int find_program(struct peer *peer, struct err *err)
{
	const char *name = peer->kind->name, *fetched = peer->site->fetched;
	struct stat lib;

	*peer->libraries = 0;
	if (!process_find(name, peer->program))
		return 0;
	snprintf(peer->program, sizeof(peer->program), "%s/%s/%s", fetched, name, name);
	if (access(peer->program, X_OK) < 0) {
		err_set(err, ENOENT, "there is no %s here", name);
		err_hint(err, "bench/peers fetches it (`make bench` does)");
		return -ENOENT;
	}
	snprintf(peer->libraries, sizeof(peer->libraries), "LD_LIBRARY_PATH=%s/%s/lib", fetched,
		 name);
	if (stat(strchr(peer->libraries, '=') + 1, &lib) < 0)
		*peer->libraries = 0;
	return 0;
}

static int make_environment(struct peer *peer, struct err *err)
{
	char *set[] = { peer->site->runtime_dir, *peer->libraries ? peer->libraries : NULL, NULL };

	peer->environment = process_environment(set);
	return peer->environment ? 0 : err_sys(err, ENOMEM, "cannot run %s", peer->kind->name);
}

/* The first line of what `--version` prints. */
static void ask_version(struct peer *peer)
{
	const char *argv[] = { peer->program, "--version", NULL };
	struct process_spec spec = PROCESS_SPEC_INIT;
	struct process_result result;

	spec.argv = argv;
	spec.environment = peer->environment;
	spec.keep_output = 1;
	snprintf(peer->version, sizeof(peer->version), "unknown");
	if (!process_run_well(&spec, &result, NULL) && result.said) {
		const char *line = result.said;
		const char *word = " version ";
		const char *at = strstr(line, word);

		if (at && at < line + strcspn(line, "\n"))
			line = at + strlen(word);
		snprintf(peer->version, sizeof(peer->version), "%.*s", (int)strcspn(line, "\n"),
			 line);
	}
	process_result_free(&result);
}

/* --- ways ------------------------------------------------------------------------------------ */

static int try_way(struct peer *peer, const char *const *command, struct err *err)
{
	struct peer_site *site = peer->site;
	struct process_result result;
	struct peer_call call;
	int ret;

	if (peer->way->flags & HIDE_CGROUP2 && site->hidden.mount_fd < 0) {
		ret = process_view_hide(&site->hidden, cgroup2_of_hybrid, err);
		if (ret)
			return ret;
	}
	ret = peer_set_command(peer, command, err);
	if (ret)
		return ret;
	peer_call_run(peer, "trial", 0, &call);
	ret = process_run_well(&call.spec, &result, err);
	process_result_free(&result);
	if (ret)
		peer_remove(peer, "trial");
	return ret;
}

/* Sets peer->way. If there is none, the error is that of the plainest way. */
static int choose_way(struct peer *peer, const char *const *command, struct err *err)
{
	unsigned who = geteuid() ? FOR_USER : FOR_ROOT;
	struct err first = ERR_INIT, other;
	int ret = -ENOTSUP;

	for (peer->way = peer->kind->ways; peer->way->words; peer->way++) {
		if (!(peer->way->flags & who))
			continue;
		other = ERR_INIT;
		ret = try_way(peer, command, first.code ? &other : &first);
		if (!ret)
			return 0;
		if (process_interrupted())
			break;
	}
	if (err)
		*err = first;
	return ret;
}

int peer_open(struct peer_site *site, const char *name, const char *const *command,
	      struct peer *peer, struct err *err)
{
	size_t i = 0;
	int ret;

	while (i < KINDS && strcmp(kinds[i].name, name))
		i++;
	if (i == KINDS)
		return err_set(err, EINVAL, "there is no peer '%s'", name);
	*peer = (struct peer){ .kind = &kinds[i], .site = site };
	ret = find_program(peer, err);
	if (ret)
		return ret;
	snprintf(peer->bundle, sizeof(peer->bundle), "%s/%s", site->work, name);
	snprintf(peer->state, sizeof(peer->state), "%s/run/%s", site->work, name);
	if (mkdir(peer->bundle, 0700) < 0)
		return err_sys(err, errno, "cannot make %s", peer->bundle);
	ret = make_environment(peer, err);
	if (ret)
		return ret;
	ask_version(peer);
	ret = choose_way(peer, command, err);
	if (ret)
		peer_close(peer);
	return ret;
}

void peer_close(struct peer *peer)
{
	free(peer->environment);
	peer->environment = NULL;
}

const char *peer_words(const struct peer *peer)
{
	return peer->way->words;
}

/* --- calls ----------------------------------------------------------------------------------- */

int peer_set_command(const struct peer *peer, const char *const *command, struct err *err)
{
	int hidden = peer->way->flags & HIDE_CGROUP2;
	struct bundle bundle = {
		.tree = peer->site->tree,
		.argv = command,
		.tmpfs = peer->site->tmpfs,
		.user_namespace = peer->way->flags & USER_NAMESPACE,
		/* In the user namespace of the view, we are 0 already. */
		.uid = hidden ? 0 : geteuid(),
		.gid = hidden ? 0 : getegid(),
	};

	return bundle_write(peer->bundle, &bundle, err);
}

static size_t call_begin(const struct peer *peer, const char *id, struct peer_call *call)
{
	size_t used = 0;

	*call = (struct peer_call){ .spec = PROCESS_SPEC_INIT };
	/* cgroups and abstract sockets are the whole host's, so the name has our pid in it. */
	snprintf(call->id, sizeof(call->id), "hillock-bench-%d-%.24s", getpid(), id);
	call->spec.argv = call->argv;
	call->spec.environment = peer->environment;
	if (peer->way->flags & HIDE_CGROUP2)
		call->spec.view = &peer->site->hidden;
	call->argv[used++] = peer->program;
	call->argv[used++] = "--root";
	call->argv[used++] = peer->state;
	for (size_t i = 0; i < WAY_OPTIONS_MAX && peer->way->options[i]; i++)
		call->argv[used++] = peer->way->options[i];
	return used;
}

void peer_call_run(const struct peer *peer, const char *id, int detach, struct peer_call *call)
{
	size_t used = call_begin(peer, id, call);

	call->argv[used++] = "run";
	call->argv[used++] = "--bundle";
	call->argv[used++] = peer->bundle;
	if (detach)
		call->argv[used++] = "--detach";
	call->argv[used++] = call->id;
	call->argv[used] = NULL;
	call->spec.leaves = detach;
}

void peer_remove(const struct peer *peer, const char *id)
{
	struct process_result result;
	struct peer_call call;
	size_t used = call_begin(peer, id, &call);

	call.argv[used++] = "delete";
	call.argv[used++] = "--force";
	call.argv[used++] = call.id;
	call.argv[used] = NULL;
	call.spec.cleanup = 1;
	call.spec.leaves = 1;
	process_run(&call.spec, &result, NULL);
	process_result_free(&result);
}

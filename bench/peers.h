/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers: the runtimes that Hillock is compared with.
 *
 * Theory of operation
 * -------------------
 * A site is a directory with the root file tree of an image, unpacked, and a place for the state
 * of each peer; it is removed at the end. A peer is a runtime that was found and tried.
 *
 * A runtime does not run everywhere as it comes: crun refuses hosts that have cgroup v1 and v2 at
 * once, an ordinary user needs a user namespace, and so on. So each has a list of ways, the
 * plainest first; the first way in which `true` runs is taken, and results say which.
 */
#ifndef HILLOCK_BENCH_PEERS_H
#define HILLOCK_BENCH_PEERS_H

#include <limits.h>

#include "bench/process.h"
#include "image/image.h"

#define PEER_ID_MAX 64

struct peer_site {
	char work[PATH_MAX - 64]; /* removed by peer_site_close() */
	char tree[PATH_MAX];
	char fetched[PATH_MAX - 64]; /* where bench/peers puts what it fetches */
	struct process_view hidden;  /* the host without its cgroup v2, made when first needed */
	char runtime_dir[PATH_MAX + 32]; /* "XDG_RUNTIME_DIR=..." */
	const char *const *tmpfs;        /* file systems in memory that peers mount; or NULL */
};

/*
 * What peers need to run; `image` stays the caller's. NULL: the directories only, of which `tree`
 * is empty.
 */
int peer_site_open(struct peer_site *site, const char *store, const struct image *image,
		   struct err *err);
void peer_site_close(struct peer_site *site);

struct peer {
	const struct peer_kind *kind;
	const struct peer_way *way;
	struct peer_site *site;
	char program[PATH_MAX];
	char bundle[PATH_MAX], state[PATH_MAX];
	char version[96];
	char libraries[PATH_MAX + 32]; /* "LD_LIBRARY_PATH=...", or empty */
	char **environment;
};

/* A call of a peer; `spec` points into it. */
struct peer_call {
	struct process_spec spec;
	const char *argv[24];
	char id[PEER_ID_MAX];
};

/* NULL-terminated names of all that are known. */
extern const char *const peer_names[];

/*
 * Finds the peer, and the way in which it runs `command` here. -ENOENT: there is no such program.
 */
int peer_open(struct peer_site *site, const char *name, const char *const *command,
	      struct peer *peer, struct err *err);
void peer_close(struct peer *peer);

/* "as root, cgroup v2 hidden from it" */
const char *peer_words(const struct peer *peer);

/* What it runs from now on. */
int peer_set_command(const struct peer *peer, const char *const *command, struct err *err);

/*
 * `peer` must outlive the call. `id`: up to 24 characters, ours among the runs of this benchmark.
 * `detach`: it returns when the container has started.
 */
void peer_call_run(const struct peer *peer, const char *id, int detach, struct peer_call *call);
/* Kills and removes it, if there is one. */
void peer_remove(const struct peer *peer, const char *id);

#endif

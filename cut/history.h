/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history of cuts: what was tried, why, and what became of it.
 *
 * Theory of operation
 * -------------------
 * One SQLite database in the store. A cut has a key, a digest of everything that decides its way
 * (image, check, machine, base, source, goal, --keep and --drop): the same key that is not done is
 * resumed. Each probe is one row in one transaction, so whatever is killed, the history is whole.
 * Several programs may read while one writes.
 */
#ifndef HILLOCK_CUT_HISTORY_H
#define HILLOCK_CUT_HISTORY_H

#include "cut/cut.h"
#include "cut/evidence.h"

struct history {
	struct sqlite3 *db;
};

struct history_cut {
	int64_t id, started, finished; /* seconds since 1970; finished 0: not yet */
	char key[65], name[128], image[256], check[1024], machine[32], base[256], source[256];
	char goal[16], state[16]; /* "running", "done", "failed" */
	char message[512];
	char best[65]; /* the digest of the result's .config */
};

/* Opens or makes `path`. */
int history_open(struct history *h, const char *path, struct err *err);
void history_close(struct history *h);

/* Resumes the newest cut of this key that is not done, or begins one: fills in `id`. */
int history_begin(struct history *h, struct history_cut *cut, int *resumed, struct err *err);
int history_end(struct history *h, int64_t cut, const char *state, const char *message,
		const char *best, struct err *err);

/* The probe of this cut with that .config: 1, 0 when there is none, or -errno. */
int history_find(struct history *h, int64_t cut, const char *digest, struct cut_probe *probe,
		 struct err *err);
int history_add(struct history *h, int64_t cut, const struct cut_probe *probe, struct err *err);
int history_add_evidence(struct history *h, int64_t cut, const struct evidence_set *set,
			 struct err *err);

/* For reading: `each` returns 0 to go on. The strings last as long as the call. */
int history_cuts(struct history *h, int (*each)(void *context, const struct history_cut *cut),
		 void *context, struct err *err);
int history_probes(struct history *h, int64_t cut,
		   int (*each)(void *context, const struct cut_probe *probe), void *context,
		   struct err *err);
int history_evidence(struct history *h, int64_t cut, struct evidence_set *set, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations of a cut: from what is asked for to what Kconfig makes of it.
 *
 * Theory of operation
 * -------------------
 * A configuration is asked for by a list of options; what nobody asks for and nothing selects is
 * off (allnoconfig). Kconfig drops an option whose parents are missing without a word, so the list
 * is completed first: as long as an asked option does not come out, what it depends on, or who
 * selects it, is added, choosing among what is on in the base configuration, of which it is known
 * that it works.
 */
#ifndef HILLOCK_CUT_CONFIG_H
#define HILLOCK_CUT_CONFIG_H

#include "base/buf.h"
#include "cut/owners.h"
#include "kconfig/kconfig.h"

#define CONFIG_DIGEST 64

struct config_ask {
	char name[128];
	char value[128]; /* "y", a number, a text without quotes */
	char for_whom[128]; /* the option that needs it; "" when it was asked for itself */
};

struct config_asks {
	struct config_ask *list;
	size_t count, room;
};

/* Adds or replaces. 0 or -ENOMEM. */
int config_ask(struct config_asks *asks, const char *name, const char *value,
	       const char *for_whom);
/* Adds the lines of a fragment. */
int config_ask_fragment(struct config_asks *asks, const char *text);
const struct config_ask *config_asked(const struct config_asks *asks, const char *name);
void config_asks_free(struct config_asks *asks);

struct config {
	struct kconfig *kconfig;
	char **base; /* names that are on in the base, sorted */
	size_t base_count;
};

/* Reads the Kconfig tree for a machine's architecture ("um", "x86"). */
int config_open(struct config *c, const char *tree, const char *arch, const char *cache,
		struct err *err);
void config_close(struct config *c);

/* Names the base by its text (a .config or fragment). It is the solution until the next solve. */
int config_base(struct config *c, const char *text, size_t size, struct err *err);
bool config_base_on(const struct config *c, const char *name);

/* Completes `asks` and solves them. */
int config_solve(struct config *c, struct config_asks *asks, struct err *err);

/* Is it y in the present solution? Fits owners_built() with the struct config as context. */
bool config_on(void *config, const char *name);
/* Can a person set it? */
bool config_settable(const struct config *c, const char *name);

/* The present solution as a .config, NUL-terminated, and its digest. The caller frees. */
char *config_text(struct config *c, char digest[CONFIG_DIGEST + 1], struct err *err);
/* What is asked for as a fragment. The caller frees; NULL: no memory. */
char *config_fragment(const struct config_asks *asks);

/*
 * Bytes that go with an option when it is turned off in the present solution: the objects that
 * are built now and would not be then.
 */
uint64_t config_weight(struct config *c, const struct owners *o, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kconfig verbs share. */
#ifndef HILLOCK_CLI_KCONFIG_H
#define HILLOCK_CLI_KCONFIG_H

#include "cli/cli.h"
#include "kconfig/kconfig.h"

enum { CLI_KCONFIG_REASONS = 16 };

struct cli_kconfig_opt {
	const char *source, *arch, *config;
	int json, rest_no;
};
extern struct cli_kconfig_opt cli_kconfig_opt;

#define CLI_KCONFIG_OPTIONS                                                    \
	{ 0,         "source",                                                 \
	  CLI_VALUE, &cli_kconfig_opt.source,                                  \
	  "DIR",     "Linux's source (the newest fetched)" },                  \
		{ 0,         "arch",                                           \
		  CLI_VALUE, &cli_kconfig_opt.arch,                            \
		  "ARCH",    "Architecture: um, x86, arm64, … (um)" },         \
		{ 0,         "config",                                         \
		  CLI_VALUE, &cli_kconfig_opt.config,                          \
		  "FILE",    "The configuration (none: all defaults)" },       \
	{                                                                      \
		0, "json", CLI_FLAG, &cli_kconfig_opt.json, NULL, "Print JSON" \
	}

/* The tree that the options name, with the configuration solved; or the error is printed. */
int cli_kconfig_open(struct cli *cli, struct kconfig **k);
/* The same, and the option of that name in it; NULL when something was printed. */
struct kconfig_symbol *cli_kconfig_open_one(struct cli *cli, struct kconfig **k, const char *name);
/* NULL, after printing an error that names similar ones. */
struct kconfig_symbol *cli_kconfig_find(const struct kconfig *k, const char *name);

/* Prints lines that hold what a tree or a configuration says: without what is no text. */
void cli_kconfig_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* On the heap, or NULL: an expression; " if " and an expression unless it always holds; one
 * sentence; what keeps an option from being set to something else. */
char *cli_kconfig_expr(const struct kconfig_expr *expr);
char *cli_kconfig_condition(const struct kconfig_expr *expr);
char *cli_kconfig_reason(const struct kconfig *k, const struct kconfig_symbol *s,
			 const struct kconfig_reason *reason);
char *cli_kconfig_obstacle(const struct kconfig *k, const struct kconfig_symbol *s);

/* "FILE:LINE", or nothing. */
void cli_kconfig_place(const struct kconfig_place *place, char *out, size_t room);

/* To JSON objects, and (changes) lists. */
void cli_kconfig_add_text(struct json_object *o, const char *key, const char *text);
void cli_kconfig_add_expr(struct json_object *o, const char *key, const struct kconfig_expr *expr);
void cli_kconfig_add_place(struct json_object *o, const struct kconfig_place *place);
void cli_kconfig_add_change(void *list, const struct kconfig_change *change);
/* Prints it, unless it is about the symbol that is the context. */
void cli_kconfig_print_change(void *context, const struct kconfig_change *change);

#endif

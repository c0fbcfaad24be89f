/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the commands of a tree, and remembers what they said. */
#ifndef HILLOCK_KCONFIG_SHELL_H
#define HILLOCK_KCONFIG_SHELL_H

#include "base/err.h"

struct kc_shell;

/*
 * What commands print is looked up in and added to the file `cache` (NULL: none), in the part of
 * it that was made under the same `identity`; files below `source` that a command names must be
 * the same too. `source` and `cache` stay the caller's. NULL with *err set.
 */
struct kc_shell *kc_shell_open(const char *source, const char *cache, const char *identity,
			       struct err *err);

/* What commands get from now on; kept by the caller. */
void kc_shell_set_environment(struct kc_shell *shell, char *const *environment);

/* As kconfig_source's `shell`; the context is the struct kc_shell. */
int kc_shell_run(void *shell, const char *command, char *output, size_t size, struct err *err);

/* Writes the cache if there is news. */
void kc_shell_close(struct kc_shell *shell);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HILLOCK_GUEST_OPTIONS_H
#define HILLOCK_GUEST_OPTIONS_H

#include <stddef.h>

#include "base/err.h"

/*
 * Mount options of a tmpfs as docker's --tmpfs takes them ("size=64m,mode=755,exec"): into
 * mount(2)'s flags and what is left for the file system's own data. Nothing given means
 * nosuid,nodev,noexec and mode 1777. Fails on an option that it does not know.
 */
int options_tmpfs(const char *options, unsigned long *flags, char *data, size_t room,
		  struct err *err);

#endif

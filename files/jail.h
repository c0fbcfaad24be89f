/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file server's own jail, entered before it reads a byte that a guest wrote.
 *
 * What remains afterwards: the descriptors that it was handed; files below the served directory,
 * by name, but no execution; the system calls that translators/dir and virtio/ need, no other.
 * No capability but, for root, those that setting owners takes. It cannot reach by name what is
 * not below the root (Landlock), make a socket, start a program, or make memory executable.
 *
 * Landlock does not cover looking at attributes of files elsewhere, nor setting times, modes and
 * owners of those that belong to the same user. For that an empty root is needed: who starts the
 * server may put it into namespaces of its own (guard/).
 */
#ifndef HILLOCK_FILES_JAIL_H
#define HILLOCK_FILES_JAIL_H

#include "base/err.h"

int jail_enter(int root_fd, int read_only, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image maker's own jail.
 *
 * It reads archives that anyone may have made. By then it can open nothing (but files of the one
 * tree that it makes an image of), start nothing, connect nowhere, and use a bounded amount of
 * memory: what a fault in a decompressor could still spoil is the image being made.
 */
#ifndef HILLOCK_IMAGE_MKIMAGE_JAIL_H
#define HILLOCK_IMAGE_MKIMAGE_JAIL_H

#include "base/err.h"

/* For good. `tree_fd`: a directory to be read, or -1. No threads, all descriptors open. */
int jail_enter(int tree_fd, struct err *err);

#endif

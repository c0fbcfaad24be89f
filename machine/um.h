/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HILLOCK_MACHINE_UM_H
#define HILLOCK_MACHINE_UM_H

#include "machine/machine.h"

/* User-Mode Linux: a private kernel as a plain process (theory in um.c). */
extern const struct machine_ops machine_um_ops;

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of machines. A new one adds its ops here and a file beside this one. */
#include "machine/machine.h"

#include <string.h>

#include "machine/um.h"

const struct machine_ops *const machine_all[] = { &machine_um_ops, NULL };

const struct machine_ops *machine_find(const char *name)
{
	for (const struct machine_ops *const *m = machine_all; *m; m++)
		if (!strcmp((*m)->name, name))
			return *m;
	return NULL;
}

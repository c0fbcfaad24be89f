// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock-tracer: see tracer.h. */
#include "cut/tracer/tracer.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	int at = 1;

	if (argc == 3 && !strcmp(argv[1], "--scan"))
		return scan_run(argv[2]);
	for (; at + 1 < argc && !strcmp(argv[at], "--deny"); at += 2) {
		if (deny_add(argv[at + 1]) < 0) {
			fprintf(stderr, "hillock-tracer: --deny %s: not KIND=WHAT, or too many\n",
				argv[at + 1]);
			return 125;
		}
	}
	if (at >= argc || argv[at][0] == '-') {
		fprintf(stderr, "Usage: hillock-tracer --scan DIR\n"
				"       hillock-tracer [--deny KIND=WHAT]... COMMAND [ARG]...\n");
		return 125;
	}
	return trace_run(argv + at);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* TAP; the contract stands in tap.h. */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>

static int cases, failures;

int tap_ok(int passed, const char *fmt, ...)
{
	va_list ap;

	failures += !passed;
	printf("%sok %d - ", passed ? "" : "not ", ++cases);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	return passed;
}

int tap_end(void)
{
	printf("1..%d\n", cases);
	return failures != 0;
}

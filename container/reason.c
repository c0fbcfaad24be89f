// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why a kernel died, from its log.
 *
 * Theory of operation
 * -------------------
 * The log goes by as bytes in pieces of any size. Lines are put together in fixed room (the rest
 * of a longer one is passed over), stripped of what could upset a terminal, and three are kept:
 * the panic message, the last word about memory running out, and the last line of all. The guest
 * can write anything here; the worst it gets is a wrong reason for its own end.
 */
#include "container/room.h"

#include <stdio.h>
#include <string.h>

/* The message behind "[    1.234567] " or "<6>". */
static const char *message_of(const char *line)
{
	const char *end;

	if (line[0] == '<' && (end = strchr(line, '>')))
		line = end + 1;
	if (line[0] == '[' && (end = strchr(line, ']')))
		line = end + 1;
	return line + strspn(line, " ");
}

static void end_line(struct reason *r)
{
	const char *panic, *oom;

	r->line[r->length] = '\0';
	if (r->length > 0)
		snprintf(r->last, sizeof(r->last), "%.*s", (int)sizeof(r->last) - 1,
			 message_of(r->line));
	panic = strstr(r->line, "Kernel panic - not syncing");
	if (panic && !r->panic[0])
		snprintf(r->panic, sizeof(r->panic), "%.*s", (int)sizeof(r->panic) - 1, panic);
	oom = strstr(r->line, "Out of memory: Killed process");
	if (oom)
		snprintf(r->oom, sizeof(r->oom), "%.*s", (int)sizeof(r->oom) - 1, oom);
	r->length = 0;
}

void reason_feed(struct reason *r, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			end_line(r);
		else if (r->length < sizeof(r->line) - 1)
			r->line[r->length++] =
				bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
	}
}

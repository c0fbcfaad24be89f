// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kconfig trees and configurations from strangers.
 *
 * The input is a few files one after another: each begins with a line "@@ NAME"; what stands
 * before the first is "Kconfig", and the one named ".config" is read as a configuration. No
 * command runs: what one "prints" is made from its text. The promise that is checked: questions,
 * and with them "what would happen if", change nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig/kconfig.h"

enum { ASKED_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const char *data, *end;
};

/* The bytes of a file of the input; NULL if there is none of that name. */
static const char *file_of(const struct input *in, const char *name, size_t *size)
{
	const char *at = in->data, *start = in->data, *line;
	size_t length = strlen(name);
	int found = !strcmp(name, "Kconfig");

	while (at < in->end) {
		line = memchr(at, '\n', (size_t)(in->end - at));
		line = line ? line + 1 : in->end;
		if (line - at > 3 && !memcmp(at, "@@ ", 3)) {
			if (found)
				break;
			found = (size_t)(line - at) == length + 4 && !memcmp(at + 3, name, length);
			start = line;
		}
		at = line;
	}
	*size = found ? (size_t)(at - start) : 0;
	return found ? start : NULL;
}

static int read_file(void *context, const char *name, char **data, size_t *size, struct err *err)
{
	const char *bytes = file_of(context, name, size);

	*data = bytes ? malloc(*size ? *size : 1) : NULL;
	if (!*data)
		return err_sys(err, ENOENT, "%s", name);
	memcpy(*data, bytes, *size);
	return 0;
}

static int shell(void *context, const char *command, char *output, size_t size, struct err *err)
{
	size_t length = strlen(command);

	snprintf(output, size, "%s\n", length % 3 ? length % 2 ? "y" : "n\nx" : "");
	return 0;
}

static void note(void *context, const char *text)
{
	if (!text || strlen(text) > 4096)
		abort();
}

static char *written(struct kconfig *k)
{
	struct err err = ERR_INIT;
	struct buf text = { 0 };

	if (kconfig_write(k, &text, &err) < 0 || buf_append(&text, "", 1, SIZE_MAX) < 0)
		abort();
	return (char *)text.data;
}

static void print_expr(const struct kconfig *k, const struct kconfig_expr *expr)
{
	struct buf text = { 0 };
	int worth = kconfig_expr_worth(k, expr);

	if (worth < 0 || worth > 2 || (kconfig_expr_print(expr, &text) < 0 && text.used < 1 << 20))
		abort();
	(void)kconfig_expr_symbol(expr);
	buf_free(&text);
}

static void see_statement(void *context, const struct kconfig_statement *s)
{
	print_expr(context, s->condition);
	if (s->value)
		print_expr(context, s->value);
}

static void see_need(void *context, const struct kconfig_expr *part, int worth)
{
	print_expr(context, part);
}

static void see_change(void *context, const struct kconfig_change *change)
{
	if (!change->symbol || (!change->before && !change->after))
		abort();
}

static void ask(struct kconfig *k, struct kconfig_symbol *s)
{
	struct kconfig_reason reasons[4];
	struct err err = ERR_INIT;

	if (kconfig_why(k, s, reasons, 4) == 0)
		abort();
	kconfig_statements(k, s, see_statement, k);
	kconfig_needs(k, s, see_need, k);
	(void)kconfig_consequences(k, s, *kconfig_value(k, s) == 'n' ? "y" : "n", see_change, NULL,
				   &err);
}

static void use(struct kconfig *k, const struct input *in)
{
	struct err err = ERR_INIT;
	char *before, *after;
	const char *config;
	size_t size;

	config = file_of(in, ".config", &size);
	if (config && kconfig_read(k, "c", config, size, note, NULL, &err) < 0)
		abort();
	kconfig_solve(k);
	before = written(k);
	for (size_t i = 0; i < kconfig_count(k) && i < ASKED_MAX; i++)
		ask(k, kconfig_at(k, i));
	kconfig_solve(k);
	after = written(k);
	if (strcmp(before, after) != 0)
		abort();
	if (kconfig_read(k, "own", before, strlen(before), note, NULL, &err) < 0)
		abort();
	kconfig_set_rest_no(k);
	kconfig_solve(k);
	free(before);
	free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const variables[] = { "ARCH=um", "V=v w", NULL };
	struct input in = { (const char *)data, (const char *)data + size };
	struct kconfig_source source = {
		.variables = variables,
		.shell = shell,
		.read = read_file,
		.note = note,
		.context = &in,
		/* Both ways to solve a choice. */
		.version = size % 2 ? KCONFIG_NEWEST : KCONFIG_VERSION(6, 1),
	};
	struct err err = ERR_INIT;
	struct kconfig *k;

	if (kconfig_load(&source, &k, &err) < 0) {
		if (!err.code || !err.text[0])
			abort();
		return 0;
	}
	use(k, &in);
	kconfig_free(k);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "kconfig_given.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int read_given(void *context, const char *name, char **data, size_t *size, struct err *err)
{
	const struct given *given = context;
	const struct given_file *f;

	for (f = given->files; f->name; f++) {
		if (strcmp(f->name, name) != 0)
			continue;
		*size = strlen(f->text);
		*data = malloc(*size + 1);
		assert_non_null(*data);
		memcpy(*data, f->text, *size + 1);
		return 0;
	}
	return err_sys(err, ENOENT, "%s", name);
}

static int run_given(void *context, const char *command, char *output, size_t size, struct err *err)
{
	struct given *given = context;

	given->commands++;
	if (!strncmp(command, "echo ", 5))
		snprintf(output, size, "%s\n", command + 5);
	else
		*output = '\0';
	return 0;
}

static void note_given(void *context, const char *text)
{
	struct given *given = context;
	size_t used = strlen(given->notes);

	snprintf(given->notes + used, sizeof(given->notes) - used, "%s\n", text);
}

int given_load(struct given *given, struct kconfig **k, struct err *err)
{
	struct kconfig_source source = {
		.variables = given->variables,
		.version = given->version,
		.read = read_given,
		.shell = run_given,
		.note = note_given,
		.context = given,
	};

	return kconfig_load(&source, k, err);
}

static struct kconfig *tree(const char *text, unsigned int version)
{
	const struct given_file files[] = { { "Kconfig", text }, { 0 } };
	struct given given = { .files = files, .version = version };
	struct err err = ERR_INIT;
	struct kconfig *k;

	if (given_load(&given, &k, &err) < 0)
		fail_msg("%s", err.text);
	return k;
}

struct kconfig *given_tree(const char *text)
{
	return tree(text, 0);
}

struct kconfig *given_old_tree(const char *text)
{
	return tree(text, KCONFIG_VERSION(6, 1));
}

void given_refused(const char *text, const char *message)
{
	const struct given_file files[] = { { "Kconfig", text }, { 0 } };
	struct given given = { .files = files };
	struct err err = ERR_INIT;
	struct kconfig *k;

	assert_true(given_load(&given, &k, &err) < 0);
	assert_string_equal(err.text, message);
}

char *given_solve(struct kconfig *k, const char *config)
{
	struct err err = ERR_INIT;
	struct buf text = { 0 };
	char *lines, *line, *rest, *out;

	kconfig_clear(k);
	assert_int_equal(kconfig_read(k, "config", config, strlen(config), NULL, NULL, &err), 0);
	kconfig_solve(k);
	assert_int_equal(kconfig_write(k, &text, &err), 0);
	assert_int_equal(buf_append(&text, "", 1, SIZE_MAX), 0);
	lines = (char *)text.data;
	out = calloc(1, text.used + 1);
	assert_non_null(out);
	for (line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#' && strncmp(line, "# CONFIG_", 9) != 0)
			continue;
		strcat(out, line);
		strcat(out, "\n");
	}
	buf_free(&text);
	return out;
}

void given_becomes(struct kconfig *k, const char *config, const char *expected)
{
	char *found = given_solve(k, config);

	assert_string_equal(found, expected);
	free(found);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Environments: of the image or container, from --env-file, from -e; the later one wins. `K`
 * without a value stands for the caller's K, and for nothing when the caller has none.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { ENV_FILE_MAX = 1024 * 1024 };

static void set(struct cli_list *env, char *item)
{
	size_t length = strcspn(item, "=");

	for (size_t i = 0; i < env->count; i++) {
		if (!strncmp(env->items[i], item, length) && env->items[i][length] == '=') {
			env->items[i] = item;
			return;
		}
	}
	cli_list_add(env, item);
}

/* `-e K` and a line `K` of a file. */
static int set_given(struct cli_list *env, char *item, struct err *err)
{
	const char *value;
	char *whole;

	if (*item == '=' || !*item)
		return err_set(err, EINVAL, "invalid environment variable: '%s' has no name", item);
	if (strchr(item, '=')) {
		set(env, item);
		return 0;
	}
	value = getenv(item);
	if (!value)
		return 0;
	if (asprintf(&whole, "%s=%s", item, value) < 0)
		return err_sys(err, ENOMEM, "environment");
	set(env, whole);
	return 0;
}

static int read_env_file(struct cli_list *env, const char *path, struct err *err)
{
	char *text, *line, *rest;
	size_t size;
	int rc = fd_read_file(AT_FDCWD, path, ENV_FILE_MAX, &text, &size, err);

	if (rc < 0)
		return err_context(err, "--env-file");
	if (strlen(text) != size)
		return err_set(err, EINVAL, "--env-file %s: it has a zero byte in it", path);
	/* The lines stay where they are: the environment points into them. */
	for (rest = text; rc == 0 && (line = strsep(&rest, "\n"));) {
		size_t length = strlen(line);

		if (length > 0 && line[length - 1] == '\r')
			line[length - 1] = '\0';
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		if (strcspn(line, " \t") < strcspn(line, "="))
			rc = err_set(err, EINVAL,
				     "--env-file %s: variable '%s' contains whitespace", path,
				     line);
		else
			rc = set_given(env, line, err);
	}
	return rc;
}

int cli_env(char *const *base, const struct cli_list *files, const struct cli_list *given,
	    char ***env, struct err *err)
{
	static char *empty[] = { NULL };
	struct cli_list list = { 0 };
	int rc = 0;

	for (; base && *base; base++)
		set(&list, *base);
	for (size_t i = 0; rc == 0 && files && i < files->count; i++)
		rc = read_env_file(&list, files->items[i], err);
	for (size_t i = 0; rc == 0 && given && i < given->count; i++)
		rc = set_given(&list, given->items[i], err);
	*env = list.items ? list.items : empty;
	return rc;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock kconfig set: sets options, and prints or writes what comes of it. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cli/kconfig.h"

static const char *out;

static const struct cli_option options[] = {
	CLI_KCONFIG_OPTIONS,
	{ 0, "allnoconfig", CLI_FLAG, &cli_kconfig_opt.rest_no, NULL,
	  "Answer what FILE leaves open with no, as make allnoconfig does" },
	{ 'o', "output", CLI_VALUE, &out, "FILE", "Write the whole configuration ('-': print it)" },
	{ 0 },
};

static int set_one(struct kconfig *k, char *word, struct err *err)
{
	char *value = strchr(word, '=');
	struct kconfig_symbol *s;
	int rc;

	if (!value) {
		err_set(err, EINVAL, "'%s' is no assignment", word);
		err_hint(err, "write OPTION=VALUE, as in EPOLL=n");
		return -EINVAL;
	}
	*value++ = '\0';
	s = cli_kconfig_find(k, word);
	if (!s)
		return -ENOENT;
	rc = kconfig_set(k, s, value, err);
	value[-1] = '=';
	return rc;
}

/* Did the wish come true? Kconfig itself drops one without a word. */
static int check_one(const struct kconfig *k, const char *word)
{
	cleanup_free char *name = strndup(word, strcspn(word, "="));
	const char *value = strchr(word, '=') + 1;
	const struct kconfig_symbol *s = name ? kconfig_find(k, name) : NULL;
	cleanup_free char *text = NULL;
	struct err err = ERR_INIT;

	if (!s || !strcmp(kconfig_value(k, s), value))
		return 0;
	text = cli_kconfig_obstacle(k, s);
	err_set(&err, EINVAL, "%s cannot be %s here, it is %s: %s", kconfig_name(s), value,
		kconfig_value(k, s), text ? text : "?");
	err_hint(&err, "see 'hillock kconfig depends %s'", kconfig_name(s));
	cli_error(&err);
	return -EINVAL;
}

static int write_out(struct kconfig *k, struct err *err)
{
	struct buf text = { 0 };
	const char *slash = strrchr(out, '/');
	cleanup_free char *above = slash ? strndup(out, (size_t)(slash - out) + 1) : strdup(".");
	cleanup_close int directory = -1;
	int rc = kconfig_write(k, &text, err);

	if (rc == 0 && !strcmp(out, "-")) {
		fwrite(buf_data(&text), 1, text.used, stdout);
	} else if (rc == 0) {
		directory = above ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		rc = directory < 0 ? err_sys(err, errno, "writing %s", out)
				   : fd_replace_file(directory, slash ? slash + 1 : out,
						     buf_data(&text), text.used, 0644, err);
	}
	buf_free(&text);
	return rc;
}

/* Nothing is written if a wish did not come true. */
static int finish_set(struct kconfig *k, const struct kconfig_snapshot *before, int argc,
		      char **argv, struct err *err)
{
	struct json_object *list = json_object_new_array();
	int failed = 0;

	kconfig_solve(k);
	for (int i = 0; i < argc; i++)
		failed |= check_one(k, argv[i]);
	if (!failed && cli_kconfig_opt.json) {
		kconfig_compare(k, before, cli_kconfig_add_change, list);
		cli_json(json_object_get(list));
	} else if (!failed && (!out || strcmp(out, "-") != 0)) {
		kconfig_compare(k, before, cli_kconfig_print_change, NULL);
	}
	json_object_put(list);
	if (failed)
		return -EINVAL;
	return out ? write_out(k, err) : 0;
}

static int set(struct cli *cli, int argc, char **argv)
{
	struct kconfig_snapshot *before = NULL;
	struct err err = ERR_INIT;
	struct kconfig *k;
	int rc = cli_kconfig_open(cli, &k);

	if (rc < 0)
		return EXIT_ERROR;
	if (cli_kconfig_opt.json && out && !strcmp(out, "-"))
		rc = err_set(&err, EINVAL, "--json and -o - would both print");
	if (rc == 0 && !(before = kconfig_snapshot(k)))
		rc = err_sys(&err, ENOMEM, "setting options");
	for (int i = 0; i < argc && rc == 0; i++)
		rc = set_one(k, argv[i], &err);
	if (rc == 0)
		rc = finish_set(k, before, argc, argv, &err);
	if (rc < 0 && err.code)
		cli_error(&err);
	free(before);
	kconfig_free(k);
	return cli_flush() == EXIT_OK && rc == 0 ? EXIT_OK : EXIT_ERROR;
}

const struct cli_verb cli_kconfig_set = {
	.name = "kconfig set",
	.usage = "[OPTIONS] [OPTION=VALUE...]",
	.summary = "Set options, and print or write what comes of it",
	.example =
		"  hillock kconfig set EPOLL=n --config .config             # what would change\n"
		"  hillock kconfig set EPOLL=n --config .config -o .config  # do it",
	.options = options,
	.most = -1,
	.run = set,
};

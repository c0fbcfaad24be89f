// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock: finds the verb, parses its options, calls it. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"

const struct cli_verb *const cli_verbs[] = {
	&cli_run,          &cli_exec,        &cli_attach,     &cli_ps,        &cli_logs,
	&cli_stop,         &cli_kill,        &cli_wait,       &cli_rm,        &cli_inspect,
	&cli_image_import, &cli_image_ls,    &cli_image_rm,   &cli_kernel_ls, &cli_kernel_build,
	&cli_kconfig_show, &cli_kconfig_why, &cli_kconfig_depends, &cli_kconfig_set,
	&cli_cut,         &cli_version,      &cli_bench_start, &cli_bench_idle, &cli_bench_syscalls,
	&cli_bench_programs, NULL,
};

static const char *root;
static int show_version;

static const struct cli_option global_options[] = {
	{ 0, "root", CLI_VALUE, &root, "DIR", "Where images, kernels and containers lie" },
	{ 'v', "version", CLI_FLAG, &show_version, NULL, "Print the version and quit" },
	{ 0 },
};

static void print_overview(FILE *out)
{
	fprintf(out, "Usage:  hillock [--root DIR] VERB ...\n\n"
		     "Gives every container a Linux kernel of its own.\n\nVerbs:\n");
	for (size_t i = 0; cli_verbs[i]; i++)
		fprintf(out, "  %-16s %s\n", cli_verbs[i]->name, cli_verbs[i]->summary);
	fprintf(out, "\n'hillock VERB --help' says more.\n\nExample:\n"
		     "  hillock run --rm -it busybox sh\n");
}

/* "run", or "image" "ls". *used is the number of words. */
static const struct cli_verb *find_verb(int argc, char **argv, int *used)
{
	for (size_t i = 0; cli_verbs[i]; i++) {
		const char *name = cli_verbs[i]->name, *space = strchr(name, ' ');
		size_t first = space ? (size_t)(space - name) : strlen(name);

		if (strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0)
			continue;
		if (space && (argc < 2 || strcmp(argv[1], space + 1) != 0))
			continue;
		*used = space ? 2 : 1;
		return cli_verbs[i];
	}
	return NULL;
}

/* "image" alone, or with a word that it does not know. */
static int print_group(const char *group, int asked)
{
	size_t length = strlen(group), found = 0;

	for (size_t i = 0; cli_verbs[i]; i++) {
		const char *name = cli_verbs[i]->name;

		if (strncmp(name, group, length) != 0 || name[length] != ' ')
			continue;
		if (!found++)
			fprintf(asked ? stdout : stderr, "Usage:  hillock %s VERB ...\n\nVerbs:\n",
				group);
		fprintf(asked ? stdout : stderr, "  %-16s %s\n", name, cli_verbs[i]->summary);
	}
	return found > 0;
}

static int usage_error(const struct cli_verb *verb, struct err *err)
{
	if (verb)
		err_hint(err, "see 'hillock %s --help'", verb->name);
	else
		err_hint(err, "see 'hillock --help'");
	cli_error(err);
	return EXIT_USAGE;
}

static int count_error(const struct cli_verb *verb, int count)
{
	struct err err = ERR_INIT;

	if (count < verb->least)
		err_set(&err, EINVAL, "'hillock %s' requires at least %d argument%s", verb->name,
			verb->least, verb->least == 1 ? "" : "s");
	else if (verb->most == 0)
		err_set(&err, EINVAL, "'hillock %s' accepts no arguments", verb->name);
	else
		err_set(&err, EINVAL, "'hillock %s' accepts at most %d argument%s", verb->name,
			verb->most, verb->most == 1 ? "" : "s");
	err_hint(&err, "usage: hillock %s %s", verb->name, verb->usage);
	cli_error(&err);
	return EXIT_ERROR;
}

static int run_verb(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *verb = cli->verb;
	struct err err = ERR_INIT;
	int count = verb->raw ? argc : cli_parse(verb->options, verb->stop, argc, argv, &err);

	if (count == -ECANCELED) {
		cli_help(verb);
		return cli_flush();
	}
	if (count < 0)
		return usage_error(verb, &err);
	argv[count] = NULL;
	if (count < verb->least || (verb->most >= 0 && count > verb->most))
		return count_error(verb, count);
	return verb->run(cli, count, argv);
}

/* A caller may have closed some of these: what is opened next must not take their place. */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_USAGE);
	}
}

int main(int argc, char **argv)
{
	struct cli cli = { .begun = loop_now() };
	struct err err = ERR_INIT;
	int used = 0, count = cli_parse(global_options, 1, argc - 1, argv + 1, &err);

	fill_standard_descriptors();
	argv++;
	cli.root = root;
	if (count < 0 && count != -ECANCELED)
		return usage_error(NULL, &err);
	if (show_version) {
		printf("hillock %s\n", HILLOCK_VERSION);
		return cli_flush();
	}
	if (count <= 0 || !strcmp(argv[0], "help")) {
		print_overview(count == 0 ? stderr : stdout);
		return count == 0 ? EXIT_ERROR : cli_flush();
	}
	cli.verb = find_verb(count, argv, &used);
	if (cli.verb)
		return run_verb(&cli, count - used, argv + used);
	if (print_group(argv[0], count == 1 || !strcmp(argv[1], "--help")))
		return count == 1 || !strcmp(argv[1], "--help") ? cli_flush() : EXIT_USAGE;
	err_set(&err, EINVAL, "'%s' is not a hillock verb", argv[0]);
	return usage_error(NULL, &err);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock exec: one more command in a container that runs. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static struct {
	int detach, interactive, terminal;
	const char *cwd, *user;
	struct cli_list env, env_files;
} opt;

static const struct cli_option options[] = {
	{ 'd', "detach", CLI_FLAG, &opt.detach, NULL, "Leave when the command has started" },
	{ 'e', "env", CLI_LIST, &opt.env, "K[=V]", "Set an environment variable" },
	{ 0, "env-file", CLI_LIST, &opt.env_files, "FILE", "Read environment variables from it" },
	{ 'i', "interactive", CLI_FLAG, &opt.interactive, NULL, "Pass standard input on" },
	{ 't', "tty", CLI_FLAG, &opt.terminal, NULL, "Give it a terminal" },
	{ 'u', "user", CLI_VALUE, &opt.user, "USER[:GROUP]", "Names or numbers" },
	{ 'w', "workdir", CLI_VALUE, &opt.cwd, "DIR", "Working directory" },
	{ 0 },
};

static struct wire_string string_of(const char *text)
{
	return (struct wire_string){ text ? text : "", text ? (uint32_t)strlen(text) : 0 };
}

/* Asks the monitor to start it. Returns the session's descriptor. */
static int start(const struct container *c, char **argv, struct err *err)
{
	struct wire_start begin = {
		.cwd = string_of(opt.cwd ? opt.cwd : c->config.cwd),
		.user = string_of(opt.user ? opt.user : c->config.user),
		.terminal = opt.terminal != 0,
		.stdin_open = opt.interactive && !opt.detach,
	};
	cleanup_close int fd = -1;
	char **env;
	int rc;

	if (opt.cwd && opt.cwd[0] != '/')
		return err_set(err, EINVAL, "--workdir %s: it must be an absolute path", opt.cwd);
	rc = cli_env(c->config.env, &opt.env_files, &opt.env, &env, err);
	if (rc < 0)
		return rc;
	if (opt.terminal)
		container_terminal_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO,
					&begin.rows, &begin.columns);
	fd = container_connect(c, err);
	if (fd < 0)
		return fd;
	rc = container_session_start(fd, &begin, argv, env, err);
	return rc < 0 ? rc : fd_steal(&fd);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct container_session session = {
		.news_fd = -1,
		.stdin_fd = opt.interactive && !opt.detach ? STDIN_FILENO : -1,
		.terminal = opt.terminal,
		.detach = opt.detach,
		.sig_proxy = 1,
	};
	struct container_store store;
	struct container c;
	struct err err = ERR_INIT;
	sigset_t signals;
	int rc = opt.detach ? 0 : cli_check_terminal(opt.interactive, opt.terminal, &err);

	if (rc == 0) {
		if (cli_container(cli, argv[0], &store, &c) < 0)
			return EXIT_ERROR;
		cli_block_signals(&signals);
		session.signals = &signals;
		rc = start(&c, argv + 1, &err);
	}
	if (rc < 0) {
		cli_error(&err);
		return EXIT_ERROR;
	}
	session.fd = rc;
	return cli_session(&session, NULL);
}

const struct cli_verb cli_exec = {
	.name = "exec",
	.usage = "[OPTIONS] CONTAINER COMMAND [ARG...]",
	.summary = "Run a command in a container that runs",
	.example = "  hillock exec -it web sh",
	.options = options,
	.stop = 1,
	.least = 2,
	.most = -1,
	.run = run,
};

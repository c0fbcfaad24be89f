// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock attach: be the terminal or the pipes of a container's command. */
#include "cli/cli.h"

#include <errno.h>
#include <unistd.h>

static struct {
	int no_stdin, sig_proxy;
} opt = { .sig_proxy = 1 };

static const struct cli_option options[] = {
	{ 0, "no-stdin", CLI_FLAG, &opt.no_stdin, NULL, "Do not pass standard input on" },
	{ 0, "sig-proxy", CLI_FLAG, &opt.sig_proxy, NULL, "Pass signals on (true)" },
	{ 0 },
};

/* Until the container is over as a whole, so that it can be removed: its exit status. */
static int exit_of(struct container *c)
{
	struct err err = ERR_INIT;
	int code;

	if (container_wait(c, &code, &err) == 0)
		return code;
	cli_error(&err);
	return EXIT_ERROR;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct container_session session = {
		.news_fd = -1, .stdin_fd = -1, .sig_proxy = opt.sig_proxy, .attached = 1
	};
	struct container_session_result result;
	struct container_store store;
	struct err err = ERR_INIT;
	struct container c;
	sigset_t signals;
	int rc;

	if (cli_container(cli, argv[0], &store, &c) < 0)
		return EXIT_ERROR;
	session.terminal = c.config.terminal;
	if (c.config.stdin_open && !opt.no_stdin)
		session.stdin_fd = STDIN_FILENO;
	rc = cli_check_terminal(session.stdin_fd >= 0, session.terminal, &err);
	if (rc == 0) {
		cli_block_signals(&signals);
		session.signals = &signals;
		rc = session.fd = container_connect(&c, &err);
	}
	if (rc >= 0)
		rc = container_session_attach(session.fd, &err);
	if (rc < 0) {
		cli_error(&err);
		return EXIT_ERROR;
	}
	container_session_run(&session, &result, &err);
	/* No word about the command: the machine ended under it, and state.json says how. */
	if (result.end == SESSION_EXITED ||
	    (result.end == SESSION_FAILED && err.code == ECONNRESET))
		return exit_of(&c);
	return cli_session_end(&result, &err);
}

const struct cli_verb cli_attach = {
	.name = "attach",
	.usage = "[OPTIONS] CONTAINER",
	.summary = "Be the terminal or the pipes of a container's command (leave: Ctrl-P Ctrl-Q)",
	.example = "  hillock attach web",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run,
};

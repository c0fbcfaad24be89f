// SPDX-License-Identifier: GPL-2.0-or-later
/* What run, exec and attach do alike: signals, the session, its exit status. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * All but those that stop or continue this process (Ctrl-Z works on it as on any other), those
 * that are about this process itself, and those that cannot be caught.
 */
void cli_block_signals(sigset_t *set)
{
	static const int ours[] = { SIGKILL, SIGSTOP, SIGTSTP, SIGCONT, SIGTTIN, SIGTTOU,
				    SIGCHLD, SIGPIPE, SIGURG,  SIGSEGV, SIGBUS,  SIGFPE,
				    SIGILL,  SIGTRAP, SIGABRT, SIGSYS };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigdelset(set, ours[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
}

int cli_check_terminal(int interactive, int terminal, struct err *err)
{
	if (!interactive || !terminal || isatty(STDIN_FILENO))
		return 0;
	err_set(err, ENOTTY, "the input device is not a TTY");
	err_hint(err, "leave out -t when standard input is a pipe or a file");
	return -ENOTTY;
}

/* As if the write had ended us, which is what a shell expects of `… | head`. */
static void die_of_pipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
}

int cli_session_end(const struct container_session_result *result, const struct err *err)
{
	switch (result->end) {
	case SESSION_DETACHED:
		return EXIT_OK;
	case SESSION_PIPE:
		die_of_pipe();
		return 128 + SIGPIPE;
	case SESSION_FAILED:
		cli_error(err);
		break;
	case SESSION_EXITED:
		break;
	}
	return result->exit_code;
}

int cli_session(const struct container_session *session, uint64_t phases[CONTAINER_PHASES])
{
	struct container_session_result result;
	struct err err = ERR_INIT;

	container_session_run(session, &result, &err);
	if (phases)
		memcpy(phases, result.phases, sizeof(result.phases));
	return cli_session_end(&result, &err);
}

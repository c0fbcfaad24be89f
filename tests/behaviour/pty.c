// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a command on a terminal and plays a user who reads and types.
 *
 *	pty STEP... -- COMMAND [ARG...]
 *
 *	expect=TEXT	wait until TEXT has been shown (after what was expected before)
 *	send=TEXT	type it; \n \r \e \\ and \xHH are what they are in C
 *	size=ROWSxCOLS	resize the terminal
 *	signal=NUMBER	send the command a signal
 *	state=raw|cooked	wait until the terminal is in that mode
 *
 * What was shown goes to standard output. The exit status is the command's (128+n for a signal);
 * 99 when a step was not fulfilled within a minute, with a word on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 60, SHOWN_MAX = 4 * 1024 * 1024, EXIT_STEP = 99 };

static int master;
static pid_t child;
static char shown[SHOWN_MAX + 1];
static size_t used, looked_at;
static time_t deadline;

static void give_up(const char *step)
{
	fprintf(stderr, "pty: not fulfilled: %s\n", step);
	kill(child, SIGKILL);
	exit(EXIT_STEP);
}

/* Takes what is shown, waiting `ms` at most. 0: the command has let go of the terminal. */
static int take(int ms)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return 1;
	n = read(master, shown + used, SHOWN_MAX - used);
	if (n <= 0)
		return 0;
	if (write(STDOUT_FILENO, shown + used, (size_t)n) < 0)
		exit(EXIT_STEP);
	used += (size_t)n;
	shown[used] = '\0';
	return 1;
}

static void expect(const char *step, const char *text)
{
	for (;;) {
		char *at = memmem(shown + looked_at, used - looked_at, text, strlen(text));

		if (at) {
			looked_at = (size_t)(at - shown) + strlen(text);
			return;
		}
		if (time(NULL) >= deadline || !take(100))
			give_up(step);
	}
}

static void type(const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (c == '\\') {
			switch (*++text) {
			case 'n':
				c = '\n';
				break;
			case 'r':
				c = '\r';
				break;
			case 'e':
				c = 27;
				break;
			case 'x':
				c = (char)strtol((char[]){ text[1], text[2], 0 }, NULL, 16);
				text += 2;
				break;
			default:
				c = *text;
			}
		}
		if (write(master, &c, 1) != 1)
			give_up("send");
	}
}

static void resize(const char *text)
{
	struct winsize size = { 0 };

	if (sscanf(text, "%hux%hu", &size.ws_row, &size.ws_col) != 2)
		give_up(text);
	ioctl(master, TIOCSWINSZ, &size);
}

static void wait_state(const char *step, int raw)
{
	for (;;) {
		struct termios t;

		if (tcgetattr(master, &t) == 0 && ((t.c_lflag & ICANON) == 0) == raw)
			return;
		if (time(NULL) >= deadline)
			give_up(step);
		take(20);
	}
}

static void play(const char *step)
{
	const char *value = strchr(step, '=');

	deadline = time(NULL) + SECONDS;
	if (!value)
		give_up(step);
	value++;
	if (!strncmp(step, "expect=", 7))
		expect(step, value);
	else if (!strncmp(step, "send=", 5))
		type(value);
	else if (!strncmp(step, "size=", 5))
		resize(value);
	else if (!strncmp(step, "signal=", 7))
		kill(child, atoi(value));
	else if (!strncmp(step, "state=", 6))
		wait_state(step, !strcmp(value, "raw"));
	else
		give_up(step);
}

static void start(char **command)
{
	int slave;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		exit(EXIT_STEP);
	child = fork();
	if (child != 0)
		return;
	setsid();
	slave = open(ptsname(master), O_RDWR);
	ioctl(slave, TIOCSCTTY, 0);
	for (int fd = 0; fd <= 2; fd++)
		dup2(slave, fd);
	if (slave > 2)
		close(slave);
	execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	int steps = 1, status = 0;

	while (steps < argc && strcmp(argv[steps], "--") != 0)
		steps++;
	if (steps + 1 >= argc) {
		fprintf(stderr, "usage: pty STEP... -- COMMAND [ARG...]\n");
		return EXIT_STEP;
	}
	start(argv + steps + 1);
	for (int i = 1; i < steps; i++)
		play(argv[i]);
	deadline = time(NULL) + SECONDS;
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (time(NULL) >= deadline)
			give_up("the end");
		take(20);
	}
	/* What its last words were. */
	while (used < SHOWN_MAX) {
		size_t before = used;

		if (!take(0) || used == before)
			break;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

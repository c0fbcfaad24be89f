// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running hillock-mkimage.
 *
 * Theory of operation
 * -------------------
 * The maker gets three descriptors: what to read, what to write, and a pipe on which it reports in
 * lines (mkimage/main.c). It has an empty environment, and dies with this thread. It reads what
 * strangers made, so what it reports is taken as a stranger's word: numbers, and text that is
 * cleaned before it becomes part of an error. Progress is shown from the first second on, when
 * standard error is a terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/room.h"

#define PROGRAM "hillock-mkimage"
#define LINE_MAX_SIZE 2048
#define SHOW_AFTER_NS 1000000000ll

/* Where the program may be; the first that can be executed. */
static int find_program(char path[PATH_MAX], struct err *err)
{
	static const char *const beside[] = { "../libexec/hillock", "../image", "." };
	const char *given = getenv("HILLOCK_LIBEXEC");
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (given && snprintf(path, PATH_MAX, "%s/" PROGRAM, given) < PATH_MAX &&
	    access(path, X_OK) == 0)
		return 0;
	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	for (size_t i = 0; slash && i < sizeof(beside) / sizeof(*beside); i++) {
		*slash = '\0';
		if (snprintf(path, PATH_MAX, "%s/%s/" PROGRAM, exe, beside[i]) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return 0;
	}
	err_set(err, ENOENT,
		"the program " PROGRAM " is not where it belongs (../libexec/hillock "
		"as seen from %s)",
		slash ? exe : "the running program");
	err_hint(err, "install Hillock anew, or set HILLOCK_LIBEXEC to the directory that has it");
	return -ENOENT;
}

/* In the child: never returns. `parent`: who is to be outlived by nobody. */
static void become_maker(const struct image_make *make, const char *program, int report_fd,
			 pid_t parent)
{
	char report[16], skip[64], source[24], out[24];
	char *const argv[] = {
		(char *)PROGRAM, (char *)"-r", report,
		(char *)"-s",    skip,         (char *)(make->from_tar ? "tar" : "tree"),
		source,          out,          NULL
	};
	char *const envp[] = { NULL };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fcntl(make->source_fd, F_SETFD, 0) == 0 && fcntl(make->out_fd, F_SETFD, 0) == 0 &&
	    fcntl(report_fd, F_SETFD, 0) == 0) {
		snprintf(report, sizeof(report), "%d", report_fd);
		snprintf(skip, sizeof(skip), "%ju:%ju", (uintmax_t)make->skip_dev,
			 (uintmax_t)make->skip_ino);
		snprintf(source, sizeof(source), "fd:%d", make->source_fd);
		snprintf(out, sizeof(out), "fd:%d", make->out_fd);
		execve(program, argv, envp);
	}
	dprintf(report_fd, "error %d starting %s: %s\n", errno, program, strerror(errno));
	_exit(1);
}

struct course {
	const struct image_make *make;
	struct image_made *made;
	struct err *err;
	uint64_t total_input;
	struct timespec start;
	int terminal, shown, done;
};

static void show(struct course *c, uint32_t files, uint64_t bytes, uint64_t input)
{
	uint64_t total = c->make->from_tar ? c->total_input : c->make->total_bytes;
	uint64_t so_far = c->make->from_tar ? input : bytes;
	struct timespec now;

	if (!c->terminal || clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return;
	if ((now.tv_sec - c->start.tv_sec) * 1000000000ll + now.tv_nsec - c->start.tv_nsec <
	    SHOW_AFTER_NS)
		return;
	c->shown = 1;
	fprintf(stderr, "\rmaking an image of %.40s: %u", c->make->source, files);
	if (c->make->total_files)
		fprintf(stderr, " of %" PRIu64, c->make->total_files);
	fprintf(stderr, " files, %" PRIu64, so_far >> 20);
	if (total)
		fprintf(stderr, " of %" PRIu64, total >> 20);
	fputs(" MB\033[K", stderr);
	fflush(stderr);
}

static void clean_text(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void take_line(struct course *c, char *line)
{
	uint64_t bytes, last;
	uint32_t files;
	int code, at = 0;

	clean_text(line);
	if (sscanf(line, "progress %" SCNu32 " %" SCNu64 " %" SCNu64, &files, &bytes, &last) == 3) {
		show(c, files, bytes, last);
	} else if (sscanf(line, "done %" SCNu32 " %" SCNu64 " %" SCNu64, &files, &bytes, &last) ==
		   3) {
		c->made->files = files;
		c->made->content = bytes;
		c->done = 1;
	} else if (sscanf(line, "error %d %n", &code, &at) == 1 && at > 0 && !c->err->code) {
		err_set(c->err, code > 0 && code < 4096 ? code : EIO, "%s", line + at);
	} else if (!strncmp(line, "hint ", 5) && c->err->code) {
		err_hint(c->err, "%s", line + 5);
	}
}

/* What the maker says until it ends, and how it ended. */
static int follow(struct course *c, FILE *report, pid_t pid)
{
	char line[LINE_MAX_SIZE];
	int status;

	while (fgets(line, sizeof(line), report))
		take_line(c, line);
	if (c->shown)
		fputs("\r\033[K", stderr);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(c->err, errno, "waiting for " PROGRAM);
	if (c->err->code == ENOSPC)
		err_hint(c->err, "make room, or keep images elsewhere: HILLOCK_HOME=DIR");
	if (c->err->code)
		return -c->err->code;
	if (WIFSIGNALED(status)) {
		err_set(c->err, EIO, PROGRAM " was ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
		if (WTERMSIG(status) == SIGKILL)
			err_hint(c->err, "perhaps the host ran out of memory");
		return -EIO;
	}
	if (!c->done || WEXITSTATUS(status) != 0)
		return err_set(c->err, EIO, PROGRAM " ended with status %d and without a word",
			       WEXITSTATUS(status));
	return 0;
}

int image_make(const struct image_make *make, struct image_made *made, struct err *err)
{
	cleanup_close int from_child = -1, to_parent = -1;
	struct err own = ERR_INIT;
	struct course c = {
		.make = make, .made = made, .err = &own, .terminal = isatty(STDERR_FILENO)
	};
	char program[PATH_MAX];
	int pipe_fds[2], rc = find_program(program, err);
	struct stat st;
	FILE *report;
	pid_t pid, parent;

	if (rc < 0)
		return rc;
	if (make->from_tar && fstat(make->source_fd, &st) == 0 && S_ISREG(st.st_mode))
		c.total_input = (uint64_t)st.st_size;
	clock_gettime(CLOCK_MONOTONIC, &c.start);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "starting " PROGRAM);
	from_child = pipe_fds[0];
	to_parent = pipe_fds[1];
	report = fdopen(from_child, "r");
	if (!report)
		return err_sys(err, errno, "starting " PROGRAM);
	fd_steal(&from_child);
	parent = getpid();
	pid = fork();
	if (pid == 0)
		become_maker(make, program, to_parent, parent);
	rc = pid < 0 ? err_sys(&own, errno, "starting " PROGRAM) : 0;
	fd_close(&to_parent);
	if (rc == 0)
		rc = follow(&c, report, pid);
	fclose(report);
	if (rc < 0 && err)
		*err = own;
	return rc;
}

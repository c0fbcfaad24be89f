// SPDX-License-Identifier: GPL-2.0-or-later
/* Which lines, and what became of each; the theory stands in probe.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/probe/probe.h"

#define LINE_SECONDS 60 /* no line takes longer, unless it hangs */

static const struct probe_line *const groups[] = { probe_calls,     probe_files,   probe_memory,
						   probe_processes, probe_threads, NULL };

const char *probe_program;

static struct {
	const char *lines;     /* NULL: all */
	const char *directory; /* in which lines get theirs */
	unsigned ms;
} options = { .ms = 200 };

static void usage(FILE *file)
{
	fputs("Usage: hillock-probe [--lines NAME,...|none] [--ms N] [--dir DIR] | --list\n"
	      "Prints what one of each operation takes on the kernel below it, in ns:\n"
	      "  line NAME MEDIAN MIN SPREAD BATCHES OPERATIONS\n"
	      "--ms: how long to measure each (200); --dir: where files may be made\n"
	      "Example: hillock-probe --lines null,fault-anon-seq --ms 500\n",
	      file);
}

static void list(void)
{
	for (size_t i = 0; groups[i]; i++)
		for (const struct probe_line *line = groups[i]; line->name; line++)
			printf("%s\t%s\n", line->name, line->what);
}

/* Is the name in the list of those that are wanted? */
static int is_wanted(const char *name, size_t length)
{
	const char *at = options.lines;

	while (at && *at) {
		size_t word = strcspn(at, ",");

		if (word == length && !memcmp(at, name, length))
			return 1;
		at += word + (at[word] == ',');
	}
	return !options.lines;
}

static int is_line(const char *name, size_t length)
{
	for (size_t i = 0; groups[i]; i++)
		for (const struct probe_line *line = groups[i]; line->name; line++)
			if (strlen(line->name) == length && !memcmp(line->name, name, length))
				return 1;
	return 0;
}

static int check_lines(void)
{
	const char *at = options.lines;

	if (at && !strcmp(at, "none"))
		return 0;
	while (at && *at) {
		size_t word = strcspn(at, ",");

		if (!is_line(at, word)) {
			fprintf(stderr,
				"hillock-probe: no line is called '%.*s'; --list names all\n",
				(int)word, at);
			return -EINVAL;
		}
		at += word + (at[word] == ',');
	}
	return 0;
}

/* --- one line -------------------------------------------------------------------------------- */

struct report {
	int ret;
	struct probe_figure figure;
};

static void directory_name(pid_t pid, char name[32])
{
	snprintf(name, 32, "hillock-probe-%d", (int)pid);
}

static int directory_enter(void)
{
	char name[32];

	directory_name(getpid(), name);
	return chdir(options.directory) < 0 || mkdir(name, 0700) < 0 || chdir(name) < 0 ? -errno
											: 0;
}

/* Removes a line's directory, which has files in it and nothing else. */
static void directory_remove(pid_t pid)
{
	int parent = open(options.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	struct dirent *entry;
	char name[32];
	DIR *list;

	directory_name(pid, name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	while (list && (entry = readdir(list)))
		unlinkat(fd, entry->d_name, 0);
	if (list)
		closedir(list);
	unlinkat(parent, name, AT_REMOVEDIR);
	close(parent);
}

/* In the line's own process. */
static void __attribute__((noreturn)) measure(const struct probe_line *line, int report_fd)
{
	struct report report = { 0 };

	setpgid(0, 0);
	alarm(LINE_SECONDS);
	report.ret = directory_enter();
	if (!report.ret)
		report.ret = probe_measure(line, (uint64_t)options.ms * 1000000, &report.figure);
	_exit(write(report_fd, &report, sizeof(report)) != sizeof(report));
}

static void print_failed(const char *name, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("fail %s it was not over after %d s\n", name, LINE_SECONDS);
	else if (WIFSIGNALED(status))
		printf("fail %s signal %d ended it\n", name, WTERMSIG(status));
	else
		printf("fail %s status %d ended it\n", name, WEXITSTATUS(status));
}

/* Returns whether it gave a figure. */
static int run_line(const struct probe_line *line)
{
	struct report report;
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe(ends) < 0)
		return 0;
	pid = fork();
	if (!pid)
		measure(line, ends[1]);
	close(ends[1]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		printf("fail %s cannot make a process: %s\n", line->name, strerror(errno));
		close(ends[0]);
		return 0;
	}
	/* Helpers first: they hold the pipe open, too. */
	kill(-pid, SIGKILL);
	directory_remove(pid);
	got = read(ends[0], &report, sizeof(report));
	close(ends[0]);
	if (status || got != sizeof(report))
		print_failed(line->name, status);
	else if (report.ret)
		printf("fail %s %s\n", line->name, strerror(-report.ret));
	else
		printf("line %s %.2f %.2f %.2f %u %llu\n", line->name, report.figure.median,
		       report.figure.min, report.figure.spread, report.figure.batches,
		       (unsigned long long)report.figure.operations);
	fflush(stdout);
	return !status && got == sizeof(report) && !report.ret;
}

static int run_all(void)
{
	uint64_t begun = probe_now();
	int failed = 0;

	for (size_t i = 0; groups[i]; i++)
		for (const struct probe_line *line = groups[i]; line->name; line++)
			if (is_wanted(line->name, strlen(line->name)))
				failed |= !run_line(line);
	printf("end %llu\n", (unsigned long long)(probe_now() - begun));
	return failed || fflush(stdout) || ferror(stdout);
}

/* --- options --------------------------------------------------------------------------------- */

static int parse_ms(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	options.ms = (unsigned)value;
	return *text < '0' || *text > '9' || *end || value < 1 || value > 10000 ? -EINVAL : 0;
}

static int parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!value)
			return -EINVAL;
		if (!strcmp(argv[i], "--lines"))
			options.lines = value;
		else if (!strcmp(argv[i], "--dir"))
			options.directory = value;
		else if (strcmp(argv[i], "--ms") != 0 || parse_ms(value))
			return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char program[PATH_MAX];

	/* What fork-exec runs. */
	if (argc == 2 && !strcmp(argv[1], "--exit"))
		return 0;
	if (argc == 2 && (!strcmp(argv[1], "--list") || !strcmp(argv[1], "--help"))) {
		if (argv[1][2] == 'l')
			list();
		else
			usage(stdout);
		return 0;
	}
	if (parse(argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (check_lines())
		return 2;
	if (!options.directory)
		options.directory = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	/* Lines have directories of their own, so the path must be a whole one. */
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0 &&
	    !realpath(argv[0], program))
		snprintf(program, sizeof(program), "%s", argv[0]);
	probe_program = program;
	return run_all();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands of a tree.
 *
 * Theory of operation
 * -------------------
 * A command runs by /bin/sh in an empty directory of its own, without input and with errors
 * thrown away, in a process group that is killed if it takes too long. Linux's tree asks the
 * compiler about a hundred questions, which takes longer than everything else together; so
 * answers are kept in a file.
 *
 * The file holds parts, each made under one identity: a text that says all that answers hang on
 * (tools with size and time, variables, scripts). Its form is lengths and bytes:
 *
 *	hillock kconfig answers 1
 *	part LENGTH BYTES		the identity, and the size of all its answers
 *	…answers: COMMAND-LENGTH ANSWER-LENGTH, both texts
 *
 * A file that is not of this form is as good as none. It is replaced at once, so of two writers
 * one wins; the parts of other identities are carried over while there are few.
 */
#include "kconfig/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

enum { TIME_MAX_S = 60, CACHE_MAX = 4 << 20, PARTS_MAX = 8, KEY_MAX = 16 << 10 };

#define MAGIC "hillock kconfig answers 1\n"

struct answer {
	struct answer *next;
	char *key, *text;
};

struct kc_shell {
	const char *source, *cache;
	char *const *environment;
	char *identity;
	char *place; /* the directory that commands run in, once there is one */
	struct answer *answers;
	struct buf others; /* parts of other identities */
	unsigned int other_parts;
	bool news;
};

/* --- running ------------------------------------------------------------------------------- */

static int make_place(struct kc_shell *shell, struct err *err)
{
	const char *above = getenv("TMPDIR");
	int rc;

	if (shell->place)
		return 0;
	if (asprintf(&shell->place, "%s/hillock-kconfig-XXXXXX", above && *above ? above : "/tmp") <
	    0)
		return err_sys(err, ENOMEM, "making a directory to run commands in");
	if (mkdtemp(shell->place))
		return 0;
	rc = err_sys(err, errno, "making a directory to run commands in (%s)", shell->place);
	free(steal(&shell->place));
	return rc;
}

static int spawn(const struct kc_shell *shell, const char *command, int output, pid_t *pid)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc)
		return -rc;
	rc = posix_spawnattr_init(&attr);
	if (rc == 0) {
		posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
		rc = posix_spawn_file_actions_addchdir_np(&files, shell->place);
		rc = rc ? rc
			: posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
		rc = rc ? rc : posix_spawn_file_actions_adddup2(&files, output, 1);
		rc = rc ? rc
			: posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
		rc = rc ? rc : posix_spawn(pid, "/bin/sh", &files, &attr, argv, shell->environment);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return -rc;
}

static int ms_until(const struct timespec *end)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000LL + (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* All that comes; what does not fit is thrown away. -ETIME when it takes too long. */
static int listen_to(int fd, char *output, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec end;
	size_t used = 0;
	char rest[4096];
	ssize_t n;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += TIME_MAX_S;
	for (;;) {
		rc = poll(&p, 1, ms_until(&end));
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return rc < 0 ? -errno : -ETIME;
		n = used < size - 1 ? read(fd, output + used, size - 1 - used)
				    : read(fd, rest, sizeof(rest));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0 && used < size - 1)
			used += (size_t)n;
	}
	output[used] = '\0';
	return 0;
}

static int run(struct kc_shell *shell, const char *command, char *output, size_t size,
	       struct err *err)
{
	cleanup_close int from = -1;
	int pipes[2], rc = make_place(shell, err);
	pid_t pid;

	if (rc < 0)
		return rc;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, errno, "running a command of the tree");
	from = pipes[0];
	rc = spawn(shell, command, pipes[1], &pid);
	close(pipes[1]);
	if (rc < 0)
		return err_sys(err, -rc, "running a command of the tree");
	rc = listen_to(from, output, size);
	if (rc < 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc < 0 ? err_sys(err, -rc, "running a command of the tree (%.200s)", command) : 0;
}

/* --- answers ------------------------------------------------------------------------------- */

/* A command, and what the files below the source that it names look like. */
static char *key_of(const struct kc_shell *shell, const char *command)
{
	size_t length = strlen(shell->source), used, word;
	const char *at = command;
	struct stat st;
	char *key = malloc(KEY_MAX), path[1024];

	used = key ? (size_t)snprintf(key, KEY_MAX, "%s", command) : KEY_MAX;
	while (used < KEY_MAX && (at = strstr(at, shell->source))) {
		word = strcspn(at, " \t\"';|&()<>");
		if (at[length] == '/' && word < sizeof(path)) {
			memcpy(path, at, word);
			path[word] = '\0';
			if (stat(path, &st) == 0)
				used += (size_t)snprintf(
					key + used, KEY_MAX - used, "\n%s %lld %lld.%09ld", path,
					(long long)st.st_size, (long long)st.st_mtim.tv_sec,
					st.st_mtim.tv_nsec);
		}
		at += word ? word : 1;
	}
	if (used < KEY_MAX)
		return key;
	free(key);
	return NULL;
}

static int remember(struct kc_shell *shell, char *key, char *text)
{
	struct answer *a = key && text ? malloc(sizeof(*a)) : NULL;

	if (!a) {
		free(key);
		free(text);
		return -ENOMEM;
	}
	*a = (struct answer){ shell->answers, key, text };
	shell->answers = a;
	return 0;
}

static void forget(struct kc_shell *shell)
{
	struct answer *a;

	while ((a = shell->answers)) {
		shell->answers = a->next;
		free(a->key);
		free(a->text);
		free(a);
	}
}

int kc_shell_run(void *context, const char *command, char *output, size_t size, struct err *err)
{
	struct kc_shell *shell = context;
	cleanup_free char *key = shell->cache ? key_of(shell, command) : NULL;
	const struct answer *a;
	int rc;

	for (a = shell->answers; key && a; a = a->next) {
		if (strcmp(a->key, key))
			continue;
		snprintf(output, size, "%s", a->text);
		return 0;
	}
	rc = run(shell, command, output, size, err);
	if (rc == 0 && key && remember(shell, steal(&key), strdup(output)) == 0)
		shell->news = true;
	return rc;
}

/* --- the file ------------------------------------------------------------------------------ */

/* Two lengths in one line; false: they are not there, or do not fit into what is left. */
static bool take_lengths(const char **at, const char *end, const char *before, size_t *a, size_t *b)
{
	const char *line = memchr(*at, '\n', (size_t)(end - *at));
	size_t length = strlen(before);
	char text[64];

	if (!line || (size_t)(line - *at) >= sizeof(text))
		return false;
	memcpy(text, *at, (size_t)(line - *at));
	text[line - *at] = '\0';
	*at = line + 1;
	return !strncmp(text, before, length) && sscanf(text + length, "%zu %zu", a, b) == 2 &&
	       *a <= (size_t)(end - *at) && *b <= (size_t)(end - *at) - *a;
}

static void load_answers(struct kc_shell *shell, const char *at, const char *end)
{
	size_t key, text;

	while (at < end && take_lengths(&at, end, "", &key, &text)) {
		if (remember(shell, strndup(at, key), strndup(at + key, text)) < 0)
			return;
		at += key + text;
	}
}

static void load(struct kc_shell *shell, const char *data, size_t size)
{
	const char *at = data, *end = data + size, *part;
	size_t length, bytes;

	if (size < sizeof(MAGIC) - 1 || memcmp(data, MAGIC, sizeof(MAGIC) - 1))
		return;
	at += sizeof(MAGIC) - 1;
	for (part = at; at < end && take_lengths(&at, end, "part ", &length, &bytes); part = at) {
		if (length == strlen(shell->identity) && !memcmp(at, shell->identity, length))
			load_answers(shell, at + length, at + length + bytes);
		else if (++shell->other_parts < PARTS_MAX)
			buf_append(&shell->others, part, (size_t)(at - part) + length + bytes,
				   CACHE_MAX);
		at += length + bytes;
	}
}

static int put_part(struct kc_shell *shell, struct buf *out)
{
	struct buf answers = { 0 };
	const struct answer *a;
	char line[64];
	int rc = 0, n;

	for (a = shell->answers; a && rc == 0; a = a->next) {
		n = snprintf(line, sizeof(line), "%zu %zu\n", strlen(a->key), strlen(a->text));
		rc = buf_append(&answers, line, (size_t)n, CACHE_MAX);
		rc = rc ? rc : buf_append(&answers, a->key, strlen(a->key), CACHE_MAX);
		rc = rc ? rc : buf_append(&answers, a->text, strlen(a->text), CACHE_MAX);
	}
	n = snprintf(line, sizeof(line), "part %zu %zu\n", strlen(shell->identity), answers.used);
	rc = rc ? rc : buf_append(out, line, (size_t)n, CACHE_MAX);
	rc = rc ? rc : buf_append(out, shell->identity, strlen(shell->identity), CACHE_MAX);
	rc = rc ? rc : buf_append(out, answers.data, answers.used, CACHE_MAX);
	buf_free(&answers);
	return rc;
}

/* The newest part first, so that the oldest is the one that falls away. */
static void save(struct kc_shell *shell)
{
	cleanup_close int directory = -1;
	const char *slash = strrchr(shell->cache, '/');
	cleanup_free char *above =
		slash ? strndup(shell->cache, (size_t)(slash - shell->cache) + 1) : strdup(".");
	struct buf out = { 0 };
	int rc = buf_append(&out, MAGIC, sizeof(MAGIC) - 1, CACHE_MAX);

	rc = rc ? rc : put_part(shell, &out);
	rc = rc ? rc : buf_append(&out, shell->others.data, shell->others.used, CACHE_MAX * 2);
	if (rc == 0 && above)
		directory = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0)
		fd_replace_file(directory, slash ? slash + 1 : shell->cache, out.data, out.used,
				0644, NULL);
	buf_free(&out);
}

/* --- life ---------------------------------------------------------------------------------- */

struct kc_shell *kc_shell_open(const char *source, const char *cache, const char *identity,
			       struct err *err)
{
	struct kc_shell *shell = calloc(1, sizeof(*shell));
	cleanup_free char *data = NULL;
	size_t size;

	if (!shell || !(shell->identity = strdup(identity))) {
		free(shell);
		err_sys(err, ENOMEM, "reading a Kconfig tree");
		return NULL;
	}
	shell->source = source;
	shell->environment = environ;
	shell->cache = cache;
	if (cache && fd_read_file(AT_FDCWD, cache, CACHE_MAX * 2, &data, &size, NULL) == 0)
		load(shell, data, size);
	return shell;
}

void kc_shell_set_environment(struct kc_shell *shell, char *const *environment)
{
	shell->environment = environment;
}

void kc_shell_close(struct kc_shell *shell)
{
	if (!shell)
		return;
	if (shell->news)
		save(shell);
	if (shell->place)
		fd_remove_tree(AT_FDCWD, shell->place, NULL);
	forget(shell);
	buf_free(&shell->others);
	free(shell->identity);
	free(shell->place);
	free(shell);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* container/: the store on disk: claims, names, JSON files, logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/room.h"

static char directory[] = "/tmp/hillock-store-test.XXXXXX";
static struct container_store store;

static int open_store(void **state)
{
	char path[sizeof(directory)];

	strcpy(path, "/tmp/hillock-store-test.XXXXXX");
	if (!mkdtemp(path))
		return -1;
	strcpy(directory, path);
	return container_store_open(&store, directory, NULL);
}

static int remove_store(void **state)
{
	container_store_close(&store);
	return fd_remove_tree(AT_FDCWD, directory, NULL);
}

/* --- claims ---------------------------------------------------------------------------------- */

static int claim(const char *name, struct container_config *config, int *dir_fd, int *lock_fd,
		 struct err *err)
{
	*config = (struct container_config){ .cpus = 0 };
	snprintf(config->name, sizeof(config->name), "%s", name);
	return claim_create(&store, config, dir_fd, lock_fd, err);
}

static void a_claimed_name_is_found_and_not_given_twice(void **state)
{
	struct container_config config, other;
	char id[CONTAINER_ID_LENGTH + 1];
	struct err err = ERR_INIT;
	int dir, lock, dir2, lock2;

	assert_int_equal(claim("some-name", &config, &dir, &lock, &err), 0);
	assert_int_equal(container_find(&store, "some-name", id, &err), 0);
	assert_string_equal(id, config.id);
	assert_int_equal(claim("some-name", &other, &dir2, &lock2, &err), -EEXIST);
	assert_non_null(strstr(err.text, "already in use"));
	assert_true(err.hint[0]);
	/* Nothing is left of the one that lost. */
	assert_int_not_equal(faccessat(store.containers_fd, other.id, F_OK, 0), 0);
	assert_int_equal(claim_remove(&store, config.id, config.name, &err), 0);
	assert_int_equal(container_find(&store, "some-name", id, &err), -ENOENT);
	close(dir);
	close(lock);
}

static void any_start_of_an_id_finds_it_unless_two_share_it(void **state)
{
	char id[CONTAINER_ID_LENGTH + 1], a[CONTAINER_ID_LENGTH + 1], b[CONTAINER_ID_LENGTH + 1];

	memset(a, 'a', CONTAINER_ID_LENGTH);
	memcpy(b, a, sizeof(b));
	a[CONTAINER_ID_LENGTH] = b[CONTAINER_ID_LENGTH] = '\0';
	b[3] = 'b';
	assert_int_equal(mkdirat(store.containers_fd, a, 0700), 0);
	assert_int_equal(mkdirat(store.containers_fd, b, 0700), 0);
	assert_int_equal(container_find(&store, "aaaa", id, NULL), 0);
	assert_string_equal(id, a);
	assert_int_equal(container_find(&store, "aaab", id, NULL), 0);
	assert_string_equal(id, b);
	assert_int_equal(container_find(&store, "aaa", id, NULL), -ENOTUNIQ);
	assert_int_equal(container_find(&store, "abc", id, NULL), -ENOENT);
	assert_int_equal(container_find(&store, "", id, NULL), -ENOENT);
	assert_int_equal(container_find(&store, "../names", id, NULL), -ENOENT);
}

/* In a process of its own, as `run` does it. The winner holds on until it is killed. */
static pid_t fork_claim(void)
{
	struct container_config config = { .name = "contested" };
	struct container_store own;
	int dir, lock, rc;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	rc = container_store_open(&own, directory, NULL);
	if (rc == 0)
		rc = claim_create(&own, &config, &dir, &lock, NULL);
	if (rc == 0)
		pause();
	_exit(rc == -EEXIST ? 1 : 2);
}

static void of_many_claims_at_once_one_wins(void **state)
{
	enum { CLAIMS = 12 };
	pid_t pids[CLAIMS], pid;
	int status, winner = 0;

	for (int i = 0; i < CLAIMS; i++)
		pids[i] = fork_claim();
	for (int i = 0; i < CLAIMS - 1; i++) {
		pid = wait(&status);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		for (int k = 0; k < CLAIMS; k++)
			pids[k] = pids[k] == pid ? 0 : pids[k];
	}
	/* All but one have lost, and that one holds the name. */
	for (int i = 0; i < CLAIMS; i++)
		winner = pids[i] ? pids[i] : winner;
	assert_int_equal(waitpid(winner, &status, WNOHANG), 0);
	kill(winner, SIGKILL);
	assert_int_equal(waitpid(winner, &status, 0), winner);
}

static void a_name_whose_owner_died_is_free(void **state)
{
	struct container_config config;
	int dir, lock;

	assert_int_equal(
		symlinkat("b7b097688af4fc8d6cdef90a527156edeedbd8972a0f4d26b291e96fed9f63c1",
			  store.names_fd, "orphan"),
		0);
	assert_int_equal(claim("orphan", &config, &dir, &lock, NULL), 0);
	/* Its keeper dies before it has written anything. */
	close(lock);
	close(dir);
	assert_int_equal(claim("orphan", &config, &dir, &lock, NULL), 0);
	close(lock);
	close(dir);
}

static void a_sweep_takes_what_is_dead_and_nothing_else(void **state)
{
	struct container_config live, dead, kept = { .cpus = 0 };
	int dir[3], lock[3];

	assert_int_equal(claim("live-one", &live, &dir[0], &lock[0], NULL), 0);
	assert_int_equal(claim("dead-one", &dead, &dir[1], &lock[1], NULL), 0);
	assert_int_equal(claim("kept-one", &kept, &dir[2], &lock[2], NULL), 0);
	dead.auto_remove = 1;
	assert_int_equal(config_write(dir[1], &dead, NULL), 0);
	assert_int_equal(config_write(dir[2], &kept, NULL), 0);
	close(lock[1]);
	close(lock[2]);
	container_sweep(&store);
	assert_int_equal(faccessat(store.containers_fd, live.id, F_OK, 0), 0);
	assert_int_equal(faccessat(store.containers_fd, kept.id, F_OK, 0), 0);
	assert_int_not_equal(faccessat(store.containers_fd, dead.id, F_OK, 0), 0);
	assert_int_not_equal(faccessat(store.names_fd, "dead-one", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}

static void names_are_docker_s(void **state)
{
	static const char *const good[] = { "ab", "a_b", "A.b-c", "0x" };
	static const char *const bad[] = { "",    "a",   "_a",  ".a", "-a",
					   "a/b", "a b", "a\n", "..", "\xc3\xbc" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(claim_name_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(claim_name_valid(bad[i]));
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void a_configuration_is_read_as_it_was_written(void **state)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"echo \"\xff\\n\"", NULL };
	char *env[] = { (char *)"A=b", NULL };
	struct container_mount mount = { .kind = (char *)"volume",
					 .source = (char *)"/src",
					 .target = (char *)"/dst",
					 .options = (char *)"",
					 .read_only = 1 };
	struct container_config written = {
		.name = "name",
		.image = (char *)"image",
		.argv = argv,
		.env = env,
		.created = 1234567890123456789,
		.memory = 1ull << 40,
		.cpus = 1.5,
		.vcpus = 2,
		.layer = CONTAINER_LAYER_MEMORY,
		.terminal = 1,
		.host_uid = 0x4fffffff,
		.mounts = &mount,
		.mount_count = 1,
	};
	struct container_config read = { 0 };

	assert_int_equal(config_write(store.fd, &written, NULL), 0);
	assert_int_equal(config_read(store.fd, &read, NULL), 0);
	assert_string_equal(read.name, "name");
	assert_string_equal(read.image, "image");
	assert_string_equal(read.argv[2], argv[2]);
	assert_null(read.argv[3]);
	assert_string_equal(read.env[0], "A=b");
	assert_true(read.created == written.created);
	assert_true(read.memory == written.memory);
	assert_true(read.cpus == written.cpus);
	assert_int_equal(read.layer, CONTAINER_LAYER_MEMORY);
	assert_int_equal(read.terminal, 1);
	assert_int_equal(read.auto_remove, 0);
	assert_int_equal(read.host_uid, 0x4fffffff);
	assert_int_equal(read.mount_count, 1);
	assert_string_equal(read.mounts[0].target, "/dst");
	assert_int_equal(read.mounts[0].read_only, 1);
	container_config_free(&read);
}

static void write_text(const char *name, const char *text)
{
	assert_int_equal(fd_replace_file(store.fd, name, text, strlen(text), 0600, NULL), 0);
}

static void a_damaged_file_is_an_error_and_odd_values_have_defaults(void **state)
{
	static const char *const damaged[] = { "", "{", "[]", "null", "{\"status\": \"running\"" };
	struct container_config config = { 0 };
	struct container_state s;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		write_text("state.json", damaged[i]);
		assert_int_equal(state_read(store.fd, &s, NULL), -EBADMSG);
	}
	write_text("state.json", "{\"status\": \"flying\", \"exit_code\": 4711, \"keeper\": -5, "
				 "\"started\": \"now\", \"phases\": [1, 2], \"reason\": 3}");
	assert_int_equal(state_read(store.fd, &s, NULL), 0);
	assert_int_equal(s.status, CONTAINER_CREATED);
	assert_int_equal(s.exit_code, 0);
	assert_int_equal(s.keeper, 0);
	assert_string_equal(s.reason, "");
	write_text("config.json", "{\"argv\": [1, null, {}], \"mounts\": [3], \"vcpus\": 99}");
	assert_int_equal(config_read(store.fd, &config, NULL), 0);
	assert_string_equal(config.image, "");
	assert_int_equal(config.mount_count, 0);
	assert_int_equal(config.vcpus, 0);
	container_config_free(&config);
}

static void a_state_is_read_as_it_was_written(void **state)
{
	struct container_state s = { .status = CONTAINER_EXITED,
				     .keeper = 42,
				     .exit_code = 137,
				     .signal = 9,
				     .out_of_memory = 1,
				     .reason = "because",
				     .log_lost = 7 };
	struct container_state read;

	s.phases[PHASE_EXIT] = 99;
	assert_int_equal(state_write(store.fd, &s, NULL), 0);
	assert_int_equal(state_read(store.fd, &read, NULL), 0);
	assert_memory_equal(&s, &read, sizeof(s));
}

/* --- logs ------------------------------------------------------------------------------------ */

static struct container_log_reader *reader(void)
{
	struct container c = { .dir_fd = store.fd };
	struct container_log_reader *r = container_log_open(&c, 0, NULL);

	assert_non_null(r);
	return r;
}

static void put(struct log_writer *log, enum container_log_stream stream, const char *text)
{
	log_write(log, stream, text, strlen(text));
}

static void assert_next(struct container_log_reader *r, enum container_log_stream stream,
			const char *text)
{
	struct container_log_record record;

	assert_int_equal(container_log_next(r, &record, NULL), 1);
	assert_int_equal(record.stream, stream);
	assert_int_equal(record.size, strlen(text));
	assert_memory_equal(record.data, text, record.size);
	assert_true(record.time > 0);
}

static void close_log(struct log_writer *log)
{
	close(log->fds[0]);
	close(log->fds[1]);
	unlinkat(store.fd, "log.0", 0);
	unlinkat(store.fd, "log.1", 0);
}

static void a_log_is_read_while_it_is_written(void **state)
{
	struct container_log_record record;
	struct container_log_reader *r;
	struct log_writer log;

	assert_int_equal(log_create(&log, store.fd, "log", 1 << 20, NULL), 0);
	r = reader();
	assert_int_equal(container_log_next(r, &record, NULL), 0);
	put(&log, LOG_STDOUT, "one");
	put(&log, LOG_STDERR, "two");
	assert_next(r, LOG_STDOUT, "one");
	assert_next(r, LOG_STDERR, "two");
	assert_int_equal(container_log_next(r, &record, NULL), 0);
	put(&log, LOG_STDOUT, "three");
	assert_next(r, LOG_STDOUT, "three");
	container_log_rewind(r);
	assert_next(r, LOG_STDOUT, "one");
	container_log_close(r);
	close_log(&log);
}

/* A reader behind sees an unbroken end of what was written; one that keeps up sees all of it. */
static void a_log_stays_within_its_bound_and_keeps_the_end(void **state)
{
	enum { RECORDS = 2000, SIZE = 8192 };
	struct container_log_reader *near, *far;
	struct container_log_record record;
	struct log_writer log;
	char text[32];
	long number = -1, last;
	struct stat a, b;

	assert_int_equal(log_create(&log, store.fd, "log", SIZE, NULL), 0);
	near = reader();
	far = reader();
	for (int i = 0; i < RECORDS; i++) {
		snprintf(text, sizeof(text), "record %d", i);
		put(&log, LOG_STDOUT, text);
		assert_next(near, LOG_STDOUT, text);
		assert_int_equal(fstat(log.fds[0], &a), 0);
		assert_int_equal(fstat(log.fds[1], &b), 0);
		assert_true(a.st_size + b.st_size <= SIZE);
	}
	while (container_log_next(far, &record, NULL) == 1) {
		last = number;
		/* A record ends where its size says; behind it is whatever was there. */
		assert_true(record.size < sizeof(text));
		memcpy(text, record.data, record.size);
		text[record.size] = '\0';
		assert_int_equal(sscanf(text, "record %ld", &number), 1);
		assert_true(last < 0 || number == last + 1);
	}
	assert_int_equal(number, RECORDS - 1);
	assert_int_equal(log.lost, 0);
	container_log_close(near);
	container_log_close(far);
	close_log(&log);
}

static void what_a_full_disk_swallows_is_counted_and_said(void **state)
{
	struct rlimit old, tight = { 40, 40 };
	struct container_log_reader *r;
	struct container_log_record record;
	struct log_writer log;

	assert_int_equal(log_create(&log, store.fd, "log", 1 << 20, NULL), 0);
	put(&log, LOG_STDOUT, "before");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tight.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &tight);
	put(&log, LOG_STDOUT, "this does not fit on the disk");
	put(&log, LOG_STDOUT, "this neither");
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(log.lost, 29 + 12);
	put(&log, LOG_STDOUT, "after");
	r = reader();
	assert_next(r, LOG_STDOUT, "before");
	assert_next(r, LOG_LOST, "41");
	assert_next(r, LOG_STDOUT, "after");
	assert_int_equal(container_log_next(r, &record, NULL), 0);
	container_log_close(r);
	close_log(&log);
}

static void a_damaged_log_is_an_error(void **state)
{
	struct container_log_record record;
	struct container_log_reader *r;
	struct log_writer log;

	assert_int_equal(log_create(&log, store.fd, "log", 1 << 20, NULL), 0);
	put(&log, LOG_STDOUT, "good");
	assert_int_equal(write(log.fds[0], "\377\377\377\377\377\377\377\377junkjunk", 16), 16);
	r = reader();
	assert_next(r, LOG_STDOUT, "good");
	assert_int_equal(container_log_next(r, &record, NULL), -EBADMSG);
	container_log_close(r);
	close_log(&log);
}

/* --- reasons --------------------------------------------------------------------------------- */

static void a_panic_is_found_however_the_log_is_cut(void **state)
{
	static const char text[] = "[    0.1] fine\n<0>[    1.234567] Kernel panic - not syncing: "
				   "Attempted to kill init!\033[0m exitcode=9\n[    2.0] later\n";
	struct reason whole = { .length = 0 };
	char longest[2000];

	for (size_t step = 1; step < sizeof(text); step++) {
		struct reason r = { .length = 0 };

		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			reason_feed(&r, text + at,
				    at + step < sizeof(text) ? step : sizeof(text) - 1 - at);
		assert_string_equal(r.panic, "Kernel panic - not syncing: Attempted to kill init!"
					     "?[0m exitcode=9");
		assert_string_equal(r.last, "later");
		assert_string_equal(r.oom, "");
	}
	memset(longest, 'x', sizeof(longest));
	reason_feed(&whole, longest, sizeof(longest));
	reason_feed(&whole, "\n", 1);
	assert_true(strlen(whole.last) < sizeof(whole.last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claimed_name_is_found_and_not_given_twice),
		cmocka_unit_test(any_start_of_an_id_finds_it_unless_two_share_it),
		cmocka_unit_test(of_many_claims_at_once_one_wins),
		cmocka_unit_test(a_name_whose_owner_died_is_free),
		cmocka_unit_test(a_sweep_takes_what_is_dead_and_nothing_else),
		cmocka_unit_test(names_are_docker_s),
		cmocka_unit_test(a_configuration_is_read_as_it_was_written),
		cmocka_unit_test(a_damaged_file_is_an_error_and_odd_values_have_defaults),
		cmocka_unit_test(a_state_is_read_as_it_was_written),
		cmocka_unit_test(a_log_is_read_while_it_is_written),
		cmocka_unit_test(a_log_stays_within_its_bound_and_keeps_the_end),
		cmocka_unit_test(what_a_full_disk_swallows_is_counted_and_said),
		cmocka_unit_test(a_damaged_log_is_an_error),
		cmocka_unit_test(a_panic_is_found_however_the_log_is_cut),
	};

	return cmocka_run_group_tests(tests, open_store, remove_store);
}

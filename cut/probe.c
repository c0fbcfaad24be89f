// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: probe.h. */
#include "cut/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/utf8.h"
#include "cut/process.h"
#include "image/image.h"

enum {
	WORDS = 1200,
	TRIES = 3, /* of a check that takes too long */
	SPACE_LEAST = 32 << 20,
	SCAN_SECONDS = 900,
	TRACE_FACTOR = 20, /* how much slower a traced check may be */
	NICE = 10,
	JSON_MOST = 1 << 20,
};

/* --- the place ------------------------------------------------------------------------------------- */

static int lock(struct probe_place *p, struct err *err)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/lock", p->work) < 0)
		return err_set(err, ENOMEM, "out of memory");
	p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (p->lock_fd < 0)
		return err_sys(err, errno, "opening %s", path);
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	err_set(err, EBUSY, "another cut for the %s machine is at work in %s", p->spec->machine,
		p->work);
	err_hint(err, "wait for it, or give this one a data directory of its own: HILLOCK_HOME");
	return -EBUSY;
}

static void progress(void *context, const char *text, size_t size)
{
	struct probe_place *p = context;
	const char *end = memrchr(text, '\n', size), *start;
	char line[256];

	if (!p->heard || !end)
		return;
	start = memrchr(text, '\n', (size_t)(end - text));
	start = start ? start + 1 : text;
	utf8_clean(line, sizeof(line), start, (size_t)(end - start));
	p->heard(p->context, line);
}

/* Runs one of kernel/'s scripts in the work directory; its last words are the error. */
static int run_script(struct probe_place *p, const char *const *argv, struct process_said *said,
		      struct err *err)
{
	cleanup_free char *home = NULL, *ccache = NULL;
	int rc;

	if (asprintf(&home, "HILLOCK_HOME=%s", p->work) < 0 ||
	    asprintf(&ccache, "CCACHE_DIR=%s/ccache", p->spec->store) < 0)
		return err_set(err, ENOMEM, "out of memory");
	{
		const char *const set[] = { home, ccache, NULL };
		const struct process_order order = { .argv = argv, .set = set, .nice = NICE,
						     .heard = progress, .context = p };

		rc = cut_process(&order, said, err);
	}
	return rc;
}

static int find_source(struct probe_place *p, struct err *err)
{
	cleanup_free char *home = NULL;
	struct process_said said;
	int rc;

	if (p->spec->source) {
		p->source = realpath(p->spec->source, NULL);
		return p->source ? 0 : err_sys(err, errno, "Linux's source %s", p->spec->source);
	}
	if (asprintf(&home, "HILLOCK_HOME=%s", p->spec->store) < 0)
		return err_set(err, ENOMEM, "out of memory");
	{
		const char *const argv[] = { p->spec->kernel_fetch, NULL };
		const char *const set[] = { home, NULL };
		const struct process_order order = { .argv = argv, .set = set, .heard = progress,
						     .context = p };

		rc = cut_process(&order, &said, err);
	}
	if (rc == 0 && said.code != 0) {
		rc = err_set(err, ENOENT, "there is no Linux source: %.600s", said.err);
		err_hint(err, "name one with --source DIR");
	}
	if (rc == 0) {
		said.out[strcspn(said.out, "\n")] = '\0';
		p->source = strdup(said.out);
	}
	cut_process_free(&said);
	return rc;
}

static int link_tree(struct probe_place *p, struct err *err)
{
	cleanup_free char *report = NULL;
	struct process_said said;
	int rc;

	if (asprintf(&report, "%s/build/probe/additions", p->work) < 0)
		return err_set(err, ENOMEM, "out of memory");
	{
		const char *const argv[] = { p->spec->kernel_apply, "--report", report, p->source,
					     p->tree, NULL };

		rc = run_script(p, argv, &said, err);
	}
	if (rc == 0 && said.code != 0)
		rc = err_set(err, EINVAL, "linking Linux's source: %.800s", said.err);
	cut_process_free(&said);
	return rc;
}

static int make_directory(const char *path, struct err *err)
{
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return err_sys(err, errno, "making %s", path);
	return 0;
}

static int make_place(struct probe_place *p, struct err *err)
{
	char path[PATH_MAX];
	int rc;

	if (asprintf(&p->work, "%s/cut/%s", p->spec->store, p->spec->machine) < 0 ||
	    asprintf(&p->tree, "%s/build/probe/tree", p->work) < 0 ||
	    asprintf(&p->out, "%s/build/probe/out", p->work) < 0 ||
	    asprintf(&p->kernel, "%s/kernels/probe/linux", p->work) < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (strlen(p->work) + 64 > sizeof(path))
		return err_set(err, ENAMETOOLONG, "%s", p->work);
	snprintf(path, sizeof(path), "%s/cut", p->spec->store);
	rc = make_directory(path, err);
	if (rc == 0)
		rc = make_directory(p->work, err);
	snprintf(path, sizeof(path), "%s/build", p->work);
	if (rc == 0)
		rc = make_directory(path, err);
	snprintf(path, sizeof(path), "%s/build/probe", p->work);
	if (rc == 0)
		rc = make_directory(path, err);
	return rc;
}

/* The words that a container runs: the check through a shell, or what the image has. */
static int read_command(struct probe_place *p, struct err *err)
{
	const struct cut_spec *spec = p->spec;
	cleanup_close int store = open(spec->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct image image;
	struct stat st;
	size_t at = 0;
	int rc;

	p->command = calloc(WORDS, sizeof(*p->command));
	if (!p->command)
		return err_set(err, ENOMEM, "out of memory");
	if (store < 0)
		return err_sys(err, errno, "opening %s", spec->store);
	rc = image_open(store, spec->image, &image, err);
	if (rc < 0)
		return rc;
	memcpy(p->root_type, image.type, sizeof(p->root_type));
	if (fstat(image.root_fd, &st) == 0)
		snprintf(p->root, sizeof(p->root), "%lld %lld", (long long)st.st_size,
			 (long long)st.st_mtime);
	if (spec->check || spec->run) {
		p->command[at++] = strdup("/bin/sh");
		p->command[at++] = strdup("-c");
		if (asprintf(&p->command[at], spec->run && spec->check ?
						      "( %s\n) >/dev/null 2>&1 &\n%s\n" :
						      "%s%s\n",
			     spec->run ? spec->run : "", spec->check ? spec->check : "") < 0)
			p->command[at] = NULL;
	} else {
		for (char **w = image.entrypoint; w && *w && at < 64; w++)
			p->command[at++] = strdup(*w);
		for (char **w = image.command; w && *w && at < 128; w++)
			p->command[at++] = strdup(*w);
	}
	image_close(&image);
	if (!p->command[0]) {
		err_set(err, EINVAL, "%s has no command to check", spec->image);
		err_hint(err, "say how to see that a kernel will do: --check 'COMMAND'");
		return -EINVAL;
	}
	return 0;
}

int probe_open(struct probe_place *p, const struct cut_spec *spec,
	       void (*heard)(void *context, const char *progress), void *context, struct err *err)
{
	int rc;

	*p = (struct probe_place){ .spec = spec, .lock_fd = -1, .heard = heard, .context = context,
				   .check_seconds = spec->check_seconds ? spec->check_seconds : 300 };
	rc = make_place(p, err);
	if (rc == 0)
		rc = lock(p, err);
	if (rc == 0)
		rc = read_command(p, err);
	if (rc == 0)
		rc = find_source(p, err);
	if (rc == 0)
		rc = link_tree(p, err);
	return rc;
}

void probe_close(struct probe_place *p)
{
	free(p->work);
	free(p->tree);
	free(p->out);
	free(p->kernel);
	free(p->source);
	for (char **w = p->command; w && *w; w++)
		free(*w);
	free(p->command);
	fd_close(&p->lock_fd);
}

/* --- building ---------------------------------------------------------------------------------------- */

static uint64_t number(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_uint64(value) : 0;
}

void probe_read_sizes(const char *kernel_json, struct cut_probe *probe)
{
	cleanup_free char *text = NULL;
	struct json_object *o;

	if (fd_read_file(AT_FDCWD, kernel_json, JSON_MOST, &text, NULL, NULL) < 0)
		return;
	o = json_tokener_parse(text);
	probe->text = number(o, "text");
	probe->data = number(o, "data");
	probe->bss = number(o, "bss");
	probe->file_size = number(o, "file_size");
	json_object_put(o);
}

/* The last lines of a text, cleaned for people, as far as they fit. */
static void last_words(const char *text, char *out, size_t room)
{
	size_t length = strlen(text), used = 0;
	const char *start;

	while (length && strchr("\n ", text[length - 1]))
		length--;
	start = text + (length > room - 1 ? length - (room - 1) : 0);
	while (start < text + length && used + 1 < room) {
		const char *end = memchr(start, '\n', (size_t)(text + length - start));
		size_t line = end ? (size_t)(end - start) : (size_t)(text + length - start);

		if (line > room - used - 2)
			line = room - used - 2;
		utf8_clean(out + used, line + 1, start, line);
		used += strlen(out + used);
		if (!end || used + 2 >= room)
			break;
		out[used++] = '\n';
		start = end + 1;
	}
	out[used] = '\0';
}

static int is_full(const struct probe_place *p, const char *said)
{
	struct statvfs fs;

	return strstr(said, "No space left on device") ||
	       (statvfs(p->work, &fs) == 0 && fs.f_bavail * fs.f_frsize < SPACE_LEAST);
}

static int write_fragment(struct probe_place *p, const char *fragment, char path[PATH_MAX],
			  struct err *err)
{
	cleanup_close int dir = -1;

	snprintf(path, PATH_MAX, "%s/build/probe", p->work);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, errno, "opening %s", path);
	snprintf(path, PATH_MAX, "%s/build/probe/asked", p->work);
	return fd_replace_file(dir, "asked", fragment, strlen(fragment), 0666, err);
}

int probe_build(struct probe_place *p, const char *fragment, struct cut_probe *probe,
		struct err *err)
{
	char path[PATH_MAX], jobs[16];
	struct process_said said;
	int rc = write_fragment(p, fragment, path, err);

	if (rc < 0)
		return rc;
	snprintf(jobs, sizeof(jobs), "%u",
		 p->spec->jobs ? p->spec->jobs : (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	{
		const char *const argv[] = { p->spec->kernel_build, "--name", "probe", "--config",
					     path, "--source", p->source, "--jobs", jobs, NULL };

		rc = run_script(p, argv, &said, err);
	}
	probe->build_ms = said.wall_ns / 1000000;
	if (rc == 0 && said.code != 0 && is_full(p, said.err)) {
		rc = err_set(err, ENOSPC, "no space is left in %s", p->work);
		err_hint(err, "make room, and start the same cut again: it goes on where it was");
	} else if (rc == 0 && said.code != 0) {
		probe->verdict = CUT_BUILD_FAILED;
		last_words(said.err, probe->cause, sizeof(probe->cause));
		rc = 1;
	}
	cut_process_free(&said);
	if (rc == 0) {
		snprintf(path, sizeof(path), "%s/kernels/probe/kernel.json", p->work);
		probe_read_sizes(path, probe);
	}
	return rc;
}

/* --- running ------------------------------------------------------------------------------------------- */

struct container_run {
	char name[64];
	char timing[PATH_MAX];
	struct process_said said;
	int timed_out;
	uint64_t booted_us; /* from the kernel's start until its root was there; 0: it did not */
};

static uint64_t phase(struct json_object *o, const char *name)
{
	struct json_object *phases;

	return json_object_object_get_ex(o, "phases", &phases) ? number(phases, name) : 0;
}

static void read_timing(struct container_run *r)
{
	cleanup_free char *text = NULL;
	struct json_object *o;
	uint64_t kernel, started;

	if (fd_read_file(AT_FDCWD, r->timing, JSON_MOST, &text, NULL, NULL) < 0)
		return;
	o = json_tokener_parse(text);
	kernel = phase(o, "kernel");
	started = phase(o, "ready");
	json_object_put(o);
	if (kernel && started > kernel)
		r->booted_us = (started - kernel) / 1000;
}

static void remove_container(struct probe_place *p, const char *name)
{
	const char *const argv[] = { p->spec->program, "--root", p->spec->store, "rm", "-f", name,
				     NULL };
	const struct process_order order = { .argv = argv, .seconds = 60 };
	struct process_said said;

	cut_process(&order, &said, NULL);
	cut_process_free(&said);
}

/* What its kernel said last. */
static void kernel_words(struct probe_place *p, const char *name, char *out, size_t room)
{
	const char *const argv[] = { p->spec->program, "--root", p->spec->store, "logs", "--kernel",
				     name, NULL };
	const struct process_order order = { .argv = argv, .seconds = 60 };
	struct process_said said;

	out[0] = '\0';
	if (cut_process(&order, &said, NULL) == 0 && said.code == 0)
		last_words(said.out, out, room);
	cut_process_free(&said);
}

/* Runs `words` in a container on `kernel`; `volume` may be NULL. The container stays. */
static int run_container(struct probe_place *p, const char *kernel, const char *volume,
			 const char *const *words, unsigned seconds, struct container_run *r,
			 struct err *err)
{
	const char *argv[WORDS + 24];
	size_t at = 0;
	int rc;

	snprintf(r->name, sizeof(r->name), "cut-%d-%u", (int)getpid(), p->containers++);
	snprintf(r->timing, sizeof(r->timing), "%s/timing", p->work);
	unlink(r->timing);
	r->timed_out = 0;
	r->booted_us = 0;
	argv[at++] = p->spec->program;
	argv[at++] = "--root";
	argv[at++] = p->spec->store;
	argv[at++] = "run";
	argv[at++] = "--name";
	argv[at++] = r->name;
	argv[at++] = "--kernel";
	argv[at++] = kernel;
	argv[at++] = "--machine";
	argv[at++] = p->spec->machine;
	argv[at++] = "--timing";
	argv[at++] = r->timing;
	argv[at++] = "--storage-opt";
	argv[at++] = !strcmp(p->spec->layer, "memory") ? "layer=memory" : "layer=disk";
	if (volume) {
		argv[at++] = "-v";
		argv[at++] = volume;
	}
	argv[at++] = "--entrypoint";
	argv[at++] = words[0];
	argv[at++] = p->spec->image;
	for (size_t i = 1; words[i] && at + 1 < sizeof(argv) / sizeof(argv[0]); i++)
		argv[at++] = words[i];
	argv[at] = NULL;
	{
		const struct process_order order = { .argv = argv, .seconds = seconds };

		rc = cut_process(&order, &r->said, err);
	}
	r->timed_out = rc == -ETIMEDOUT;
	if (rc == 0)
		read_timing(r);
	return rc == -ETIMEDOUT ? 0 : rc;
}

static void end_container(struct probe_place *p, struct container_run *r)
{
	remove_container(p, r->name);
	cut_process_free(&r->said);
}

/* Verdict and cause of one run. */
static void judge(struct probe_place *p, struct container_run *r, struct cut_probe *probe)
{
	char *cause = probe->cause;
	size_t room = sizeof(probe->cause), used;

	cause[0] = '\0';
	if (!r->timed_out && r->said.code == 0) {
		probe->verdict = CUT_PASSED;
		return;
	}
	if (r->timed_out) {
		probe->verdict = CUT_TIMED_OUT;
		used = (size_t)snprintf(cause, room, "no end after %u s\n", p->check_seconds);
	} else if (!r->booted_us) {
		probe->verdict = CUT_BOOT_FAILED;
		last_words(r->said.err, cause, room / 2);
		used = strlen(cause);
	} else {
		probe->verdict = CUT_CHECK_FAILED;
		used = (size_t)snprintf(cause, room, "exit status %d\n", r->said.code);
		last_words(*r->said.err ? r->said.err : r->said.out, cause + used, room - used);
		return;
	}
	if (used + 2 < room) {
		if (used && cause[used - 1] != '\n')
			cause[used++] = '\n';
		kernel_words(p, r->name, cause + used, room - used);
	}
}

/* Used memory after boot, as /proc/meminfo has it, read by the shell itself. */
static void measure_memory(struct probe_place *p, const char *kernel, struct cut_probe *probe)
{
	const char *const words[] = { "/bin/sh", "-c",
				      "while read k v u; do case $k in Mem[TF]*) echo $k $v;; esac;"
				      " done </proc/meminfo", NULL };
	struct container_run r;
	unsigned long long total, unused;

	if (run_container(p, kernel, NULL, words, 60, &r, NULL) == 0 &&
	    sscanf(r.said.out, "MemTotal: %llu MemFree: %llu", &total, &unused) == 2 &&
	    unused <= total)
		probe->memory_kb = total - unused;
	if (r.booted_us && (!probe->boot_us || r.booted_us < probe->boot_us))
		probe->boot_us = r.booted_us;
	end_container(p, &r);
}

int probe_check(struct probe_place *p, const char *kernel, unsigned times,
		struct cut_probe *probe, struct err *err)
{
	unsigned passed = 0, late = 0;
	char failure[CUT_CAUSE] = "";
	enum cut_verdict verdict = CUT_PASSED;

	/* One failure is looked at twice, and a time-out three times, before it counts. */
	for (unsigned failed = 0; passed < times && failed < 2 && late < TRIES;) {
		struct container_run r;
		int rc = run_container(p, kernel, NULL, (const char *const *)p->command,
				       p->check_seconds, &r, err);

		if (rc < 0) {
			end_container(p, &r);
			return rc;
		}
		judge(p, &r, probe);
		probe->check_ms = r.said.wall_ns / 1000000;
		if (r.booted_us && (!probe->boot_us || r.booted_us < probe->boot_us))
			probe->boot_us = r.booted_us;
		end_container(p, &r);
		if (probe->verdict == CUT_PASSED) {
			passed++;
			continue;
		}
		late += probe->verdict == CUT_TIMED_OUT;
		failed += probe->verdict != CUT_TIMED_OUT;
		verdict = probe->verdict;
		memcpy(failure, probe->cause, sizeof(failure));
	}
	probe->verdict = verdict;
	memcpy(probe->cause, failure, sizeof(failure));
	if (verdict != CUT_PASSED && passed) {
		probe->verdict = CUT_UNSTABLE;
		snprintf(probe->cause, sizeof(probe->cause), "passed %u times, and then: %.900s",
			 passed, failure);
	}
	if (probe->verdict == CUT_PASSED)
		measure_memory(p, kernel, probe);
	return cut_interrupted() ? err_set(err, EINTR, "interrupted") : 0;
}

int probe_trace(struct probe_place *p, const char *kernel, int scan, const char *const *denials,
		char **report, char cause[CUT_CAUSE], struct err *err)
{
	cleanup_free char *volume = NULL;
	const char *words[WORDS];
	struct container_run r;
	size_t at = 0;
	int rc;

	*report = NULL;
	if (asprintf(&volume, "%s:/.hillock-tracer:ro", p->spec->tracer) < 0)
		return err_set(err, ENOMEM, "out of memory");
	words[at++] = "/.hillock-tracer";
	if (scan) {
		words[at++] = "--scan";
		words[at++] = "/";
	}
	for (size_t i = 0; denials && denials[i] && at + 140 < WORDS; i++) {
		words[at++] = "--deny";
		words[at++] = denials[i];
	}
	for (char **w = p->command; !scan && *w; w++)
		words[at++] = *w;
	words[at] = NULL;
	rc = run_container(p, kernel, volume, words,
			   scan ? SCAN_SECONDS : p->check_seconds * TRACE_FACTOR, &r, err);
	if (rc == 0) {
		*report = strdup(r.said.out);
		last_words(r.said.err, cause, CUT_CAUSE);
	}
	end_container(p, &r);
	return rc;
}

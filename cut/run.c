// SPDX-License-Identifier: GPL-2.0-or-later
/* A cut from its beginning to its end; theory of operation: cut.h. */
#include "cut/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/loop.h"
#include "image/sha256.h"

enum {
	TIMES_BASE = 3,	 /* that the check has to pass on the base kernel */
	TIMES_FINAL = 3, /* and on the result */
	BROKEN_MOST = 3, /* builds in a row that may fail */
	FILE_MOST = 8 << 20,
	SECONDS_LEAST = 30,
	SECONDS_FACTOR = 20, /* a check may take this many times as long as on the base */
};

const char *const cut_goal_names[CUT_GOALS] = {
	[CUT_SIZE] = "size",
	[CUT_MEMORY] = "memory",
	[CUT_BOOT] = "boot",
	[CUT_SURFACE] = "surface",
};

const char *const cut_verdict_names[CUT_VERDICTS] = {
	[CUT_PASSED] = "passed",	     [CUT_BUILD_FAILED] = "build failed",
	[CUT_BOOT_FAILED] = "boot failed",   [CUT_CHECK_FAILED] = "check failed",
	[CUT_TIMED_OUT] = "timed out",	     [CUT_UNSTABLE] = "unstable",
};

/* --- telling ------------------------------------------------------------------------------------ */

static void tell(struct cut *c, struct cut_event *e)
{
	uint64_t spent = loop_now() - c->begun;

	e->builds = c->builds;
	e->total = c->builds + c->expected;
	e->elapsed_ms = spent / 1000000;
	e->left_ms = c->builds ? e->elapsed_ms / c->builds * c->expected : 0;
	e->best = c->best.text + c->best.data;
	if (c->heard)
		c->heard(c->context, e);
}

void cut_say(struct cut *c, enum cut_event_kind kind, const char *fmt, ...)
{
	struct cut_event e = { .kind = kind };
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e.text = text;
	tell(c, &e);
}

static void hear_progress(void *context, const char *text)
{
	cut_say(context, CUT_PROGRESS, "%s", text);
}

/* --- probes ---------------------------------------------------------------------------------------- */

/* The result so far is what passes and is smallest, with what was asked for to get it. */
static int keep_best(struct cut *c, const struct cut_probe *p, const struct config_asks *asks)
{
	char *config = p->config ? strdup(p->config) : NULL;

	free(c->best.config);
	c->best = *p;
	c->best.config = config;
	config_asks_free(&c->asks);
	for (size_t i = 0; i < asks->count; i++)
		if (config_ask(&c->asks, asks->list[i].name, asks->list[i].value,
			       asks->list[i].for_whom) < 0)
			return -ENOMEM;
	return 0;
}

/* The solution of `asks` as a probe that was not made yet. */
static int describe(struct cut *c, struct config_asks *asks, const char *why,
		    struct cut_probe *p, struct err *err)
{
	*p = (struct cut_probe){ .number = (int)c->builds };
	snprintf(p->why, sizeof(p->why), "%s", why);
	if (config_solve(&c->config, asks, err) < 0)
		return -err->code;
	p->config = config_text(&c->config, p->digest, err);
	if (!p->config)
		return -err->code;
	for (const char *at = p->config; (at = strstr(at, "=y\n")); at++)
		p->options++;
	return 0;
}

static int budget_left(const struct cut *c)
{
	const struct cut_spec *s = c->spec;

	return (!s->builds || c->built < s->builds) &&
	       (!s->seconds || loop_now() - c->begun < s->seconds * 1000000000ull);
}

/*
 * Tries a set of asked options, or remembers that it was tried. 1: it passes, 0: it does not,
 * -EDQUOT: the budget is used up; others.
 */
int cut_try(struct cut *c, struct config_asks *asks, const char *why, unsigned times,
	    struct err *err)
{
	struct cut_event e = { .kind = CUT_PROBE };
	cleanup_free char *fragment = NULL;
	struct cut_probe p, old;
	int rc = describe(c, asks, why, &p, err);

	if (rc < 0)
		return rc;
	rc = history_find(&c->history, c->id, p.digest, &old, err);
	if (rc == 1) {
		free(p.config);
		p = old;
	} else if (rc == 0 && !budget_left(c)) {
		rc = err_set(err, EDQUOT, "the budget is used up");
	} else if (rc == 0) {
		fragment = config_fragment(asks);
		cut_say(c, CUT_STEP, "build %u: %s", c->builds, why);
		rc = fragment ? probe_build(&c->place, fragment, &p, err) : -ENOMEM;
		c->built += rc >= 0;
		c->broken = rc > 0 ? c->broken + 1 : 0;
		if (rc == 0)
			rc = probe_check(&c->place, c->place.kernel, times, &p, err);
		if (rc >= 0)
			rc = history_add(&c->history, c->id, &p, err);
	}
	if (rc >= 0) {
		/* Numbers go on behind those that are remembered. */
		if ((unsigned)p.number >= c->builds)
			c->builds = (unsigned)p.number + 1;
		if (c->expected)
			c->expected--;
		if (p.verdict != CUT_PASSED)
			snprintf(c->cause, sizeof(c->cause), "%s: %.900s",
				 cut_verdict_names[p.verdict], p.cause);
		else if (!c->best.text || p.text + p.data <= c->best.text + c->best.data)
			rc = keep_best(c, &p, asks);
		e.probe = &p;
		tell(c, &e);
		if (rc >= 0)
			rc = p.verdict == CUT_PASSED;
		else
			err_set(err, ENOMEM, "out of memory");
	}
	/* One configuration may not compile; if none does, it is not the configuration. */
	if (rc == 0 && c->broken == BROKEN_MOST)
		rc = err_set(err, ENOEXEC, "%d builds in a row failed, the last with: %s",
			     BROKEN_MOST, p.cause);
	free(p.config);
	return rc;
}

/* --- the base ---------------------------------------------------------------------------------------- */

/* The text of the base's configuration; *kernel names its kernel if the store has it built. */
static int read_base(struct cut *c, char **text, char **kernel, struct err *err)
{
	const struct cut_spec *s = c->spec;
	cleanup_free char *path = NULL;
	char *own = NULL;

	*kernel = NULL;
	if (s->base) {
		if (fd_read_file(AT_FDCWD, s->base, FILE_MOST, &own, NULL, err) < 0)
			return err_context(err, "--base");
		/* Whatever it was made for: here it has to run on this machine, under the tracer. */
		if (asprintf(text, "%s\n%s\nCONFIG_HOSTFS=y\n", own, c->floor) < 0)
			*text = NULL;
		free(own);
		return *text ? 0 : err_set(err, ENOMEM, "out of memory");
	}
	if (asprintf(&path, "%s/kernels/%s-base/config", s->store, s->machine) < 0 ||
	    asprintf(kernel, "%s/kernels/%s-base/linux", s->store, s->machine) < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (fd_read_file(AT_FDCWD, path, FILE_MOST, text, NULL, NULL) == 0 &&
	    access(*kernel, R_OK) == 0)
		return 0;
	free(*kernel);
	*kernel = NULL;
	free(path);
	if (asprintf(&path, "%s/%s-base.config", s->kernel_configs, s->machine) < 0)
		return err_set(err, ENOMEM, "out of memory");
	return fd_read_file(AT_FDCWD, path, FILE_MOST, text, NULL, err);
}

/* What the store's own kernel weighs, and where its objects lie if it was built here. */
static void describe_stored(struct cut *c, struct cut_probe *p)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/kernels/%s-base/kernel.json", c->spec->store,
		 c->spec->machine);
	probe_read_sizes(path, p);
	snprintf(path, sizeof(path), "%s/build/%s-base/out", c->spec->store, c->spec->machine);
	owners_measure(&c->owners, path);
}

static int check_failed(struct cut *c, const struct cut_probe *p, struct err *err)
{
	if (p->verdict == CUT_UNSTABLE) {
		err_set(err, ECANCELED, "the check is unstable before anything is cut: %.800s",
			p->cause);
		err_hint(err, "make it wait for what it checks; a cut needs a check that always "
			      "says the same");
	} else {
		err_set(err, ECANCELED, "nothing is cut: on the base kernel already, %s: %.800s",
			cut_verdict_names[p->verdict], p->cause);
		err_hint(err, "try it: hillock run --rm %s /bin/sh -c 'CHECK'", c->spec->image);
	}
	return -ECANCELED;
}

/*
 * Builds a base that the store has not. Its kernel gets a second name, which stays when the next
 * probe is built: a cut that goes on later needs it.
 */
static int build_base(struct cut *c, const char *text, struct cut_probe *p, struct err *err)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%.4000s/base-%.16s", c->place.work, p->digest);
	c->base_kernel = strdup(path);
	if (!c->base_kernel)
		return err_set(err, ENOMEM, "out of memory");
	cut_say(c, CUT_STEP, "building the base kernel");
	rc = probe_build(&c->place, text, p, err);
	owners_measure(&c->owners, c->place.out);
	if (rc != 0)
		return rc;
	unlink(path);
	return link(c->place.kernel, path) < 0 ? err_sys(err, errno, "naming %s", path) : 0;
}

/* Checks the base kernel, building it where that has to be. 1: its build failed. */
static int check_base(struct cut *c, const char *text, struct cut_probe *p, struct err *err)
{
	int rc = 0;

	if (!c->base_kernel)
		rc = build_base(c, text, p, err);
	if (rc == 0) {
		cut_say(c, CUT_STEP, "checking on the base kernel, %d times", TIMES_BASE);
		rc = probe_check(&c->place, c->base_kernel, TIMES_BASE, p, err);
	}
	return rc < 0 ? rc : history_add(&c->history, c->id, p, err);
}

/* Is what the history says of the base all that is needed to go on? */
static int base_remembered(struct cut *c, const struct cut_probe *old)
{
	char path[PATH_MAX];

	if (old->verdict != CUT_PASSED)
		return 0;
	if (!c->base_kernel) {
		snprintf(path, sizeof(path), "%.4000s/base-%.16s", c->place.work, old->digest);
		if (access(path, R_OK) == 0)
			c->base_kernel = strdup(path);
	}
	return c->base_kernel != NULL;
}

/* The check has to pass on the base kernel, always. Its solution stays. */
static int try_base(struct cut *c, struct err *err)
{
	cleanup_free char *text = NULL;
	struct cut_event e = { .kind = CUT_PROBE };
	struct cut_probe p = { .why = "the base" }, old = { .config = NULL };
	int rc = read_base(c, &text, &c->base_kernel, err);

	if (rc == 0)
		rc = config_base(&c->config, text, strlen(text), err);
	if (rc < 0)
		return rc;
	p.config = config_text(&c->config, p.digest, err);
	if (!p.config)
		return -err->code;
	p.options = (unsigned)c->config.base_count;
	if (c->base_kernel)
		describe_stored(c, &p);
	rc = history_find(&c->history, c->id, p.digest, &old, err);
	if (rc == 1 && base_remembered(c, &old)) {
		free(p.config);
		p = old;
		old.config = NULL;
	} else if (rc >= 0) {
		rc = check_base(c, text, &p, err);
	}
	if (rc >= 0) {
		e.probe = &p;
		c->builds++;
		c->base_size = p.text + p.data;
		memcpy(c->base_digest, p.digest, sizeof(c->base_digest));
		tell(c, &e);
		rc = p.verdict == CUT_PASSED ? 0 : check_failed(c, &p, err);
		if (!c->spec->check_seconds)
			c->place.check_seconds =
				SECONDS_LEAST + (unsigned)(p.check_ms / 1000) * SECONDS_FACTOR;
	}
	free(old.config);
	free(p.config);
	return rc;
}

/* --- beginning and end ----------------------------------------------------------------------------- */

static void add_key(struct sha256 *sha, const char *text)
{
	/* With its end, so that two texts side by side are not one. */
	sha256_add(sha, text ? text : "", strlen(text ? text : "") + 1);
}

/* What decides the way of a cut: the same key is the same cut. */
static void make_key(const struct cut *c, char key[65])
{
	const struct cut_spec *s = c->spec;
	cleanup_free char *additions = NULL, *path = NULL;
	unsigned char digest[SHA256_SIZE];
	struct sha256 sha;

	sha256_init(&sha);
	add_key(&sha, s->image);
	add_key(&sha, s->check);
	add_key(&sha, s->run);
	add_key(&sha, s->machine);
	add_key(&sha, s->layer);
	add_key(&sha, s->base);
	add_key(&sha, c->place.source);
	add_key(&sha, c->place.root);
	/* Which of our additions are on the source. */
	if (asprintf(&path, "%s/build/probe/additions", c->place.work) >= 0 &&
	    fd_read_file(AT_FDCWD, path, FILE_MOST, &additions, NULL, NULL) == 0)
		add_key(&sha, additions);
	add_key(&sha, cut_goal_names[s->goal]);
	for (size_t i = 0; s->keep && s->keep[i]; i++)
		add_key(&sha, s->keep[i]);
	add_key(&sha, "--drop");
	for (size_t i = 0; s->drop && s->drop[i]; i++)
		add_key(&sha, s->drop[i]);
	sha256_end(&sha, digest);
	sha256_hex(digest, 64, key);
}

static int begin(struct cut *c, struct err *err)
{
	const struct cut_spec *s = c->spec;
	struct history_cut record = { .id = 0 };
	char path[PATH_MAX];
	int resumed, rc;

	snprintf(path, sizeof(path), "%s/cut/history.db", s->store);
	rc = history_open(&c->history, path, err);
	if (rc < 0)
		return rc;
	make_key(c, record.key);
	snprintf(record.name, sizeof(record.name), "%s", s->name ? s->name : "");
	snprintf(record.image, sizeof(record.image), "%s", s->image);
	snprintf(record.check, sizeof(record.check), "%s%s%s", s->run ? s->run : "",
		 s->run && s->check ? " & " : "", s->check ? s->check : "");
	snprintf(record.machine, sizeof(record.machine), "%s", s->machine);
	snprintf(record.base, sizeof(record.base), "%s", s->base ? s->base : "");
	snprintf(record.source, sizeof(record.source), "%s",
		 strrchr(c->place.source, '/') ? strrchr(c->place.source, '/') + 1 : c->place.source);
	snprintf(record.goal, sizeof(record.goal), "%s", cut_goal_names[s->goal]);
	rc = history_begin(&c->history, &record, &resumed, err);
	c->id = record.id;
	if (rc == 0 && resumed)
		cut_say(c, CUT_NOTE, "going on with cut %lld, which was not done",
			(long long)c->id);
	return rc;
}

/* Adds a file of the floors to what the machine needs for this container. */
static int add_floor(struct cut *c, const char *name, struct err *err)
{
	cleanup_free char *path = NULL, *text = NULL, *before = steal(&c->floor);
	int rc;

	if (asprintf(&path, "%s/%s.config", c->spec->floors, name) < 0)
		return err_set(err, ENOMEM, "out of memory");
	rc = fd_read_file(AT_FDCWD, path, FILE_MOST, &text, NULL, err);
	if (rc == 0 && asprintf(&c->floor, "%s%s", before ? before : "", text) < 0) {
		c->floor = NULL;
		rc = err_set(err, ENOMEM, "out of memory");
	}
	return rc;
}

static int read_tree(struct cut *c, struct err *err)
{
	const char *root = c->place.root_type;
	cleanup_free char *cache = NULL;
	int rc;

	cut_say(c, CUT_STEP, "reading Linux's Kconfig, Makefiles and source");
	if (asprintf(&cache, "%s/kconfig-answers", c->spec->store) < 0)
		return err_set(err, ENOMEM, "out of memory");
	rc = add_floor(c, c->spec->machine, err);
	if (rc == 0)
		rc = add_floor(c, root, err);
	/* The writable layer's disk is ext4. */
	if (rc == 0 && strcmp(root, "ext4") != 0 && !strcmp(c->spec->layer, "disk"))
		rc = add_floor(c, "ext4", err);
	if (rc == 0)
		rc = config_open(&c->config, c->place.tree, c->arch, cache, err);
	if (rc == 0)
		rc = owners_read(&c->owners, c->place.tree, c->arch, err);
	return rc;
}

static void finish(struct cut *c, int rc, struct err *err)
{
	const char *state = rc == 0 ? "done" : rc == -EINTR || rc == -ENOSPC ? "running" : "failed";

	if (c->history.db && c->id)
		history_end(&c->history, c->id, state, rc < 0 ? err->text : "", c->best.digest, NULL);
}

static int work(struct cut *c, struct err *err)
{
	int rc = probe_open(&c->place, c->spec, hear_progress, c, err);

	if (rc == 0)
		rc = begin(c, err);
	if (rc == 0)
		rc = read_tree(c, err);
	if (rc == 0)
		rc = try_base(c, err);
	if (rc == 0)
		rc = cut_gather(c, err);
	if (rc == 0)
		rc = cut_search(c, err);
	if (rc == 0)
		rc = cut_confirm(c, TIMES_FINAL, err);
	if (rc == 0 && c->spec->name)
		rc = cut_store(c, err);
	return rc;
}

int cut_run(const struct cut_spec *spec, void (*heard)(void *context, const struct cut_event *e),
	    void *context, struct cut_result *result, struct err *err)
{
	struct cut c = { .spec = spec, .heard = heard, .context = context, .begun = loop_now(),
			 .place.lock_fd = -1,
			 .arch = !strcmp(spec->machine, "um") ? "um" : "x86" };
	int rc = work(&c, err);

	finish(&c, rc, err);
	*result = (struct cut_result){ .id = c.id, .builds = c.built, .best = c.best,
				       .base_size = c.base_size };
	cut_candidates_free(&c);
	evidence_free(&c.evidence);
	facts_free(&c.facts);
	owners_free(&c.owners);
	if (c.config.kconfig)
		config_close(&c.config);
	if (c.history.db)
		history_close(&c.history);
	probe_close(&c.place);
	free(c.floor);
	free(c.base_kernel);
	config_asks_free(&c.asks);
	return rc;
}

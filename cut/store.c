// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a cut: the result is built once more where something else was built since, checked,
 * and put into the store.
 */
#include "cut/run.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "cut/report.h"

enum { KERNEL_MOST = 256 << 20, JSON_MOST = 1 << 20 };

/* Protection that the base has, and that went with what it depends on, is no secret. */
static void note_lost(struct cut *c)
{
	char list[600] = "", line[160];
	size_t used = 0;

	for (size_t i = 0; i < c->evidence.count; i++) {
		const struct evidence *e = &c->evidence.list[i];

		snprintf(line, sizeof(line), "\nCONFIG_%.128s=y\n", e->option);
		if (e->kind != EVIDENCE_HARDENING || !c->best.config ||
		    strstr(c->best.config, line) || used >= sizeof(list))
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
					 e->option);
	}
	if (used)
		cut_say(c, CUT_NOTE, "protection of the base that is not in the result, as it was "
				     "dropped or needs what went: %s", list);
}

int cut_confirm(struct cut *c, unsigned times, struct err *err)
{
	cleanup_free char *fragment = config_fragment(&c->asks);
	struct cut_probe p = { .verdict = CUT_PASSED };
	int rc;

	if (!fragment)
		return err_set(err, ENOMEM, "out of memory");
	cut_say(c, CUT_STEP, "checking the result, %u times", times);
	rc = probe_build(&c->place, fragment, &p, err);
	if (rc == 0)
		rc = probe_check(&c->place, c->place.kernel, times, &p, err);
	if (rc < 0)
		return rc;
	if (rc > 0 || p.verdict != CUT_PASSED) {
		err_set(err, EAGAIN, "the result does not pass when it is tried again: %s: %.800s",
			cut_verdict_names[p.verdict], p.cause);
		err_hint(err, "the check may be unstable: it has to say the same every time");
		return -EAGAIN;
	}
	note_lost(c);
	if (p.boot_us && (!c->best.boot_us || p.boot_us < c->best.boot_us))
		c->best.boot_us = p.boot_us;
	return 0;
}

static int copy(int to, const char *name, const char *from, mode_t mode, struct err *err)
{
	cleanup_free char *data = NULL;
	size_t size;
	int rc = fd_read_file(AT_FDCWD, from, KERNEL_MOST, &data, &size, err);

	return rc < 0 ? rc : fd_replace_file(to, name, data, size, mode, err);
}

/* The built kernel's description, under its new name. */
static int write_json(struct cut *c, int to, const char *from, struct err *err)
{
	cleanup_free char *text = NULL;
	struct json_object *o;
	const char *json;
	int rc = fd_read_file(AT_FDCWD, from, JSON_MOST, &text, NULL, err);

	if (rc < 0)
		return rc;
	o = json_tokener_parse(text);
	if (!o)
		return err_set(err, EBADMSG, "%s is not JSON", from);
	json_object_object_add(o, "name", json_object_new_string(c->spec->name));
	json_object_object_add(o, "cut", json_object_new_int64(c->id));
	json_object_object_del(o, "stamp"); /* kernel/build would take it for its own */
	json = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY_TAB | JSON_C_TO_STRING_PRETTY);
	rc = fd_replace_file(to, "kernel.json", json, strlen(json), 0644, err);
	json_object_put(o);
	return rc;
}

static int find_cut(void *context, const struct history_cut *cut)
{
	struct history_cut *wanted = context;

	if (cut->id != wanted->id)
		return 0;
	*wanted = *cut;
	return 1;
}

static int write_defconfig(struct cut *c, int to, struct err *err)
{
	cleanup_free char *fragment = config_fragment(&c->asks), *text = NULL;
	struct history_cut cut = { .id = c->id };
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int rc = history_cuts(&c->history, find_cut, &cut, err);

	if (rc < 0 || !fragment || !out) {
		if (out)
			fclose(out);
		return rc < 0 ? rc : err_set(err, ENOMEM, "out of memory");
	}
	report_defconfig(out, &cut, fragment, c->best.config ? c->best.config : "", &c->evidence);
	if (fclose(out) != 0)
		return err_set(err, ENOMEM, "out of memory");
	return fd_replace_file(to, "defconfig", text, size, 0644, err);
}

int cut_store(struct cut *c, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX];
	cleanup_close int dir = -1;
	int rc;

	snprintf(to, sizeof(to), "%.3900s/kernels/%.128s", c->spec->store, c->spec->name);
	if (mkdir(to, 0777) < 0 && errno != EEXIST)
		return err_sys(err, errno, "making %s", to);
	dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, errno, "opening %s", to);
	/* The description first goes, and comes last: a kernel without it is not whole. */
	unlinkat(dir, "kernel.json", 0);
	rc = copy(dir, "linux", c->place.kernel, 0755, err);
	snprintf(from, sizeof(from), "%.3900s/kernels/probe/config", c->place.work);
	if (rc == 0)
		rc = copy(dir, "config", from, 0644, err);
	if (rc == 0)
		rc = write_defconfig(c, dir, err);
	snprintf(from, sizeof(from), "%.3900s/kernels/probe/kernel.json", c->place.work);
	if (rc == 0)
		rc = write_json(c, dir, from, err);
	return rc < 0 ? err_context(err, "putting the kernel into the store") : 0;
}

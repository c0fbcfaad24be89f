// SPDX-License-Identifier: GPL-2.0-or-later
/* A job as a command of the host, for each kind of contender; contest.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/contest.h"

/* Words of a command, with room checked. */
struct words {
	const char **argv;
	size_t used;
	int full;
};

static void word(struct words *w, const char *text)
{
	if (w->used + 1 == CONTENDER_WORDS_MAX)
		w->full = 1;
	else
		w->argv[w->used++] = text;
}

static void option(struct words *w, const char *name, const char *value)
{
	if (value) {
		word(w, name);
		word(w, value);
	}
}

static void words(struct words *w, const char *const *list)
{
	for (; list && *list; list++)
		word(w, *list);
}

static int native(const struct contest *c, const struct contest_job *job, struct contest_call *call,
		  struct err *err)
{
	struct words w = { .argv = call->argv };
	int ret;

	if (c->native_rooted) {
		ret = process_view_tree(&call->view, c->site.tree, c->site.tmpfs, err);
		if (ret)
			return ret;
		call->spec.view = &call->view;
		words(&w, job->command);
	} else {
		if (c->native.mount_fd >= 0)
			call->spec.view = &c->native;
		ret = snprintf(call->path, sizeof(call->path), "%s%s", c->site.tree,
			       job->command[0]);
		if (ret < 0 || (size_t)ret >= sizeof(call->path))
			return err_set(err, ENAMETOOLONG, "%s: the path is too long", c->site.tree);
		word(&w, call->path);
		words(&w, job->command + 1);
	}
	return w.full ? err_set(err, E2BIG, "%s has too many words", job->name) : 0;
}

static int hillock(const struct contest *c, const struct contest_contender *contender,
		   const struct contest_job *job, struct contest_call *call, struct err *err)
{
	struct words w = { .argv = call->argv };

	snprintf(call->name, sizeof(call->name), "hillock-bench-%d", getpid());
	word(&w, c->program);
	word(&w, "run");
	word(&w, "--rm");
	option(&w, "--name", call->name);
	option(&w, "--kernel", contender->kernel);
	option(&w, "--um-mode", contender->mode);
	option(&w, "--memory", c->options->memory);
	if (c->options->cpus > 1) {
		snprintf(call->cpus, sizeof(call->cpus), "%u", c->options->cpus);
		option(&w, "--cpus", call->cpus);
	}
	words(&w, c->run);
	word(&w, c->image);
	words(&w, job->command);
	call->spec.environment = c->environment;
	return w.full ? err_set(err, E2BIG, "%s has too many words", job->name) : 0;
}

static int peer(const struct contest_contender *contender, const struct contest_job *job,
		struct contest_call *call, struct err *err)
{
	int ret = peer_set_command(&contender->peer, job->command, err);

	if (ret)
		return ret;
	peer_call_run(&contender->peer, "contest", 0, &call->peer);
	call->spec = call->peer.spec;
	return 0;
}

int contest_call_make(const struct contest *c, const struct contest_contender *contender,
		      const struct contest_job *job, struct contest_call *call, struct err *err)
{
	int ret = 0;

	*call = (struct contest_call){ .spec = PROCESS_SPEC_INIT, .view = { -1, -1 } };
	call->spec.argv = call->argv;
	switch (contender->kind) {
	case CONTENDER_NATIVE:
		ret = native(c, job, call, err);
		break;
	case CONTENDER_HILLOCK:
		ret = hillock(c, contender, job, call, err);
		break;
	case CONTENDER_PEER:
		ret = peer(contender, job, call, err);
		break;
	}
	call->spec.cpus = &c->cpus;
	call->spec.keep_output = 1;
	call->spec.seconds = job->seconds;
	return ret;
}

void contest_call_free(struct contest_call *call)
{
	process_view_close(&call->view);
}

void contest_call_remove(const struct contest *c, const struct contest_contender *contender,
			 const struct contest_call *call)
{
	const char *argv[] = { c->program, "rm", "-f", call->name, NULL };
	struct process_spec spec = PROCESS_SPEC_INIT;
	struct process_result result;

	if (contender->kind == CONTENDER_PEER)
		peer_remove(&contender->peer, "contest");
	if (contender->kind != CONTENDER_HILLOCK)
		return;
	spec.argv = argv;
	spec.environment = c->environment;
	spec.cleanup = 1;
	process_run(&spec, &result, NULL);
	process_result_free(&result);
}

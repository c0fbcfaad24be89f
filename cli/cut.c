// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock cut: the smallest kernel that still does the job.
 *
 * Theory of operation
 * -------------------
 * The work is done by a program of its own, hillock-cut, which links what the others need not load
 * (SQLite). It is told where everything is, as only this one knows where it was installed:
 *
 *	hillock-cut STORE HILLOCK TRACER FLOORS KERNEL ARGUMENT...
 */
#include "cli/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACES = 6 };

static int find_places(struct cli *cli, char place[PLACES][PATH_MAX], struct err *err)
{
	struct container_store store;
	ssize_t n;
	int rc = container_store_open(&store, cli->root, err);

	if (rc < 0)
		return rc;
	if (!realpath(store.path, place[1]))
		rc = err_sys(err, errno, "%s", store.path);
	container_store_close(&store);
	n = readlink("/proc/self/exe", place[2], PATH_MAX - 1);
	if (rc == 0 && n < 0)
		rc = err_sys(err, errno, "finding this program: /proc/self/exe");
	place[2][n > 0 ? n : 0] = '\0';
	if (rc == 0)
		rc = container_libexec_path("hillock-cut", place[0], err);
	if (rc == 0)
		rc = container_libexec_path("hillock-tracer", place[3], err);
	if (rc == 0)
		rc = container_libexec_path("cut/floors/um.config", place[4], err);
	if (rc == 0)
		rc = container_libexec_path("kernel/build", place[5], err);
	if (rc == 0) {
		dirname(place[4]);
		dirname(place[5]);
	}
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	char place[PLACES][PATH_MAX], **words = calloc((size_t)argc + PLACES + 1, sizeof(*words));
	struct err err = ERR_INIT;

	if (!words)
		err_set(&err, ENOMEM, "out of memory");
	else if (find_places(cli, place, &err) == 0) {
		for (int i = 0; i < PLACES; i++)
			words[i] = place[i];
		memcpy(words + PLACES, argv, (size_t)argc * sizeof(*words));
		execv(place[0], words);
		err_sys(&err, errno, "running %s", place[0]);
	}
	free(words);
	cli_error(&err);
	return EXIT_ERROR;
}

const struct cli_verb cli_cut = {
	.name = "cut",
	.usage = "[OPTIONS] IMAGE|ROOTFS",
	.summary = "Find the smallest kernel that passes a check",
	.example = "  hillock cut busybox --check 'ls /proc | grep -q cpuinfo' -o tiny",
	.raw = 1,
	.most = -1,
	.run = run,
};

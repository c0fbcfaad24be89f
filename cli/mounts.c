// SPDX-License-Identifier: GPL-2.0-or-later
/* -v HOST:GUEST[:ro|rw] and --tmpfs DIR[:OPTIONS], as docker has them. */
#include "cli/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* mkdir -p: docker makes what a volume names and is not there. */
static int make_directories(const char *path)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int open_volume(struct container_mount *m, struct err *err)
{
	struct stat st;
	int rc, fd = open(m->source, O_PATH | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		rc = make_directories(m->source);
		if (rc < 0)
			return err_sys(err, -rc, "making %s for a volume", m->source);
		fd = open(m->source, O_PATH | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "volume %s", m->source);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, EINVAL,
			       "volume %s: only directories and regular files can be mounted",
			       m->source);
	m->is_file = S_ISREG(st.st_mode);
	return fd;
}

static int parse_volume(char *text, struct container_mount *m, struct err *err)
{
	char *colon = strchr(text, ':'), *options;

	*m = (struct container_mount){ .kind = (char *)"volume", .options = (char *)"" };
	if (!colon) {
		err_set(err, EINVAL, "invalid volume '%s': it names no directory of the host",
			text);
		err_hint(err, "write -v HOST:GUEST; anonymous volumes are not offered");
		return -EINVAL;
	}
	*colon = '\0';
	m->source = text;
	m->target = colon + 1;
	options = strchr(m->target, ':');
	if (options) {
		*options++ = '\0';
		if (!strcmp(options, "ro"))
			m->read_only = 1;
		else if (strcmp(options, "rw") != 0)
			return err_set(err, EINVAL,
				       "invalid mode '%s' for volume %s: it is ro or rw", options,
				       m->source);
	}
	if (m->source[0] != '/') {
		err_set(err, EINVAL, "invalid volume '%s': the host's path must be absolute",
			m->source);
		err_hint(err, "named volumes are not offered; write -v \"$PWD/%s:%s\"", m->source,
			 m->target);
		return -EINVAL;
	}
	if (m->target[0] != '/' || !m->target[1])
		return err_set(err, EINVAL,
			       "invalid volume target '%s': it is an absolute path, and not /",
			       m->target);
	return 0;
}

static int add_tmpfs(struct cli_mounts *mounts, char *text, struct err *err)
{
	char *colon = strchr(text, ':');

	if (colon)
		*colon = '\0';
	if (text[0] != '/' || !text[1])
		return err_set(err, EINVAL,
			       "invalid --tmpfs '%s': it is an absolute path, and not /", text);
	mounts->mounts[mounts->count++] = (struct container_mount){
		.kind = (char *)"tmpfs",
		.source = (char *)"",
		.target = text,
		.options = colon ? colon + 1 : (char *)"",
	};
	return 0;
}

int cli_mounts(const struct cli_list *volumes, const struct cli_list *tmpfs,
	       struct cli_mounts *mounts, struct err *err)
{
	if (volumes->count > CONTAINER_VOLUMES_MAX ||
	    volumes->count + tmpfs->count > WIRE_MOUNTS_MAX)
		return err_set(err, E2BIG, "too many volumes: at most %d mounts in a container",
			       WIRE_MOUNTS_MAX);
	for (size_t i = 0; i < tmpfs->count; i++) {
		int rc = add_tmpfs(mounts, tmpfs->items[i], err);

		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < volumes->count; i++) {
		struct container_mount *m = &mounts->mounts[mounts->count];
		int rc = parse_volume(volumes->items[i], m, err);

		if (rc == 0)
			rc = open_volume(m, err);
		if (rc < 0)
			return rc;
		mounts->count++;
		mounts->volume_fds[mounts->volume_count++] = rc;
	}
	return 0;
}

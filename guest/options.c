// SPDX-License-Identifier: GPL-2.0-or-later
/* Mount options of a tmpfs; the contract stands in options.h. */
#include "guest/options.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

struct word {
	const char *name;
	unsigned long set, clear;
};

static const struct word words[] = {
	{ "rw", 0, MS_RDONLY },
	{ "ro", MS_RDONLY, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nosuid", MS_NOSUID, 0 },
	{ "dev", 0, MS_NODEV },
	{ "nodev", MS_NODEV, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "noexec", MS_NOEXEC, 0 },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "noatime", MS_NOATIME, 0 },
	{ "diratime", 0, MS_NODIRATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "nostrictatime", 0, MS_STRICTATIME },
};

/* What the file system itself understands; each takes a value. */
static const char *const keys[] = { "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks" };

static int is(const char *text, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(text, name, length) == 0;
}

static int is_key(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (is(text, length, keys[i]))
			return 1;
	return 0;
}

static int append(char *data, size_t room, const char *text, size_t length, struct err *err)
{
	size_t used = strlen(data);

	if (length + 2 > room - used)
		return err_set(err, E2BIG, "tmpfs options are too long");
	if (used)
		data[used++] = ',';
	memcpy(data + used, text, length);
	data[used + length] = '\0';
	return 0;
}

static int one_option(const char *text, size_t length, unsigned long *flags, char *data,
		      size_t room, struct err *err)
{
	const char *equals = memchr(text, '=', length);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is(text, length, words[i].name)) {
			*flags = (*flags & ~words[i].clear) | words[i].set;
			return 0;
		}
	if (equals && is_key(text, (size_t)(equals - text)))
		return append(data, room, text, length, err);
	err_set(err, EINVAL, "tmpfs option '%.*s' is not known", (int)length, text);
	err_hint(err, "known are rw, ro, exec, noexec, suid, nosuid, dev, nodev, atime and sync "
		      "words, size=, mode=, uid=, gid=, nr_inodes=, nr_blocks=");
	return -EINVAL;
}

int options_tmpfs(const char *options, unsigned long *flags, char *data, size_t room,
		  struct err *err)
{
	*flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	data[0] = '\0';
	/* The file system takes the last of two modes. */
	if (append(data, room, "mode=1777", strlen("mode=1777"), err) < 0)
		return -E2BIG;
	while (*options) {
		size_t length = strcspn(options, ",");
		int rc = length ? one_option(options, length, flags, data, room, err) : 0;

		if (rc < 0)
			return rc;
		options += length;
		options += *options == ',';
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Landlock: a second wall around files, TCP, signals and abstract sockets.
 *
 * Theory of operation
 * -------------------
 * Everything that the host's ABI version knows is handled, so denied, and then little is allowed:
 * to execute the one program (a file in memory needs no rule), and to use the files of the
 * volumes. The empty root and the namespaces say the same; Landlock still holds where one of them
 * could be left, as through ".." of a directory's descriptor.
 */
#include "guard/jail.h"

#include <errno.h>

#include "base/fd.h"
#include "guard/sys.h"

/* Everything but execution and devices. */
#define VOLUME_RIGHTS                                                                              \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | GUARD_LL_FS_TRUNCATE |     \
	 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                            \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | GUARD_LL_FS_REFER)

int guard_landlock_abi(void)
{
	static int abi = -1;

	if (abi < 0) {
		abi = sys_landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
		if (abi < 0)
			abi = 0;
	}
	return abi;
}

static size_t attr_for(int abi, struct guard_ll_attr *attr)
{
	*attr = (struct guard_ll_attr){ .fs = GUARD_LL_FS_ABI1 };
	if (abi >= 2)
		attr->fs |= GUARD_LL_FS_REFER;
	if (abi >= 3)
		attr->fs |= GUARD_LL_FS_TRUNCATE;
	if (abi >= 5)
		attr->fs |= GUARD_LL_FS_IOCTL_DEV;
	if (abi < 4)
		return sizeof(attr->fs);
	attr->net = GUARD_LL_NET_BIND_TCP | GUARD_LL_NET_CONNECT_TCP;
	if (abi < 6)
		return sizeof(attr->fs) + sizeof(attr->net);
	attr->scoped = GUARD_LL_SCOPE_ABSTRACT | GUARD_LL_SCOPE_SIGNAL;
	return sizeof(*attr);
}

static int allow(int ruleset, int fd, uint64_t rights, const char *what, struct err *err)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = fd };

	/* EBADFD: a file in memory, to which no rule applies. */
	if (sys_landlock_add_rule(ruleset, &rule) < 0 && errno != EBADFD)
		return err_sys(err, errno, "jail: Landlock rule for %s", what);
	return 0;
}

int guard_landlock_enter(int exec_fd, int volumes_fd, struct err *err)
{
	cleanup_close int ruleset = -1;
	struct guard_ll_attr attr;
	int abi = guard_landlock_abi(), rc = 0;
	size_t size;

	if (abi == 0)
		return 0;
	size = attr_for(abi, &attr);
	ruleset = sys_landlock_create_ruleset(&attr, size, 0);
	if (ruleset < 0)
		return err_sys(err, errno, "jail: making a Landlock ruleset");
	if (exec_fd >= 0)
		rc = allow(ruleset, exec_fd,
			   LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE,
			   "the program", err);
	if (rc == 0 && volumes_fd >= 0)
		rc = allow(ruleset, volumes_fd, VOLUME_RIGHTS & attr.fs, "the volumes", err);
	if (rc < 0)
		return rc;
	if (sys_landlock_restrict_self(ruleset) < 0)
		return err_sys(err, errno, "jail: entering the Landlock ruleset");
	return 0;
}

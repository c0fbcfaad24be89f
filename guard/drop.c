// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Privileges go for good.
 *
 * Theory of operation
 * -------------------
 * The process is user 0 with all capabilities of its own user namespace. The bounding set is
 * emptied and the securebits are locked, so that being user 0 means nothing at any later exec;
 * then every set is cleared, and no_new_privs keeps set-user-ID files and file capabilities from
 * giving anything back. The session keyring is replaced: that of the caller is the caller's.
 */
#include "guard/jail.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#include "guard/sys.h"

#define LOCKED_BITS                                                                                \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static int drop_bounding_set(struct err *err)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	/* EINVAL: past the last one that this kernel has. */
	return errno == EINVAL && cap ? 0 : err_sys(err, errno, "jail: dropping capability %lu",
						    cap);
}

int guard_drop_all(struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct nothing[2] = { { 0 } };
	int rc;

	/* Before the user's identity loses its quota; a kernel without keys needs none. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return err_sys(err, errno, "jail: making a session keyring");
	rc = drop_bounding_set(err);
	if (rc < 0)
		return rc;
	if (prctl(PR_SET_SECUREBITS, LOCKED_BITS, 0, 0, 0) < 0)
		return err_sys(err, errno, "jail: locking the securebits");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, errno, "jail: clearing ambient capabilities");
	if (syscall(SYS_capset, &header, nothing) < 0)
		return err_sys(err, errno, "jail: dropping capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "jail: setting no_new_privs");
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The container's root and what is mounted into it.
 *
 * Theory of operation
 * -------------------
 * The read-only root image is shared between containers; what this one writes goes to an overlay
 * whose upper half is a tmpfs, or a disk of its own. The finished root is moved over the
 * initramfs and PID 1 enters it for good. From then on every path is looked up inside the
 * container's root by the kernel itself, so no link of a foreign image leads anywhere else; the
 * initramfs can still be reached from PID 1 by a descriptor it may have kept, and by nobody else.
 *
 * Mount points are taken to be there and made only when mount(2) says that they are not: the
 * usual image costs no call more than the mounts themselves.
 *
 * What the OCI runtime specification asks for by default, in docker's form: /proc, /sys, /dev
 * with its nodes and links, /dev/pts, /dev/shm, /dev/mqueue. Nothing is masked: what they show
 * is this container's own kernel.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/options.h"

#define FILES_MAX 1048576

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Directories of the initramfs. */
#define LOWER "/lower"
#define LAYER "/layer"
#define ROOT "/root"
#define VOLUMES "volumes"

/* --- mount points ------------------------------------------------------------------------- */

/* Makes the parents of `path` and itself, as a directory or an empty file. 0 or -errno. */
static int make_target(const char *path, int is_file)
{
	char part[PATH_MAX];
	size_t length = strlen(path);
	int fd;

	if (length >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, length + 1);
	for (size_t i = 1; i <= length; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		if (part[i] == '\0' && is_file)
			break;
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		part[i] = path[i];
	}
	if (!is_file)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int mount_at(const char *source, const char *target, const char *type, unsigned long flags,
		    const char *data, int is_file, struct err *err)
{
	int rc;

	if (mount(source, target, type, flags, data) == 0)
		return 0;
	if (errno == ENOENT) {
		rc = make_target(target, is_file);
		if (rc < 0) {
			err_sys(err, -rc, "making the mount point %s", target);
			if (rc == -EROFS)
				err_hint(err, "the root is read-only: the image has to have %s",
					 target);
			return rc;
		}
		if (mount(source, target, type, flags, data) == 0)
			return 0;
	}
	return err_sys(err, errno, "mounting %s on %s", type ? type : source, target);
}

/* --- the root ----------------------------------------------------------------------------- */

/* A young file system: nothing to prepare or to read ahead, so no threads for either. */
#define LAYER_OPTIONS "noinit_itable,no_prefetch_block_bitmaps"

static int mount_layer(struct guest *g, const char *device, struct err *err)
{
	struct stat st;
	int rc;

	if (*device)
		rc = mount_at(device, LAYER, "ext4", MS_NOATIME, LAYER_OPTIONS, 0, err);
	else
		rc = mount_at("layer", LAYER, "tmpfs", 0, NULL, 0, err);
	if (rc < 0)
		return err_context(err, "the writable layer %s", *device ? device : "in memory");
	/* The root directory that the container sees is the upper one: it has to look alike. */
	if (stat(LOWER, &st) < 0)
		return err_sys(err, errno, "the root image's root");
	if (mkdir(LAYER "/work", 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "preparing the writable layer");
	if (mkdir(LAYER "/upper", st.st_mode & 07777) < 0) {
		if (errno != EEXIST)
			return err_sys(err, errno, "preparing the writable layer");
	} else if ((st.st_uid || st.st_gid) && chown(LAYER "/upper", st.st_uid, st.st_gid) < 0) {
		return err_sys(err, errno, "preparing the writable layer");
	}
	if (*device && g->sync) {
		g->layer_dir = open(LAYER, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (g->layer_dir < 0)
			return err_sys(err, errno, "opening the writable layer");
	}
	return 0;
}

/* xino: a file's device and number stay what they are, though the kernel forgets its inode. */
#define OVERLAY_OPTIONS                                                                            \
	"lowerdir=" LOWER ",upperdir=" LAYER "/upper,workdir=" LAYER                               \
	"/work,redirect_dir=on,metacopy=on,xino=on"

static int enter_root(struct guest *g, const struct wire_setup *s, struct err *err)
{
	const char *device = guest_text(s->root_device), *type = guest_text(s->root_type);
	const char *lower = s->read_only ? ROOT : LOWER;

	if (mount_at(device, lower, type, MS_RDONLY, NULL, 0, err) < 0)
		return err_context(err, "the root image %s", device);
	if (!s->read_only) {
		if (mount_layer(g, guest_text(s->layer_device), err) < 0)
			return -err->code;
		if (mount_at("overlay", ROOT, "overlay", 0, OVERLAY_OPTIONS, 0, err) < 0)
			return err_context(err, "the container's root");
	}
	if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return err_sys(err, errno, "entering the container's root");
	return 0;
}

/* --- what every container has --------------------------------------------------------------- */

struct system_mount {
	const char *type, *target;
	unsigned long flags;
	const char *data;
	int optional; /* a kernel may have been built without it */
};

static const struct system_mount system_mounts[] = {
	{ "proc", "/proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL, 0 },
	{ "sysfs", "/sys", MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL, 1 },
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5",
	  0 },
	{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=64m", 0 },
	{ "mqueue", "/dev/mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL, 1 },
};

static int fill_dev(struct err *err)
{
	static const struct {
		const char *name;
		unsigned char major, minor;
	} nodes[] = {
		{ "/dev/null", 1, 3 },    { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 },  { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
		{ "/dev/console", 5, 1 },
	};
	static const char *const directories[] = { "/dev/pts", "/dev/shm", "/dev/mqueue" };
	static const struct {
		const char *name, *to;
	} links[] = {
		{ "/dev/ptmx", "pts/ptmx" },          { "/dev/fd", "/proc/self/fd" },
		{ "/dev/stdin", "/proc/self/fd/0" },  { "/dev/stdout", "/proc/self/fd/1" },
		{ "/dev/stderr", "/proc/self/fd/2" },
	};

	if (mount_at("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=64k", 0,
		     err) < 0)
		return -err->code;
	for (size_t i = 0; i < COUNT(nodes); i++)
		if (mknod(nodes[i].name, S_IFCHR | (i < 6 ? 0666 : 0620),
			  makedev(nodes[i].major, nodes[i].minor)) < 0)
			return err_sys(err, errno, "making %s", nodes[i].name);
	for (size_t i = 0; i < COUNT(directories); i++)
		if (mkdir(directories[i], 0755) < 0)
			return err_sys(err, errno, "making %s", directories[i]);
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlink(links[i].to, links[i].name) < 0)
			return err_sys(err, errno, "making %s", links[i].name);
	return 0;
}

static int mount_system(struct err *err)
{
	int rc = fill_dev(err);

	for (size_t i = 0; rc == 0 && i < COUNT(system_mounts); i++) {
		const struct system_mount *m = &system_mounts[i];

		rc = mount_at(m->type, m->target, m->type, m->flags, m->data, 0, err);
		if (rc == -ENODEV && m->optional)
			rc = 0;
	}
	return rc;
}

/* --- what this container asked for ---------------------------------------------------------- */

static int mount_tmpfs(const struct wire_mount *m, const char *target, struct err *err)
{
	unsigned long flags;
	char data[512];

	if (options_tmpfs(guest_text(m->options), &flags, data, sizeof(data), err) < 0)
		return err_context(err, "the tmpfs on %s", target);
	return mount_at("tmpfs", target, "tmpfs", flags | (m->read_only ? MS_RDONLY : 0), data, 0,
			err);
}

/*
 * hostfs cannot have a file as its root, so its directory is mounted in the initramfs, out of
 * the container's sight, for as long as it takes to bind the file. `outside` is the initramfs.
 */
static int mount_file(int outside, char *source, const char *target, unsigned long flags,
		      struct err *err)
{
	char *slash = strrchr(source, '/');
	char hidden[NAME_MAX + sizeof(VOLUMES "/")];
	int rc;

	if (!slash || strlen(slash + 1) > NAME_MAX || !slash[1])
		return err_set(err, EINVAL, "volume source '%s' is no path of a file", source);
	snprintf(hidden, sizeof(hidden), VOLUMES "/%s", slash + 1);
	*slash = '\0';
	if (fchdir(outside) < 0)
		return err_sys(err, errno, "leaving the root");
	if (mount("none", VOLUMES, "hostfs", flags, source) < 0)
		return err_sys(err, errno, "reaching the directory of the volume for %s", target);
	rc = mount_at(hidden, target, NULL, MS_BIND, NULL, 1, err);
	umount2(VOLUMES, MNT_DETACH);
	if (rc == 0 && chdir("/") < 0)
		rc = err_sys(err, errno, "returning to the root");
	return rc;
}

static int mount_volume(int outside, const struct wire_mount *m, const char *target,
			struct err *err)
{
	unsigned long flags = m->read_only ? MS_RDONLY : 0;
	char *source = guest_text(m->source);
	int rc;

	if (m->is_file)
		rc = mount_file(outside, source, target, flags, err);
	else
		rc = mount_at("none", target, "hostfs", flags, source, 0, err);
	return rc < 0 ? err_context(err, "the volume on %s", target) : 0;
}

static int mount_extra(int outside, const struct wire_setup *s, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < s->mount_count; i++) {
		const struct wire_mount *m = &s->mounts[i];
		const char *kind = guest_text(m->kind), *target = guest_text(m->target);

		if (strcmp(kind, "tmpfs") == 0)
			rc = mount_tmpfs(m, target, err);
		else if (strcmp(kind, "volume") == 0)
			rc = mount_volume(outside, m, target, err);
		else
			rc = err_set(err, EINVAL, "mount of unknown kind '%s' on %s", kind, target);
	}
	return rc;
}

/* --- names, network, limits ------------------------------------------------------------------ */

/* Writes a file that the container will see; what an image put in its place may refuse, and is
 * left alone then. `flags` is O_TRUNC, or O_EXCL to keep what the image has. */
static void write_file(const struct guest *g, const char *path, int flags, const char *text)
{
	cleanup_close int fd =
		open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, 0644);

	if (fd < 0 && errno == ENOENT && make_target(path, 1) == 0)
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == EEXIST)
		return;
	if (fd < 0 || (*text && fd_write_full(fd, text, strlen(text)) < 0))
		guest_log(g, "writing %s: %s", path, strerror(errno));
}

static void write_etc(const struct guest *g, const char *hostname)
{
	char text[512];

	snprintf(text, sizeof(text), "%s\n", hostname);
	write_file(g, "/etc/hostname", O_TRUNC, text);
	snprintf(text, sizeof(text),
		 "127.0.0.1\tlocalhost\n"
		 "::1\tlocalhost ip6-localhost ip6-loopback\n"
		 "fe00::0\tip6-localnet\n"
		 "ff00::0\tip6-mcastprefix\n"
		 "ff02::1\tip6-allnodes\n"
		 "ff02::2\tip6-allrouters\n"
		 "127.0.1.1\t%s\n",
		 hostname);
	write_file(g, "/etc/hosts", O_TRUNC, text);
	write_file(g, "/etc/resolv.conf", O_EXCL, "");
}

static void raise_loopback(const struct guest *g)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	/* A kernel without network has nothing to raise. */
	if (fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		guest_log(g, "raising the loopback interface: %s", strerror(errno));
}

static void raise_limits(const struct guest *g)
{
	/* Soft: what select() can hold, and quick to walk for those who close all; who wants more
	 * raises it. */
	const struct rlimit files = { 1024, FILES_MAX };

	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		guest_log(g, "raising the limit of open files: %s", strerror(errno));
}

static int needs_outside(const struct wire_setup *s)
{
	for (uint32_t i = 0; i < s->mount_count; i++)
		if (s->mounts[i].is_file)
			return 1;
	return 0;
}

int root_set_up(struct guest *g, const struct wire_setup *s, struct err *err)
{
	cleanup_close int outside = -1;
	const char *hostname = guest_text(s->hostname);
	int rc;

	g->sync = s->sync;
	if (strlen(hostname) > GUEST_HOSTNAME_MAX)
		return err_set(err, ENAMETOOLONG, "the host name '%s' is longer than %d bytes",
			       hostname, GUEST_HOSTNAME_MAX);
	if (*hostname)
		snprintf(g->hostname_env, sizeof(g->hostname_env), "HOSTNAME=%s", hostname);
	if (g->rescue)
		return 0;
	if (*hostname && sethostname(hostname, strlen(hostname)) < 0)
		return err_sys(err, errno, "setting the host name '%s'", hostname);
	raise_loopback(g);
	raise_limits(g);
	if (s->init_only)
		return 0;
	if (needs_outside(s)) {
		outside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (outside < 0)
			return err_sys(err, errno, "opening the initramfs");
	}
	umask(0);
	rc = enter_root(g, s, err);
	if (rc == 0)
		rc = mount_system(err);
	/* Before the extra mounts: what the user puts over these files stays the user's. */
	if (rc == 0 && !s->read_only && *hostname)
		write_etc(g, hostname);
	if (rc == 0)
		rc = mount_extra(outside, s, err);
	umask(022);
	return rc;
}

void root_sync(const struct guest *g)
{
	if (g->rescue)
		return;
	/* Files stay open for writing until their last user is gone. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	sync();
	if (g->layer_dir >= 0 && fchdir(g->layer_dir) == 0 &&
	    mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		guest_log(g, "the writable layer stays unclean: %s", strerror(errno));
}

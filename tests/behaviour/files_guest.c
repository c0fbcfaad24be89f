// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest of the file server, as PID 1 of a um kernel: mounts what is served and tries it. Says
 * "ok TEXT" or "not ok TEXT" for each thing, then "end", and powers off. `files_test=load` on the
 * kernel's command line: works for a while instead, while its server is killed again and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ROUNDS 200
#define BIG (4 << 20)

static void tell(int good, const char *what)
{
	printf("%s %s%s%s\n", good ? "ok" : "not ok", what, good ? "" : ": ",
	       good ? "" : strerror(errno));
}

static int put(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644), rc;

	if (fd < 0)
		return -1;
	rc = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	return close(fd) < 0 ? -1 : rc;
}

static int has(const char *path, const char *text)
{
	char data[8192];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data) - 1);

	if (fd >= 0)
		close(fd);
	errno = n < 0 ? errno : EIO;
	return n == (ssize_t)strlen(text) && !memcmp(data, text, (size_t)n);
}

static void try_names(void)
{
	char target[64];

	tell(mkdir("d", 0755) == 0 && put("d/f", "text", 0) == 0, "makes a directory and a file");
	tell(has("d/f", "text"), "reads it back");
	tell(link("d/f", "g") == 0 && has("g", "text"), "links it");
	tell(rename("g", "h") == 0 && access("g", F_OK) < 0 && has("h", "text"), "renames it");
	tell(symlink("d/f", "s") == 0 && readlink("s", target, sizeof(target)) == 3,
	     "makes a symbolic link");
	tell(has("s", "text"), "follows it");
	tell(unlink("h") == 0 && unlink("s") == 0 && unlink("d/f") == 0 && rmdir("d") == 0,
	     "removes them");
	tell(mkdir("d", 0755) == 0 && mkdir("d", 0755) < 0 && errno == EEXIST,
	     "is told what is there already");
}

static void try_attributes(void)
{
	struct stat st;
	char value[8];

	tell(put("a", "", 0) == 0 && chown("a", 1000, 2000) == 0 && chmod("a", 04750) == 0 &&
		     stat("a", &st) == 0 && st.st_uid == 1000 && st.st_gid == 2000 &&
		     st.st_mode == (S_IFREG | 04750),
	     "sets owner and mode");
	tell(mknod("n", S_IFCHR | 0666, makedev(1, 3)) == 0 && stat("n", &st) == 0 &&
		     S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3),
	     "makes a device");
	tell(put("n", "x", 0) == 0, "writes to the guest's device, not to a file");
	tell(symlink("x", "l") == 0 && lchown("l", 5, 6) == 0 && lstat("l", &st) == 0 &&
		     st.st_uid == 5 && st.st_gid == 6,
	     "gives a symbolic link away");
	tell(setxattr("a", "user.color", "red", 3, 0) == 0 &&
		     getxattr("a", "user.color", value, sizeof(value)) == 3,
	     "sets an extended attribute");
}

static void try_contents(void)
{
	char *data = malloc(BIG), *map;
	struct statvfs vfs;
	int fd = open("big", O_RDWR | O_CREAT, 0600), same = 1;

	for (int i = 0; i < BIG; i++)
		data[i] = (char)(i * 7 + i / 4096);
	tell(fd >= 0 && write(fd, data, BIG) == BIG && fsync(fd) == 0, "writes much");
	map = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	tell(map != MAP_FAILED && !memcmp(map, data, BIG), "maps it");
	if (map != MAP_FAILED) {
		memcpy(map + 12345, "mapped", 6);
		same = msync(map, BIG, MS_SYNC) == 0 && pread(fd, data, 6, 12345) == 6 &&
		       !memcmp(data, "mapped", 6);
	}
	if (map != MAP_FAILED)
		munmap(map, BIG);
	tell(same, "writes through the map");
	tell(ftruncate(fd, 10) == 0 && lseek(fd, 0, SEEK_END) == 10, "truncates it");
	tell(unlink("big") == 0 && pwrite(fd, "gone", 4, 0) == 4 && pread(fd, data, 4, 0) == 4,
	     "uses it without a name");
	tell(statvfs(".", &vfs) == 0 && vfs.f_blocks, "asks how much room there is");
	close(fd);
	free(data);
}

static int round_of(int i, int log, int nameless)
{
	char a[64], b[64], c[64], line[16], back[16];
	int n = snprintf(line, sizeof(line), "%08d\n", i);

	snprintf(a, sizeof(a), "d%d", i);
	snprintf(b, sizeof(b), "d%d/f", i);
	snprintf(c, sizeof(c), "d%d/g", i);
	return mkdir(a, 0700) == 0 && put(b, line, O_EXCL) == 0 && link(b, c) == 0 &&
	       rename(c, "moved") == 0 && has("moved", line) && symlink("f", c) == 0 &&
	       has(c, line) && put("appended", line, O_APPEND) == 0 &&
	       write(log, line, (size_t)n) == n && pwrite(nameless, line, (size_t)n, 9 * i) == n &&
	       pread(nameless, back, (size_t)n, 9 * i) == n && !memcmp(back, line, (size_t)n) &&
	       unlink(b) == 0 && unlink(c) == 0 && unlink("moved") == 0 && rmdir(a) == 0;
}

static int has_all(const char *path)
{
	char line[16], wanted[16];
	FILE *f = fopen(path, "r");
	int i = 0;

	while (f && fgets(line, sizeof(line), f)) {
		snprintf(wanted, sizeof(wanted), "%08d\n", i++);
		if (strcmp(line, wanted) != 0)
			return 0;
	}
	return i == ROUNDS;
}

static void work(void)
{
	int log = open("log", O_WRONLY | O_CREAT, 0600), good = 1;
	int nameless = open("nameless", O_RDWR | O_CREAT, 0600);

	unlink("nameless");
	for (int i = 0; i < ROUNDS && good; i++)
		good = round_of(i, log, nameless);
	tell(good, "nothing fails");
	tell(has_all("appended"), "everything is appended once");
	tell(has_all("log"), "everything is written");
	tell(lseek(nameless, 0, SEEK_END) == 9 * ROUNDS, "a file without a name is whole");
}

int main(void)
{
	const char *what = getenv("files_test");

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/served", 0755);
	if (mount("hillock", "/served", "virtiofs", 0, NULL) < 0 || chdir("/served") < 0) {
		tell(0, "mounts it");
	} else if (what && !strcmp(what, "load")) {
		work();
	} else {
		tell(1, "mounts it");
		try_names();
		try_attributes();
		try_contents();
		tell(chdir("/") == 0 && umount("/served") == 0, "lets go of it");
	}
	puts("end");
	reboot(RB_POWER_OFF);
	return 1;
}

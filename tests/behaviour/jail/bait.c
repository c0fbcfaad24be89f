// SPDX-License-Identifier: GPL-2.0-or-later
/* The bait of a jail test; the contract stands in bait.h. */
#include "bait.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

static const char secret_text[] = "nobody's business";

/* The first half is to be read, the second to be written. */
static char secret[32] = "0123456789abcde";

static int put_file(const char *path, const char *text, mode_t mode)
{
	cleanup_close int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);

	if (fd < 0 || fd_write_full(fd, text, strlen(text)) < 0)
		return -1;
	return fchmod(fd, mode);
}

static int put_copy(const char *path, int from)
{
	cleanup_close int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
	char part[64 * 1024];
	off_t at = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = pread(from, part, sizeof(part), at)) > 0) {
		if (fd_write_full(fd, part, (size_t)n) < 0)
			return -1;
		at += n;
	}
	return n < 0 ? -1 : fchmod(fd, 0755);
}

static int make_directory(char *path, size_t size, const char *base, const char *name, mode_t mode)
{
	snprintf(path, size, "%s/%s", base, name);
	return mkdir(path, mode);
}

static int fill_volume(const char *dir, const struct bait *b, int program_fd)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/file", dir);
	if (put_file(path, secret_text, 0666) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/program", dir);
	if (put_copy(path, program_fd) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/out", dir);
	if (symlink(b->path, path) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/device", dir);
	if (geteuid() != 0)
		return 0;
	/* What is 0's on the disk is the jail's own, so the mount's nodev is all that refuses it. */
	return mknod(path, S_IFCHR | 0666, makedev(1, 5)) < 0 ? -1 : chmod(path, 0666);
}

static int lay_files(struct laid_bait *laid, int program_fd)
{
	struct bait *b = &laid->bait;

	strcpy(laid->base, "/tmp/hillock-jail-XXXXXX");
	if (!mkdtemp(laid->base) || chmod(laid->base, 0755) < 0 ||
	    make_directory(b->dir, sizeof(b->dir), laid->base, "dir", 0777) < 0 ||
	    /* The owner's alone: the jail's user must be the owner there. */
	    make_directory(b->volume, sizeof(b->volume), laid->base, "volume", 0700) < 0 ||
	    make_directory(b->volume_ro, sizeof(b->volume_ro), laid->base, "volume-ro", 0700) < 0)
		return -1;
	snprintf(b->path, sizeof(b->path), "%s/secret", b->dir);
	snprintf(b->program, sizeof(b->program), "%s/program", b->dir);
	snprintf(b->listener, sizeof(b->listener), "%s/listener", b->dir);
	if (put_file(b->path, secret_text, 0666) < 0 || put_copy(b->program, program_fd) < 0 ||
	    fill_volume(b->volume, b, program_fd) < 0 ||
	    fill_volume(b->volume_ro, b, program_fd) < 0)
		return -1;
	laid->file_fd = open(b->path, O_RDONLY | O_CLOEXEC);
	laid->program_fd = open(b->program, O_RDONLY | O_CLOEXEC);
	laid->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	laid->volume_fd = open(b->volume, O_PATH | O_CLOEXEC);
	laid->volume_ro_fd = open(b->volume_ro, O_PATH | O_CLOEXEC);
	laid->namespace_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return laid->file_fd < 0 || laid->program_fd < 0 || laid->dir_fd < 0 ||
			       laid->volume_fd < 0 || laid->volume_ro_fd < 0 ||
			       laid->namespace_fd < 0 ?
		       -1 :
		       0;
}

static int listen_unix(int type, const char *name, int abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract +
				     strlen(name) + (abstract ? 0 : 1));
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path + abstract, sizeof(address.sun_path) - 1, "%s", name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) < 0) || (!abstract && chmod(name, 0777) < 0))
		return -1;
	return fd;
}

static int listen_tcp(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -1;
	*port = ntohs(address.sin_port);
	return fd;
}

static int lay_sockets(struct laid_bait *laid)
{
	struct bait *b = &laid->bait;
	int i;

	snprintf(b->abstract, sizeof(b->abstract), "hillock-jail-%d", b->pid);
	snprintf(b->datagram, sizeof(b->datagram), "hillock-jail-datagram-%d", b->pid);
	laid->listeners[0] = listen_unix(SOCK_STREAM, b->abstract, 1);
	laid->listeners[1] = listen_unix(SOCK_DGRAM, b->datagram, 1);
	laid->listeners[2] = listen_unix(SOCK_STREAM, b->listener, 0);
	laid->listeners[3] = listen_tcp(&b->port);
	for (i = 0; i < 4; i++)
		if (laid->listeners[i] < 0)
			return -1;
	return 0;
}

static int lay_ipc(struct bait *b)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	mqd_t queue;

	b->shm = shmget(IPC_PRIVATE, 4096, 0666);
	b->msg = msgget(IPC_PRIVATE, 0666);
	b->sem = semget(IPC_PRIVATE, 1, 0666);
	snprintf(b->queue, sizeof(b->queue), "/hillock-jail-%d", b->pid);
	queue = mq_open(b->queue, O_CREAT | O_EXCL | O_RDWR, 0666, &attr);
	if (b->shm < 0 || b->msg < 0 || b->sem < 0 || queue < 0)
		return -1;
	mq_close(queue);
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return -1;
	b->key = (int)syscall(SYS_add_key, "user", "hillock-bait", secret_text,
			      sizeof(secret_text), KEY_SPEC_SESSION_KEYRING);
	return b->key < 0 ? -1 : 0;
}

int bait_lay(struct laid_bait *laid, int program_fd)
{
	memset(laid, 0, sizeof(*laid));
	laid->bait.pid = (int)getpid();
	laid->bait.secret = (uint64_t)(uintptr_t)secret;
	umask(0);
	return lay_files(laid, program_fd) < 0 || lay_sockets(laid) < 0 || lay_ipc(&laid->bait) < 0 ?
		       -1 :
		       0;
}

static int count_entries(const char *path)
{
	struct dirent *ent;
	DIR *dir = opendir(path);
	int count = 0;

	while (dir && (ent = readdir(dir)))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int is_unchanged(const char *dir, const char *name)
{
	char path[256], text[64] = "";
	cleanup_close int fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0666 &&
	       st.st_uid == geteuid() && read(fd, text, sizeof(text) - 1) >= 0 &&
	       !strcmp(text, secret_text);
}

int bait_is_whole(const struct laid_bait *laid)
{
	/* "." and ".."; secret, program, listener; file, program, out and maybe device. */
	int in_volume = 2 + 3 + (geteuid() == 0);

	return is_unchanged(laid->bait.dir, "secret") && is_unchanged(laid->bait.volume, "file") &&
	       is_unchanged(laid->bait.volume_ro, "file") &&
	       count_entries(laid->bait.dir) == 2 + 3 &&
	       count_entries(laid->bait.volume) == in_volume &&
	       count_entries(laid->bait.volume_ro) == in_volume &&
	       !memcmp(secret, "0123456789abcde", 16) && secret[16] == '\0';
}

void bait_remove(struct laid_bait *laid)
{
	cleanup_close int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	fd_remove_tree(tmp, laid->base + strlen("/tmp/"), NULL);
	shmctl(laid->bait.shm, IPC_RMID, NULL);
	msgctl(laid->bait.msg, IPC_RMID, NULL);
	semctl(laid->bait.sem, 0, IPC_RMID);
	mq_unlink(laid->bait.queue);
}

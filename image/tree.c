// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images of directories of the host, made when they are run and kept while they are true.
 *
 * Theory of operation
 * -------------------
 * The fingerprint of a tree is a hash of what stat() tells of every file in it: reading a tree's
 * attributes takes milliseconds where reading its content takes seconds, and the change time
 * betrays every change. `.trees/KEY/` belongs to one directory, named by its path:
 *	source		a symbolic link that says which one
 *	lock		held by who makes an image of it; others wait, and then use what is there
 *	FINGERPRINT/	the image
 * Whoever made a new image removes the directory's older ones, and everything of directories that
 * are no more. Containers that run on those hold them open.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/room.h"
#include "image/walk.h"

#define FORMAT "hillock tree 1" /* changes when mkimage makes another image of the same tree */
#define KEY_DIGITS 24
#define TRIES 16
#define TICK_NS 20000000ll /* CONFIG_HZ is 100 or more */

/* --- fingerprint ---------------------------------------------------------------------------- */

struct print {
	struct sha256 sha;
	struct tree_state *state;
};

static int print_visit(struct walk *walk, struct walk_item *item, struct err *err)
{
	struct print *p = walk->context;
	const struct stat *st = &item->st;
	const uint64_t fields[] = {
		st->st_dev,
		st->st_ino,
		st->st_mode,
		st->st_nlink,
		st->st_uid,
		st->st_gid,
		st->st_rdev,
		(uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec,
		(uint64_t)st->st_ctim.tv_sec,
		(uint64_t)st->st_ctim.tv_nsec,
	};

	sha256_add(&p->sha, item->path, strlen(item->path) + 1);
	sha256_add(&p->sha, fields, sizeof(fields));
	if (item->target)
		sha256_add(&p->sha, item->target, strlen(item->target) + 1);
	if (st->st_ctim.tv_sec > p->state->newest.tv_sec ||
	    (st->st_ctim.tv_sec == p->state->newest.tv_sec &&
	     st->st_ctim.tv_nsec > p->state->newest.tv_nsec))
		p->state->newest = st->st_ctim;
	p->state->files++;
	if (S_ISREG(st->st_mode))
		p->state->bytes += (uint64_t)st->st_size;
	return 0;
}

int image_tree_fingerprint(int tree_fd, dev_t skip_dev, ino_t skip_ino, struct tree_state *state,
			   struct err *err)
{
	struct print p = { .state = state };
	struct walk walk = {
		.visit = print_visit, .context = &p, .skip_dev = skip_dev, .skip_ino = skip_ino
	};
	/* Whose owners become root's inside depends on who makes the image. */
	const uint32_t who[] = { geteuid(), getegid() };
	unsigned char digest[SHA256_SIZE];
	int rc;

	memset(state, 0, sizeof(*state));
	sha256_init(&p.sha);
	sha256_add(&p.sha, FORMAT, sizeof(FORMAT));
	sha256_add(&p.sha, who, sizeof(who));
	rc = walk_tree(&walk, tree_fd, err);
	if (rc == -EACCES || rc == -EPERM)
		err_hint(err,
			 "an image needs every file of the tree; whoever may read them all can "
			 "make an archive, 'tar -C DIR -cf FILE.tar .', for 'hillock image "
			 "import NAME FILE.tar'");
	if (rc < 0)
		return rc;
	sha256_end(&p.sha, digest);
	sha256_hex(digest, 2 * SHA256_SIZE, state->fingerprint);
	return 0;
}

/* --- one directory's images ------------------------------------------------------------------ */

struct tree {
	int images_fd, tree_fd;
	const char *reference; /* as the user gave it */
	char path[PATH_MAX];   /* absolute */
	char key[KEY_DIGITS + 1];
	struct tree_state state;
	dev_t skip_dev;
	ino_t skip_ino;
};

/*
 * File times advance in ticks of some milliseconds. A change in the same tick as the one before
 * could not be seen later, so a tree that was changed just now is looked at again.
 */
static int changed_just_now(const struct tree_state *state)
{
	int64_t seconds, ns;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	seconds = now.tv_sec - state->newest.tv_sec;
	if (seconds < -1 || seconds > 1) /* a file system with another clock: nothing to wait for */
		return 0;
	ns = seconds * 1000000000 + now.tv_nsec - state->newest.tv_nsec;
	return ns >= -TICK_NS && ns <= TICK_NS;
}

static int fingerprint_settled(struct tree *t, struct err *err)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	int rc = image_tree_fingerprint(t->tree_fd, t->skip_dev, t->skip_ino, &t->state, err);

	for (int i = 0; rc == 0 && i < TRIES && changed_just_now(&t->state); i++) {
		nanosleep(&tick, NULL);
		rc = image_tree_fingerprint(t->tree_fd, t->skip_dev, t->skip_ino, &t->state, err);
	}
	return rc;
}

static int open_dir(int parent_fd, const char *name)
{
	return openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int identify(struct tree *t, struct err *err)
{
	unsigned char digest[SHA256_SIZE];
	struct sha256 sha;
	char link[32];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", t->tree_fd);
	n = readlink(link, t->path, sizeof(t->path) - 1);
	if (n <= 0)
		return err_sys(err, n < 0 ? errno : EIO, "finding the directory's path in /proc");
	t->path[n] = '\0';
	sha256_init(&sha);
	sha256_add(&sha, t->path, (size_t)n);
	sha256_end(&sha, digest);
	sha256_hex(digest, KEY_DIGITS, t->key);
	if (fstat(t->images_fd, &st) < 0)
		return err_sys(err, errno, "the image store");
	t->skip_dev = st.st_dev;
	t->skip_ino = st.st_ino;
	return fingerprint_settled(t, err);
}

/* Locks `lock` in a directory; -EAGAIN when it is being removed or, without `wait`, in use. */
static int lock_dir(int dir_fd, int wait)
{
	cleanup_close int fd =
		openat(dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_nlink ? fd_steal(&fd) : -EAGAIN;
}

/* The directory's place in the store, and the lock on it. */
static int enter_place(const struct tree *t, int trees_fd, int *place_fd, int *lock_fd,
		       struct err *err)
{
	int rc = -EAGAIN;

	for (int i = 0; rc == -EAGAIN && i < TRIES; i++) {
		fd_close(place_fd);
		if (mkdirat(trees_fd, t->key, 0700) < 0 && errno != EEXIST)
			return err_sys(err, errno, "the image store");
		*place_fd = open_dir(trees_fd, t->key);
		if (*place_fd < 0) {
			rc = errno == ENOENT ? -EAGAIN : -errno;
			continue;
		}
		rc = lock_dir(*place_fd, 0);
		if (rc == -EAGAIN) {
			if (isatty(STDERR_FILENO))
				fprintf(stderr, "another hillock makes an image of %s: waiting\n",
					t->reference);
			rc = lock_dir(*place_fd, 1);
		}
	}
	if (rc < 0)
		return err_sys(err, -rc, "locking the store's place for %s", t->reference);
	*lock_fd = rc;
	return 0;
}

/* Everything but the newest image. */
static void remove_older(int place_fd, const char *keep)
{
	cleanup_close int fd = open_dir(place_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *ent;

	if (!dir)
		return;
	fd_steal(&fd);
	while ((ent = readdir(dir)))
		if (strlen(ent->d_name) == 2 * SHA256_SIZE && strcmp(ent->d_name, keep) != 0)
			image_dir_remove(place_fd, ent->d_name, NULL);
	closedir(dir);
}

/* Is the directory that this place belongs to gone? */
static int is_orphan(int place_fd)
{
	char source[PATH_MAX];
	ssize_t n = readlinkat(place_fd, "source", source, sizeof(source) - 1);
	struct stat st;

	if (n <= 0)
		return 0;
	source[n] = '\0';
	return lstat(source, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Under the lock: whoever waits for it finds it unlinked, and starts anew. */
static void remove_orphans(int trees_fd)
{
	cleanup_close int fd = open_dir(trees_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *ent;

	if (!dir)
		return;
	fd_steal(&fd);
	while ((ent = readdir(dir))) {
		cleanup_close int place_fd = -1, lock_fd = -1;

		if (ent->d_name[0] == '.')
			continue;
		place_fd = open_dir(trees_fd, ent->d_name);
		if (place_fd < 0 || !is_orphan(place_fd))
			continue;
		lock_fd = lock_dir(place_fd, 0);
		if (lock_fd >= 0)
			fd_remove_tree(trees_fd, ent->d_name, NULL);
	}
	closedir(dir);
}

static int make_image(const struct tree *t, int place_fd, struct err *err)
{
	struct image_fresh fresh = IMAGE_FRESH_INIT;
	struct image_meta meta = { .type = "ext4",
				   .created = time(NULL),
				   .source = (char *)t->path };
	struct image_make make = { .source_fd = t->tree_fd,
				   .source = t->reference,
				   .skip_dev = t->skip_dev,
				   .skip_ino = t->skip_ino,
				   .total_files = t->state.files,
				   .total_bytes = t->state.bytes };
	struct image_made made = { 0 };
	int rc;

	if (symlinkat(t->path, place_fd, "source") < 0 && errno != EEXIST)
		return err_sys(err, errno, "the image store");
	rc = image_fresh_begin(place_fd, &fresh, err);
	if (rc < 0)
		return rc;
	make.out_fd = fresh.root_fd;
	rc = image_make(&make, &made, err);
	meta.files = made.files;
	meta.content = made.content;
	snprintf(meta.name, sizeof(meta.name), "%.255s", t->reference);
	if (rc == 0)
		rc = image_meta_write(fresh.dir_fd, &meta, err);
	if (rc == 0)
		rc = image_fresh_commit(&fresh, t->state.fingerprint, err);
	image_fresh_end(&fresh);
	return rc;
}

/* Without a lock: an image is there completely or not at all. */
static int open_present(const struct tree *t, int trees_fd, struct image *image, struct err *err)
{
	char path[KEY_DIGITS + 2 * SHA256_SIZE + 2];

	snprintf(path, sizeof(path), "%s/%s", t->key, t->state.fingerprint);
	return image_dir_open(trees_fd, path, image, err);
}

static int make_and_open(const struct tree *t, int trees_fd, struct image *image, struct err *err)
{
	cleanup_close int place_fd = -1, lock_fd = -1;
	int rc = enter_place(t, trees_fd, &place_fd, &lock_fd, err);

	if (rc < 0)
		return rc;
	/* Whoever had the lock before may have made just this one. */
	if (open_present(t, trees_fd, image, NULL) == 0)
		return 0;
	rc = make_image(t, place_fd, err);
	if (rc < 0)
		return err_context(err, "making an image of %s", t->reference);
	rc = open_present(t, trees_fd, image, err);
	remove_older(place_fd, t->state.fingerprint);
	remove_orphans(trees_fd);
	return rc;
}

int image_tree_open(int images_fd, int tree_fd, const char *path, struct image *image,
		    struct err *err)
{
	struct tree t = { .images_fd = images_fd, .tree_fd = tree_fd, .reference = path };
	cleanup_close int trees_fd = -1;
	int rc = identify(&t, err);

	if (rc < 0)
		return err_context(err, "looking at %s", path);
	if (mkdirat(images_fd, ".trees", 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "the image store");
	trees_fd = open_dir(images_fd, ".trees");
	if (trees_fd < 0)
		return err_sys(err, errno, "the image store");
	rc = open_present(&t, trees_fd, image, NULL);
	return rc < 0 ? make_and_open(&t, trees_fd, image, err) : 0;
}

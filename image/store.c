// SPDX-License-Identifier: GPL-2.0-or-later
/* The image store: open, import, list, remove; the contract and the layout stand in image.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/room.h"

#define OPEN_TRIES 16

/* images/ in the store, made if need be. */
static int open_images(int store_fd, struct err *err)
{
	int fd;

	if (mkdirat(store_fd, "images", 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "making the image store");
	fd = openat(store_fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "opening the image store") : fd;
}

/* --- opening -------------------------------------------------------------------------------- */

void image_close(struct image *image)
{
	struct image_meta rest = { .entrypoint = image->entrypoint,
				   .command = image->command,
				   .env = image->env,
				   .cwd = image->cwd,
				   .user = image->user };

	image_meta_free(&rest);
	fd_close(&image->root_fd);
	*image = (struct image){ .root_fd = -1 };
}

/* An open file becomes the image's root, if it is one. Takes *fd over. */
static int take_root(struct image *image, int *fd, const struct image_kind *kind, const char *shown,
		     struct err *err)
{
	if (!kind->type)
		return err_set(err, EINVAL, "%s is %s, not a root image", shown, kind->what);
	if (kind->fault)
		return err_set(err, EINVAL, "%s is %s, but %s", shown, kind->what, kind->fault);
	image->root_fd = fd_steal(fd);
	snprintf(image->type, sizeof(image->type), "%s", kind->type);
	return 0;
}

static int try_dir_open(int dir_fd, struct image *image, struct err *err)
{
	cleanup_close int fd = openat(dir_fd, "root.ext4", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct image_kind kind;
	struct image_meta meta;
	int rc;

	if (fd < 0 && errno == ENOENT)
		fd = openat(dir_fd, "root.erofs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "its root image");
	rc = image_kind_read(fd, &kind, err);
	if (rc == 0)
		rc = take_root(image, &fd, &kind, "its root image", err);
	if (rc < 0)
		return rc;
	rc = image_meta_read(dir_fd, &meta, err);
	if (rc == 0) {
		image->entrypoint = steal(&meta.entrypoint);
		image->command = steal(&meta.command);
		image->env = steal(&meta.env);
		image->cwd = steal(&meta.cwd);
		image->user = steal(&meta.user);
	} else {
		fd_close(&image->root_fd);
	}
	image_meta_free(&meta);
	return rc;
}

int image_dir_open(int parent_fd, const char *name, struct image *image, struct err *err)
{
	int rc = 0;

	*image = (struct image){ .root_fd = -1 };
	/* An image that is replaced after its directory was opened is gone: there is a new one. */
	for (int i = 0; i < OPEN_TRIES; i++) {
		cleanup_close int dir_fd =
			openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (dir_fd < 0)
			return err_sys(err, errno, "the image '%s'", name);
		rc = try_dir_open(dir_fd, image, err);
		if (rc != -ENOENT)
			break;
	}
	return rc < 0 ? err_context(err, "the image '%s'", name) : 0;
}

static int open_path(int store_fd, const char *path, struct image *image, struct err *err)
{
	/* Without O_NONBLOCK, a fifo would keep us waiting. */
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_close int images_fd = -1;
	struct image_kind kind;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = err_sys(err, errno, "%s", path);
		if (rc == -ENOENT)
			err_hint(err, "a reference with a '/' or a leading '.' is a path; for an "
				      "image of the store, leave them out");
		return rc;
	}
	if (S_ISDIR(st.st_mode)) {
		images_fd = open_images(store_fd, err);
		return images_fd < 0 ? images_fd : image_tree_open(images_fd, fd, path, image, err);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s is neither a directory nor a regular file", path);
	rc = image_kind_read(fd, &kind, err);
	if (rc < 0)
		return err_context(err, "%s", path);
	rc = take_root(image, &fd, &kind, path, err);
	if (rc < 0 && kind.is_archive)
		err_hint(err, "import it first: hillock image import NAME %s", path);
	else if (rc < 0 && !kind.type)
		err_hint(err, "a root file tree can be a directory, an ext4 or an EROFS image");
	return rc;
}

/* "no image 'foo' (have: a:latest, b:1)". */
static int no_such_image(int store_fd, const char *reference, struct err *err)
{
	cleanup_free struct image_entry *entries = NULL;
	char have[512] = "";
	size_t count = 0, used = 0;
	struct stat st;

	if (image_list(store_fd, &entries, &count, NULL) < 0)
		count = 0;
	for (size_t i = 0; i < count && used < sizeof(have); i++)
		used += (size_t)snprintf(have + used, sizeof(have) - used, "%s%s", i ? ", " : "",
					 entries[i].name);
	err_set(err, ENOENT, "no image '%s' (%s%s)", reference, count ? "have: " : "there is none",
		have);
	if (stat(reference, &st) == 0)
		err_hint(err, "a path needs a '/' in it: ./%s", reference);
	err_hint(err, "make one with 'hillock image import NAME FILE.tar', or give the path of a "
		      "root file tree");
	return -ENOENT;
}

int image_open(int store_fd, const char *reference, struct image *image, struct err *err)
{
	cleanup_close int images_fd = -1;
	char name[256];
	int rc;

	*image = (struct image){ .root_fd = -1 };
	if (image_is_path(reference)) {
		rc = open_path(store_fd, reference, image, err);
		if (rc == 0)
			snprintf(image->name, sizeof(image->name), "%s", reference);
		return rc;
	}
	rc = image_name_parse(reference, name, err);
	if (rc < 0)
		return rc;
	images_fd = openat(store_fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (images_fd < 0 && errno != ENOENT)
		return err_sys(err, errno, "opening the image store");
	if (images_fd < 0 || faccessat(images_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return no_such_image(store_fd, reference, err);
	rc = image_dir_open(images_fd, name, image, err);
	if (rc == 0)
		snprintf(image->name, sizeof(image->name), "%s", name);
	return rc;
}

/* --- importing ------------------------------------------------------------------------------ */

/* Opens what is to be imported and looks at it. */
static int open_source(const char *source, struct image_make *make, struct image_kind *kind,
		       struct err *err)
{
	cleanup_close int fd = -1;
	struct stat st;
	int rc;

	if (!strcmp(source, "-")) {
		if (isatty(STDIN_FILENO))
			return err_set(err, EINVAL, "an archive is not read from a terminal");
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		fd = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "%s", source);
	make->from_tar = !S_ISDIR(st.st_mode);
	if (S_ISREG(st.st_mode)) {
		rc = image_kind_read(fd, kind, err);
		if (rc < 0)
			return err_context(err, "%s", source);
		if (kind->type) {
			err_set(err, EINVAL, "%s is %s: there is nothing to import", source,
				kind->what);
			err_hint(err, "a root image can be run by its path");
			return -EINVAL;
		}
	}
	make->source_fd = fd_steal(&fd);
	return 0;
}

/* Where and how big a tree is: what must be left out, and what progress is measured by. */
static int measure_tree(int images_fd, struct image_make *make, struct err *err)
{
	struct tree_state state;
	struct stat st;
	int rc;

	if (fstat(images_fd, &st) < 0)
		return err_sys(err, errno, "the image store");
	make->skip_dev = st.st_dev;
	make->skip_ino = st.st_ino;
	rc = image_tree_fingerprint(make->source_fd, st.st_dev, st.st_ino, &state, err);
	make->total_files = state.files;
	make->total_bytes = state.bytes;
	return rc;
}

int image_import(int store_fd, const char *name, const char *source, const char *const *command,
		 const char *const *env, struct err *err)
{
	struct image_make make = { .source_fd = -1,
				   .source = strcmp(source, "-") ? source : "an archive" };
	struct image_meta meta = { .type = "ext4",
				   .created = time(NULL),
				   .command = (char **)command,
				   .env = (char **)env,
				   .source = (char *)source };
	struct image_fresh fresh = IMAGE_FRESH_INIT;
	struct image_made made = { 0 };
	struct image_kind kind = { 0 };
	cleanup_close int images_fd = -1, source_fd = -1;
	int rc = image_name_parse(name, meta.name, err);

	if (rc < 0)
		return rc;
	rc = open_source(source, &make, &kind, err);
	if (rc < 0)
		return rc;
	source_fd = make.source_fd;
	images_fd = open_images(store_fd, err);
	if (images_fd < 0)
		return images_fd;
	if (!make.from_tar)
		rc = measure_tree(images_fd, &make, err);
	if (rc == 0)
		rc = image_fresh_begin(images_fd, &fresh, err);
	make.out_fd = fresh.root_fd;
	if (rc == 0)
		rc = image_make(&make, &made, err);
	meta.files = made.files;
	meta.content = made.content;
	if (rc == 0)
		rc = image_meta_write(fresh.dir_fd, &meta, err);
	if (rc == 0)
		rc = image_fresh_commit(&fresh, meta.name, err);
	image_fresh_end(&fresh);
	if (rc == -EBADMSG && kind.what && !kind.is_archive)
		return err_set(err, EBADMSG, "%s is %s, not an archive", source, kind.what);
	return rc < 0 ? err_context(err, "importing %s", make.source) : 0;
}

/* --- listing and removing ------------------------------------------------------------------- */

static void describe(int images_fd, const char *name, struct image_entry *entry)
{
	cleanup_close int fd =
		openat(images_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct image_meta meta = { 0 };
	struct stat st;

	*entry = (struct image_entry){ .type = "?" };
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	if (fd < 0)
		return;
	if (fstatat(fd, "root.ext4", &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    fstatat(fd, "root.erofs", &st, AT_SYMLINK_NOFOLLOW) == 0)
		entry->size = (uint64_t)st.st_size;
	if (image_meta_read(fd, &meta, NULL) == 0) {
		memcpy(entry->type, meta.type, sizeof(entry->type));
		entry->content = meta.content;
		entry->files = meta.files;
		entry->created = meta.created;
	}
	image_meta_free(&meta);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct image_entry *)a)->name, ((const struct image_entry *)b)->name);
}

int image_list(int store_fd, struct image_entry **entries, size_t *count, struct err *err)
{
	cleanup_close int fd = openat(store_fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free struct image_entry *list = NULL;
	size_t used = 0, room = 0;
	struct dirent *ent;
	int failed = 0;
	DIR *dir;

	*entries = NULL;
	*count = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "opening the image store");
	dir = fdopendir(fd);
	if (!dir)
		return err_sys(err, errno, "reading the image store");
	fd_steal(&fd);
	while (!failed && (errno = 0, ent = readdir(dir))) {
		char name[256];

		if (ent->d_name[0] == '.' || image_name_parse(ent->d_name, name, NULL) < 0)
			continue;
		if (used == room) {
			struct image_entry *grown =
				reallocarray(list, room * 2 + 16, sizeof(*list));

			if (!grown) {
				failed = ENOMEM;
				break;
			}
			list = grown;
			room = room * 2 + 16;
		}
		describe(dirfd(dir), ent->d_name, &list[used++]);
	}
	failed = failed ? failed : errno;
	closedir(dir);
	if (failed)
		return err_sys(err, failed, "reading the image store");
	if (used)
		qsort(list, used, sizeof(*list), by_name);
	*entries = steal(&list);
	*count = used;
	return 0;
}

int image_remove(int store_fd, const char *name, struct err *err)
{
	cleanup_close int images_fd = -1;
	char full[256];
	int rc = image_name_parse(name, full, err);

	if (rc < 0)
		return rc;
	images_fd = openat(store_fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (images_fd < 0 && errno != ENOENT)
		return err_sys(err, errno, "opening the image store");
	rc = images_fd < 0 ? -ENOENT : image_dir_remove(images_fd, full, err);
	return rc == -ENOENT ? no_such_image(store_fd, name, err) : rc;
}

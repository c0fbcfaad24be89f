/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share; nobody else includes it (but its tests). */
#ifndef HILLOCK_IMAGE_ROOM_H
#define HILLOCK_IMAGE_ROOM_H

#include <sys/types.h>
#include <time.h>

#include "image/image.h"
#include "image/sha256.h"

/* --- names (name.c) ------------------------------------------------------------------------- */

#define IMAGE_NAME_MAX 128
#define IMAGE_TAG_MAX 100

/* Is this reference a path? */
int image_is_path(const char *reference);

/*
 * Checks NAME[:TAG] and writes NAME:TAG. Names are lower-case letters, digits and single '.', '_'
 * or '-' between them; tags may have upper-case letters too. So a name is always one harmless
 * part of a path.
 */
int image_name_parse(const char *reference, char full[256], struct err *err);

/* --- what a file is (kind.c) ---------------------------------------------------------------- */

#define IMAGE_HEAD_SIZE 4096

struct image_kind {
	const char *type;  /* "ext4" or "erofs": a root image; else NULL */
	const char *what;  /* in words: "a tar archive" */
	const char *fault; /* why this root image cannot be used, or NULL */
	int is_archive;    /* hillock image import might take it */
};

/* A pure function of a file's first bytes (up to IMAGE_HEAD_SIZE of them) and its length. */
void image_kind_find(const unsigned char *head, size_t head_size, uint64_t file_size,
		     struct image_kind *kind);

/* The same for an open file. */
int image_kind_read(int fd, struct image_kind *kind, struct err *err);

/* --- image.json (meta.c) -------------------------------------------------------------------- */

struct image_meta {
	char name[256];
	char type[8];
	int64_t created;
	uint64_t content;
	uint32_t files;
	char **entrypoint, **command, **env;
	char *cwd, *user, *source;
};

int image_meta_write(int dirfd, const struct image_meta *meta, struct err *err);
/* A pure function; what it gives is to be freed also after an error. */
int image_meta_parse(const char *text, size_t size, struct image_meta *meta, struct err *err);
int image_meta_read(int dirfd, struct image_meta *meta, struct err *err);
void image_meta_free(struct image_meta *meta);

/* --- running hillock-mkimage (make.c) ------------------------------------------------------- */

struct image_make {
	int from_tar; /* else from a directory */
	int source_fd;
	int out_fd;         /* new, empty, O_RDWR */
	const char *source; /* for people */
	dev_t skip_dev;     /* a directory to leave out */
	ino_t skip_ino;
	uint64_t total_files; /* of a directory, for the progress line; else 0 */
	uint64_t total_bytes;
};

struct image_made {
	uint32_t files;
	uint64_t content; /* bytes of the files */
};

int image_make(const struct image_make *make, struct image_made *made, struct err *err);

/* --- images that are not complete yet (fresh.c) --------------------------------------------- */

struct image_fresh {
	int parent_fd; /* the caller's */
	int dir_fd;
	int root_fd; /* root.ext4, O_RDWR, locked */
	char name[32];
};

#define IMAGE_FRESH_INIT ((struct image_fresh){ .parent_fd = -1, .dir_fd = -1, .root_fd = -1 })

/* A new directory for an image below `parent_fd`; first removes what killed makers left there. */
int image_fresh_begin(int parent_fd, struct image_fresh *fresh, struct err *err);
/* Gives it its name at once, replacing and removing what has that name. */
int image_fresh_commit(struct image_fresh *fresh, const char *name, struct err *err);
/* Closes; removes what was not committed. */
void image_fresh_end(struct image_fresh *fresh);
/* Makes a directory invisible at once, then removes it. -ENOENT. */
int image_dir_remove(int parent_fd, const char *name, struct err *err);

/* --- directories of the host (tree.c) ------------------------------------------------------- */

struct tree_state {
	char fingerprint[2 * SHA256_SIZE + 1];
	uint64_t files, bytes;
	struct timespec newest; /* change time */
};

/* What a tree is now. The directory skip_dev:skip_ino is left out. */
int image_tree_fingerprint(int tree_fd, dev_t skip_dev, ino_t skip_ino, struct tree_state *state,
			   struct err *err);

/* Opens the image of a tree's present state, made now if need be. */
int image_tree_open(int images_fd, int tree_fd, const char *path, struct image *image,
		    struct err *err);

/* --- the store (store.c) -------------------------------------------------------------------- */

/* Opens an image's directory below `parent_fd`. -ENOENT when there is none. */
int image_dir_open(int parent_fd, const char *name, struct image *image, struct err *err);

#endif

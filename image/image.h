/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images: read-only root images, made once, shared by all containers that start from them.
 *
 * Theory of operation
 * -------------------
 * The store is the user's data directory (`store_fd`). An image is a directory in it,
 * `images/NAME:TAG/`, with `root.ext4` and `image.json` (what made it, when, sizes, default
 * command and environment). Trees on disk that are run directly (`hillock run DIR`) live in
 * `images/.trees/KEY/FINGERPRINT/` with the same content, KEY being a hash of the directory's
 * path and FINGERPRINT one of everything that stat() tells about what is in it.
 *
 * Whatever is being made stands in a `.new-…` directory until it is complete, and is renamed into
 * place: a reader sees all of an image or none. Its maker holds a lock on the file in it, so what
 * a killed maker left behind is recognised and removed by the next one. Removing an image under a
 * running container is harmless, as the container holds it open.
 *
 * A separate program, hillock-mkimage, writes root images; see mkimage/main.c. It is looked for
 * in $HILLOCK_LIBEXEC, in ../libexec/hillock and ../image beside the running program, and next to
 * it.
 */
#ifndef HILLOCK_IMAGE_IMAGE_H
#define HILLOCK_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct image {
	int root_fd;       /* O_RDONLY; owned */
	char type[8];      /* "ext4" or "erofs" */
	char name[256];    /* as shown to people */
	char **entrypoint; /* NULL-terminated, may be NULL; owned */
	char **command;    /* likewise */
	char **env;        /* "K=V", likewise */
	char *cwd, *user;  /* may be NULL */
};

/*
 * Finds what IMAGE|ROOTFS-DIR|ROOT.ext4|ROOT.erofs names and opens it, making a root image from a
 * tree when there is none of its present state yet (that can take seconds: progress goes to
 * stderr if it is a terminal). `store_fd` is the store's directory.
 *
 * A reference with a '/' or a leading '.' is a path; anything else is a name in the store, with
 * an optional ':TAG' (else 'latest'). -ENOENT names what the store has.
 */
int image_open(int store_fd, const char *reference, struct image *image, struct err *err);
void image_close(struct image *image);

/* Makes images/NAME from a tar archive (any compression libarchive reads; "-" is standard input)
 * or a directory. Replaces an image of that name at once; containers that run on the old one keep
 * it. `command` and `env` may be NULL. */
int image_import(int store_fd, const char *name, const char *source, const char *const *command,
		 const char *const *env, struct err *err);

struct image_entry {
	char name[256];   /* NAME:TAG */
	char type[8];     /* "ext4"; "?" when its image.json cannot be read */
	uint64_t size;    /* bytes of the root image */
	uint64_t content; /* bytes of the files in it */
	uint32_t files;
	int64_t created; /* seconds since 1970 */
};

/* The store's images by name; *entries is one block that the caller frees. */
int image_list(int store_fd, struct image_entry **entries, size_t *count, struct err *err);

/* -ENOENT when there is none of that name. */
int image_remove(int store_fd, const char *name, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dir: serves a directory of the host, handed over as a descriptor.
 *
 * Theory of operation
 * -------------------
 *	dir_table.c   nodes, names and open files, in memory that outlives the server
 *	dir_fds.c     descriptors: of directories (a bounded cache), of open files
 *	dir_owner.c   owners, modes and devices that the host will not let us set
 *	dir_tree.c    names: look up, make, remove, rename
 *	dir_attr.c    attributes
 *	dir_file.c    contents, entries of directories
 *	dir_xattr.c   extended attributes
 *	dir.c	      beginning, beginning again, and the table of operations
 *
 * A node is known by device and inode number, and by one place where it was last seen: the
 * directory's node and a name. Whatever is done to a node is done at that place, with one system
 * call on the directory's descriptor, after which it is checked that it was that very inode. If
 * it was another (somebody on the host has moved it), the answer is ESTALE, upon which the
 * guest's kernel looks the name up again. So only directories in use need a descriptor, a node
 * costs under 100 bytes, and nothing is lost with the process but a cache.
 *
 * Confinement: every path is one component, checked by the engine, never "..", opened with
 * RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS; other calls do not follow links
 * in their last component, and there is no other. A directory's descriptor comes from its
 * parent's, the first is the root's. So no request can name what is not below the root.
 *
 * Restart: open files are opened again where they were last seen. Those whose name is being
 * removed are handed to `keep` first.
 */
#ifndef HILLOCK_TRANSLATORS_DIR_H
#define HILLOCK_TRANSLATORS_DIR_H

#include <sys/stat.h>

#include "base/err.h"
#include "files/state.h"
#include "files/translator.h"

enum dir_owners {
	DIR_OWNERS_NATIVE, /* the host lets us set what the guest wants */
	DIR_OWNERS_ASIDE,  /* it does not: kept in an extended attribute where they differ */
};

struct dir_options {
	enum dir_owners owners;
	/* Hands an open file into safe-keeping and takes it out; may be NULL. */
	void (*keep)(void *context, unsigned int key, int fd);
	void (*drop)(void *context, unsigned int key);
	void *context;
	unsigned int first_key; /* of the keys that it may use */
};

struct dir;

/*
 * Serves `root_fd` (a directory, O_PATH will do; taken over), with what is in the state's area:
 * zeroes, or what a predecessor left. The process' umask must be 0.
 */
int dir_open(struct dir **dir, struct translator *t, int root_fd, struct state *state,
	     const struct dir_options *options, struct err *err);
/* A kept descriptor, from before; taken over. */
void dir_restore(struct dir *dir, unsigned int key, int fd);
void dir_close(struct dir *dir);

/* Can owners be native here? Tries with a nameless file. */
enum dir_owners dir_owners_possible(int root_fd);

#endif

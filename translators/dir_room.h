/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the translator `dir` share; dir.h says which is which. Private to it. */
#ifndef HILLOCK_TRANSLATORS_DIR_ROOM_H
#define HILLOCK_TRANSLATORS_DIR_ROOM_H

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "translators/dir.h"

/* --- in memory that outlives the process: numbers are indexes, 0 is none ---------------------- */

#define DIR_NODE_DIRECTORY (1u << 0)
#define DIR_NODE_REGULAR (1u << 1)

struct dir_node {
	uint64_t inode, device, lookups;
	uint32_t parent, name; /* where it was last seen; name 0: nowhere */
	uint32_t next;         /* of the same hash; of the free ones */
	uint32_t handles;      /* the first of its open files */
	uint32_t generation, flags;
};

#define DIR_NAME_PART 44

struct dir_name {
	uint32_t next;
	char text[DIR_NAME_PART]; /* padded with NUL */
};

struct dir_handle {
	uint32_t node; /* 0: free */
	uint32_t next; /* of the same node; of the free ones */
	uint32_t flags, generation;
	uint32_t kept;
};

#define DIR_HANDLES_MAX 65536

struct dir_pool {
	uint32_t max, high, free; /* numbers below `high` have been used */
};

struct dir_area {
	uint64_t magic;
	struct dir_pool nodes, names, handles;
	uint32_t bucket_count, padding;
};

/* --- in this process -------------------------------------------------------------------------- */

struct dir {
	struct translator *t;
	struct state *state;
	struct dir_options options;
	uint64_t root_device;
	uint32_t uid, gid; /* this process' */

	struct dir_area *area;
	uint32_t *buckets;
	struct dir_node *nodes;
	struct dir_name *names;
	struct dir_handle *handles;

	/* Descriptors plus one, so that fresh memory says that there is none. */
	int32_t *node_fds, *handle_fds;
	uint32_t *cached; /* nodes with a descriptor, and some that had one */
	uint8_t *used;    /* since the hand passed */
	uint32_t cache_size, cache_hand, pinned;
};

static inline struct dir *dir_of(struct translator *t)
{
	return t->own;
}

/* --- dir_table.c ------------------------------------------------------------------------------ */

int dir_table_open(struct dir *d, struct err *err);
/* NULL if the guest made this number up. */
struct dir_node *dir_node_get(struct dir *d, uint64_t node);
uint32_t dir_node_index(const struct dir *d, const struct dir_node *node);
struct dir_node *dir_node_find(struct dir *d, uint64_t device, uint64_t inode);
/* It is now there. 0, or -ENFILE: too many names. */
int dir_node_move(struct dir *d, struct dir_node *node, uint32_t parent, const char *name);
/* Finds it, or makes it, seen at (parent, name); name NULL: nowhere. NULL: too many. */
struct dir_node *dir_node_see(struct dir *d, const struct statx *stx, uint32_t parent,
			      const char *name);
/* It is no longer there where it was last seen. */
void dir_node_unname(struct dir *d, struct dir_node *node);
int dir_node_is_at(const struct dir *d, const struct dir_node *node, uint32_t parent,
		   const char *name);
/* The node's name in `text`; 0, or -ESTALE when it is nowhere. */
int dir_node_name(const struct dir *d, const struct dir_node *node,
		  char text[TRANSLATOR_NAME_MAX + 1]);
/* It will not be found by its inode number any more. */
void dir_node_unhash(struct dir *d, struct dir_node *node);
void dir_node_forget(struct dir *d, struct dir_node *node, uint64_t count);
int dir_same_inode(const struct dir_node *node, const struct statx *stx);
uint64_t dir_device(const struct statx *stx);

/* Takes `fd`, also when it fails. */
int dir_handle_new(struct dir *d, struct dir_node *node, int flags, int fd, uint64_t *handle);
struct dir_handle *dir_handle_get(struct dir *d, uint64_t handle);
void dir_handle_free(struct dir *d, uint64_t handle);
uint32_t dir_handle_index(const struct dir *d, const struct dir_handle *handle);

/* --- dir_fds.c -------------------------------------------------------------------------------- */

int dir_fds_open(struct dir *d, int root_fd, struct err *err);
void dir_fds_close(struct dir *d);
/* Drops what is cached, but for the root's. */
void dir_fds_clear(struct dir *d);
void dir_fds_forget(struct dir *d, uint32_t node);
/* The directory's descriptor (O_PATH), good until the next call, or -errno. */
int dir_fd(struct dir *d, uint64_t node);
/* Two at once. */
int dir_fd_two(struct dir *d, uint64_t a, uint64_t b, int *fd_a, int *fd_b);
/* One component below `fd`, never through a link. Returns a descriptor or -errno. */
int dir_openat(int fd, const char *name, uint64_t flags, mode_t mode);
/* The node's file opened anew, checked to be that one; the caller closes it. */
int dir_open_node(struct dir *d, struct dir_node *node, int flags);
/* The open file's descriptor, opened again if it has to be; not the caller's. */
int dir_handle_fd(struct dir *d, struct dir_handle *handle);
/* A descriptor for node or handle, with these access rights; *close_it: the caller closes it. */
int dir_any_fd(struct dir *d, uint64_t node, uint64_t handle, int flags, int *close_it);
/* Hands all its open files into safe-keeping: its name is about to go. */
void dir_keep_handles(struct dir *d, struct dir_node *node);

/* --- dir_owner.c ------------------------------------------------------------------------------ */

/* What the guest is told; `stx_mode` has the type. */
struct dir_owner {
	uint32_t mode, uid, gid, rdev_major, rdev_minor;
};

#define DIR_XATTR_OWN "user.hillock."
#define DIR_XATTR_OWNER "user.hillock.owner"
#define DIR_XATTR_OTHER "user.hillock.x."

/* Puts the kept owner in the place of the host's, where there is one. By descriptor, or (fd O_PATH
 * of the directory) by name. */
int dir_owner_read(struct dir *d, int fd, const char *name, struct statx *stx);
int dir_owner_parse(const char *text, size_t size, struct dir_owner *owner);
int dir_owner_format(const struct dir_owner *owner, char text[64]);
/* The mode that a new file gets on the host. */
mode_t dir_owner_host_mode(const struct dir *d, const struct dir_owner *owner);
/* Sets it on an open file or directory. `fresh`: just made with dir_owner_host_mode(). */
int dir_owner_write(struct dir *d, int fd, const struct dir_owner *owner, int fresh);
/* Has dir_owner_write() anything to do for a fresh file? */
int dir_owner_needed(const struct dir *d, const struct dir_owner *owner);
/* Who a new file in this directory belongs to. */
int dir_owner_new(struct dir *d, int parent_fd, mode_t mode, struct dir_owner *owner);
void dir_owner_show(const struct dir_owner *owner, struct statx *stx);

/* --- dir_link.c ------------------------------------------------------------------------------- */

/* Puts the owner that is kept for this link in its directory in the place of the host's. */
void dir_link_read(struct dir *d, int parent_fd, struct statx *stx);
/* Keeps it; 0 and 0: nothing needs to be kept any more. */
void dir_link_write(struct dir *d, int parent_fd, uint64_t inode, uint32_t uid, uint32_t gid);
/* The link is about to be in another directory, too. */
void dir_link_moved(struct dir *d, int from_fd, int to_fd, uint64_t inode);

/* --- dir_attr.c ------------------------------------------------------------------------------- */

#define DIR_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME)

/* The host's attributes; -errno. `name` "": of `fd` itself. */
int dir_statx(int fd, const char *name, struct statx *stx);
/* Of a node or one of its open files, as the host has them. */
int dir_node_statx(struct dir *d, uint64_t node, uint64_t handle, struct statx *stx);
int dir_set_owner(struct dir *d, struct dir_node *node, uint64_t handle,
		  const struct dir_owner *owner);
/* Takes set-user-ID and, where the group may execute, set-group-ID away. */
int dir_kill_suid(struct dir *d, uint64_t node, uint64_t handle);
/* Inode numbers as the guest sees them. */
void dir_show_inode(const struct dir *d, struct statx *stx);

/* --- operations ------------------------------------------------------------------------------- */

int dir_lookup_at(struct dir *d, uint64_t parent, int parent_fd, const char *name,
		  struct translator_entry *entry);
int dir_lookup(struct translator *t, uint64_t parent, const char *name,
	       struct translator_entry *entry);
void dir_forget(struct translator *t, uint64_t node, uint64_t count);
int dir_getattr(struct translator *t, uint64_t node, uint64_t handle, struct statx *attr);
int dir_setattr(struct translator *t, uint64_t node, uint64_t handle,
		const struct translator_set *set, struct statx *attr);
ssize_t dir_readlink(struct translator *t, uint64_t node, char *target, size_t size);
int dir_mknod(struct translator *t, uint64_t parent, const char *name, mode_t mode, dev_t device,
	      struct translator_entry *entry);
int dir_mkdir(struct translator *t, uint64_t parent, const char *name, mode_t mode,
	      struct translator_entry *entry);
int dir_symlink(struct translator *t, uint64_t parent, const char *name, const char *target,
		struct translator_entry *entry);
int dir_link(struct translator *t, uint64_t node, uint64_t parent, const char *name,
	     struct translator_entry *entry);
int dir_unlink(struct translator *t, uint64_t parent, const char *name);
int dir_rmdir(struct translator *t, uint64_t parent, const char *name);
int dir_rename(struct translator *t, uint64_t parent, const char *name, uint64_t to_parent,
	       const char *to_name, unsigned int flags);
int dir_open_file(struct translator *t, uint64_t node, int flags, uint64_t *handle);
int dir_create(struct translator *t, uint64_t parent, const char *name, mode_t mode, int flags,
	       struct translator_entry *entry, uint64_t *handle);
int dir_tmpfile(struct translator *t, uint64_t parent, mode_t mode, int flags,
		struct translator_entry *entry, uint64_t *handle);
void dir_release(struct translator *t, uint64_t node, uint64_t handle);
ssize_t dir_read(struct translator *t, uint64_t node, uint64_t handle, const struct iovec *iov,
		 size_t count, off_t offset);
ssize_t dir_write(struct translator *t, uint64_t node, uint64_t handle, const struct iovec *iov,
		  size_t count, off_t offset, int flags);
int dir_fsync(struct translator *t, uint64_t node, uint64_t handle, int data_only);
off_t dir_lseek(struct translator *t, uint64_t node, uint64_t handle, off_t offset, int whence);
int dir_fallocate(struct translator *t, uint64_t node, uint64_t handle, int mode, off_t offset,
		  off_t length);
ssize_t dir_copy(struct translator *t, uint64_t node_in, uint64_t handle_in, off_t from,
		 uint64_t node_out, uint64_t handle_out, off_t to, size_t length);
int dir_opendir(struct translator *t, uint64_t node, uint64_t *handle);
int dir_readdir(struct translator *t, uint64_t node, uint64_t handle, uint64_t offset, int plus,
		struct translator_dirents *to);
ssize_t dir_getxattr(struct translator *t, uint64_t node, const char *name, void *value,
		     size_t size);
ssize_t dir_listxattr(struct translator *t, uint64_t node, char *names, size_t size);
int dir_setxattr(struct translator *t, uint64_t node, const char *name, const void *value,
		 size_t size, int flags);
int dir_removexattr(struct translator *t, uint64_t node, const char *name);
int dir_statfs(struct translator *t, uint64_t node, struct statvfs *st);
int dir_syncfs(struct translator *t);

#endif

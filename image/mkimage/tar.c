// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads a tar archive into the file tree of an image.
 *
 * Theory of operation
 * -------------------
 * libarchive knows the dialects (v7, ustar, GNU with sparse files and long names, pax with
 * attributes) and the compressions; compressions that it would run other programs for are left
 * out. What an entry means here:
 *  - A name is relative to the image's root, with or without a leading '/' or './'. '..' in it is
 *    refused. Symbolic links on the way are followed within the image.
 *  - A later entry of the same name replaces the earlier one, but a directory stays with what is
 *    in it and takes the new attributes, and a directory with something in it is replaced by
 *    nothing else.
 *  - A hard link needs its target to be there already.
 * Whatever cannot be represented ends the import with an error that names the entry: an image
 * that is not what the archive says would be worse than none.
 */
#include "image/mkimage/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/mkimage/bytes.h"

#define READ_SIZE (256u << 10)

static int fail(struct archive *archive, struct err *err)
{
	int code = archive_errno(archive);
	const char *text = archive_error_string(archive);

	/* libarchive has codes of its own, all of them negative, and EILSEQ for bad formats. */
	if (code <= 0 || code == EILSEQ)
		code = EBADMSG;
	return err_set(err, code, "the archive cannot be read: %s", text ? text : "damaged");
}

struct archive *tar_open(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	archive_read_support_format_tar(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_compress(a);
	archive_read_support_filter_lzip(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_zstd(a);
	return a;
}

/* --- one entry ------------------------------------------------------------------------------ */

static int take_owner(struct fs_inode *inode, struct archive_entry *entry, struct err *err)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	if (uid < 0 || uid > UINT32_MAX - 1 || gid < 0 || gid > UINT32_MAX - 1)
		return err_set(err, ERANGE, "owner %lld:%lld is out of range", (long long)uid,
			       (long long)gid);
	inode->uid = (uint32_t)uid;
	inode->gid = (uint32_t)gid;
	return 0;
}

struct acl_item {
	uint16_t tag, permissions;
	uint32_t id;
};

static int by_tag(const void *a, const void *b)
{
	const struct acl_item *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static uint16_t acl_tag(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return 0x01;
	case ARCHIVE_ENTRY_ACL_USER:
		return 0x02;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return 0x04;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return 0x08;
	case ARCHIVE_ENTRY_ACL_MASK:
		return 0x10;
	case ARCHIVE_ENTRY_ACL_OTHER:
		return 0x20;
	default:
		return 0;
	}
}

/* The mode's bits are those of the owner, the mask (which there is with such a list), others. */
static void set_mode(struct fs_inode *inode, const struct acl_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned shift = items[i].tag == 0x01 ? 6 : items[i].tag == 0x20 ? 0 : 3;

		if (items[i].tag == 0x01 || items[i].tag == 0x10 || items[i].tag == 0x20)
			inode->mode = (inode->mode & ~(7u << shift)) |
				      (uint32_t)items[i].permissions << shift;
	}
}

/* A POSIX access control list as the kernel's attribute has it: version 2, sorted by tag. */
static int take_acl(struct fs_tree *tree, struct fs_inode *inode, struct archive_entry *entry,
		    int which, const char *name, struct err *err)
{
	struct acl_item items[256];
	unsigned char value[4 + 8 * 256];
	size_t count = 0;
	int type, permset, tag, id;
	const char *who;

	if (archive_entry_acl_reset(entry, which) <= 0)
		return 0;
	while (archive_entry_acl_next(entry, which, &type, &permset, &tag, &id, &who) ==
	       ARCHIVE_OK) {
		int named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;

		if (count == sizeof(items) / sizeof(*items) || !acl_tag(tag))
			return err_set(err, EINVAL,
				       "an access control list that is too long or "
				       "of a foreign kind");
		if (named && id < 0)
			return err_set(err, EINVAL,
				       "an access control list names '%s' without "
				       "a number",
				       who ? who : "");
		items[count++] = (struct acl_item){ .tag = acl_tag(tag),
						    .permissions = (uint16_t)(permset & 7),
						    .id = named ? (uint32_t)id : UINT32_MAX };
	}
	qsort(items, count, sizeof(*items), by_tag);
	if (which == ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
		set_mode(inode, items, count);
	put32(value, 2);
	for (size_t i = 0; i < count; i++) {
		put16(value + 4 + 8 * i, items[i].tag);
		put16(value + 4 + 8 * i + 2, items[i].permissions);
		put32(value + 4 + 8 * i + 4, items[i].id);
	}
	return fs_inode_set_xattr(tree, inode, name, value, 4 + 8 * count, err);
}

static int take_xattrs(struct fs_tree *tree, struct fs_inode *inode, struct archive_entry *entry,
		       struct err *err)
{
	const char *name;
	const void *value;
	size_t size;
	int rc = 0;

	fs_inode_clear_xattrs(inode);
	archive_entry_xattr_reset(entry);
	while (rc == 0 && archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
		if (name && fs_xattr_wanted(name))
			rc = fs_inode_set_xattr(tree, inode, name, value, size, err);
	if (rc == 0)
		rc = take_acl(tree, inode, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
			      "system.posix_acl_access", err);
	if (rc == 0 && S_ISDIR(inode->mode))
		rc = take_acl(tree, inode, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
			      "system.posix_acl_default", err);
	return rc;
}

static int take_attributes(struct fs_tree *tree, struct fs_inode *inode,
			   struct archive_entry *entry, struct err *err)
{
	int rc = take_owner(inode, entry, err);

	inode->mode = (inode->mode & S_IFMT) | (archive_entry_mode(entry) & 07777);
	inode->mtime = archive_entry_mtime(entry);
	inode->mtime_ns = (uint32_t)archive_entry_mtime_nsec(entry) % 1000000000u;
	return rc < 0 ? rc : take_xattrs(tree, inode, entry, err);
}

static int take_content(struct fs_tree *tree, struct archive *archive, struct fs_inode *inode,
			struct archive_entry *entry, struct err *err)
{
	const void *data;
	int64_t offset, size = archive_entry_size(entry);
	size_t n;
	int rc = fs_data_begin(tree, inode, err), got = ARCHIVE_OK;

	if (rc == 0 && size < 0)
		return err_set(err, EINVAL, "a negative size");
	while (rc == 0 &&
	       (got = archive_read_data_block(archive, &data, &n, &offset)) == ARCHIVE_OK) {
		if (offset < 0)
			return err_set(err, EINVAL, "a negative offset");
		rc = fs_data_write(tree, (uint64_t)offset, data, n, err);
	}
	if (rc < 0)
		return rc;
	if (got != ARCHIVE_EOF)
		return fail(archive, err);
	return fs_data_end(tree, (uint64_t)size, err);
}

static int take_link(struct fs_tree *tree, struct fs_inode *inode, const char *target,
		     struct err *err)
{
	size_t size = target ? strlen(target) : 0;

	if (size == 0 || size >= FS_BLOCK)
		return err_set(err, EINVAL, "a symbolic link to nothing, or one that is too long");
	inode->mode |= 0777;
	inode->target = fs_tree_text(tree, target, size);
	return inode->target ? 0 : err_sys(err, ENOMEM, "making an image");
}

static int take_device(struct fs_inode *inode, struct archive_entry *entry, struct err *err)
{
	uint64_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);

	/* Linux has 12 and 20 bits for them. */
	if (major > 0xfff || minor > 0xfffff)
		return err_set(err, ERANGE, "a device number that is out of range");
	inode->dev_major = (uint32_t)major;
	inode->dev_minor = (uint32_t)minor;
	return 0;
}

/* A further name for a file that is there. */
static int take_hard_link(struct fs_tree *tree, struct fs_inode *dir, const char *name, size_t size,
			  const char *target, struct err *err)
{
	struct fs_entry *from, *old;
	struct fs_inode *from_dir;
	const char *from_name;
	size_t from_size;
	int rc = fs_tree_resolve(tree, target, NULL, &from_dir, &from_name, &from_size, err);

	if (rc < 0)
		return err_context(err, "a hard link to '%s'", target);
	from = fs_tree_find(tree, from_dir, from_name, from_size);
	if (!from)
		return err_set(err, ENOENT, "a hard link to '%s', which is not there", target);
	if (S_ISDIR(from->inode->mode))
		return err_set(err, EISDIR, "a hard link to '%s', which is a directory", target);
	old = fs_tree_find(tree, dir, name, size);
	if (old && old->inode == from->inode)
		return 0;
	rc = old ? fs_entry_remove(tree, old, err) : 0;
	return rc < 0 ? rc : fs_inode_link(tree, dir, name, size, from->inode, err);
}

/* What stands at this name from now on: a new inode, or the directory that is there already. */
static struct fs_inode *place(struct fs_tree *tree, struct fs_inode *dir, const char *name,
			      size_t size, uint32_t type, struct err *err)
{
	struct fs_entry *old = fs_tree_find(tree, dir, name, size);
	struct fs_inode *inode;

	if (old && S_ISDIR(type) && S_ISDIR(old->inode->mode))
		return old->inode;
	if (old && fs_entry_remove(tree, old, err) < 0)
		return NULL;
	inode = fs_inode_new(tree, type, err);
	if (!inode || fs_inode_link(tree, dir, name, size, inode, err) < 0)
		return NULL;
	return inode;
}

static int take_entry(struct fs_tree *tree, struct archive *archive, struct archive_entry *entry,
		      const char *path, struct err *err)
{
	const struct fs_inode like = { .mtime = archive_entry_mtime(entry) };
	uint32_t type = archive_entry_filetype(entry);
	const char *target = archive_entry_hardlink(entry), *name;
	struct fs_inode *dir, *inode;
	size_t size;
	int rc = fs_tree_resolve(tree, path, &like, &dir, &name, &size, err);

	if (rc < 0)
		return rc;
	if (size == 0) {
		if (target || !S_ISDIR(type))
			return err_set(err, EINVAL,
				       "the image's root cannot be anything but a "
				       "directory");
		return take_attributes(tree, tree->root, entry, err);
	}
	if (target)
		return take_hard_link(tree, dir, name, size, target, err);
	switch (type) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		break;
	default:
		return err_set(err, EINVAL, "an entry of an unknown type (%#o)", type);
	}
	inode = place(tree, dir, name, size, type, err);
	if (!inode)
		return -err->code;
	rc = take_attributes(tree, inode, entry, err);
	if (rc < 0)
		return rc;
	if (S_ISLNK(type))
		return take_link(tree, inode, archive_entry_symlink(entry), err);
	if (S_ISCHR(type) || S_ISBLK(type))
		return take_device(inode, entry, err);
	return S_ISREG(type) ? take_content(tree, archive, inode, entry, err) : 0;
}

/* Puts a path in front, or its end: what went wrong should not be cut off behind it. */
static int name_entry(struct err *err, const char *path)
{
	const size_t shown = 256, size = strlen(path);

	if (size <= shown)
		return err_context(err, "'%s'", path);
	return err_context(err, "'…%s'", path + size - shown);
}

/* --- all of them ---------------------------------------------------------------------------- */

static int read_all(struct fs_tree *tree, struct archive *archive,
		    const struct fs_progress *progress, struct err *err)
{
	struct archive_entry *entry;
	uint32_t files = 0;
	int got;

	while ((got = archive_read_next_header(archive, &entry)) == ARCHIVE_OK ||
	       got == ARCHIVE_WARN) {
		const char *path = archive_entry_pathname(entry);
		int rc;

		if (!path)
			return err_set(err, EILSEQ, "entry %u has a name that cannot be read",
				       files + 1);
		rc = take_entry(tree, archive, entry, path, err);
		if (rc < 0)
			return name_entry(err, path);
		files++;
		if (progress)
			progress->report(progress->context, files, tree->bytes,
					 (uint64_t)archive_filter_bytes(archive, -1));
	}
	return got == ARCHIVE_EOF ? 0 : fail(archive, err);
}

int tar_read(struct fs_tree *tree, struct archive *archive, int fd,
	     const struct fs_progress *progress, struct err *err)
{
	if (archive_read_open_fd(archive, fd, READ_SIZE) != ARCHIVE_OK)
		return fail(archive, err);
	return read_all(tree, archive, progress, err);
}

int tar_read_memory(struct fs_tree *tree, struct archive *archive, const void *data, size_t size,
		    struct err *err)
{
	if (archive_read_open_memory(archive, data, size) != ARCHIVE_OK)
		return fail(archive, err);
	return read_all(tree, archive, NULL, err);
}

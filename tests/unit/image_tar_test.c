// SPDX-License-Identifier: GPL-2.0-or-later
/* Tar archives: what goes in comes out of the ext4 image, and nonsense does not go in. */
#include "image_made.h"

#include <archive.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/mkimage/tar.h"

static void an_empty_archive_makes_an_empty_root(void **state)
{
	struct made made;
	struct tar tar;

	tar_begin(&tar);
	make_tar(&made, &tar);
	assert_int_equal(look(&made, "/").i_mode, S_IFDIR | 0755);
	assert_int_equal(made.result.files, 1);
	made_end(&made);
}

static void attributes_of_every_kind_of_file_are_kept(void **state)
{
	struct ext2_inode_large inode;
	struct archive_entry *e;
	struct made made;
	struct tar tar;

	tar_begin(&tar);
	e = tar_next(&tar, "./", S_IFDIR | 0751);
	archive_entry_set_uid(e, 7);
	tar_put(&tar, NULL, 0);
	e = tar_next(&tar, "su", S_IFREG | 06755);
	archive_entry_set_uid(e, 70000);
	archive_entry_set_gid(e, 3000000000);
	tar_put(&tar, "x", 1);
	e = tar_next(&tar, "null", S_IFCHR | 0666);
	archive_entry_set_rdevmajor(e, 1);
	archive_entry_set_rdevminor(e, 3);
	tar_put(&tar, NULL, 0);
	e = tar_next(&tar, "disk", S_IFBLK | 0600);
	archive_entry_set_rdevmajor(e, 300);
	archive_entry_set_rdevminor(e, 70000);
	tar_put(&tar, NULL, 0);
	tar_next(&tar, "fifo", S_IFIFO | 0620);
	tar_put(&tar, NULL, 0);
	tar_next(&tar, "tmp", S_IFDIR | 01777);
	tar_put(&tar, NULL, 0);
	make_tar(&made, &tar);

	inode = look(&made, "/");
	assert_int_equal(inode.i_mode, S_IFDIR | 0751);
	assert_int_equal(inode.i_uid, 7);
	inode = look(&made, "/su");
	assert_int_equal(inode.i_mode, S_IFREG | 06755);
	assert_int_equal(inode_uid(inode), 70000);
	assert_int_equal(inode_gid(inode), 3000000000);
	assert_int_equal(inode.i_mtime, 1000000000);
	assert_int_equal(inode.i_mtime_extra >> 2, 123456789);
	assert_int_equal(inode.i_links_count, 1);
	inode = look(&made, "/null");
	assert_int_equal(inode.i_mode, S_IFCHR | 0666);
	assert_int_equal(inode.i_block[0], 1 << 8 | 3);
	inode = look(&made, "/disk");
	assert_int_equal(inode.i_mode, S_IFBLK | 0600);
	assert_int_equal(inode.i_block[0], 0);
	assert_int_equal(inode.i_block[1], (70000 & 0xff) | 300 << 8 | (70000 & ~0xff) << 12);
	assert_int_equal(look(&made, "/fifo").i_mode, S_IFIFO | 0620);
	inode = look(&made, "/tmp");
	assert_int_equal(inode.i_mode, S_IFDIR | 01777);
	assert_int_equal(inode.i_links_count, 2);
	made_end(&made);
}

static void times_out_of_range_are_held_at_its_ends(void **state)
{
	struct ext2_inode_large inode;
	struct made made;
	struct tar tar;

	tar_begin(&tar);
	archive_entry_set_mtime(tar_next(&tar, "before", S_IFREG | 0644), -90000000000, 0);
	tar_put(&tar, NULL, 0);
	archive_entry_set_mtime(tar_next(&tar, "1960", S_IFREG | 0644), -300000000, 0);
	tar_put(&tar, NULL, 0);
	archive_entry_set_mtime(tar_next(&tar, "2255", S_IFREG | 0644), 9000000000, 5);
	tar_put(&tar, NULL, 0);
	archive_entry_set_mtime(tar_next(&tar, "after", S_IFREG | 0644), 90000000000, 0);
	tar_put(&tar, NULL, 0);
	make_tar(&made, &tar);
	inode = look(&made, "/before");
	assert_int_equal((int32_t)inode.i_mtime, INT32_MIN);
	assert_int_equal(inode.i_mtime_extra, 0);
	assert_int_equal((int32_t)look(&made, "/1960").i_mtime, -300000000);
	inode = look(&made, "/2255");
	assert_int_equal((int32_t)inode.i_mtime + ((int64_t)(inode.i_mtime_extra & 3) << 32),
			 9000000000);
	assert_int_equal(inode.i_mtime_extra >> 2, 5);
	inode = look(&made, "/after");
	assert_int_equal(inode.i_mtime, INT32_MAX);
	assert_int_equal(inode.i_mtime_extra, 3);
	made_end(&made);
}

static void links_keep_their_targets(void **state)
{
	static const size_t sizes[] = { 1, 59, 60, 4000 };
	char name[16], target[4001], *data;
	struct made made;
	struct tar tar;
	size_t size;

	tar_begin(&tar);
	tar_file(&tar, "file", "content");
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "sym%zu", sizes[i]);
		memset(target, 'x', sizes[i]);
		target[sizes[i]] = '\0';
		archive_entry_set_symlink(tar_next(&tar, name, S_IFLNK | 0777), target);
		tar_put(&tar, NULL, 0);
	}
	archive_entry_set_hardlink(tar_next(&tar, "dir/hard", S_IFREG | 0644), "./file");
	tar_put(&tar, NULL, 0);
	make_tar(&made, &tar);

	for (size_t i = 0; i < 4; i++) {
		ext2_ino_t number;

		snprintf(name, sizeof(name), "sym%zu", sizes[i]);
		assert_int_equal(ext2fs_lookup(made.fs, EXT2_ROOT_INO, name, (int)strlen(name),
					       NULL, &number),
				 0);
		memset(target, 'x', sizes[i]);
		target[sizes[i]] = '\0';
		if (sizes[i] < 60) {
			struct ext2_inode inode;

			assert_int_equal(ext2fs_read_inode(made.fs, number, &inode), 0);
			assert_int_equal(inode.i_size, sizes[i]);
			assert_memory_equal(inode.i_block, target, sizes[i]);
		} else {
			ext2_file_t file;
			char got[4001] = "";

			assert_int_equal(ext2fs_file_open(made.fs, number, 0, &file), 0);
			assert_int_equal(ext2fs_file_read(file, got, 4000, NULL), 0);
			assert_string_equal(got, target);
			ext2fs_file_close(file);
		}
	}
	assert_int_equal(find(&made, "/file"), find(&made, "/dir/hard"));
	assert_int_equal(look(&made, "/file").i_links_count, 2);
	data = content(&made, "/dir/hard", &size);
	assert_string_equal(data, "content");
	free(data);
	made_end(&made);
}

static void extended_attributes_and_access_lists_are_kept(void **state)
{
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 0x20 };
	/* As the kernel's attribute: version 2; libext2fs fills the ids that mean nothing with 0.
	 */
	static const unsigned char acl[] = {
		2, 0, 0, 0, 0x01, 0, 6,    0, 0, 0, 0, 0, 0x02, 0, 7,    0, 0xe8, 3, 0, 0, 0x04, 0,
		4, 0, 0, 0, 0,    0, 0x10, 0, 7, 0, 0, 0, 0,    0, 0x20, 0, 0,    0, 0, 0, 0,    0,
	};
	const int access = ARCHIVE_ENTRY_ACL_TYPE_ACCESS;
	char large[3000];
	struct archive_entry *e;
	struct made made;
	struct tar tar;

	memset(large, 'v', sizeof(large));
	tar_begin(&tar);
	e = tar_next(&tar, "ping", S_IFREG | 0755);
	archive_entry_xattr_add_entry(e, "security.capability", capability, sizeof(capability));
	archive_entry_xattr_add_entry(e, "user.k", "bar", 3);
	archive_entry_xattr_add_entry(e, "security.selinux", "host_t", 6);
	archive_entry_xattr_add_entry(e, "trusted.overlay.opaque", "y", 1);
	tar_put(&tar, "x", 1);
	e = tar_next(&tar, "large", S_IFREG | 0644);
	archive_entry_xattr_add_entry(e, "user.large", large, sizeof(large));
	archive_entry_xattr_add_entry(e, "user.empty", "", 0);
	tar_put(&tar, "x", 1);
	e = tar_next(&tar, "shared", S_IFREG | 0640);
	archive_entry_acl_add_entry(e, access, 7, ARCHIVE_ENTRY_ACL_MASK, -1, NULL);
	archive_entry_acl_add_entry(e, access, 7, ARCHIVE_ENTRY_ACL_USER, 1000, "u");
	tar_put(&tar, "x", 1);
	make_tar(&made, &tar);

	assert_int_equal(xattr_count(&made, "/ping"), 2);
	assert_xattr(&made, "/ping", "security.capability", capability, sizeof(capability));
	assert_xattr(&made, "/ping", "user.k", "bar", 3);
	assert_int_equal(look(&made, "/ping").i_file_acl, 0); /* no block of its own is needed */
	assert_int_equal(xattr_count(&made, "/large"), 2);
	assert_xattr(&made, "/large", "user.large", large, sizeof(large));
	assert_xattr(&made, "/large", "user.empty", "", 0);
	assert_xattr(&made, "/shared", "system.posix_acl_access", acl, sizeof(acl));
	assert_int_equal(look(&made, "/shared").i_mode & 0777, 0670); /* the mask, for the group */
	made_end(&made);
}

static void holes_take_no_space_and_read_as_zeros(void **state)
{
	char *data = calloc(1, 1 << 20), *got;
	struct made made;
	struct tar tar;
	size_t size;

	assert_non_null(data);
	memset(data, 'a', 4096);
	memset(data + 12288, 'b', 100);
	tar_begin(&tar);
	tar_next(&tar, "zeros", S_IFREG | 0644);
	tar_put(&tar, data + 16384, 1000000);
	tar_next(&tar, "mixed", S_IFREG | 0644);
	tar_put(&tar, data, 100000);
	make_tar(&made, &tar);

	assert_int_equal(look(&made, "/zeros").i_blocks, 0);
	assert_int_equal(look(&made, "/zeros").i_size, 1000000);
	assert_int_equal(look(&made, "/mixed").i_blocks, 2 * 8);
	got = content(&made, "/mixed", &size);
	assert_int_equal(size, 100000);
	assert_memory_equal(got, data, size);
	free(got);
	assert_true(made.result.blocks < 100);
	free(data);
	made_end(&made);
}

/* In GNU tar's way (its manual, "Basic Tar Format"): a map of pieces in the header. */
static void a_sparse_file_of_5_gib_is_small(void **state)
{
	struct archive *archive = tar_open();
	char data[4 * 512] = { 0 }, four[5] = "";
	struct ext2_inode_large inode;
	struct made made;
	ext2_file_t file;
	unsigned sum = 0;

	strcpy(data, "sparse");
	strcpy(data + 100, "0000644");
	strcpy(data + 108, "0000000");
	strcpy(data + 116, "0000000");
	strcpy(data + 124, "00000000004"); /* bytes that follow */
	strcpy(data + 136, "00000000001");
	memcpy(data + 148, "        S", 9);
	memcpy(data + 257, "ustar  ", 8);
	strcpy(data + 386, "30000000000"); /* a piece at 3 GiB */
	strcpy(data + 398, "00000000004");
	strcpy(data + 483, "50000000000"); /* all of it */
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)data[i];
	snprintf(data + 148, 7, "%06o", sum);
	memcpy(data + 512, "here", 4);

	made_begin(&made);
	made.rc = tar_read_memory(&made.tree, archive, data, sizeof(data), &made.err);
	archive_read_free(archive);
	made_open(&made);
	inode = look(&made, "/sparse");
	assert_int_equal(EXT2_I_SIZE(&inode), 5ll << 30);
	assert_int_equal(inode.i_blocks, 8);
	assert_true(made.result.blocks < 100);
	assert_int_equal(ext2fs_file_open(made.fs, find(&made, "/sparse"), 0, &file), 0);
	assert_int_equal(ext2fs_file_llseek(file, 3ull << 30, EXT2_SEEK_SET, NULL), 0);
	assert_int_equal(ext2fs_file_read(file, four, 4, NULL), 0);
	assert_string_equal(four, "here");
	ext2fs_file_close(file);
	made_end(&made);
}

static void a_file_in_thousands_of_pieces_is_whole(void **state)
{
	const size_t blocks = 3000;
	char *data = calloc(blocks, 4096), *got;
	struct made made;
	struct tar tar;
	size_t size;

	assert_non_null(data);
	for (size_t i = 0; i < blocks; i += 2)
		memset(data + i * 4096, 'a' + (int)(i % 26), 4096);
	tar_begin(&tar);
	tar_next(&tar, "pieces", S_IFREG | 0644);
	tar_put(&tar, data, blocks * 4096 - 1);
	make_tar(&made, &tar);
	got = content(&made, "/pieces", &size);
	assert_int_equal(size, blocks * 4096 - 1);
	assert_memory_equal(got, data, size);
	free(got);
	free(data);
	made_end(&made);
}

static void long_and_foreign_names_are_found(void **state)
{
	char name[256], path[512] = "";
	struct made made;
	struct tar tar;

	memset(name, 'n', 255);
	name[255] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(path, "/dd");
	strcat(path, "/end");
	tar_begin(&tar);
	tar_file(&tar, name, "long");
	tar_file(&tar, "ünï/日本語", "unicode");
	tar_file(&tar, "caf\xe9", "latin 1");
	tar_file(&tar, " -\n*", "awkward");
	tar_file(&tar, path, "deep");
	make_tar(&made, &tar);
	assert_content(&made, name, "long");
	assert_content(&made, "/ünï/日本語", "unicode");
	assert_content(&made, "/caf\xe9", "latin 1");
	assert_content(&made, "/ -\n*", "awkward");
	assert_content(&made, path, "deep");
	made_end(&made);
}

/* The readers here do not use the hash tree; e2fsck compares every name with its place in it. */
static void directories_of_any_size_have_all_their_names(void **state)
{
	static const struct {
		unsigned count, pad;
	} sizes[] = { { 1, 1 }, { 300, 8 }, { 700, 8 }, { 20000, 12 }, { 9000, 240 } };
	struct made made;
	struct tar tar;
	char name[300];

	tar_begin(&tar);
	for (size_t i = 0; i < 5; i++) {
		for (unsigned j = 0; j < sizes[i].count; j++) {
			snprintf(name, sizeof(name), "d%zu/%0*u", i, (int)sizes[i].pad, j);
			tar_next(&tar, name, S_IFREG | 0644);
			tar_put(&tar, NULL, 0);
		}
	}
	make_tar(&made, &tar);
	assert_int_equal(made.result.files, 1 + 5 + 1 + 300 + 700 + 20000 + 9000);
	for (size_t i = 0; i < 5; i++) {
		for (unsigned j = 0; j < sizes[i].count; j += sizes[i].count / 7 + 1) {
			snprintf(name, sizeof(name), "/d%zu/%0*u", i, (int)sizes[i].pad, j);
			assert_true(find(&made, name) != 0);
		}
		snprintf(name, sizeof(name), "/d%zu/no", i);
		assert_int_equal(find(&made, name), 0);
	}
	assert_false(look(&made, "/d1").i_flags & EXT2_INDEX_FL);
	assert_true(look(&made, "/d3").i_flags & EXT2_INDEX_FL);
	made_end(&made);
}

static void more_inodes_than_one_group_holds(void **state)
{
	struct made made;
	struct tar tar;
	char name[32];

	tar_begin(&tar);
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(name, sizeof(name), "%u/%u", i % 200, i);
		tar_next(&tar, name, S_IFREG | 0644);
		tar_put(&tar, NULL, 0);
	}
	make_tar(&made, &tar);
	assert_int_equal(made.fs->group_desc_count, 2);
	assert_true(find(&made, "/199/39999") != 0);
	made_end(&made);
}

static void later_entries_replace_earlier_ones(void **state)
{
	char *large = malloc(1 << 20);
	struct made made;
	struct tar tar;

	assert_non_null(large);
	memset(large, 'x', 1 << 20);
	tar_begin(&tar);
	tar_next(&tar, "file", S_IFREG | 0644);
	tar_put(&tar, large, 1 << 20);
	tar_file(&tar, "file", "new");
	tar_next(&tar, "dir", S_IFDIR | 0700);
	tar_put(&tar, NULL, 0);
	tar_file(&tar, "dir/kept", "kept");
	tar_next(&tar, "dir", S_IFDIR | 0711);
	tar_put(&tar, NULL, 0);
	tar_file(&tar, "link", "file first");
	archive_entry_set_symlink(tar_next(&tar, "link", S_IFLNK | 0777), "file");
	tar_put(&tar, NULL, 0);
	tar_next(&tar, "was-dir", S_IFDIR | 0755);
	tar_put(&tar, NULL, 0);
	tar_file(&tar, "was-dir", "now a file");
	archive_entry_set_hardlink(tar_next(&tar, "file", S_IFREG | 0644), "file");
	tar_put(&tar, NULL, 0);
	make_tar(&made, &tar);
	assert_content(&made, "/file", "new");
	assert_content(&made, "/link", "new");
	assert_content(&made, "/dir/kept", "kept");
	assert_int_equal(look(&made, "/dir").i_mode, S_IFDIR | 0711);
	assert_content(&made, "/was-dir", "now a file");
	free(large);
	made_end(&made);
}

static void paths_are_followed_within_the_image(void **state)
{
	struct made made;
	struct tar tar;

	tar_begin(&tar);
	tar_file(&tar, "/absolute", "a");
	tar_file(&tar, "././/dotted", "b");
	archive_entry_set_symlink(tar_next(&tar, "lib", S_IFLNK | 0777), "usr/lib");
	tar_put(&tar, NULL, 0);
	archive_entry_set_symlink(tar_next(&tar, "out", S_IFLNK | 0777), "../../../../../usr");
	tar_put(&tar, NULL, 0);
	tar_file(&tar, "lib/libc", "c");
	tar_file(&tar, "out/share/x", "d");
	make_tar(&made, &tar);
	assert_content(&made, "/absolute", "a");
	assert_content(&made, "/dotted", "b");
	assert_content(&made, "/usr/lib/libc", "c");
	assert_content(&made, "/usr/share/x", "d");
	assert_true(look(&made, "/usr").i_mode == (S_IFDIR | 0755));
	made_end(&made);
}

static void nonsense_is_refused(void **state)
{
	char path[4200], large[2000];
	struct archive_entry *e;
	struct tar tar;

	tar_begin(&tar);
	tar_file(&tar, "a/../b", "x");
	refuse_tar(&tar, "'a/../b': a path with '..' in it");

	tar_begin(&tar);
	archive_entry_set_symlink(tar_next(&tar, "a", S_IFLNK | 0777), "b");
	tar_put(&tar, NULL, 0);
	archive_entry_set_symlink(tar_next(&tar, "b", S_IFLNK | 0777), "a");
	tar_put(&tar, NULL, 0);
	tar_file(&tar, "a/x", "x");
	refuse_tar(&tar, "Too many levels of symbolic links");

	tar_begin(&tar);
	tar_file(&tar, "file", "x");
	tar_file(&tar, "file/x", "x");
	refuse_tar(&tar, "'file' on the way is not a directory");

	tar_begin(&tar);
	tar_file(&tar, "dir/x", "x");
	tar_file(&tar, "dir", "x");
	refuse_tar(&tar, "'dir': replacing a directory");

	tar_begin(&tar);
	archive_entry_set_hardlink(tar_next(&tar, "a", S_IFREG | 0644), "missing");
	tar_put(&tar, NULL, 0);
	refuse_tar(&tar, "a hard link to 'missing'");

	tar_begin(&tar);
	tar_file(&tar, "dir/x", "x");
	archive_entry_set_hardlink(tar_next(&tar, "a", S_IFREG | 0644), "dir");
	tar_put(&tar, NULL, 0);
	refuse_tar(&tar, "which is a directory");

	memset(path, 'n', 256);
	path[256] = '\0';
	tar_begin(&tar);
	tar_file(&tar, path, "x");
	refuse_tar(&tar, "File name too long");

	for (int i = 0; i < 600; i++)
		memcpy(path + 2 * i, "d/", 3);
	tar_begin(&tar);
	tar_file(&tar, path, "x");
	refuse_tar(&tar, "directories deep");

	tar_begin(&tar);
	e = tar_next(&tar, "device", S_IFCHR | 0600);
	archive_entry_set_rdevmajor(e, 5000);
	tar_put(&tar, NULL, 0);
	refuse_tar(&tar, "'device': a device number that is out of range");

	memset(large, 'v', sizeof(large));
	tar_begin(&tar);
	e = tar_next(&tar, "full", S_IFREG | 0644);
	archive_entry_xattr_add_entry(e, "user.a", large, sizeof(large));
	archive_entry_xattr_add_entry(e, "user.b", large, sizeof(large));
	archive_entry_xattr_add_entry(e, "user.c", large, sizeof(large));
	tar_put(&tar, "x", 1);
	refuse_tar(&tar, "'full': its extended attributes take more");
}

static void an_archive_that_ends_too_early_is_refused(void **state)
{
	struct archive *archive = tar_open();
	char large[20000];
	struct made made;
	struct tar tar;

	memset(large, 'x', sizeof(large));
	tar_begin(&tar);
	tar_next(&tar, "file", S_IFREG | 0644);
	tar_put(&tar, large, sizeof(large));
	tar_end(&tar);
	made_begin(&made);
	made.rc = tar_read_memory(&made.tree, archive, tar.data, 10000, &made.err);
	assert_int_equal(made.rc, -EBADMSG);
	assert_non_null(strstr(made.err.text, "'file': the archive cannot be read: Truncated"));
	archive_read_free(archive);
	free(tar.data);
	made_end(&made);
}

static void make_sample(struct made *made, const char *text)
{
	struct tar tar;

	tar_begin(&tar);
	tar_file(&tar, "etc/a", text);
	archive_entry_set_symlink(tar_next(&tar, "etc/b", S_IFLNK | 0777), "a");
	tar_put(&tar, NULL, 0);
	make_tar(made, &tar);
}

static void equal_input_makes_equal_images(void **state)
{
	struct made first, second, other;
	unsigned char *a, *b;
	size_t size;

	make_sample(&first, "text");
	make_sample(&second, "text");
	make_sample(&other, "Text");
	size = first.result.blocks * FS_BLOCK;
	assert_int_equal(second.result.blocks, first.result.blocks);
	a = malloc(size);
	b = malloc(size);
	assert_int_equal(pread(first.fd, a, size, 0), size);
	assert_int_equal(pread(second.fd, b, size, 0), size);
	assert_memory_equal(a, b, size);
	assert_memory_not_equal(first.fs->super->s_uuid, other.fs->super->s_uuid, 16);
	free(a);
	free(b);
	made_end(&first);
	made_end(&second);
	made_end(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_archive_makes_an_empty_root),
		cmocka_unit_test(attributes_of_every_kind_of_file_are_kept),
		cmocka_unit_test(times_out_of_range_are_held_at_its_ends),
		cmocka_unit_test(links_keep_their_targets),
		cmocka_unit_test(extended_attributes_and_access_lists_are_kept),
		cmocka_unit_test(holes_take_no_space_and_read_as_zeros),
		cmocka_unit_test(a_sparse_file_of_5_gib_is_small),
		cmocka_unit_test(a_file_in_thousands_of_pieces_is_whole),
		cmocka_unit_test(long_and_foreign_names_are_found),
		cmocka_unit_test(directories_of_any_size_have_all_their_names),
		cmocka_unit_test(more_inodes_than_one_group_holds),
		cmocka_unit_test(later_entries_replace_earlier_ones),
		cmocka_unit_test(paths_are_followed_within_the_image),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(an_archive_that_ends_too_early_is_refused),
		cmocka_unit_test(equal_input_makes_equal_images),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

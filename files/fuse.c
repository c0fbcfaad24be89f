// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One FUSE request: header, operation, answer.
 *
 * Theory of operation
 * -------------------
 * A request is a header of 40 bytes and arguments, an answer a header of 16 bytes and what was
 * asked for. Arguments are copied out whole, but for WRITE's contents; answers are put together
 * here and copied in whole, but for READ's. The guest's kernel insists that an answer is exactly
 * as long as it expects.
 *
 * INTERRUPT needs no deed: a request is carried out before the next is looked at. Locks are not
 * offered: the guest's kernel keeps them itself, which is right for a tree that one guest uses;
 * between guests and the host there are none (docs/FILES.md).
 */
#include <limits.h>
#include <string.h>

#include "files/engine.h"

#define MINOR_LEAST 31 /* Linux 5.4: the first with virtio-fs */
#define MAX_PAGES 256
#define PAGE 4096

size_t pieces_read(struct pieces *from, void *to, size_t size)
{
	size_t done = 0;

	while (done < size && from->count) {
		size_t n = from->at->iov_len - from->skip;

		if (n > size - done)
			n = size - done;
		memcpy((uint8_t *)to + done, (const uint8_t *)from->at->iov_base + from->skip, n);
		done += n;
		from->skip += n;
		if (from->skip == from->at->iov_len) {
			from->at++;
			from->count--;
			from->skip = 0;
		}
	}
	return done;
}

size_t pieces_write(struct pieces *to, const void *from, size_t size)
{
	size_t done = 0;

	while (done < size && to->count) {
		size_t n = to->at->iov_len - to->skip;

		if (n > size - done)
			n = size - done;
		memcpy((uint8_t *)to->at->iov_base + to->skip, (const uint8_t *)from + done, n);
		done += n;
		to->skip += n;
		if (to->skip == to->at->iov_len) {
			to->at++;
			to->count--;
			to->skip = 0;
		}
	}
	return done;
}

size_t pieces_cut(const struct pieces *from, size_t size, struct iovec *list, size_t max)
{
	size_t count = 0, skip = from->skip;

	for (size_t i = 0; i < from->count && size && count < max; i++) {
		size_t n = from->at[i].iov_len - skip;

		if (n > size)
			n = size;
		list[count++] = (struct iovec){ (uint8_t *)from->at[i].iov_base + skip, n };
		size -= n;
		skip = 0;
	}
	return count;
}

/* --- arguments and answers -------------------------------------------------------------------- */

int engine_take(struct engine *e, void *to, size_t size, size_t least)
{
	size_t have = e->args_size - e->args_used;

	if (have < least)
		return -EINVAL;
	if (have > size)
		have = size;
	memset(to, 0, size);
	memcpy(to, e->args + e->args_used, have);
	e->args_used += have;
	return 0;
}

const char *engine_take_string(struct engine *e)
{
	const char *text = (const char *)e->args + e->args_used;
	const char *end = memchr(text, '\0', e->args_size - e->args_used);

	if (!end)
		return NULL;
	e->args_used += (size_t)(end - text) + 1;
	return text;
}

const char *engine_take_name(struct engine *e, int *rc)
{
	const char *name = engine_take_string(e);

	*rc = 0;
	if (!name || !*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		*rc = -EINVAL;
	else if (strlen(name) > TRANSLATOR_NAME_MAX)
		*rc = -ENAMETOOLONG;
	return *rc < 0 ? NULL : name;
}

void engine_reply(struct engine *e, const void *data, size_t size)
{
	if (size > FILES_REPLY_MAX - e->reply_size)
		size = FILES_REPLY_MAX - e->reply_size;
	memcpy(e->reply + e->reply_size, data, size);
	e->reply_size += size;
}

int translator_note(struct translator *t, uint64_t *words, uint32_t count)
{
	struct translator_note *note = t->note;

	if (t->again && note->count == count) {
		memcpy(words, note->words, count * sizeof(*words));
		return 1;
	}
	memcpy(note->words, words, count * sizeof(*words));
	*(volatile uint32_t *)&note->count = count;
	return 0;
}

/* --- the session ------------------------------------------------------------------------------ */

static int do_init(struct engine *e)
{
	const uint32_t wanted = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
				FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_PARALLEL_DIROPS |
				FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_HANDLE_KILLPRIV_V2 |
				FUSE_AUTO_INVAL_DATA | FUSE_ASYNC_DIO | FUSE_INIT_EXT;
	const struct files_options *o = &e->files->options;
	struct state_head *head = e->files->state->head;
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION };
	struct fuse_init_in in;

	if (engine_take(e, &in, sizeof(in), 16) < 0)
		return -EINVAL;
	if (in.major < FUSE_KERNEL_VERSION || (in.major == 7 && in.minor < MINOR_LEAST))
		return -EPROTO;
	out.minor = in.major == 7 && in.minor < FUSE_KERNEL_MINOR_VERSION
			    ? in.minor
			    : FUSE_KERNEL_MINOR_VERSION;
	if (in.major == 7) {
		out.max_readahead = in.max_readahead;
		out.flags = in.flags & wanted;
		if (o->cache == FILES_CACHE_ALWAYS)
			out.flags &= ~(uint32_t)FUSE_AUTO_INVAL_DATA;
		if (o->writeback)
			out.flags |= in.flags & FUSE_WRITEBACK_CACHE;
		if (in.flags & FUSE_INIT_EXT && o->cache == FILES_CACHE_NONE)
			out.flags2 = in.flags2 & FUSE_F2_DIRECT_IO_MMAP;
		out.max_background = 64;
		out.congestion_threshold = 48;
		out.max_write = MAX_PAGES * PAGE;
		out.max_pages = MAX_PAGES;
		out.time_gran = 1;
		head->writeback = !!(out.flags & FUSE_WRITEBACK_CACHE);
		head->minor = out.minor;
	}
	engine_reply(e, &out, sizeof(out));
	return 0;
}

static int do_destroy(struct engine *e)
{
	e->files->state->head->minor = 0;
	if (ENGINE_HAS(e, reset))
		e->t->ops->reset(e->t);
	return 0;
}

static int do_nothing(struct engine *e)
{
	e->no_reply = 1;
	return 0;
}

/* --- which operation -------------------------------------------------------------------------- */

struct operation {
	int (*run)(struct engine *e);
	uint32_t changes; /* refused on a tree that is read-only */
};

static const struct operation operations[] = {
	[FUSE_LOOKUP] = { engine_lookup },
	[FUSE_FORGET] = { engine_forget },
	[FUSE_GETATTR] = { engine_getattr },
	[FUSE_SETATTR] = { engine_setattr, 1 },
	[FUSE_READLINK] = { engine_readlink },
	[FUSE_SYMLINK] = { engine_symlink, 1 },
	[FUSE_MKNOD] = { engine_mknod, 1 },
	[FUSE_MKDIR] = { engine_mkdir, 1 },
	[FUSE_UNLINK] = { engine_unlink, 1 },
	[FUSE_RMDIR] = { engine_rmdir, 1 },
	[FUSE_RENAME] = { engine_rename, 1 },
	[FUSE_LINK] = { engine_link, 1 },
	[FUSE_OPEN] = { engine_open },
	[FUSE_READ] = { engine_read },
	[FUSE_WRITE] = { engine_write, 1 },
	[FUSE_STATFS] = { engine_statfs },
	[FUSE_RELEASE] = { engine_release },
	[FUSE_FSYNC] = { engine_fsync },
	[FUSE_SETXATTR] = { engine_setxattr, 1 },
	[FUSE_GETXATTR] = { engine_getxattr },
	[FUSE_LISTXATTR] = { engine_listxattr },
	[FUSE_REMOVEXATTR] = { engine_removexattr, 1 },
	[FUSE_FLUSH] = { engine_flush },
	[FUSE_INIT] = { do_init },
	[FUSE_OPENDIR] = { engine_opendir },
	[FUSE_READDIR] = { engine_readdir },
	[FUSE_RELEASEDIR] = { engine_releasedir },
	[FUSE_FSYNCDIR] = { engine_fsyncdir },
	[FUSE_CREATE] = { engine_create, 1 },
	[FUSE_INTERRUPT] = { do_nothing },
	[FUSE_DESTROY] = { do_destroy },
	[FUSE_BATCH_FORGET] = { engine_batch_forget },
	[FUSE_FALLOCATE] = { engine_fallocate, 1 },
	[FUSE_READDIRPLUS] = { engine_readdirplus },
	[FUSE_RENAME2] = { engine_rename2, 1 },
	[FUSE_LSEEK] = { engine_lseek },
	[FUSE_COPY_FILE_RANGE] = { engine_copy, 1 },
	[FUSE_SYNCFS] = { engine_syncfs },
	[FUSE_TMPFILE] = { engine_tmpfile, 1 },
	[FUSE_OP_STATX] = { engine_statx },
};

static int run(struct engine *e)
{
	uint32_t opcode = e->in.opcode;
	const struct operation *operation;

	if (opcode >= sizeof(operations) / sizeof(operations[0]) || !operations[opcode].run)
		return -ENOSYS;
	operation = &operations[opcode];
	if (!e->files->state->head->minor && opcode != FUSE_INIT && opcode != FUSE_FORGET &&
	    opcode != FUSE_BATCH_FORGET)
		return -EPROTO;
	if (operation->changes && e->files->options.read_only)
		return -EROFS;
	return operation->run(e);
}

/* What a predecessor noted counts only for the very request that it noted it for. */
static void begin(struct engine *e, int again)
{
	struct state_head *head = e->files->state->head;

	e->t->again = again && head->unique == e->in.unique && head->opcode == e->in.opcode;
	e->t->note = &head->note;
	e->t->uid = e->in.uid;
	e->t->gid = e->in.gid;
	if (e->t->again)
		return;
	*(volatile uint32_t *)&head->note.count = 0;
	*(volatile uint32_t *)&head->progress = 0;
	*(volatile uint32_t *)&head->opcode = e->in.opcode;
	*(volatile uint64_t *)&head->unique = e->in.unique;
}

static int take_request(struct engine *e, const struct virtio_request *request)
{
	struct pieces from = { request->in, request->in_count, 0 };
	size_t size = request->in_size;

	if (pieces_read(&from, &e->in, sizeof(e->in)) < sizeof(e->in))
		return -EINVAL;
	size -= sizeof(e->in);
	if (e->in.opcode == FUSE_WRITE) {
		e->args_size = sizeof(struct fuse_write_in);
		if (size < e->args_size)
			return -EINVAL;
		e->payload_size = size - e->args_size;
	} else if (size > FILES_ARGS_MAX) {
		return -E2BIG;
	} else {
		e->args_size = size;
	}
	pieces_read(&from, e->args, e->args_size);
	e->payload = from;
	return 0;
}

size_t files_handle(struct files *files, struct virtio_request *request)
{
	/* One request at a time; too large for a stack, needed all the time. */
	static uint8_t args[FILES_ARGS_MAX], reply[FILES_REPLY_MAX];
	struct engine e = { .files = files, .t = files->translator, .args = args, .reply = reply };
	struct pieces to = { request->out, request->out_count, 0 };
	struct fuse_out_header out = { .len = sizeof(out) }, skipped;
	int rc;

	rc = take_request(&e, request);
	if (request->out_size >= sizeof(out)) {
		e.answer_room = request->out_size - sizeof(out);
		e.answer = to;
		pieces_read(&e.answer, &skipped, sizeof(skipped));
	}
	begin(&e, request->again);
	if (rc == 0)
		rc = run(&e);
	/* FORGET and INTERRUPT have no answer, and no room for one. */
	if (e.no_reply || request->out_size < sizeof(out))
		return 0;
	out.unique = e.in.unique;
	out.error = rc;
	if (rc == 0 && e.reply_size > e.answer_room)
		out.error = -ENOBUFS;
	out.len = (uint32_t)(sizeof(out) + (out.error ? 0 : e.reply_size));
	pieces_write(&to, &out, sizeof(out));
	if (!out.error && !e.direct)
		pieces_write(&to, e.reply, e.reply_size);
	return out.len;
}

void files_recover(struct files *files)
{
	struct state_head *head = files->state->head;

	if (head->virtio.phase == VIRTIO_DONE)
		state_commit(files->state);
	else
		state_rollback(files->state);
}

void files_reset(struct files *files)
{
	if (files->translator->ops->reset)
		files->translator->ops->reset(files->translator);
	state_reset(files->state);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Logs: what the workload and its kernel wrote, bounded, byte for byte.
 *
 * Theory of operation
 * -------------------
 * A log is two files, NAME.0 and NAME.1, that are there from the beginning: the jailed monitor
 * writes through descriptors and could make no third. It fills one, then empties the other and
 * goes on there, so that at least half of the bound is always kept. No rename, no lock.
 *
 *	file:	"HLKLOG1\n", u64 sequence (one more with each change of files), records
 *	record:	u32 size, u32 stream, i64 time (CLOCK_REALTIME, ns), size bytes
 *
 * all little-endian. A record is one piece of output as it came: it need be neither a line nor
 * text. Each is written by one call; one that did not fit on the disk is written over by the
 * next, and what was lost is counted and said in a LOG_LOST record (the
 * number of bytes in decimal) as soon as there is room. The workload is never held up by its log.
 *
 * A reader takes the file with the lower sequence first. A record that is not there in full is
 * not there yet. When a file was emptied under it, it goes on with the oldest that is left.
 */
#include "container/room.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define LOG_MAGIC "HLKLOG1\n"

struct segment_head {
	char magic[8];
	uint64_t sequence;
};

struct record_head {
	uint32_t size, stream;
	int64_t time;
};

enum { RECORD_MAX = 128 * 1024 };

/* --- writing --------------------------------------------------------------------------------- */

static int segment_begin(struct log_writer *log, unsigned index, uint64_t sequence)
{
	struct segment_head head = { .sequence = htole64(sequence) };

	memcpy(head.magic, LOG_MAGIC, sizeof(head.magic));
	if (ftruncate(log->fds[index], 0) < 0 || lseek(log->fds[index], 0, SEEK_SET) < 0 ||
	    write(log->fds[index], &head, sizeof(head)) != (ssize_t)sizeof(head))
		return -ENOSPC;
	log->current = index;
	log->sequence = sequence;
	log->used = sizeof(head);
	return 0;
}

int log_create(struct log_writer *log, int dir_fd, const char *name, uint64_t size, struct err *err)
{
	char file[64];

	*log = (struct log_writer){ .fds = { -1, -1 }, .segment_size = size / LOG_SEGMENTS };
	for (unsigned i = 0; i < LOG_SEGMENTS; i++) {
		snprintf(file, sizeof(file), "%s.%u", name, i);
		log->fds[i] = openat(dir_fd, file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (log->fds[i] < 0) {
			int code = errno;

			fd_close(&log->fds[0]);
			return err_sys(err, code, "making the log %s", file);
		}
	}
	/* No room for the head: log_write() tries again when there is something to write. */
	segment_begin(log, 0, 1);
	return 0;
}

static int write_record(struct log_writer *log, enum container_log_stream stream, const void *data,
			size_t size)
{
	struct record_head head = { .size = htole32((uint32_t)size), .stream = htole32(stream) };
	struct iovec iov[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)data, size } };
	struct timespec now;

	if (log->used == 0 || log->used + sizeof(head) + size > log->segment_size) {
		if (segment_begin(log, log->used == 0 ? 0 : 1 - log->current, log->sequence + 1) <
		    0)
			return -ENOSPC;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	head.time = (int64_t)htole64((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	if (writev(log->fds[log->current], iov, 2) != (ssize_t)(sizeof(head) + size)) {
		lseek(log->fds[log->current], (off_t)log->used, SEEK_SET);
		return -ENOSPC;
	}
	log->used += sizeof(head) + size;
	return 0;
}

void log_write(struct log_writer *log, enum container_log_stream stream, const void *data,
	       size_t size)
{
	char lost[24];

	if (log->lost_unsaid) {
		int n = snprintf(lost, sizeof(lost), "%llu", (unsigned long long)log->lost_unsaid);

		if (write_record(log, LOG_LOST, lost, (size_t)n) == 0)
			log->lost_unsaid = 0;
	}
	if (write_record(log, stream, data, size) < 0) {
		log->lost += size;
		log->lost_unsaid += size;
	}
}

/* --- reading --------------------------------------------------------------------------------- */

struct container_log_reader {
	int fds[LOG_SEGMENTS], inotify_fd, monitor_fd;
	unsigned current;
	int over;
	uint64_t sequence; /* of the file that is being read; 0: none yet */
	off_t at;
	uint8_t *data;
};

/* A file's sequence, 0 if it has none. */
static uint64_t segment_sequence(int fd)
{
	struct segment_head head;

	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head.magic, LOG_MAGIC, sizeof(head.magic)) != 0)
		return 0;
	return le64toh(head.sequence);
}

void container_log_rewind(struct container_log_reader *r)
{
	uint64_t a = segment_sequence(r->fds[0]), b = segment_sequence(r->fds[1]);

	r->current = !a || (b && b < a);
	r->sequence = r->current ? b : a;
	r->at = sizeof(struct segment_head);
}

struct container_log_reader *container_log_open(const struct container *c, int kernel,
						struct err *err)
{
	struct container_log_reader *r = calloc(1, sizeof(*r));
	char file[16];

	if (!r)
		return err_sys(err, ENOMEM, "reading a log"), NULL;
	*r = (struct container_log_reader){ .fds = { -1, -1 }, .inotify_fd = -1, .monitor_fd = -1 };
	r->data = malloc(RECORD_MAX);
	for (unsigned i = 0; i < LOG_SEGMENTS; i++) {
		snprintf(file, sizeof(file), "%s.%u", kernel ? "kernel" : "log", i);
		r->fds[i] = openat(c->dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (r->fds[i] < 0 || !r->data) {
			err_sys(err, r->data ? errno : ENOMEM, "opening %s of container %.*s", file,
				CONTAINER_ID_SHORT, c->id);
			container_log_close(r);
			return NULL;
		}
	}
	container_log_rewind(r);
	return r;
}

/* 1: read; 0: not there in full; -EBADMSG. */
static int read_record(struct container_log_reader *r, struct container_log_record *record,
		       struct err *err)
{
	struct record_head head;
	size_t size;
	ssize_t n;

	n = pread(r->fds[r->current], &head, sizeof(head), r->at);
	if (n < (ssize_t)sizeof(head))
		return n < 0 ? err_sys(err, errno, "reading the log") : 0;
	size = le32toh(head.size);
	if (size > RECORD_MAX || le32toh(head.stream) < LOG_STDOUT ||
	    le32toh(head.stream) > LOG_LOST)
		return err_set(err, EBADMSG, "the log is damaged at byte %lld", (long long)r->at);
	n = pread(r->fds[r->current], r->data, size, r->at + (off_t)sizeof(head));
	if (n < (ssize_t)size)
		return n < 0 ? err_sys(err, errno, "reading the log") : 0;
	*record = (struct container_log_record){
		.stream = (enum container_log_stream)le32toh(head.stream),
		.time = (int64_t)le64toh((uint64_t)head.time),
		.data = r->data,
		.size = size,
	};
	return 1;
}

int container_log_next(struct container_log_reader *r, struct container_log_record *record,
		       struct err *err)
{
	for (;;) {
		unsigned other = 1 - r->current;
		uint64_t here, there = segment_sequence(r->fds[other]);
		int rc = r->sequence ? read_record(r, record, err) : 0;

		/* Looked at after the reading: it tells whether what was read was still ours. */
		here = segment_sequence(r->fds[r->current]);
		if (here != r->sequence) {
			container_log_rewind(r);
			if (!r->sequence)
				return 0;
			continue;
		}
		if (rc > 0)
			r->at += (off_t)(sizeof(struct record_head) + record->size);
		if (rc != 0)
			return rc;
		/* `there` is from before the reading, so the end that was found is the end. */
		if (there <= r->sequence)
			return 0;
		r->current = other;
		r->sequence = there;
		r->at = sizeof(struct segment_head);
	}
}

static int follow_begin(struct container_log_reader *r, struct container *c, struct err *err)
{
	char path[64];

	r->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->inotify_fd < 0)
		return err_sys(err, errno, "following the log");
	for (unsigned i = 0; i < LOG_SEGMENTS; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", r->fds[i]);
		if (inotify_add_watch(r->inotify_fd, path, IN_MODIFY) < 0)
			return err_sys(err, errno, "following the log");
	}
	/* The connection carries nothing: its end tells that the container's came. */
	r->monitor_fd = container_connect(c, NULL);
	if (r->monitor_fd < 0)
		r->over = 1;
	return 0;
}

int container_log_wait(struct container_log_reader *r, struct container *c, struct err *err)
{
	struct pollfd p[2];
	char events[4096];

	if (r->over)
		return 0;
	if (r->inotify_fd < 0) {
		int rc = follow_begin(r, c, err);

		return rc < 0 ? rc : 1;
	}
	p[0] = (struct pollfd){ .fd = r->inotify_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = r->monitor_fd, .events = POLLIN };
	if (poll(p, 2, -1) < 0 && errno != EINTR)
		return err_sys(err, errno, "following the log");
	if (p[0].revents && read(r->inotify_fd, events, sizeof(events)) < 0 && errno != EAGAIN)
		return err_sys(err, errno, "following the log");
	if (p[1].revents)
		r->over = 1;
	return 1;
}

void container_log_close(struct container_log_reader *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < LOG_SEGMENTS; i++)
		fd_close(&r->fds[i]);
	fd_close(&r->inotify_fd);
	fd_close(&r->monitor_fd);
	free(r->data);
	free(r);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The event loop; the contract stands in loop.h. */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000u

uint64_t loop_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int loop_init(struct loop *loop)
{
	loop->timers = NULL;
	loop->batch_count = 0;
	loop->batch_at = 0;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_close(struct loop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

int loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = source };

	source->events = events;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &ev) < 0 ? -errno : 0;
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = source };

	if (source->events == events)
		return 0;
	source->events = events;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &ev) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	for (int i = loop->batch_at; i < loop->batch_count; i++) {
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].data.ptr = NULL;
	}
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	for (struct loop_timer **slot = &loop->timers; *slot; slot = &(*slot)->next) {
		if (*slot == timer) {
			*slot = timer->next;
			break;
		}
	}
	timer->at = 0;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t ns)
{
	struct loop_timer **slot = &loop->timers;

	loop_timer_clear(loop, timer);
	timer->at = loop_now() + ns;
	while (*slot && (*slot)->at <= timer->at)
		slot = &(*slot)->next;
	timer->next = *slot;
	*slot = timer;
}

static int timeout_ms(const struct loop *loop)
{
	uint64_t now, left;

	if (!loop->timers)
		return -1;
	now = loop_now();
	if (loop->timers->at <= now)
		return 0;
	left = (loop->timers->at - now + NS_PER_MS - 1) / NS_PER_MS;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static void expire(struct loop *loop)
{
	uint64_t now;

	if (!loop->timers)
		return;
	now = loop_now();
	while (loop->timers && loop->timers->at <= now) {
		struct loop_timer *timer = loop->timers;

		loop->timers = timer->next;
		timer->at = 0;
		timer->expired(timer);
	}
}

int loop_turn(struct loop *loop)
{
	int n = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, timeout_ms(loop));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->batch_count = n;
	for (loop->batch_at = 0; loop->batch_at < loop->batch_count;) {
		struct epoll_event *ev = &loop->batch[loop->batch_at++];
		struct loop_source *source = ev->data.ptr;

		if (source)
			source->ready(source, ev->events);
	}
	loop->batch_count = 0;
	expire(loop);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The vDSO's side of one_clock.h. */
#include <one_clock.h>

#define NS 1000000000ul

static __always_inline const struct one_clock *one_clock_page(void)
{
	unsigned long here;

	asm("lea 0(%%rip), %0" : "=r" (here));
	return (const struct one_clock *)((here & ~4095ul) - 4096);
}

/* Nanoseconds of a clock, or -1: ask the kernel. */
static __always_inline long one_clock_read(clockid_t clock)
{
	const volatile struct one_clock *c = one_clock_page();
	struct __kernel_timespec host;
	unsigned int sequence;
	unsigned long cycles;
	long ns;

	if (!c->host || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
			 clock != CLOCK_BOOTTIME))
		return -1;
	do {
		sequence = c->sequence;
		if (c->host(CLOCK_MONOTONIC, &host))
			return -1;
		cycles = (host.tv_sec * NS + host.tv_nsec) / c->divisor - c->cycle_last;
		ns = (cycles * c->mult + c->nsec) >> c->shift;
		if (clock == CLOCK_BOOTTIME)
			ns += c->base[CLOCK_MONOTONIC] + c->boottime;
		else
			ns += c->base[clock];
	} while (sequence & 1 || sequence != c->sequence);
	return ns;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Batches of a line; the theory stands in probe.h. */
#include <stdlib.h>
#include <time.h>

#include "bench/probe/probe.h"

#define BATCHES_MAX 1000
#define BATCHES_LEAST 5
#define BATCHES_WANTED 20

uint64_t probe_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int batch(const struct probe_line *line, unsigned runs, uint64_t *ns)
{
	int ret = line->prepare ? line->prepare(runs) : 0;
	uint64_t begun;

	if (ret)
		return ret;
	begun = probe_now();
	ret = line->run(runs);
	*ns = probe_now() - begun;
	if (!ret && line->finish)
		ret = line->finish(runs);
	return ret;
}

/* How many runs take at least `wanted` ns. */
static int calibrate(const struct probe_line *line, uint64_t wanted, unsigned *runs)
{
	unsigned most = line->most ? line->most : 1u << 30;

	for (*runs = 1;;) {
		uint64_t ns, more;
		int ret = batch(line, *runs, &ns);

		if (ret || ns >= wanted || *runs == most)
			return ret;
		/* The first runs are slow: what they took says little of how many fit. */
		more = ns ? wanted * *runs / ns + 1 : 8u * *runs;
		if (more > 8u * *runs)
			more = 8u * *runs;
		*runs = more < most ? (unsigned)more : most;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the samples. */
static void summarise(double *samples, unsigned count, struct probe_figure *figure)
{
	qsort(samples, count, sizeof(*samples), compare);
	figure->median = (samples[(count - 1) / 2] + samples[count / 2]) / 2;
	figure->min = samples[0];
	figure->spread = samples[3 * (count - 1) / 4] - samples[(count - 1) / 4];
	figure->batches = count;
}

int probe_measure(const struct probe_line *line, uint64_t ns, struct probe_figure *figure)
{
	static double samples[BATCHES_MAX];
	unsigned runs, count = 0, per = line->per ? line->per : 1;
	uint64_t all = 0, one;
	int ret = line->open ? line->open() : 0;

	if (!ret)
		ret = calibrate(line, ns / BATCHES_WANTED, &runs);
	if (ret)
		return ret;
	while ((all < ns || count < BATCHES_LEAST) && count < BATCHES_MAX) {
		ret = batch(line, runs, &one);
		if (ret)
			return ret;
		samples[count++] = (double)one / runs / per;
		all += one;
	}
	summarise(samples, count, figure);
	figure->operations = (uint64_t)count * runs * per;
	return 0;
}

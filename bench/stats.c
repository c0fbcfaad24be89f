// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: stats.h. */
#include "bench/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

void stats_sort(double *samples, size_t count)
{
	if (count)
		qsort(samples, count, sizeof(*samples), compare);
}

double stats_quantile(const double *sorted, size_t count, double part)
{
	double at, fraction;
	size_t below;

	if (!count)
		return NAN;
	at = part * (double)(count - 1);
	below = (size_t)at;
	if (below + 1 >= count)
		return sorted[count - 1];
	fraction = at - (double)below;
	return sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
}

/*
 * Each sample lies below the true median with probability 1/2, so the number of those that do is
 * that of heads in `count` throws of a coin. The ends are as far in as 2.5 % on each side allow.
 */
int stats_interval(size_t count, size_t *low, size_t *high)
{
	long double exactly, at_most = 0;
	size_t heads = 0;

	if (count > STATS_SAMPLES_MAX)
		return -ERANGE;
	exactly = powl(0.5L, (long double)count);
	while (heads < count && at_most + exactly <= 0.025L) {
		at_most += exactly;
		exactly = exactly * (long double)(count - heads) / (long double)(heads + 1);
		heads++;
	}
	if (!heads)
		return -ERANGE;
	*low = heads - 1;
	*high = count - heads;
	return 0;
}

struct stats stats_of(double *samples, size_t count)
{
	struct stats s = { .count = count, .low = NAN, .high = NAN };
	size_t low, high;

	stats_sort(samples, count);
	s.min = stats_quantile(samples, count, 0);
	s.median = stats_quantile(samples, count, 0.5);
	s.p95 = stats_quantile(samples, count, 0.95);
	s.max = stats_quantile(samples, count, 1);
	s.spread = stats_quantile(samples, count, 0.75) - stats_quantile(samples, count, 0.25);
	s.mean = NAN;
	if (count) {
		double sum = 0;

		for (size_t i = 0; i < count; i++)
			sum += samples[i];
		s.mean = sum / (double)count;
	}
	if (!stats_interval(count, &low, &high)) {
		s.low = samples[low];
		s.high = samples[high];
	}
	return s;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics of repeated measurements.
 *
 * Theory of operation
 * -------------------
 * Times on a machine that others use too are skewed: now and then one run takes far longer. So
 * the median stands for the whole, and the interval around it makes no assumption on how the
 * times are distributed: it lies between two of the sorted values, chosen so that the true
 * median is outside with a probability of at most 5 %, as counting heads and tails says. It
 * needs no random numbers, so the same samples always give the same interval.
 */
#ifndef HILLOCK_BENCH_STATS_H
#define HILLOCK_BENCH_STATS_H

#include <stddef.h>

/* More than that and the smallest probability in stats_interval() would underflow. */
#define STATS_SAMPLES_MAX 10000

struct stats {
	size_t count;
	double min, median, mean, p95, max;
	double spread;    /* width of the middle half: third quartile less first */
	double low, high; /* 95 % interval of the median; NAN with fewer than 6 samples */
};

void stats_sort(double *samples, size_t count);

/* The value that `part` (0 to 1) of the sorted samples lie below, interpolated. NAN if none. */
double stats_quantile(const double *sorted, size_t count, double part);

/*
 * Zero-based ranks of the interval's ends. Returns 0, or -ERANGE when the samples are too few
 * (less than 6) or too many.
 */
int stats_interval(size_t count, size_t *low, size_t *high);

/* Sorts the samples. */
struct stats stats_of(double *samples, size_t count);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * timing.h: the clock of the benchmarks that use several threads, and what is taken of many runs.
 */
#ifndef THAW_TESTS_TIMING_H
#define THAW_TESTS_TIMING_H

#include <stdlib.h>
#include <time.h>

/* Seconds. */
static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int compare_times(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the times. */
static inline double median(double *times, int runs)
{
	qsort(times, (size_t)runs, sizeof(*times), compare_times);
	return times[runs / 2];
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * check.h: the harness of the host tests.
 *
 *	static void test_something(void) { CHECK(1 + 1 == 2); }
 *	int main(void) { RUN(test_something); return check_summary(); }
 *
 * prints "ok test_something" or "FAIL test_something" with the checks that failed before it, then
 * "N passed, M failed" (tests, not checks). A failed check does not end its test.
 */
#ifndef THAW_TESTS_CHECK_H
#define THAW_TESTS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#define CHECK_SHOWN 10		/* of one test; a broken decoder fails a million times */

static struct { unsigned passed, failed, bad; } check_counts;

static inline bool check_one(bool good, const char *file, int line, const char *what)
{
	if (!good && ++check_counts.bad <= CHECK_SHOWN)
		printf("  %s:%d: %s\n", file, line, what);
	return good;
}

static inline void check_run(void (*test)(void), const char *name)
{
	check_counts.bad = 0;
	test();
	if (check_counts.bad) {
		check_counts.failed++;
		printf("FAIL %s (%u checks)\n", name, check_counts.bad);
	} else {
		check_counts.passed++;
		printf("ok %s\n", name);
	}
	fflush(stdout);
}

/* The exit status for main(). */
static inline int check_summary(void)
{
	printf("%u passed, %u failed\n", check_counts.passed, check_counts.failed);
	return check_counts.failed != 0;
}

/* The value of the condition, so that a test can say if (!CHECK(...)) return; */
#define CHECK(condition) check_one((condition), __FILE__, __LINE__, #condition)
#define RUN(test) check_run((test), #test)

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz.h: what fuzz targets share.
 */
#ifndef THAW_TESTS_FUZZ_H
#define THAW_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* libFuzzer's own mutator; not there when a corpus is replayed. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max);

static inline void require_one(bool good, const char *what, const char *file, int line)
{
	if (good)
		return;
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

#define REQUIRE(condition) require_one((condition), #condition, __FILE__, __LINE__)

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * xxh64.h: the XXH64 hash, by which images are told apart. It is no protection against intent.
 */
#ifndef THAW_XXH64_H
#define THAW_XXH64_H

#include <thaw/base.h>

#define THAW_XXH64_STRIPE 32

/* A hash in the making. Plain data: may be copied to fork it, needs no cleanup. */
struct thaw_xxh64 {
	uint64_t lane[4];
	uint64_t total;				/* bytes seen */
	uint64_t seed;
	uint8_t rest[THAW_XXH64_STRIPE];	/* the total % 32 bytes that fill no stripe yet */
};

void thaw_xxh64_init(struct thaw_xxh64 *x, uint64_t seed);
void thaw_xxh64_update(struct thaw_xxh64 *x, const void *p, size_t n);
/* The hash of everything so far; x stays usable. */
uint64_t thaw_xxh64_final(const struct thaw_xxh64 *x);

uint64_t thaw_xxh64(const void *p, size_t n, uint64_t seed);

#endif

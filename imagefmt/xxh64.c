/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * xxh64.c: XXH64 as its published description has it.
 *
 * Stripes of 32 bytes feed four independent lanes; at the end the lanes are merged, the rest of the
 * input is mixed in by words of 8, 4 and 1 bytes, and the bits are spread. An input shorter than a
 * stripe never touches the lanes.
 */
#include <thaw/base.h>
#include "xxh64.h"

#define PRIME_1 0x9e3779b185ebca87u
#define PRIME_2 0xc2b2ae3d27d4eb4fu
#define PRIME_3 0x165667b19e3779f9u
#define PRIME_4 0x85ebca77c2b2ae63u
#define PRIME_5 0x27d4eb2f165667c5u

static uint64_t rotl(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static uint64_t mix(uint64_t lane, uint64_t word)
{
	return rotl(lane + word * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t hash, uint64_t lane)
{
	return (hash ^ mix(0, lane)) * PRIME_1 + PRIME_4;
}

static void eat_stripes(struct thaw_xxh64 *x, const uint8_t *p, size_t stripes)
{
	uint64_t a = x->lane[0], b = x->lane[1], c = x->lane[2], d = x->lane[3];

	for (; stripes; stripes--, p += THAW_XXH64_STRIPE) {
		a = mix(a, thaw_le64(p));
		b = mix(b, thaw_le64(p + 8));
		c = mix(c, thaw_le64(p + 16));
		d = mix(d, thaw_le64(p + 24));
	}
	x->lane[0] = a;
	x->lane[1] = b;
	x->lane[2] = c;
	x->lane[3] = d;
}

void thaw_xxh64_init(struct thaw_xxh64 *x, uint64_t seed)
{
	x->lane[0] = seed + PRIME_1 + PRIME_2;
	x->lane[1] = seed + PRIME_2;
	x->lane[2] = seed;
	x->lane[3] = seed - PRIME_1;
	x->total = 0;
	x->seed = seed;
}

THAW_WITHIN_PAGE(1024)
void thaw_xxh64_update(struct thaw_xxh64 *x, const void *data, size_t n)
{
	const uint8_t *p = data;
	size_t have = x->total % THAW_XXH64_STRIPE;
	size_t take;

	if (!n)
		return;
	x->total += n;
	if (have) {
		take = (size_t)thaw_min(n, THAW_XXH64_STRIPE - have);
		__builtin_memcpy(x->rest + have, p, take);
		p += take;
		n -= take;
		if (have + take < THAW_XXH64_STRIPE)
			return;
		eat_stripes(x, x->rest, 1);
	}
	eat_stripes(x, p, n / THAW_XXH64_STRIPE);
	p += n / THAW_XXH64_STRIPE * THAW_XXH64_STRIPE;
	__builtin_memcpy(x->rest, p, n % THAW_XXH64_STRIPE);
}

static uint64_t merge_lanes(const struct thaw_xxh64 *x)
{
	const uint64_t *lane = x->lane;
	uint64_t hash;

	if (x->total < THAW_XXH64_STRIPE)
		return x->seed + PRIME_5;
	hash = rotl(lane[0], 1) + rotl(lane[1], 7) + rotl(lane[2], 12) + rotl(lane[3], 18);
	for (unsigned i = 0; i < 4; i++)
		hash = merge(hash, lane[i]);
	return hash;
}

static uint64_t mix_rest(uint64_t hash, const uint8_t *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8)
		hash = rotl(hash ^ mix(0, thaw_le64(p)), 27) * PRIME_1 + PRIME_4;
	if (n >= 4) {
		hash = rotl(hash ^ thaw_le32(p) * PRIME_1, 23) * PRIME_2 + PRIME_3;
		n -= 4;
		p += 4;
	}
	for (; n; n--, p++)
		hash = rotl(hash ^ *p * PRIME_5, 11) * PRIME_1;
	return hash;
}

uint64_t thaw_xxh64_final(const struct thaw_xxh64 *x)
{
	uint64_t hash = merge_lanes(x) + x->total;

	hash = mix_rest(hash, x->rest, x->total % THAW_XXH64_STRIPE);
	hash = (hash ^ hash >> 33) * PRIME_2;
	hash = (hash ^ hash >> 29) * PRIME_3;
	return hash ^ hash >> 32;
}

uint64_t thaw_xxh64(const void *p, size_t n, uint64_t seed)
{
	struct thaw_xxh64 x;

	thaw_xxh64_init(&x, seed);
	thaw_xxh64_update(&x, p, n);
	return thaw_xxh64_final(&x);
}

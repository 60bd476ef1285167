/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * gain.c: is it worth compressing? A compressed block is read sooner, and has to be decoded. Mostly
 * the disk takes longer, by far; where the disk is memory, or the processor is emulated, the decoder
 * does. So some blocks are decoded again at once, with a look at the clock.
 */
#include "parts.h"

#include <lz4.h>
#include <time.h>

/* So many blocks in the beginning, and one in so many behind them. */
#define FIRST_SAMPLES 16
#define SAMPLE_EVERY  16

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

bool gain_wants_sample(struct gain *g)
{
	uint64_t number = __atomic_fetch_add(&g->blocks, 1, __ATOMIC_RELAXED);

	return g->read_rate && (number < FIRST_SAMPLES || number % SAMPLE_EVERY == 0);
}

void gain_sample(struct gain *g, const uint8_t *packed, size_t packed_bytes, uint8_t *to,
		 size_t bytes)
{
	uint64_t began = now_ns();

	if (LZ4_decompress_safe((const char *)packed, (char *)to, (int)packed_bytes, (int)bytes) !=
	    (int)bytes)
		return;
	__atomic_fetch_add(&g->decoding_ns, now_ns() - began, __ATOMIC_RELAXED);
	__atomic_fetch_add(&g->decoded, bytes, __ATOMIC_RELAXED);
}

bool gain_is_worth(const struct gain *g, size_t bytes, size_t packed_bytes)
{
	double ns = (double)__atomic_load_n(&g->decoding_ns, __ATOMIC_RELAXED);
	double decoded = (double)__atomic_load_n(&g->decoded, __ATOMIC_RELAXED);
	double spared = (double)(bytes - packed_bytes) / (double)g->read_rate;

	return !g->read_rate || decoded == 0 ||
	       spared > (double)bytes * ns / 1e9 / decoded / g->decoders;
}

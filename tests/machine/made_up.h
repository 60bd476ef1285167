/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * made_up.h: what the maker of a made-up machine and the machine's payload agree on.
 *
 * The payload lies in neighbouring frames, of which the first begins at a multiple of 2 MiB:
 *
 *	0                       code and data, with struct made_up at MADE_UP_FACTS
 *	MADE_UP_STACK           the stack's end; up to here all is writable
 *	MADE_UP_TABLES          page tables, the root first
 *	made_up.runs_at         the runs that it is to find in memory
 *
 * The tables map it at MADE_UP_VA, and all RAM one to one.
 */
#ifndef THAW_TESTS_MADE_UP_H
#define THAW_TESTS_MADE_UP_H

#include <stdint.h>

#define MADE_UP_VA     0xffffffff80000000
#define MADE_UP_FACTS  64
#define MADE_UP_STACK  0x20000
#define MADE_UP_TABLES 0x20000
#define MADE_UP_TREES  8 /* tables of 512 GiB each */
#define MADE_UP_RUNS   (MADE_UP_TABLES + (3 + MADE_UP_TREES) * 4096)

enum made_up_kind { MADE_UP_DATA = 1, MADE_UP_ZERO, MADE_UP_FILL };

struct made_up_run {
	uint64_t first; /* frame */
	uint32_t count;
	uint32_t kind; /* enum made_up_kind */
};

struct made_up {
	uint64_t run_count;
	uint64_t jump_va; /* what r8 and r9 must be */
	uint64_t root_pa;
};

/* Words that any bits decide about. */
static inline uint64_t made_up_mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9;
	return x ^ x >> 32;
}

/* Word i of a frame of data: in one frame of four nothing repeats, in the others much does. */
static inline uint64_t made_up_word(uint64_t frame, unsigned i)
{
	return frame % 4 ? frame * 512 + i / 32 : made_up_mix(frame * 512 + i);
}

/* Of a run of frames that repeat one word. Never 0. */
static inline uint64_t made_up_fill(uint64_t first)
{
	return made_up_mix(first) | 1;
}

#endif

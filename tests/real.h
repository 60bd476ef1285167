/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * real.h: a really hibernated disk as a scene of the simulator: the picture is decoded from it with
 * the original libraries, the memory map is the one its kernel kept in RAM.
 */
#ifndef THAW_TESTS_REAL_H
#define THAW_TESTS_REAL_H

#include "sim.h"

#define REAL_RANGES_MAX 512

struct real {
	uint8_t *disk;	 /* the swap area: ours to change, the file is not */
	uint8_t *before; /* once more */
	uint64_t pages;
	struct synth picture;
	uint8_t *stream; /* decoded: the PFN list, then the pages */
	size_t stream_pages;
	size_t stream_room;
	struct thaw_mem_range ranges[REAL_RANGES_MAX];
	size_t range_count;
};

/* Maps the file from byte at on. False if it cannot, or holds no image, or no map is found in it. */
bool real_open(struct real *r, const char *path, uint64_t at, uint32_t seed);

/*
 * From now on the disk is another, with the picture as it is now in thaw's own format: in an area of its
 * own, or in a swap area.
 */
bool real_to_native(struct real *r, enum synth_format format);

/* The disk as it was. */
void real_rewind(struct real *r);

/* Takes the picture anew from what the disk holds now; false where that is no whole image. */
bool real_look(struct real *r);

/* Bytes from the beginning of the decoded stream to the page of a frame; 0: it has none. */
uint64_t real_place(const struct real *r, uint64_t frame);

#endif

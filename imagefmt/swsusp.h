/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * swsusp.h: the parts of opening one of Linux's images, in the order in which they run.
 */
#ifndef THAW_SWSUSP_H
#define THAW_SWSUSP_H

#include "swsusp_disk.h"
#include "vector.h"
#include "xxh64.h"

/* What the parts tell each other while an image is opened. */
struct swsusp_open {
	struct thaw_image *image;
	struct thaw_disk *disk;
	uint64_t pages; /* of the disk that the image may lie in, */
	uint64_t end;	/* and what of them it does; known once the extents are */
	struct thaw_memory *memory;
	struct thaw_diag *diag;
	uint64_t max_frames;
	uint64_t first_map_page;
	struct thaw_xxh64 identity;
	struct thaw_extents stream;
	struct thaw_extents others; /* header, map and info pages: nobody else's either */
};

/*
 * How many of the numbers, from the first on, count up one by one; at least 1. Both lists of an image
 * have a number for each page, and long runs of these are as good as one.
 */
static inline size_t swsusp_consecutive(const uint64_t *numbers, size_t count)
{
	size_t n = 1;

	while (n < count && numbers[n] == numbers[0] + n)
		n++;
	return n;
}

/* swsusp_map.c: walks the chain of map pages; reads the info page on the way. */
enum thaw_err swsusp_read_map(struct swsusp_open *o);

/* swsusp_info.c: counts and the architecture's record. */
enum thaw_err swsusp_parse_info(struct swsusp_open *o, const struct swsusp_info *info);

/* swsusp_frames.c: decodes the beginning of the stream, which is the PFN list. */
enum thaw_err swsusp_read_frames(struct swsusp_open *o);

/* swsusp.c */
enum thaw_err swsusp_split(const struct thaw_image *image, uint64_t decoded_pages,
			   const uint8_t *stored, size_t len, struct thaw_block *ret,
			   struct thaw_diag *diag);

#endif

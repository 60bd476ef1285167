/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memmap_made_up.c: the memory map of a machine that does not exist.
 *
 * The image's frames, with the small holes between them, are free memory; so is a margin behind
 * each piece, for what has to be staged and for the hand-off.
 */
#include "descriptors.h"
#include "memmap_file.h"

/* In frames. thaw leaves 16 MiB to firmware and cannot place what lies there. */
#define MARGIN ((UINT64_C(64) << 20) >> THAW_PAGE_SHIFT)

/* More ranges than any firmware reports, fewer than thaw has room for. */
#define MOST_RANGES 1024

static struct thaw_range padded(const struct thaw_run *run, uint64_t margin)
{
	return (struct thaw_range){run->first, run->first + run->count + margin};
}

/* The runs, padded and joined where they touch, into d unless it is NULL. Returns their number. */
static size_t join(const struct thaw_image *image, uint64_t margin, struct descriptors *d)
{
	struct thaw_range piece = padded(&image->runs[0], margin);
	size_t count = 1;
	size_t i;

	for (i = 1; i < image->run_count; i++) {
		struct thaw_range next = padded(&image->runs[i], margin);

		if (next.first > piece.end) {
			if (d && descriptors_add(d, piece, THAW_MEM_FREE))
				return 0;
			piece.first = next.first;
			count++;
		}
		piece.end = next.end;
	}
	return d && descriptors_add(d, piece, THAW_MEM_FREE) ? 0 : count;
}

enum thaw_err memmap_make_up(const struct thaw_image *image, struct thaw_memmap *ret)
{
	struct descriptors d = {0};
	uint64_t margin = MARGIN;
	enum thaw_err err = THAW_MEMORY;

	/* Frame numbers have 40 bits, so doubling ends long before it could overflow. */
	while (join(image, margin, NULL) > MOST_RANGES)
		margin *= 2;
	if (join(image, margin, &d))
		err = descriptors_parse(&d, ret);
	descriptors_free(&d);
	return err;
}

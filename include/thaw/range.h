/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * range.h: half-open ranges of frames, and arrays of them sorted by address.
 *
 * A frame is a 4 KiB piece of physical memory, by number. All functions are pure.
 */
#ifndef THAW_RANGE_H
#define THAW_RANGE_H

#include <thaw/base.h>

/*
 * No frame is numbered so high: physical addresses have at most 52 bits (Intel SDM vol. 3A, 4.1.4;
 * AMD APM vol. 2, 5.1).
 */
#define THAW_FRAME_LIMIT (UINT64_C(1) << (52 - THAW_PAGE_SHIFT))

struct thaw_range {
	uint64_t first;
	uint64_t end; /* exclusive; first == end: empty */
};

static inline uint64_t thaw_range_count(struct thaw_range r)
{
	return r.end > r.first ? r.end - r.first : 0;
}

static inline struct thaw_range thaw_range_intersect(struct thaw_range a, struct thaw_range b)
{
	struct thaw_range r = {thaw_max(a.first, b.first), thaw_min(a.end, b.end)};

	if (r.end < r.first)
		r.end = r.first;
	return r;
}

static inline bool thaw_range_has(struct thaw_range r, uint64_t frame)
{
	return frame >= r.first && frame < r.end;
}

/*
 * Index of the first of count ranges, sorted and disjoint, that ends beyond frame; count if none
 * does. The frame lies in that range or in the gap before it.
 */
static inline size_t thaw_range_find(const struct thaw_range *ranges, size_t count, uint64_t frame)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ranges[mid].end <= frame)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * Appends r to a sorted array of *count ranges, merging it with the last one where they touch.
 * The caller guarantees room for one more and that r does not begin before the last one ends.
 */
static inline void thaw_range_append(struct thaw_range *ranges, size_t *count, struct thaw_range r)
{
	if (!thaw_range_count(r))
		return;
	if (*count && ranges[*count - 1].end == r.first)
		ranges[*count - 1].end = r.end;
	else
		ranges[(*count)++] = r;
}

#endif

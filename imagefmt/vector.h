/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vector.h: arrays that grow inside a struct thaw_memory.
 *
 * Memory is never given back singly, so growing by doubling costs at most as much again as the
 * final size.
 */
#ifndef THAW_VECTOR_H
#define THAW_VECTOR_H

#include <thaw/image.h>

struct thaw_extents {
	struct thaw_extent *list;
	size_t count;
	size_t capacity;
};

struct thaw_runs {
	struct thaw_run *list;
	size_t count;
	size_t capacity;
};

/* Appends disk pages, joining them to the last extent where they follow on. THAW_OK or THAW_MEMORY.
 */
enum thaw_err thaw_extents_add(struct thaw_extents *v, struct thaw_extent extent,
			       struct thaw_memory *memory);

/* Appends an extent as it is. THAW_OK or THAW_MEMORY. */
enum thaw_err thaw_extents_append(struct thaw_extents *v, struct thaw_extent extent,
				  struct thaw_memory *memory);

/* Appends frames as thaw_extents_add() does pages. */
enum thaw_err thaw_runs_add(struct thaw_runs *v, uint64_t first, uint32_t count, uint32_t kind,
			    struct thaw_memory *memory);

/*
 * All the pages of both: does none belong to two extents? *ret_end is what follows the last of them.
 * THAW_OK, THAW_MAP_ALIAS, THAW_MEMORY.
 */
enum thaw_err thaw_extents_check(const struct thaw_extents *a, const struct thaw_extents *b,
				 uint64_t *ret_end, struct thaw_memory *memory,
				 struct thaw_diag *diag);

#endif

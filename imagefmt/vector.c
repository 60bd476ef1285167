/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vector.c: extents and runs, joined where they touch.
 */
#include "vector.h"

#define FIRST_BYTES (16 * THAW_PAGE_SIZE)

/* The array with room for one more element of the given size: itself, or a larger copy. */
static void *with_room(void *list, size_t count, size_t *capacity, size_t element,
		       struct thaw_memory *memory)
{
	size_t want = *capacity ? *capacity * 2 : FIRST_BYTES / element;
	void *bigger;

	if (count < *capacity)
		return list;
	if (want > SIZE_MAX / 4 / element)
		return NULL;
	bigger = memory->alloc(memory, want * element);
	if (!bigger)
		return NULL;
	if (list)
		__builtin_memcpy(bigger, list, count * element);
	*capacity = want;
	return bigger;
}

enum thaw_err thaw_extents_append(struct thaw_extents *v, struct thaw_extent extent,
				  struct thaw_memory *memory)
{
	struct thaw_extent *list =
		with_room(v->list, v->count, &v->capacity, sizeof(*list), memory);

	if (!list)
		return THAW_MEMORY;
	v->list = list;
	list[v->count++] = extent;
	return THAW_OK;
}

enum thaw_err thaw_extents_add(struct thaw_extents *v, struct thaw_extent extent,
			       struct thaw_memory *memory)
{
	struct thaw_extent *last = v->count ? &v->list[v->count - 1] : NULL;

	if (last && last->page + last->count == extent.page) {
		last->count += extent.count;
		return THAW_OK;
	}
	return thaw_extents_append(v, extent, memory);
}

enum thaw_err thaw_runs_add(struct thaw_runs *v, uint64_t first, uint32_t count, uint32_t kind,
			    struct thaw_memory *memory)
{
	struct thaw_run *last = v->count ? &v->list[v->count - 1] : NULL;
	struct thaw_run *list;

	if (last && last->kind == kind && last->first + last->count == first &&
	    last->count <= UINT32_MAX - count) {
		last->count += count;
		return THAW_OK;
	}
	list = with_room(v->list, v->count, &v->capacity, sizeof(*list), memory);
	if (!list)
		return THAW_MEMORY;
	v->list = list;
	list[v->count++] = (struct thaw_run){first, count, kind, 0};
	return THAW_OK;
}

static void swap(struct thaw_extent *a, struct thaw_extent *b)
{
	struct thaw_extent t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct thaw_extent *heap, size_t root, size_t count)
{
	size_t child;

	while ((child = 2 * root + 1) < count) {
		if (child + 1 < count && heap[child].page < heap[child + 1].page)
			child++;
		if (heap[root].page >= heap[child].page)
			return;
		swap(&heap[root], &heap[child]);
		root = child;
	}
}

/* Heapsort: no recursion, no memory, and no order of input that makes it slow. */
static void sort(struct thaw_extent *list, size_t count)
{
	size_t i;

	for (i = count / 2; i-- > 0;)
		sift_down(list, i, count);
	for (i = count; i-- > 1;) {
		swap(&list[0], &list[i]);
		sift_down(list, 0, i);
	}
}

enum thaw_err thaw_extents_check(const struct thaw_extents *a, const struct thaw_extents *b,
				 uint64_t *ret_end, struct thaw_memory *memory,
				 struct thaw_diag *diag)
{
	size_t count = a->count + b->count;
	struct thaw_extent *all = memory->alloc(memory, count * sizeof(*all));
	uint64_t end = 0;
	size_t i;

	if (!all)
		return thaw_fail(diag, THAW_MEMORY, "extents", count * sizeof(*all), 0);
	__builtin_memcpy(all, a->list, a->count * sizeof(*all));
	__builtin_memcpy(all + a->count, b->list, b->count * sizeof(*all));
	sort(all, count);
	for (i = 0; i < count; i++) {
		if (end > all[i].page)
			return thaw_fail(diag, THAW_MAP_ALIAS, "extent", all[i].page, 0);
		end = all[i].page + all[i].count;
	}
	*ret_end = end;
	return THAW_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * place.c: puts pages of the stream where the plan wants them.
 *
 * A cursor is a position in the plan, so any processor can place any block knowing only where the
 * block's first page goes.
 */
#include "load.h"

static bool is_mine(const struct thaw_cursor *cursor, const struct thaw_target *t)
{
	if (cursor->zero)
		return t->kind == THAW_TARGET_ZERO || t->kind == THAW_TARGET_FILL;
	return t->kind == THAW_TARGET_PLACE || t->kind == THAW_TARGET_STAGE;
}

uint32_t thaw_cursor_next(const struct thaw_plan *plan, struct thaw_cursor *cursor, uint32_t max,
			  uint64_t *ret_where)
{
	const struct thaw_target *t;
	uint32_t count;

	while (cursor->target < plan->target_count &&
	       !is_mine(cursor, &plan->targets[cursor->target]))
		cursor->target++;
	if (cursor->target == plan->target_count)
		return 0;
	t = &plan->targets[cursor->target];
	count = (uint32_t)thaw_min(max, t->count - cursor->done);
	*ret_where = t->where + cursor->done;
	cursor->done += count;
	if (cursor->done == t->count) {
		cursor->target++;
		cursor->done = 0;
	}
	return count;
}

bool thaw_cursor_skip(const struct thaw_plan *plan, struct thaw_cursor *cursor, uint32_t pages)
{
	uint64_t where;
	uint32_t count;

	for (; pages; pages -= count) {
		count = thaw_cursor_next(plan, cursor, pages, &where);
		if (!count)
			return false;
	}
	return true;
}

bool thaw_place_copy(struct thaw_machine *m, const struct thaw_plan *plan,
		     struct thaw_cursor cursor, const uint8_t *from, uint32_t pages)
{
	uint64_t where;
	uint32_t count;
	size_t bytes;

	for (; pages; pages -= count, from += bytes) {
		count = thaw_cursor_next(plan, &cursor, pages, &where);
		if (!count)
			return false;
		bytes = (size_t)count << THAW_PAGE_SHIFT;
		__builtin_memcpy(m->frame(m, where), from, bytes);
	}
	return true;
}

/* Zero, or the word that the cursor's last target repeats. */
static void fill(uint8_t *to, const struct thaw_plan *plan, const struct thaw_cursor *cursor,
		 size_t bytes)
{
	const struct thaw_target *t =
		&plan->targets[cursor->done ? cursor->target : cursor->target - 1];
	size_t i;

	if (!t->fill) {
		__builtin_memset(to, 0, bytes);
		return;
	}
	for (i = 0; i < bytes; i += sizeof(t->fill))
		__builtin_memcpy(to + i, &t->fill, sizeof(t->fill));
}

void thaw_place_zero(struct thaw_machine *m, const struct thaw_plan *plan,
		     struct thaw_cursor cursor, uint32_t pages)
{
	uint64_t where;
	uint32_t count;

	for (; pages; pages -= count) {
		count = thaw_cursor_next(plan, &cursor, pages, &where);
		if (!count)
			return;
		fill(m->frame(m, where), plan, &cursor, (size_t)count << THAW_PAGE_SHIFT);
	}
}

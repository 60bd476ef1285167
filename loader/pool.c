/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pool.c: safe frames, given out from the lowest gap on.
 */
#include <thaw/loader.h>

uint64_t thaw_pool_take(struct thaw_pool *pool, uint64_t count, uint64_t *ret_first)
{
	const struct thaw_range *gap = &pool->gaps[pool->gap];
	uint64_t n = thaw_min(count, pool->left);

	if (!n)
		return 0;
	n = thaw_min(n, thaw_range_count(*gap) - pool->done);
	*ret_first = gap->first + pool->done;
	pool->done += n;
	pool->left -= n;
	if (pool->done == thaw_range_count(*gap)) {
		pool->gap++;
		pool->done = 0;
	}
	return n;
}

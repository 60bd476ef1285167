/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * plan.c: where every frame of the image goes.
 *
 * The image's runs and the claimed ranges are both sorted, so one pass over the two decides: what
 * lies in a claim is ours and is loaded in place; what lies outside is firmware's until it is gone,
 * so it is kept in a safe frame and moved at the very end. Safe frames are what of the claims no
 * run covers. So, with D the image's frames and C the claims:
 *
 *	placed = D and C,  staged = D without C,  safe = C without D
 *
 * and no safe frame is ever a destination, nor does anything firmware may still use get written
 * while it runs. Cost follows runs and claims, never frames.
 */
#include <thaw/loader.h>

/* Real-mode memory: firmware wakes processors there, and borrows it while they run. */
#define FIRST_CLAIMED_FRAME 256

/* Left to firmware for what it allocates while thaw works: drivers' buffers, variables, events. */
#define RESERVE_FRAMES ((16u << 20) >> THAW_PAGE_SHIFT)
#define RESERVE_SHARE  16

#define FRAMES_BELOW_4G (UINT64_C(1) << (32 - THAW_PAGE_SHIFT))

static struct thaw_range claimable(const struct thaw_mem_range *r)
{
	struct thaw_range none = {0, 0};

	if (r->type != THAW_MEM_FREE)
		return none;
	return thaw_range_intersect(r->frames,
				    (struct thaw_range){FIRST_CLAIMED_FRAME, UINT64_MAX});
}

/* The largest range below 4 GiB gives its top: some drivers' buffers must lie there. */
static size_t find_reserve(const struct thaw_range *claims, size_t count)
{
	size_t best = 0;
	size_t i;

	for (i = 1; i < count && claims[i].end <= FRAMES_BELOW_4G; i++) {
		if (thaw_range_count(claims[i]) > thaw_range_count(claims[best]))
			best = i;
	}
	return best;
}

size_t thaw_plan_claims(const struct thaw_memmap *map, struct thaw_range *ret_claims)
{
	uint64_t total = 0;
	uint64_t reserve;
	size_t count = 0;
	size_t i;

	for (i = 0; i < map->count; i++) {
		struct thaw_range r = claimable(&map->ranges[i]);

		total += thaw_range_count(r);
		thaw_range_append(ret_claims, &count, r);
	}
	if (!count)
		return 0;
	i = find_reserve(ret_claims, count);
	reserve = thaw_min(RESERVE_FRAMES, total / RESERVE_SHARE);
	ret_claims[i].end -= thaw_min(reserve, thaw_range_count(ret_claims[i]) - 1);
	return count;
}

static enum thaw_err check_frame_type(const struct thaw_mem_range *r, uint64_t frame,
				      struct thaw_diag *diag)
{
	uint64_t address = frame << THAW_PAGE_SHIFT;

	if (!r)
		return thaw_fail(diag, THAW_FRAME_NOT_RAM, "hole", address, 0);
	if (r->type <= THAW_MEM_BOOT)
		return THAW_OK;
	return thaw_fail(diag, r->type < THAW_MEM_ACPI ? THAW_FRAME_NOT_RAM : THAW_FRAME_FIRMWARE,
			 thaw_mem_type_name(r->type), address, r->frames.end << THAW_PAGE_SHIFT);
}

/* Every frame from first up to end must be RAM that is free once firmware is gone. */
static enum thaw_err check_frames(const struct thaw_memmap *map, uint64_t first, uint64_t end,
				  struct thaw_diag *diag)
{
	const struct thaw_mem_range *r;
	enum thaw_err err;

	while (first < end) {
		r = thaw_memmap_find(map, first);
		err = check_frame_type(r, first, diag);
		if (err)
			return err;
		first = r->frames.end;
	}
	return THAW_OK;
}

/*
 * The image kernel accepted all memory before it was saved and accepts none again: its free frames,
 * which no image names, must not lie in memory that firmware has not accepted today.
 */
static enum thaw_err check_accepted(const struct thaw_memmap *map, struct thaw_diag *diag)
{
	size_t i;

	for (i = 0; i < map->count; i++) {
		if (map->ranges[i].type == THAW_MEM_UNACCEPTED)
			return check_frame_type(&map->ranges[i], map->ranges[i].frames.first, diag);
	}
	return THAW_OK;
}

enum thaw_err thaw_plan_check(const struct thaw_image *image, const struct thaw_memmap *map,
			      struct thaw_diag *diag)
{
	const struct thaw_run *run = image->runs;
	size_t i;
	enum thaw_err err = check_accepted(map, diag);

	if (err)
		return err;
	for (i = 0; i < image->run_count; i++, run++) {
		err = check_frames(map, run->first, run->first + run->count, diag);
		if (err)
			return err;
	}
	return THAW_OK;
}

enum thaw_err thaw_plan_reserve(struct thaw_plan *plan, const struct thaw_image *image,
				const struct thaw_memmap *map, struct thaw_memory *memory)
{
	/* Each gap ends at a run or at the end of a claim. */
	size_t gaps = image->run_count + map->capacity + 1;
	/* Each target ends with a run, at either end of a claim, or, if staged, with a gap. */
	size_t targets = image->run_count + 2 * map->capacity + gaps;

	*plan = (struct thaw_plan){.target_capacity = targets, .gap_capacity = gaps};
	plan->claims = memory->alloc(memory, map->capacity * sizeof(*plan->claims));
	plan->gaps = memory->alloc(memory, gaps * sizeof(*plan->gaps));
	plan->targets = memory->alloc(memory, targets * sizeof(*plan->targets));
	return plan->claims && plan->gaps && plan->targets ? THAW_OK : THAW_MEMORY;
}

/* Safe frames: the claims without the image's runs. */
static void find_gaps(struct thaw_plan *plan, const struct thaw_image *image)
{
	const struct thaw_run *run = image->runs;
	const struct thaw_run *end = run + image->run_count;
	size_t count = 0;
	size_t i;

	for (i = 0; i < plan->claim_count; i++) {
		struct thaw_range left = plan->claims[i];

		while (run < end && run->first + run->count <= left.first)
			run++;
		for (; run < end && run->first < left.end; run++) {
			thaw_range_append(plan->gaps, &count,
					  (struct thaw_range){left.first, run->first});
			left.first = run->first + run->count;
			if (left.first >= left.end)
				break;
		}
		thaw_range_append(plan->gaps, &count, left);
	}
	plan->pool = (struct thaw_pool){.gaps = plan->gaps, .count = count};
	for (i = 0; i < count; i++)
		plan->pool.left += thaw_range_count(plan->gaps[i]);
}

/* plan->low keeps the first frames; plan->pool goes on behind them. */
enum thaw_err thaw_plan_find_safe(struct thaw_plan *plan, const struct thaw_image *image,
				  struct thaw_diag *diag)
{
	uint64_t want = THAW_PLAN_LOW_FRAMES;
	uint64_t first;

	find_gaps(plan, image);
	if (plan->pool.left < want)
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "hand-off", plan->pool.left, want);
	plan->low = plan->pool;
	plan->low.left = want;
	while (want)
		want -= thaw_pool_take(&plan->pool, want, &first);
	return THAW_OK;
}

/* The gap with most left; the pool's first may be used up in part. NULL: the pool is empty. */
static struct thaw_range *largest_gap(const struct thaw_plan *plan, uint64_t *ret_count)
{
	const struct thaw_pool *pool = &plan->pool;
	size_t best = pool->gap;
	uint64_t most = 0;
	uint64_t count;
	size_t i;

	for (i = pool->gap; i < pool->count; i++) {
		count = thaw_range_count(pool->gaps[i]) - (i == pool->gap ? pool->done : 0);
		if (count > most) {
			best = i;
			most = count;
		}
	}
	*ret_count = most;
	return most ? &plan->gaps[best] : NULL;
}

uint64_t thaw_plan_largest(const struct thaw_plan *plan)
{
	uint64_t count;

	return largest_gap(plan, &count) ? count : 0;
}

bool thaw_plan_scratch(struct thaw_plan *plan, uint64_t count, uint64_t *ret_first)
{
	uint64_t most;
	struct thaw_range *gap = largest_gap(plan, &most);

	/* A frame stays behind, so that no gap becomes empty and the pool's position stays valid.
	 */
	if (!gap || most <= count || plan->scratch_count == THAW_PLAN_SCRATCH)
		return false;
	gap->end -= count;
	plan->pool.left -= count;
	*ret_first = gap->end;
	plan->scratch[plan->scratch_count++] = (struct thaw_range){gap->end, gap->end + count};
	return true;
}

static enum thaw_err add_target(struct thaw_plan *plan, struct thaw_target target,
				struct thaw_diag *diag)
{
	uint64_t *const totals[] = {
		[THAW_TARGET_PLACE] = &plan->placed, [THAW_TARGET_STAGE] = &plan->staged,
		[THAW_TARGET_ZERO] = &plan->zeroed,  [THAW_TARGET_LATE] = &plan->late,
		[THAW_TARGET_FILL] = &plan->zeroed,
	};

	if (plan->target_count == plan->target_capacity)
		return thaw_fail(diag, THAW_BUG, "targets", plan->target_count, 0);
	plan->targets[plan->target_count++] = target;
	*totals[target.kind] += target.count;
	return THAW_OK;
}

static enum thaw_err add_staged(struct thaw_plan *plan, struct thaw_target target,
				struct thaw_diag *diag)
{
	uint32_t count = target.count;
	enum thaw_err err;

	for (; count; count -= target.count, target.frame += target.count) {
		target.count = (uint32_t)thaw_pool_take(&plan->pool, count, &target.where);
		if (!target.count)
			return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "staging", plan->staged, count);
		err = add_target(plan, target, diag);
		if (err)
			return err;
	}
	return THAW_OK;
}

/* A piece of a run that lies wholly inside a claim, or wholly outside of all. */
static enum thaw_err add_piece(struct thaw_plan *plan, uint64_t frame, uint32_t count,
			       const struct thaw_run *run, bool ours, struct thaw_diag *diag)
{
	static const uint32_t kinds[][2] = {
		[THAW_RUN_DATA] = {THAW_TARGET_STAGE, THAW_TARGET_PLACE},
		[THAW_RUN_ZERO] = {THAW_TARGET_LATE, THAW_TARGET_ZERO},
		[THAW_RUN_FILL] = {THAW_TARGET_FILL, THAW_TARGET_FILL},
	};
	struct thaw_target target = {
		.frame = frame,
		.where = frame,
		.count = count,
		.kind = kinds[run->kind][ours],
		.fill = run->fill,
	};

	if (ours || run->kind == THAW_RUN_ZERO)
		return add_target(plan, target, diag);
	return add_staged(plan, target, diag);
}

static enum thaw_err add_run(struct thaw_plan *plan, const struct thaw_run *run, size_t *claim,
			     struct thaw_diag *diag)
{
	uint64_t frame = run->first;
	uint64_t end = frame + run->count;
	uint64_t stop;
	bool ours;
	enum thaw_err err;

	for (; frame < end; frame = stop) {
		while (*claim < plan->claim_count && plan->claims[*claim].end <= frame)
			(*claim)++;
		stop = end;
		ours = false;
		if (*claim < plan->claim_count) {
			ours = frame >= plan->claims[*claim].first;
			stop = thaw_min(end, ours ? plan->claims[*claim].end
						  : plan->claims[*claim].first);
		}
		err = add_piece(plan, frame, (uint32_t)(stop - frame), run, ours, diag);
		if (err)
			return err;
	}
	return THAW_OK;
}

enum thaw_err thaw_plan_make(struct thaw_plan *plan, const struct thaw_image *image,
			     struct thaw_diag *diag)
{
	size_t claim = 0;
	size_t i;
	enum thaw_err err = THAW_OK;

	for (i = 0; !err && i < image->run_count; i++)
		err = add_run(plan, &image->runs[i], &claim, diag);
	return err;
}

/* A claim must still be one piece of loader memory; merged ranges may be larger than it. */
static bool is_still_ours(const struct thaw_memmap *map, struct thaw_range claim)
{
	const struct thaw_mem_range *r = thaw_memmap_find(map, claim.first);

	return r && r->type == THAW_MEM_BOOT && r->frames.end >= claim.end;
}

enum thaw_err thaw_plan_recheck(const struct thaw_plan *plan, const struct thaw_memmap *map)
{
	const struct thaw_target *t = plan->targets;
	size_t i;

	for (i = 0; i < plan->claim_count; i++) {
		if (!is_still_ours(map, plan->claims[i]))
			return THAW_FINAL_MAP;
	}
	for (i = 0; i < plan->target_count; i++, t++) {
		if ((thaw_target_is_staged(t) || t->kind == THAW_TARGET_LATE) &&
		    check_frames(map, t->frame, t->frame + t->count, NULL))
			return THAW_FINAL_MAP;
	}
	return THAW_OK;
}

bool thaw_plan_where(const struct thaw_plan *plan, uint64_t frame, uint64_t *ret_where)
{
	const struct thaw_target *t;
	size_t low = 0;
	size_t high = plan->target_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		t = &plan->targets[mid];
		if (t->frame + t->count <= frame)
			low = mid + 1;
		else
			high = mid;
	}
	t = &plan->targets[low];
	if (low == plan->target_count || frame < t->frame || t->kind == THAW_TARGET_LATE)
		return false;
	*ret_where = t->where + (frame - t->frame);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_plan.c: where frames go. Small machines are strings, a letter a frame, decided a second time
 * frame by frame; then one of 1 TiB with a million runs, for what it costs.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <thaw/loader.h>

#include "check.h"

#define FIRST 1000 /* frame of a string's first letter */
#define MOST  400

/* --- memory that counts ----------------------------------------------------------------------- */

static uint64_t allocated;
static void *blocks[64];
static size_t block_count;

static void *alloc(struct thaw_memory *memory, uint64_t bytes)
{
	(void)memory;
	allocated += bytes;
	return blocks[block_count++] = malloc(bytes);
}

static struct thaw_memory memory = {alloc};

static void drop(void)
{
	while (block_count)
		free(blocks[--block_count]);
	allocated = 0;
}

/* --- small machines -----------------------------------------------------------------------------
 */

static struct thaw_run runs[MOST];
static struct thaw_image image;
static struct thaw_plan plan;
static struct thaw_mem_range ranges[MOST];
static struct thaw_memmap map = {.ranges = ranges, .capacity = MOST};

/* d: data, z: zero, anything else: not in the image. */
static void make_image(const char *s)
{
	size_t i;

	image = (struct thaw_image){.runs = runs};
	for (i = 0; s[i]; i++) {
		struct thaw_run *last = image.run_count ? &runs[image.run_count - 1] : NULL;
		uint32_t kind = s[i] == 'z' ? THAW_RUN_ZERO : THAW_RUN_DATA;

		if (s[i] != 'd' && s[i] != 'z')
			continue;
		if (last && last->kind == kind && last->first + last->count == FIRST + i)
			last->count++;
		else
			runs[image.run_count++] = (struct thaw_run){FIRST + i, 1, kind, 0};
	}
}

/* C: claimed; | begins another claim. */
static void make_claims(const char *s, const char *cuts)
{
	size_t i;
	struct thaw_range *last;

	for (i = 0; s[i]; i++) {
		last = plan.claim_count ? &plan.claims[plan.claim_count - 1] : NULL;
		if (s[i] != 'C')
			continue;
		if (last && last->end == FIRST + i && !(cuts && cuts[i] == '|'))
			last->end++;
		else
			plan.claims[plan.claim_count++] =
				(struct thaw_range){FIRST + i, FIRST + i + 1};
	}
}

static bool is_safe(const char *claims, const char *frames, uint64_t frame)
{
	uint64_t i = frame - FIRST;

	return frame >= FIRST && i < strlen(claims) && claims[i] == 'C' && frames[i] != 'd' &&
	       frames[i] != 'z';
}

/* What the plan must say of one frame; used marks the safe frames that are somebody's. */
static bool frame_is_right(const char *claims, const char *frames, size_t i, uint8_t *used)
{
	bool ours = claims[i] == 'C';
	uint64_t where = 0;
	bool found = thaw_plan_where(&plan, FIRST + i, &where);

	if (frames[i] == 'z' && !ours)
		return !found;
	if (frames[i] != 'd' && frames[i] != 'z')
		return !found;
	if (ours)
		return found && where == FIRST + i;
	return found && is_safe(claims, frames, where) && !used[where - FIRST]++;
}

static bool take_all(const char *claims, const char *frames, uint8_t *used, struct thaw_pool *pool)
{
	uint64_t first;
	uint64_t n;

	while ((n = thaw_pool_take(pool, 3, &first)) != 0) {
		for (; n; n--, first++) {
			if (!is_safe(claims, frames, first) || used[first - FIRST]++)
				return false;
		}
	}
	return !pool->left;
}

static bool scratch_is_right(const char *claims, const char *frames, uint8_t *used)
{
	uint64_t f;
	size_t i;

	for (i = 0; i < plan.scratch_count; i++) {
		for (f = plan.scratch[i].first; f < plan.scratch[i].end; f++) {
			if (!is_safe(claims, frames, f) || used[f - FIRST]++)
				return false;
		}
	}
	return true;
}

/* All that is claimed and no destination is given out once: staged, scratch, low or pool. */
static bool all_is_right(const char *claims, const char *frames)
{
	uint8_t used[MOST] = {0};
	size_t i;

	for (i = 0; frames[i]; i++) {
		if (!frame_is_right(claims, frames, i, used))
			return false;
	}
	if (!scratch_is_right(claims, frames, used) || !take_all(claims, frames, used, &plan.low) ||
	    !take_all(claims, frames, used, &plan.pool))
		return false;
	for (i = 0; frames[i]; i++) {
		if (is_safe(claims, frames, FIRST + i) != (used[i] == 1))
			return false;
	}
	return true;
}

static size_t count_of(const char *claims, const char *frames, char claim, char frame)
{
	size_t n = 0;
	size_t i;

	for (i = 0; frames[i]; i++)
		n += (claims[i] == 'C') == (claim == 'C') && frames[i] == frame;
	return n;
}

/* Makes and checks the plan; *ret_err what came of it. */
static bool plan_is_right(const char *claims, const char *cuts, const char *frames,
			  unsigned scratch, enum thaw_err *ret_err)
{
	struct thaw_diag diag;
	uint64_t first;
	bool good;

	make_image(frames);
	thaw_plan_reserve(&plan, &image, &map, &memory);
	make_claims(claims, cuts);
	*ret_err = thaw_plan_find_safe(&plan, &image, &diag);
	for (; !*ret_err && scratch; scratch--)
		thaw_plan_scratch(&plan, scratch, &first);
	if (!*ret_err)
		*ret_err = thaw_plan_make(&plan, &image, &diag);
	good = *ret_err ? *ret_err == diag.code && *ret_err == THAW_NO_SAFE_FRAMES
			: all_is_right(claims, frames) &&
				  plan.placed == count_of(claims, frames, 'C', 'd') &&
				  plan.staged == count_of(claims, frames, '.', 'd') &&
				  plan.zeroed == count_of(claims, frames, 'C', 'z') &&
				  plan.late == count_of(claims, frames, '.', 'z');
	drop();
	return good;
}

static void test_tables(void)
{
	static const struct {
		const char *claims, *frames;
		enum thaw_err want;
	} rows[] = {
		{"CCCCCCCCCC", "dddd......", THAW_NO_SAFE_FRAMES},
		{"CCCCCCCCCC", "dd........", THAW_OK},
		{"CCCCCCCC", "........", THAW_OK},
		{"CCCCCCC", ".......", THAW_NO_SAFE_FRAMES},
		{"..CCCCCCCCCC..", "dd..........zz", THAW_OK},
		{"..CCCCCCCCC...", "dd...........z", THAW_NO_SAFE_FRAMES},
		{"CCCCC..CCCCCCC", "..ddddddd.....", THAW_NO_SAFE_FRAMES},
		{"CCCCCC.CCCCCCCC", "..ddddddd......", THAW_NO_SAFE_FRAMES},
		{"CCCCCC.CCCCCCCCC", "..ddddddd.......", THAW_OK},
		{"CCCCCCCCC.........", "........zdzdz.....", THAW_NO_SAFE_FRAMES},
		{"CCCCCCCCCCC.......", "..........zdzd....", THAW_OK},
		{"..............", "..dd..........", THAW_NO_SAFE_FRAMES},
		{"CCCCCCCCCCCCCC", "zzzzzz........", THAW_OK},
	};
	enum thaw_err err;
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		bool good = plan_is_right(rows[i].claims, NULL, rows[i].frames, 0, &err);

		if (!CHECK(good && err == rows[i].want))
			printf("  row %zu: %s\n", i, thaw_err_name(err));
	}
}

static void draw(char *s, const char *letters, size_t n, unsigned longest)
{
	size_t i = 0;

	while (i < n) {
		char letter = letters[(size_t)rand() % strlen(letters)];
		size_t run = 1 + (size_t)rand() % longest;

		while (run-- && i < n)
			s[i++] = letter;
	}
	s[n] = 0;
}

static void test_random(void)
{
	char claims[MOST];
	char cuts[MOST];
	char frames[MOST];
	unsigned planned = 0;
	unsigned n;
	enum thaw_err err;

	srand(2);
	for (n = 0; n < 20000; n++) {
		size_t length = 1 + (size_t)rand() % (MOST - 1);

		draw(claims, n % 3 ? "CC." : "CCCCCC.", length, 1 + n % 17);
		draw(cuts, "..|", length, 2);
		draw(frames, n % 2 ? ".dz" : "...dz", length, 1 + n % 13);
		if (!CHECK(plan_is_right(claims, cuts, frames, n % 6, &err))) {
			printf("  %s\n  %s\n", claims, frames);
			return;
		}
		planned += !err;
	}
	printf("# %u random machines, %u of them planned\n", n, planned);
}

/* --- claims
 * --------------------------------------------------------------------------------------- */

static void set_map(const struct thaw_mem_range *r, size_t n)
{
	memcpy(ranges, r, n * sizeof(*r));
	map.count = n;
}

static bool claims_are(const struct thaw_range *want, size_t n)
{
	struct thaw_range got[MOST];
	size_t count = thaw_plan_claims(&map, got);

	return count == n && (!n || !memcmp(got, want, n * sizeof(*got)));
}

static void test_claims(void)
{
	set_map((struct thaw_mem_range[]){{{0, 0xa0}, THAW_MEM_FREE}}, 1);
	CHECK(claims_are(NULL, 0));
	set_map((struct thaw_mem_range[]){{{0, 0x10000}, THAW_MEM_RESERVED}}, 1);
	CHECK(claims_are(NULL, 0));
	set_map((struct thaw_mem_range[]){{{0, 0x101}, THAW_MEM_FREE}}, 1);
	CHECK(claims_are((struct thaw_range[]){{0x100, 0x101}}, 1));
	/* A sixteenth, then 16 MiB, stay with firmware: the top of the largest range below 4 GiB.
	 */
	set_map((struct thaw_mem_range[]){{{0, 0x200}, THAW_MEM_FREE},
					  {{0x200, 0x400}, THAW_MEM_BOOT},
					  {{0x400, 0xb00}, THAW_MEM_FREE}},
		3);
	CHECK(claims_are((struct thaw_range[]){{0x100, 0x200}, {0x400, 0xb00 - 0x80}}, 2));
	set_map((struct thaw_mem_range[]){{{0x1000, 0x80000}, THAW_MEM_FREE},
					  {{0x100000, 0x10000000}, THAW_MEM_FREE}},
		2);
	CHECK(claims_are((struct thaw_range[]){{0x1000, 0x80000 - 0x1000}, {0x100000, 0x10000000}},
			 2));
	set_map((struct thaw_mem_range[]){{{0x100000, 0x100001}, THAW_MEM_FREE}}, 1);
	CHECK(claims_are((struct thaw_range[]){{0x100000, 0x100001}}, 1));
}

/* --- a large machine
 * ------------------------------------------------------------------------------- */

#define TIB_FRAMES (UINT64_C(1) << 28)
#define BIG_RUNS   1000000
#define BIG_RANGES 300

static void make_big(struct thaw_run *big)
{
	uint64_t step = TIB_FRAMES / BIG_RUNS;
	uint64_t piece = TIB_FRAMES / BIG_RANGES;
	size_t i;

	for (i = 0; i < BIG_RUNS; i++)
		big[i] = (struct thaw_run){i * step + 300, (uint32_t)step / 2,
					   i % 5 ? THAW_RUN_DATA : THAW_RUN_ZERO, 0};
	image = (struct thaw_image){.runs = big, .run_count = BIG_RUNS};
	map.count = BIG_RANGES;
	for (i = 0; i < BIG_RANGES; i++)
		ranges[i] = (struct thaw_mem_range){{i * piece, (i + 1) * piece},
						    i % 3 ? THAW_MEM_FREE : THAW_MEM_BOOT};
	ranges[BIG_RANGES - 1].frames.end = TIB_FRAMES + 1000;
}

/* Of this processor's time: others may be at work beside us. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_big(void)
{
	struct thaw_run *big = malloc(BIG_RUNS * sizeof(*big));
	struct thaw_diag diag;
	double began;
	uint64_t where;

	make_big(big);
	began = seconds();
	CHECK(thaw_plan_check(&image, &map, &diag) == THAW_OK);
	CHECK(thaw_plan_reserve(&plan, &image, &map, &memory) == THAW_OK);
	plan.claim_count = thaw_plan_claims(&map, plan.claims);
	CHECK(thaw_plan_find_safe(&plan, &image, &diag) == THAW_OK);
	CHECK(thaw_plan_make(&plan, &image, &diag) == THAW_OK);
	began = seconds() - began;
	CHECK(plan.placed && plan.staged && plan.zeroed && plan.late);
	CHECK(thaw_plan_where(&plan, 300 + TIB_FRAMES / BIG_RUNS, &where));
	allocated += BIG_RUNS * sizeof(*big);
	printf("# 1 TiB, a million runs: planned in %.0f ms, bookkeeping %.4f %% of RAM\n",
	       began * 1e3, 100.0 * (double)allocated / (double)(TIB_FRAMES * THAW_PAGE_SIZE));
	CHECK(began < 1.0);
	CHECK(allocated * 1000 < TIB_FRAMES * THAW_PAGE_SIZE);
	drop();
	free(big);
}

int main(void)
{
	RUN(test_tables);
	RUN(test_random);
	RUN(test_claims);
	RUN(test_big);
	return check_summary();
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_handoff.c: page tables over more RAM than a simulator holds, and a pool that ends after
 * every number of pages. What the tables say of whole machines is checked by walking them.
 */
#include <stdlib.h>
#include <string.h>

#include <thaw/loader.h>

#include "check.h"

#define PAGE	    4096
#define POOL_FIRST  0x1000
#define POOL_FRAMES 200
#define JUMP_VA	    UINT64_C(0xffffffff81234000)
#define JUMP_PA	    UINT64_C(0x7654000)
#define NOWHERE	    UINT64_MAX
#define ADDRESS	    UINT64_C(0x000ffffffffff000)

static uint8_t pool[POOL_FRAMES][PAGE];
static unsigned strays;

static void *frame(struct thaw_machine *m, uint64_t n)
{
	(void)m;
	if (n >= POOL_FIRST && n < POOL_FIRST + POOL_FRAMES)
		return pool[n - POOL_FIRST];
	strays++;
	return pool[0];
}

static struct thaw_range gap;
static struct thaw_target targets[400];
static struct thaw_image image;
static struct thaw_plan plan;
static struct thaw_machine machine;
static struct thaw_handoff handoff;

static void begin(void)
{
	memset(pool, 0xa5, sizeof(pool));
	strays = 0;
	gap = (struct thaw_range){POOL_FIRST, POOL_FIRST + POOL_FRAMES};
	image = (struct thaw_image){.facts = {.jump_va = JUMP_VA, .jump_pa = JUMP_PA}};
	plan = (struct thaw_plan){.gaps = &gap, .targets = targets};
	plan.low = (struct thaw_pool){.gaps = &gap, .count = 1, .left = 8};
	plan.pool =
		(struct thaw_pool){.gaps = &gap, .count = 1, .done = 8, .left = POOL_FRAMES - 8};
	machine = (struct thaw_machine){.frame = frame, .cpu.phys_bits = 52};
}

static uint64_t translate(uint64_t root, unsigned levels, uint64_t va, unsigned *ret_shift)
{
	uint64_t entry = root;
	unsigned shift;

	for (shift = 12 + 9 * (levels - 1);; shift -= 9) {
		entry = thaw_le64((uint8_t *)frame(NULL, (entry & ADDRESS) >> 12) +
				  (va >> shift) % 512 * 8);
		if ((entry & 3) != 3 || entry >> 63)
			return NOWHERE;
		if (shift == 12 || (shift <= 30 && (entry & 0x80)))
			break;
	}
	*ret_shift = shift;
	return (entry & ADDRESS) | (va & ((UINT64_C(1) << shift) - 1));
}

static enum thaw_err build(const struct thaw_memmap *map, bool la57)
{
	struct thaw_diag diag;
	enum thaw_err err = thaw_handoff_build(&handoff, &machine, &image, &plan, map, la57, &diag);

	CHECK(!err || diag.code == err);
	return err;
}

/* --- large machines ----------------------------------------------------------------------------
 */

static struct thaw_mem_range large[] = {
	{{0x00000, 0x000a0}, THAW_MEM_FREE},	   {{0x00100, 0x1fffe}, THAW_MEM_BOOT},
	{{0x1fffe, 0x30000}, THAW_MEM_FREE},	   {{0x30000, 0x30010}, THAW_MEM_ACPI},
	{{0x3fe00, 0xa0001}, THAW_MEM_FREE},	   {{0xfffc0, 0xfffff}, THAW_MEM_RUNTIME},
	{{0x100000, 0x4c0123}, THAW_MEM_FREE},	   {{0x7c0123, 0x8c0000}, THAW_MEM_FREE},
	{{0x40000000, 0x50000000}, THAW_MEM_FREE},
};
static const struct thaw_memmap map = {large, THAW_ARRAY_LEN(large), THAW_ARRAY_LEN(large)};

static bool is_one_to_one(uint64_t root, unsigned levels, uint64_t f, unsigned *shift)
{
	return translate(root, levels, f << 12, shift) == f << 12;
}

/* Every 2 MiB, both sides of each edge. */
static void check_tables(uint64_t root, unsigned levels, unsigned *gib)
{
	const struct thaw_mem_range *r;
	unsigned shift = 0;
	uint64_t f;

	for (r = large; r < large + THAW_ARRAY_LEN(large); r++) {
		if (r->type > THAW_MEM_BOOT)
			continue;
		for (f = r->frames.first; f < r->frames.end; f += 512) {
			CHECK(is_one_to_one(root, levels, f, &shift));
			*gib += shift == 30;
		}
		CHECK(is_one_to_one(root, levels, r->frames.end - 1, &shift));
		f = (r->frames.end + 511) / 512 * 512;
		if (r + 1 == large + THAW_ARRAY_LEN(large) || r[1].frames.first / 512 * 512 > f)
			CHECK(translate(root, levels, f << 12, &shift) == NOWHERE);
	}
	CHECK(translate(root, levels, JUMP_VA + 5, &shift) == JUMP_PA + 5 && shift == 12);
	CHECK(translate(root, levels, JUMP_VA + PAGE, &shift) == NOWHERE);
}

static void test_large(void)
{
	unsigned n;
	unsigned gib;

	for (n = 0; n < 8; n++) {
		begin();
		gib = 0;
		machine.cpu.has_gib_pages = n & 1;
		machine.cpu.runs_la57 = n & 2;
		/* Without pages of 1 GiB a machine of 1 TiB needs more tables. */
		large[8].frames.end = n & 1 ? 0x50000000 : 0x40008000;
		CHECK(build(&map, n & 4) == THAW_OK);
		check_tables(handoff.tables, n & 2 ? 5 : 4, &gib);
		CHECK((gib != 0) == (n & 1));
		CHECK((handoff.other_tables == 0) == (!(n & 2) == !(n & 4)));
		if (handoff.other_tables)
			check_tables(handoff.other_tables, n & 2 ? 4 : 5, &gib);
		CHECK(!strays && !handoff.copies);
	}
}

/* --- not enough ----------------------------------------------------------------------------------
 */

static void make_targets(void)
{
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(targets); i++)
		targets[i] = (struct thaw_target){
			.frame = 0x2000 + 2 * i,
			.where = POOL_FIRST + 150,
			.count = 1,
			.kind = i % 4 ? THAW_TARGET_STAGE : THAW_TARGET_LATE,
		};
	plan.target_count = i;
}

/* The pool, or the low pages, end after every number of pages: a refusal, until there are enough.
 */
static void test_short_pool(void)
{
	uint64_t n;
	enum thaw_err err = THAW_NO_SAFE_FRAMES;

	for (n = 0; err && n < POOL_FRAMES - 8; n++) {
		begin();
		make_targets();
		plan.scratch[0] = gap;
		plan.scratch_count = 1;
		plan.pool.left = n;
		large[8].frames.end = 0x40008000;
		err = build(&map, false);
		CHECK(err == THAW_OK || err == THAW_NO_SAFE_FRAMES);
	}
	CHECK(!err && n > 20 && !strays);
	for (n = 0; n < 3; n++) {
		begin();
		plan.low.left = n;
		CHECK(build(&map, false) == THAW_NO_SAFE_FRAMES);
	}
}

static void check_va(uint64_t va, enum thaw_err want)
{
	begin();
	image.facts.jump_va = va;
	CHECK(build(&map, false) == want);
}

/* An entry point among the addresses that are mapped one to one cannot be mapped too. */
static void test_entry_address(void)
{
	check_va(JUMP_VA, THAW_OK);
	check_va(UINT64_C(0xffff800000000000), THAW_OK);
	check_va(UINT64_C(0x00007fff00000000), THAW_ENTRY_TABLES);
	check_va(UINT64_C(0xff11000000000000), THAW_ENTRY_TABLES);
	check_va(0x1000, THAW_ENTRY_TABLES);
}

/* The copies stand in the order: staged and late, then zeroes over the copies and over scratch. */
static void test_copies(void)
{
	const struct thaw_copy_page *page;
	uint64_t staged = 0;
	uint64_t late = 0;
	uint64_t wiped = 0;
	uint64_t i;

	begin();
	make_targets();
	plan.scratch[0] = (struct thaw_range){POOL_FIRST + 160, POOL_FIRST + 170};
	plan.scratch_count = 1;
	CHECK(build(&map, false) == THAW_OK);
	for (page = NULL; !page || page->next;) {
		page = frame(NULL, (page ? page->next : handoff.copies) >> 12);
		for (i = 0; i < page->count; i++) {
			const struct thaw_copy *c = &page->copy[i];

			CHECK(!wiped || !c->from);
			staged += c->from != 0;
			late += !c->from && c->to >> 12 >= 0x2000;
			wiped += !c->from && c->to >> 12 < 0x2000 ? c->pages : 0;
		}
	}
	CHECK(staged == 300 && late == 100 && wiped == 300 + 10);
}

int main(void)
{
	RUN(test_large);
	RUN(test_short_pool);
	RUN(test_entry_address);
	RUN(test_copies);
	return check_summary();
}

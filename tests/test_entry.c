/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_entry.c: the way into the image: paging depth, addresses that the processor does not have,
 * and where the hand-off's own pages may lie.
 */
#include <string.h>

#include "check.h"
#include "scene.h"

#define PAGE	 4096
#define BELOW_4G 0x100000

static void begin(struct scene *c, unsigned levels, bool runs_la57)
{
	scene_begin(c, &(struct scene_options){.codec = THAW_CODEC_LZ4,
					       .levels = levels,
					       .leaf = 3,
					       .runs_la57 = runs_la57});
}

static bool ends(struct scene *c, enum thaw_err want)
{
	bool good;

	scene_finish(c);
	good = scene_ends(c, want);
	scene_free(c);
	return good;
}

static void test_depth(void)
{
	struct scene c;

	begin(&c, 5, false);
	CHECK(ends(&c, THAW_OK));
	begin(&c, 4, true);
	CHECK(ends(&c, THAW_OK));
	begin(&c, 5, false);
	c.sim.m.cpu.has_la57 = false;
	CHECK(ends(&c, THAW_ENTRY_DEPTH));
	begin(&c, 4, false);
	c.sim.m.cpu.has_la57 = false;
	CHECK(ends(&c, THAW_OK));
}

/* Image frames above 4 GiB are named by tables; a processor with 32 bits of address has them not.
 */
static void test_phys_bits(void)
{
	struct scene c;

	begin(&c, 4, false);
	c.sim.m.cpu.phys_bits = 52;
	CHECK(ends(&c, THAW_OK));
	begin(&c, 4, false);
	c.sim.m.cpu.phys_bits = 20;
	CHECK(ends(&c, THAW_ENTRY_ENCRYPTED));
}

static void set_cr3(struct scene *c, uint64_t bits)
{
	c->picture.root_pa |= bits;
	synth_put64(c->picture.info + 16, c->picture.root_pa);
}

/* The task that hibernated has its addresses masked, and Linux's header tells: bits 61 and 62. */
static void test_masking(void)
{
	static const enum synth_format formats[] = {SYNTH_LINUX, SYNTH_OWN};
	struct scene c;
	size_t i;

	for (i = 0; i < 4; i++) {
		scene_begin(&c, &(struct scene_options){.format = formats[i / 2],
							.codec = THAW_CODEC_LZ4,
							.levels = i % 2 ? 5 : 4});
		set_cr3(&c, (UINT64_C(1) + i % 2) << 61);
		c.sim.m.cpu.has_lam = true;
		CHECK(ends(&c, THAW_OK));
	}
	begin(&c, 4, false);
	set_cr3(&c, UINT64_C(1) << 61);
	CHECK(ends(&c, THAW_ENTRY_MASKING));
	begin(&c, 4, false);
	set_cr3(&c, UINT64_C(5) << 60);
	c.sim.m.cpu.has_lam = true;
	CHECK(ends(&c, THAW_ENTRY_ENCRYPTED));
}

static uint8_t *table(struct scene *c, uint64_t pa)
{
	return ((struct synth_frame *)synth_find(&c->picture, pa >> 12))->data;
}

/* A picture whose tables lead to the entry both as four and as five levels: nobody can tell. */
static void test_ambiguous(void)
{
	struct scene c;
	uint64_t second;
	uint64_t leaf;
	size_t i;

	begin(&c, 4, false);
	second = thaw_le64(table(&c, c.picture.root_pa) + 511 * 8) & ~UINT64_C(0xfff);
	leaf = thaw_le64(table(&c, second) + 510 * 8);
	for (i = 0; i < c.picture.frame_count; i++) {
		uint64_t pa = c.picture.frames[i].pfn << 12;

		if (c.picture.frames[i].data && pa != second && pa != c.picture.root_pa &&
		    pa != c.picture.jump_pa)
			break;
	}
	synth_put64(table(&c, second) + 511 * 8, c.picture.frames[i].pfn << 12 | 0x67);
	synth_put64(c.picture.frames[i].data + 510 * 8, leaf);
	CHECK(ends(&c, THAW_ENTRY_TABLES));
}

/* --- where the hand-off may lie -----------------------------------------------------------------
 */

static bool ends_in(const struct thaw_mem_range *ranges, size_t count, uint64_t first,
		    unsigned levels, enum thaw_err want)
{
	struct synth_options o = {
		.codec = THAW_CODEC_LZO1X,
		.levels = levels,
		.leaf = 2,
		.digest = sim_digest(ranges, count),
	};
	struct scene c = {0};
	bool good;

	synth_init(&c.picture, &o);
	synth_add(&c.picture, first, 20, false);
	synth_draw(&c.picture);
	sim_init(&c.sim, ranges, count);
	scene_finish(&c);
	good = scene_ends(&c, want);
	scene_free(&c);
	return good;
}

/* The switch of depth needs pages below 4 GiB; without it any will do. */
static void test_all_above_4g(void)
{
	static const struct thaw_mem_range ranges[] = {
		{{0x1000, 0x1010}, THAW_MEM_BOOT},
		{{BELOW_4G, BELOW_4G + 0x500}, THAW_MEM_FREE},
	};

	CHECK(ends_in(ranges, 2, BELOW_4G + 8, 4, THAW_OK));
	CHECK(ends_in(ranges, 2, BELOW_4G + 8, 5, THAW_NO_SAFE_FRAMES));
}

/* RAM in all four corners of what one root maps; beyond it there is nothing to map it with. */
static void test_far_ram(void)
{
	static struct thaw_mem_range ranges[] = {
		{{0x1000, 0x1500}, THAW_MEM_FREE},
		{{0x7ffffff00, 0x800000000}, THAW_MEM_BOOT},
	};

	CHECK(ends_in(ranges, 2, 0x1010, 4, THAW_OK));
	ranges[1].frames = (struct thaw_range){0x800000000, 0x800000010};
	CHECK(ends_in(ranges, 2, 0x1010, 4, THAW_NO_SAFE_FRAMES));
	ranges[1].frames = (struct thaw_range){0x7fffffff8, 0x800000008};
	CHECK(ends_in(ranges, 2, 0x1010, 4, THAW_NO_SAFE_FRAMES));
	ranges[1].frames = (struct thaw_range){0x1000000000, 0x1000000008};
	CHECK(ends_in(ranges, 2, 0x1010, 4, THAW_NO_SAFE_FRAMES));
}

/* Ranges that touch, and that begin and end inside the same 2 MiB and 1 GiB. */
static void test_odd_ranges(void)
{
	static const struct thaw_mem_range ranges[] = {
		{{0x1000, 0x1601}, THAW_MEM_FREE},   {{0x1601, 0x1603}, THAW_MEM_RESERVED},
		{{0x1603, 0x1604}, THAW_MEM_FREE},   {{0x1604, 0x1605}, THAW_MEM_BOOT},
		{{0x1605, 0x1607}, THAW_MEM_FREE},   {{0x3ffff, 0x40001}, THAW_MEM_FREE},
		{{0x7fffe, 0x80000}, THAW_MEM_FREE}, {{0x80000, 0x80010}, THAW_MEM_BOOT},
	};

	CHECK(ends_in(ranges, THAW_ARRAY_LEN(ranges), 0x1100, 4, THAW_OK));
	CHECK(ends_in(ranges, THAW_ARRAY_LEN(ranges), 0x15f0, 5, THAW_FRAME_FIRMWARE));
}

int main(void)
{
	RUN(test_depth);
	RUN(test_phys_bits);
	RUN(test_masking);
	RUN(test_ambiguous);
	RUN(test_all_above_4g);
	RUN(test_far_ram);
	RUN(test_odd_ranges);
	return check_summary();
}

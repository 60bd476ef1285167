/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_drift.c: which changes of the memory map are restored over, and which are not (T34).
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "scene.h"

#define MOST 24

struct table {
	struct thaw_mem_range ranges[MOST];
	size_t count;
};

/* A machine with firmware's bins side by side, and a lone range of ACPI data amid RAM. */
static const struct table saved = {
	{
		{{0x0000, 0x00a0}, THAW_MEM_FREE},
		{{0x00a0, 0x0100}, THAW_MEM_RESERVED},
		{{0x0100, 0x1000}, THAW_MEM_FREE},
		{{0x1000, 0x1003}, THAW_MEM_ACPI},
		{{0x1003, 0x2000}, THAW_MEM_FREE},
		{{0x2000, 0x2010}, THAW_MEM_ACPI},
		{{0x2010, 0x2080}, THAW_MEM_NVS},
		{{0x2080, 0x2100}, THAW_MEM_RUNTIME},
		{{0x2100, 0x2800}, THAW_MEM_FREE},
		{{0x2900, 0x2908}, THAW_MEM_ACPI},
		{{0xb0000, 0xc0000}, THAW_MEM_RESERVED},
		{{0x100000, 0x140000}, THAW_MEM_FREE},
	},
	12,
};

enum index {LOW, EBDA, RAM1, LONE, RAM2, TABLES, NVS, RUNTIME, RAM3, ISLAND, ECAM, HIGH};

static struct thaw_drift first;
static unsigned told;

static void count_told(void *arg, const struct thaw_drift *drift)
{
	(void)arg;
	(void)drift;
	told++;
}

static enum thaw_err compare(const struct table *today)
{
	struct thaw_e820 entries[MOST];
	struct table before = saved;
	struct table now = *today;
	struct thaw_memmap then = {before.ranges, before.count, MOST};
	struct thaw_memmap map = {now.ranges, now.count, MOST};
	size_t count = 0;
	size_t i = 0;

	while (thaw_memmap_next_e820(&then, &i, &entries[count]))
		count++;
	told = 0;
	first = (struct thaw_drift){0};
	return thaw_drift_compare(entries, count, &map, &first, count_told, NULL);
}

/* A saved table that no firmware has: its ends run over. Today's machine has all of its RAM. */
static void test_ends_that_run_over(void)
{
	static const struct {
		struct thaw_e820 range;
		const char *what;
	} rows[] = {
		{{0x1000, UINT64_MAX - 0x7ff, THAW_E820_RAM}, "map-ram-gone"},
		{{0x100000000, UINT64_MAX - 0x0fffff, THAW_E820_RAM}, "map-ram-gone"},
		{{0x1000000, UINT64_MAX - 0xf00000, THAW_E820_ACPI}, "map-gone"},
		{{UINT64_MAX - 0xfff, 0x2000, THAW_E820_RAM}, "map-ram-gone"},
		{{UINT64_MAX - 0xfff, 0x2000, THAW_E820_ACPI}, "map-gone"},
		{{UINT64_MAX - 0xfff, 0x1000, THAW_E820_NVS}, "map-gone"},
	};
	struct thaw_mem_range ram[] = {{{0x0000, 0x140000}, THAW_MEM_FREE}};
	struct thaw_memmap map = {ram, 1, 1};

	for (size_t i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		first = (struct thaw_drift){0};
		CHECK(thaw_drift_compare(&rows[i].range, 1, &map, &first, NULL, NULL) ==
		      THAW_MEMORY_MAP);
		if (!CHECK(first.what && !strcmp(first.what, rows[i].what)))
			printf("  %zu: %s\n", i, first.what ? first.what : "ok");
	}
}

static bool refuses(const struct table *today, const char *what)
{
	bool good = compare(today) == THAW_MEMORY_MAP && first.what && !strcmp(first.what, what);

	if (!good)
		printf("  %s instead of %s\n", first.what ? first.what : "ok", what);
	return good;
}

/* A range of another type there, or none. */
static struct table with_type(enum index i, enum thaw_mem_type type)
{
	struct table t = saved;

	t.ranges[i].type = type;
	return t;
}

static struct table without(enum index i)
{
	struct table t = saved;

	memmove(&t.ranges[i], &t.ranges[i + 1], (t.count - i - 1) * sizeof(t.ranges[0]));
	t.count--;
	return t;
}

static struct table moved(enum index i, int64_t by)
{
	struct table t = saved;

	t.ranges[i - 1].frames.end += (uint64_t)by;
	t.ranges[i].frames.first += (uint64_t)by;
	t.ranges[i].frames.end += (uint64_t)by;
	t.ranges[i + 1].frames.first += (uint64_t)by;
	return t;
}

static void test_nothing_moved(void)
{
	CHECK(compare(&saved) == THAW_OK);
	CHECK(!told);
}

static void test_lone_acpi_data_may_go(void)
{
	struct table t = with_type(LONE, THAW_MEM_FREE);

	CHECK(compare(&t) == THAW_OK);
	CHECK(told == 1);
	t = with_type(LONE, THAW_MEM_BOOT);
	CHECK(compare(&t) == THAW_OK);
}

static void test_ram_may_grow(void)
{
	struct table t = saved;

	t.ranges[HIGH].frames.end += 0x1000;
	CHECK(compare(&t) == THAW_OK);
	t = saved;
	t.ranges[RAM3].frames.end += 0x80;
	CHECK(compare(&t) == THAW_OK);
}

static void test_ram_may_not_shrink(void)
{
	struct table t = saved;

	t.ranges[HIGH].frames.end -= 1;
	CHECK(refuses(&t, "map-ram-gone"));
	t = without(HIGH);
	CHECK(refuses(&t, "map-ram-gone"));
}

/* Not even the lone one: where it lies now the image kernel has RAM. */
static void test_nothing_may_move(void)
{
	struct table t = moved(LONE, 0x20);

	CHECK(compare(&t) == THAW_MEMORY_MAP);
	t = moved(LONE, -1);
	CHECK(compare(&t) == THAW_MEMORY_MAP);
	t = moved(NVS, 4);
	CHECK(compare(&t) == THAW_MEMORY_MAP);
	t = moved(RUNTIME, 1);
	CHECK(compare(&t) == THAW_MEMORY_MAP);
}

static void test_nothing_else_may_go(void)
{
	static const enum index gone[] = {EBDA, TABLES, NVS, RUNTIME, ECAM};
	struct table t;
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(gone); i++) {
		t = with_type(gone[i], THAW_MEM_FREE);
		CHECK(refuses(&t, "map-gone"));
		t = without(gone[i]);
		CHECK(refuses(&t, "map-gone"));
	}
}

/* Gone into a hole: neither the table nor RAM. */
static void test_hole_instead_of_acpi_data(void)
{
	struct table t = without(LONE);

	CHECK(compare(&t) == THAW_MEMORY_MAP);
	t = without(ISLAND);
	CHECK(refuses(&t, "map-gone"));
}

static void test_nothing_may_be_new(void)
{
	struct table t = saved;

	t.ranges[t.count++] = (struct thaw_mem_range){{0x200000, 0x200010}, THAW_MEM_RESERVED};
	CHECK(refuses(&t, "map-new"));
	t.ranges[t.count - 1].type = THAW_MEM_ACPI;
	CHECK(refuses(&t, "map-new"));
	t = with_type(NVS, THAW_MEM_ACPI);
	CHECK(compare(&t) == THAW_MEMORY_MAP);
}

static void test_sizes_count(void)
{
	struct table t = saved;

	t.ranges[TABLES].frames.first -= 1;
	t.ranges[RAM2].frames.end -= 1;
	CHECK(compare(&t) == THAW_MEMORY_MAP);
	t = saved;
	t.ranges[ECAM].frames.end += 1;
	CHECK(compare(&t) == THAW_MEMORY_MAP);
}

/* --- the whole story: the saved table lies among the image's pages ------------------------ */

/* A frame of plain data whose neighbour is plain data too. */
static struct synth_frame *plain_pair(struct synth *s)
{
	uint64_t entry = s->jump_pa >> THAW_PAGE_SHIFT;
	struct synth_frame *f;
	size_t i;

	for (i = s->frame_count - 2; i > 0; i--) {
		f = &s->frames[i];
		if (f[0].data && f[1].data && f[1].pfn == f[0].pfn + 1 && f[0].pfn != entry &&
		    f[1].pfn != entry && thaw_le64(f[0].data + 1024) == f[0].pfn &&
		    thaw_le64(f[1].data + 1024) == f[1].pfn)
			return f;
	}
	return NULL;
}

/* Writes a table across two frames if offset is near the end of the first. */
static void write_table(struct synth_frame *f, size_t offset, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++, offset++)
		f[offset / 4096].data[offset % 4096] = bytes[i];
}

/* Today's map with a lone range of ACPI data where its last RAM ends. */
static size_t map_then(const struct sim *sim, struct thaw_mem_range *ret, bool twice)
{
	struct thaw_mem_range *last;

	memcpy(ret, sim->ranges, sim->range_count * sizeof(*ret));
	last = &ret[sim->range_count - 1];
	ret[sim->range_count] = *last;
	last->frames.end -= twice ? 3 : 2;
	ret[sim->range_count].frames.first = last->frames.end;
	ret[sim->range_count].type = twice ? THAW_MEM_NVS : THAW_MEM_ACPI;
	return sim->range_count + 1;
}

static void hide_table(struct scene *c, size_t offset, bool other_type, bool md5)
{
	struct thaw_mem_range ranges[32];
	struct thaw_memmap then = {ranges, map_then(&c->sim, ranges, other_type), 32};
	uint8_t bytes[4 + 32 * sizeof(struct thaw_e820)];
	struct thaw_e820 entry;
	uint32_t count = 0;
	size_t i = 0;

	while (thaw_memmap_next_e820(&then, &i, &entry))
		memcpy(bytes + 4 + count++ * sizeof(entry), &entry, sizeof(entry));
	memcpy(bytes, &count, sizeof(count));
	c->picture.options.digest = sim_digest(ranges, then.count);
	synth_put64(c->picture.info + 32, sim_digest(ranges, then.count));
	if (md5) {
		synth_put64(c->picture.info + 24, UINT64_C(0x23456789ABCDEF01));
		sim_md5(ranges, then.count, c->picture.info + 32);
	}
	if (offset)
		write_table(plain_pair(&c->picture), offset, bytes, 4 + count * sizeof(entry));
}

static enum thaw_err restore_by(enum synth_format format, size_t offset, bool other_type, bool md5)
{
	struct scene c;
	enum thaw_err err = THAW_BUG;

	scene_begin(&c, &(struct scene_options){
				.size = SCENE_MANY,
				.format = format,
				.codec = format == SYNTH_LINUX ? THAW_CODEC_LZO1X : THAW_CODEC_LZ4});
	if (CHECK(plain_pair(&c.picture) != NULL)) {
		hide_table(&c, offset, other_type, md5);
		scene_finish(&c);
		CHECK(scene_restore(&c, &err));
		CHECK((err == THAW_OK) == (c.sim.jumps == 1));
	}
	scene_free(&c);
	return err;
}

static enum thaw_err restore_over(size_t offset, bool other_type)
{
	return restore_by(SYNTH_LINUX, offset, other_type, false);
}

/* Looking through all of memory takes its time: there are signs of life, and it can be cancelled. */
static void test_search_can_be_cancelled(void)
{
	enum { STEP = 1024 };
	struct scene c;
	enum thaw_err err = THAW_CANCELLED;
	unsigned cancelled = 0;

	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY, .codec = THAW_CODEC_LZO1X});
	hide_table(&c, 0, false, false);
	scene_finish(&c);
	c.sim.fail_op = SIM_PROGRESS;
	while (err == THAW_CANCELLED) {
		c.sim.fail_at = ++cancelled;
		scene_rewind(&c);
		CHECK(scene_restore(&c, &err));
	}
	CHECK(err == THAW_MEMORY_MAP);
	/* While it was loaded, and while it was searched. */
	CHECK(c.picture.data_count > 2 * STEP && cancelled > c.picture.data_count / STEP * 2);
	scene_free(&c);
}

static void test_md5_proves_the_table(void)
{
	CHECK(restore_by(SYNTH_LINUX, 2048, false, true) == THAW_OK);
	CHECK(restore_by(SYNTH_LINUX, 0, false, true) == THAW_MEMORY_MAP);
	CHECK(restore_by(SYNTH_LINUX, 2048, true, true) == THAW_MEMORY_MAP);
}

/* thaw's own form, of which nobody but the digest knows the map: looked for in the same way. */
static void test_own_form_without_map(void)
{
	CHECK(restore_by(SYNTH_OWN, 2048, false, false) == THAW_OK);
	CHECK(restore_by(SYNTH_OWN, 0, false, false) == THAW_MEMORY_MAP);
	CHECK(restore_by(SYNTH_OWN, 2048, true, false) == THAW_MEMORY_MAP);
}

static void test_restores_over_drift(void)
{
	CHECK(restore_over(2048, false) == THAW_OK);
	CHECK(restore_over(8, false) == THAW_OK);
	CHECK(restore_over(4096 - 64, false) == THAW_OK); /* on into the next frame */
}

static void test_refuses_without_table(void)
{
	CHECK(restore_over(0, false) == THAW_MEMORY_MAP);
	CHECK(restore_over(2044, false) == THAW_MEMORY_MAP); /* no slab object lies there */
}

static void test_refuses_worse_drift(void)
{
	CHECK(restore_over(2048, true) == THAW_MEMORY_MAP);
}

/* --- ACPI's tables, within ranges that did not move ----------------------------------------- */

/* scene.c's machine has ACPI data there. */
#define ACPI_FRAME 0x1800
#define AT(offset) (ACPI_FRAME * UINT64_C(4096) + (offset))

struct desc {
	uint64_t address;
	char name[5];
};

#define LIST_MAX 5

struct list {
	size_t offset; /* in the frames of plain_pair() */
	struct desc tables[LIST_MAX];
};

static void *frame_with_tables(struct thaw_machine *m, uint64_t n)
{
	static uint8_t page[4096] __attribute__((aligned(4096)));

	if (n != ACPI_FRAME)
		return sim_frame((struct sim *)m, n);
	memcpy(page, "FACP\x40", 5);
	memcpy(page + 0x100, "DSDT\x40", 5);
	memcpy(page + 0xff8, "FACS\x40", 5);
	return page;
}

static const void *no_table(struct thaw_machine *m, const uint8_t guid[16])
{
	(void)m;
	(void)guid;
	return NULL;
}

/* The tables have 64 bytes, and had them but for one. */
static void hide_list(struct scene *c, const struct list *list, size_t grown)
{
	uint8_t bytes[(LIST_MAX + 1) * 32] = {0};
	size_t i;

	for (i = 0; i < LIST_MAX; i++) {
		synth_put64(bytes + i * 32, list->tables[i].address);
		synth_put32(bytes + i * 32 + 16, i == grown ? 63 : 64);
		memcpy(bytes + i * 32 + 20, list->tables[i].name, 4);
	}
	write_table(plain_pair(&c->picture), list->offset, bytes, sizeof(bytes));
}

/* NULL: the image has none. */
static enum thaw_err restore_grown(const struct list *list, size_t grown)
{
	struct scene c;
	enum thaw_err err = THAW_BUG;

	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY, .codec = THAW_CODEC_LZO1X});
	hide_table(&c, 1024 + 256, false, false);
	if (list)
		hide_list(&c, list, grown);
	scene_finish(&c);
	c.sim.frame = frame_with_tables;
	c.sim.find_table = no_table;
	CHECK(scene_restore(&c, &err));
	CHECK((err == THAW_OK) == (c.sim.jumps == 1));
	scene_free(&c);
	return err;
}

static enum thaw_err restore_with(const struct list *list)
{
	return restore_grown(list, LIST_MAX);
}

static void test_acpi_where_it_was(void)
{
	static const struct list good[] = {
		{3072, {{AT(0), "FACP"}}},
		{3072, {{AT(0), "FACP"}, {AT(0x100), "DSDT"}, {AT(0xff8), "FACS"}}},
		/* On into the next frame; made by the kernel; out of an initramfs. */
		{4096 - 40, {{AT(0), "FACP"}, {AT(0x100), "DSDT"}, {AT(0xff8), "FACS"}}},
		{3072, {{AT(0), "FACP"}, {UINT64_C(0xffff888000001000), "SSDT"}, {AT(0xff8), "FACS"}}},
		{3072, {{AT(0), "FACP"}, {0x300000, "SSDT"}, {AT(0xff8), "FACS"}}},
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(good); i++)
		CHECK(restore_with(&good[i]) == THAW_OK);
}

static void test_acpi_moved(void)
{
	static const struct list bad[] = {
		{3072, {{AT(0), "FACP"}, {AT(0x100), "DSDT"}, {AT(0xfd8), "FACS"}}},
		{3072, {{AT(0), "FACP"}, {AT(0x100), "FACS"}}},
		{3072, {{AT(0), "FACP"}, {AT(0xffc), "SSDT"}}},		/* across two frames */
		{3072, {{AT(0), "FACP"}, {0x1400000, "SSDT"}}},		/* runtime services */
		{3072, {{AT(0), "FACP"}, {0x500000000, "SSDT"}}},	/* nowhere */
		{3072, {{AT(0), "FACP"}, {UINT64_C(0x1007ff000), "SSDT"}}}, /* in what is gone */
		{3072, {{AT(0x20), "FACP"}}},
		{3072, {{0x300000, "FACP"}}},
		{3076, {{AT(0), "FACP"}}}, /* no kernel's, so aligned */
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(bad); i++)
		CHECK(restore_with(&bad[i]) == THAW_FIRMWARE_TABLE);
	CHECK(restore_with(NULL) == THAW_FIRMWARE_TABLE);
}

static void test_acpi_grown(void)
{
	static const struct list list = {3072, {{AT(0), "FACP"}, {AT(0x100), "DSDT"}}};

	CHECK(restore_grown(&list, 0) == THAW_FIRMWARE_TABLE);
	CHECK(restore_grown(&list, 1) == THAW_FIRMWARE_TABLE);
	CHECK(restore_grown(&list, 2) == THAW_OK);
}

int main(void)
{
	RUN(test_nothing_moved);
	RUN(test_lone_acpi_data_may_go);
	RUN(test_ram_may_grow);
	RUN(test_ram_may_not_shrink);
	RUN(test_nothing_may_move);
	RUN(test_nothing_else_may_go);
	RUN(test_hole_instead_of_acpi_data);
	RUN(test_nothing_may_be_new);
	RUN(test_sizes_count);
	RUN(test_ends_that_run_over);
	RUN(test_restores_over_drift);
	RUN(test_search_can_be_cancelled);
	RUN(test_md5_proves_the_table);
	RUN(test_own_form_without_map);
	RUN(test_refuses_without_table);
	RUN(test_refuses_worse_drift);
	RUN(test_acpi_where_it_was);
	RUN(test_acpi_moved);
	RUN(test_acpi_grown);
	return check_summary();
}

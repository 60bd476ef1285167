/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * scene.c: see scene.h.
 */
#include <stdio.h>
#include <string.h>

#include "scene.h"

struct piece {
	uint64_t first;
	uint64_t count;
	bool zero;
};

/* In sim_small's memory: below 1 MiB, in one piece, across two ranges, at the edges of claims. */
static const struct piece small[] = {
	{0x010, 3, false}, {0x013, 2, true},	 {0x020, 1, false},   {0x104, 9, false},
	{0x10d, 2, true},  {0x110, 1, false},	 {0x112, 1, true},    {0x114, 7, false},
	{0x1bc, 8, false}, {0x1c4, 3, true},	 {0x1c8, 8, false},   {0x1d6, 2, false},
	{0x1f2, 4, false}, {0x200, 3, false},	 {0x22c, 2, true},    {0x22e, 2, false},
	{0x235, 0, false}, {0x100000, 4, false}, {0x100006, 2, true},
};

static const struct piece tiny[] = {
	{0x013, 2, true}, {0x020, 1, false}, {0x104, 6, false},
	{0x10d, 2, true}, {0x1c8, 3, false}, {0x100000, 2, false},
};

/* RAM for SCENE_MANY; firmware sits in the middle. */
static const struct thaw_mem_range many_ranges[] = {
	{{0x000, 0x0a0}, THAW_MEM_FREE},   {{0x100, 0x1000}, THAW_MEM_FREE},
	{{0x1000, 0x1400}, THAW_MEM_BOOT}, {{0x1400, 0x1408}, THAW_MEM_RUNTIME},
	{{0x1408, 0x1800}, THAW_MEM_FREE}, {{0x1800, 0x1810}, THAW_MEM_ACPI},
	{{0x1810, 0x1900}, THAW_MEM_BOOT}, {{0x100000, 0x100800}, THAW_MEM_FREE},
};

/* Beyond is room for the loader's buffers. */
#define MANY_END 0x100100

static void add_pieces(struct synth *s, const struct piece *p, size_t n)
{
	for (; n; n--, p++)
		synth_add(s, p->first, p->count, p->zero);
}

/* Runs of all lengths, holes between them, one frame in eight zero; all of RAM is tried. */
static void add_many(struct synth *s)
{
	uint64_t f;
	uint64_t n;
	size_t r;

	for (r = 0; r < THAW_ARRAY_LEN(many_ranges); r++) {
		for (f = many_ranges[r].frames.first; f < many_ranges[r].frames.end; f += n) {
			n = 1 + synth_random(s) % (1u << synth_random(s) % 8);
			n = thaw_min(n, many_ranges[r].frames.end - f);
			if (f < MANY_END && many_ranges[r].type <= THAW_MEM_BOOT &&
			    synth_random(s) % 4)
				synth_add(s, f, n, synth_random(s) % 8 == 0);
		}
	}
}

static void add_crowded(struct synth *s)
{
	uint64_t f;
	size_t r;

	for (r = 0; r < sim_small_count; r++) {
		for (f = sim_small[r].frames.first; f < sim_small[r].frames.end; f++) {
			if (sim_small[r].type <= THAW_MEM_BOOT)
				synth_add(s, f, 1, false);
		}
	}
}

static void add_frames(struct synth *s, enum scene_size size)
{
	switch (size) {
	case SCENE_SMALL:
		add_pieces(s, small, THAW_ARRAY_LEN(small));
		break;
	case SCENE_TINY:
		add_pieces(s, tiny, THAW_ARRAY_LEN(tiny));
		break;
	case SCENE_MANY:
		add_many(s);
		break;
	case SCENE_CROWDED:
		add_crowded(s);
		break;
	case SCENE_NONE:
		break;
	}
}

void scene_begin(struct scene *c, const struct scene_options *o)
{
	bool many = o->size == SCENE_MANY || o->size == SCENE_NONE;
	const struct thaw_mem_range *ranges = many ? many_ranges : sim_small;
	size_t count = many ? THAW_ARRAY_LEN(many_ranges) : sim_small_count;
	struct synth_options picture = {
		.format = o->format,
		.codec = o->codec,
		.levels = o->levels ? o->levels : 4,
		.leaf = o->leaf ? o->leaf : 2,
		.endbr = o->endbr,
		.layout = o->layout,
		.header_page = o->header_page,
		.trailing_map = o->trailing_map,
		.noise = o->noise,
		.digest = sim_digest(ranges, count),
		.seed = o->seed,
	};

	memset(c, 0, sizeof(*c));
	c->options = *o;
	c->map_count = sim_e820(ranges, count, c->map);
	if (o->saved_map) {
		picture.saved_map = c->map;
		picture.saved_map_count = c->map_count;
	}
	synth_init(&c->picture, &picture);
	add_frames(&c->picture, o->size);
	if (o->size != SCENE_NONE)
		synth_draw(&c->picture);
	sim_init(&c->sim, ranges, count);
	c->sim.workers = o->workers;
	c->sim.m.cpu = (struct thaw_cpu){
		.processors = o->workers + 1,
		.phys_bits = 46,
		.has_la57 = true,
		.runs_la57 = o->runs_la57,
		.has_gib_pages = !o->no_gib_pages,
	};
}

void scene_finish(struct scene *c)
{
	synth_store(&c->picture);
	sim_insert(&c->sim, &c->picture);
	sim_background(&c->sim, c->options.background);
}

void scene_free(struct scene *c)
{
	sim_free(&c->sim);
	synth_free(&c->picture);
}

void scene_rewind(struct scene *c)
{
	size_t bytes = c->picture.disk_pages * 4096;

	memcpy(c->sim.disk.bytes, c->picture.disk, bytes);
	memcpy(c->sim.disk.before, c->picture.disk, bytes);
	sim_forget(&c->sim);
}

bool scene_restore(struct scene *c, enum thaw_err *ret_err)
{
	static const struct thaw_options options;

	*ret_err = sim_restore(&c->sim, c->options.header_page, &options, &c->report);
	if (!c->sim.faults)
		return true;
	printf("  %s: %s (%s at %s)\n", c->sim.why, thaw_err_name(*ret_err),
	       thaw_err_name(c->report.diag.code),
	       c->report.diag.where ? c->report.diag.where : "-");
	return false;
}

bool scene_ends(struct scene *c, enum thaw_err want)
{
	enum thaw_err err;
	bool good = scene_restore(c, &err);

	if (err == want)
		return good;
	printf("  %s instead of %s: %s %#llx %#llx\n", thaw_err_name(err), thaw_err_name(want),
	       c->report.diag.where ? c->report.diag.where : "-",
	       (unsigned long long)c->report.diag.a, (unsigned long long)c->report.diag.b);
	return false;
}

bool scene_restores(const struct scene_options *options)
{
	struct scene c;
	bool good;

	scene_begin(&c, options);
	scene_finish(&c);
	good = scene_ends(&c, THAW_OK);
	if (good && sim_has_remnants(&c.sim)) {
		printf("  remnants\n");
		good = false;
	}
	scene_free(&c);
	return good;
}

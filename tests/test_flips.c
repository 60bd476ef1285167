/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_flips.c: single wrong bits, on disk and, with the checksum made right again, in the PFN
 * list.
 *
 * What may come of it: a refusal with the disk untouched, or a restore that equals the picture to
 * the byte. The simulator checks both. An image without a checksum (nocompress) cannot promise as
 * much for its data, its PFN list and its map; for header and info page it can.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "scene.h"

#define PAGE 4096

static unsigned flips;
static unsigned refused;
static unsigned harmless;

static bool flip_is_survived(struct scene *c, uint64_t page, size_t byte, unsigned bit)
{
	size_t at = page * PAGE + byte;
	enum thaw_err err;
	bool good;

	scene_rewind(c);
	c->sim.disk.bytes[at] ^= (uint8_t)(1u << bit);
	c->sim.disk.before[at] ^= (uint8_t)(1u << bit);
	good = scene_restore(c, &err);
	flips++;
	refused += err != THAW_OK;
	harmless += err == THAW_OK;
	return good;
}

/* Every step-th byte of the page from..to, one bit of each; all bits if the step is 0. */
static void flip_page(struct scene *c, uint64_t page, size_t from, size_t to, size_t step)
{
	unsigned bit;
	size_t i;

	for (i = from; i < to; i += step ? step : 1) {
		for (bit = 0; bit < 8; bit++) {
			if (step && bit != synth_random(&c->picture) % 8)
				continue;
			if (!CHECK(flip_is_survived(c, page, i, bit)))
				printf("  page %llu byte %zu bit %u\n", (unsigned long long)page, i,
				       bit);
		}
	}
}

static void begin(struct scene *c, enum thaw_codec codec)
{
	scene_begin(c, &(struct scene_options){.codec = codec, .noise = 30, .seed = codec + 1u});
	scene_finish(c);
}

/* Where all fields are every bit, elsewhere samples. */
static void flip_header(struct scene *c)
{
	flip_page(c, 0, 4048, 4096, 0);
	flip_page(c, 0, 0, 4048, 97);
	flip_page(c, c->picture.info_page, 0, 48, 0);
	flip_page(c, c->picture.info_page, 384, 448, 0);
	flip_page(c, c->picture.info_page, 48, 4096, 131);
}

static void test_header_and_info(void)
{
	struct scene c;
	unsigned codec;

	for (codec = 0; codec < 3; codec++) {
		begin(&c, (enum thaw_codec)codec);
		flip_header(&c);
		scene_free(&c);
	}
}

static void test_map(void)
{
	struct scene c;

	begin(&c, THAW_CODEC_LZ4);
	flip_page(&c, c.picture.map_page[0], 0, 8 * (c.picture.stored_pages + 3), 0);
	flip_page(&c, c.picture.map_page[0], 4080, 4096, 0);
	flip_page(&c, c.picture.map_page[0], 0, 4096, 61);
	scene_free(&c);
}

static void flip_stream(enum thaw_codec codec)
{
	struct scene c;
	size_t i;

	begin(&c, codec);
	for (i = 0; i < c.picture.stored_pages; i++) {
		flip_page(&c, c.picture.stored_page[i], 0, 16, 0);
		flip_page(&c, c.picture.stored_page[i], 0, PAGE, 151);
	}
	scene_free(&c);
}

static void test_stream(void)
{
	flip_stream(THAW_CODEC_LZO1X);
	flip_stream(THAW_CODEC_LZ4);
}

/* --- the PFN list, with a right checksum ---------------------------------------------------- */

static bool is_sorted(const struct synth *s, size_t i)
{
	return (!i || s->frames[i - 1].pfn < s->frames[i].pfn) &&
	       (i + 1 == s->frame_count || s->frames[i].pfn < s->frames[i + 1].pfn);
}

/* A frame moves to where the list says now: that is an image too, unless it cannot be one. */
static bool list_flip_is_survived(struct scene *c, size_t entry, unsigned bit)
{
	struct synth_frame *f = &c->picture.frames[entry];
	uint64_t was = f->pfn;
	bool possible;
	enum thaw_err err;
	bool good;

	c->picture.list[entry] ^= UINT64_C(1) << bit;
	if (bit < 63)
		f->pfn ^= UINT64_C(1) << bit;
	possible =
		bit < 63 && is_sorted(&c->picture, entry) && sim_index(&c->sim, f->pfn) != SIZE_MAX;
	scene_finish(c);
	sim_forget(&c->sim);
	good = scene_restore(c, &err);
	c->picture.list[entry] ^= UINT64_C(1) << bit;
	f->pfn = was;
	flips++;
	refused += err != THAW_OK;
	harmless += err == THAW_OK;
	return good && (possible || err);
}

static void test_list(void)
{
	struct scene c;
	unsigned bit;
	size_t i;

	begin(&c, THAW_CODEC_LZ4);
	for (i = 0; i < c.picture.frame_count; i += 3) {
		for (bit = 0; bit < 64; bit++) {
			if (!CHECK(list_flip_is_survived(&c, i, bit)))
				printf("  entry %zu bit %u\n", i, bit);
		}
	}
	scene_free(&c);
}

int main(void)
{
	RUN(test_header_and_info);
	RUN(test_map);
	RUN(test_stream);
	RUN(test_list);
	printf("# %u flips: %u refused, %u harmless\n", flips, refused, harmless);
	return check_summary();
}

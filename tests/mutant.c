/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mutant.c: disks for fuzz targets. What makes them knows what an image looks like: it begins with a
 * good one, changes fields, list entries and bytes of the stream, and mostly makes the checksum right
 * again, so that what it changed is looked at by more than the checksum.
 */
#include <string.h>

#include "fuzz.h"
#include "mutant.h"
#include "scene.h"

#define PAGE 4096

static uint32_t state;

static uint32_t any(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static size_t make_image(uint8_t *data, size_t max)
{
	struct scene c;
	size_t n;

	scene_begin(&c, &(struct scene_options){
				.size = SCENE_TINY,
				.format = (enum synth_format)any(3),
				.saved_map = any(2),
				.codec = (enum thaw_codec)any(3),
				.levels = 4 + any(2),
				.leaf = 1 + any(3),
				.endbr = any(2),
				.layout = (enum synth_layout)any(3),
				.seed = any(1000),
			});
	synth_store(&c.picture);
	n = c.picture.disk_pages * PAGE;
	if (n > max)
		n = 0;
	memcpy(data, c.picture.disk, n);
	scene_free(&c);
	return n;
}

size_t mutant_of(uint8_t *data, size_t n, size_t max, unsigned seed)
{
	unsigned times;

	state = seed * 2654435761u + 1;
	if (n < 6 * PAGE || n > MUTANT_PAGES * PAGE || !any(200))
		return make_image(data, max);
	if (!any(20))
		n = LLVMFuzzerMutate(data, n, max < MUTANT_PAGES * PAGE ? max : MUTANT_PAGES * PAGE);
	n = n / PAGE * PAGE;
	if (n < 2 * PAGE)
		return n;
	for (times = 1 + any(3); times; times--)
		synth_spoil(data, n / PAGE, any);
	if (any(8))
		synth_reseal(data, n / PAGE, 0);
	return n;
}

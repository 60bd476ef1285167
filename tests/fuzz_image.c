/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_image.c: a disk with an image, or what is left of one, restored in the simulator, which
 * watches every contract. The input is the disk, page after page.
 *
 * The mutator knows what an image looks like: it begins with a good one, changes fields, list
 * entries and bytes of the stream, and mostly makes the checksum right again, so that what it
 * changed is looked at by more than the checksum.
 */
#include <string.h>

#include "fuzz.h"
#include "scene.h"

#define PAGE 4096
#define MOST 64 /* pages */

static struct sim machine;

static void begin(void)
{
	if (machine.frame_count)
		return;
	sim_init(&machine, sim_small, sim_small_count);
	machine.m.cpu = (struct thaw_cpu){
		.processors = 1, .phys_bits = 40, .has_la57 = true, .has_gib_pages = true};
	machine.disk.bytes = malloc(MOST * PAGE);
	machine.disk.before = malloc(MOST * PAGE);
	machine.disk.times = malloc(MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct thaw_options options;
	struct thaw_report report;
	size_t pages = n / PAGE;

	if (pages > MOST)
		return 0;
	begin();
	machine.disk.d.pages = pages;
	memcpy(machine.disk.bytes, data, pages * PAGE);
	memcpy(machine.disk.before, data, pages * PAGE);
	sim_forget(&machine);
	sim_restore(&machine, 0, &options, &report);
	if (machine.faults)
		fprintf(stderr, "%s\n", machine.why);
	REQUIRE(!machine.faults);
	return 0;
}

/* --- mutator ------------------------------------------------------------------------------- */

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

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
	unsigned times;

	state = seed * 2654435761u + 1;
	if (n < 6 * PAGE || n > MOST * PAGE || !any(200))
		return make_image(data, max);
	if (!any(20))
		n = LLVMFuzzerMutate(data, n, max < MOST * PAGE ? max : MOST * PAGE);
	n = n / PAGE * PAGE;
	if (n < 2 * PAGE)
		return n;
	for (times = 1 + any(3); times; times--)
		synth_spoil(data, n / PAGE, any);
	if (any(8))
		synth_reseal(data, n / PAGE, 0);
	return n;
}

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
	thaw_record_init(&machine.durable);
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

/* A number that means something here: a page, a frame, a limit, something near what it was. */
static uint64_t interesting(uint64_t was, size_t pages)
{
	switch (any(10)) {
	case 0:
		return any((uint32_t)pages + 2);
	case 1:
		return was + 1;
	case 2:
		return was - 1;
	case 3:
		return was ^ UINT64_C(1) << any(64);
	case 4:
		return UINT64_MAX;
	case 5:
		return 0;
	case 6:
		return was | UINT64_C(1) << 63;
	case 7:
		return any(0x300);
	case 8:
		return 0x100000 + any(0x50);
	default:
		return (uint64_t)any(UINT32_MAX) << any(33);
	}
}

static void change_word(uint8_t *at, size_t pages)
{
	synth_put64(at, interesting(thaw_le64(at), pages));
}

static void change_header(uint8_t *data, size_t pages)
{
	static const uint16_t at[] = {4064, 4064, 4072, 4056, 4080};

	change_word(data + at[any(5)], pages);
}

static void change_info(uint8_t *info, size_t pages)
{
	static const uint16_t at[] = {0, 8, 16, 24, 32, 400, 416, 424, 432};
	unsigned i = any(9);

	change_word(info + at[i], pages);
	/* Counts that agree with each other get further. */
	if (any(2))
		synth_put64(info + 432, thaw_le64(info + 424) * PAGE);
}

static void change_map(uint8_t *map, size_t pages)
{
	change_word(map + (any(8) ? any(12) * 8 : 4088), pages);
}

static void change_something(uint8_t *data, size_t pages)
{
	uint64_t map = thaw_le64(data + 4064);
	uint64_t info = map < pages ? thaw_le64(data + map * PAGE) : pages;

	switch (any(6)) {
	case 0:
		change_header(data, pages);
		return;
	case 1:
		if (info < pages)
			change_info(data + info * PAGE, pages);
		return;
	case 2:
		if (map < pages)
			change_map(data + map * PAGE, pages);
		return;
	case 3:
		synth_edit(data, pages, 0, any, interesting);
		return;
	default:
		change_word(data + any((uint32_t)pages) * PAGE + any(64) * 8, pages);
	}
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
		change_something(data, n / PAGE);
	if (any(8))
		synth_reseal(data, n / PAGE, 0);
	return n;
}

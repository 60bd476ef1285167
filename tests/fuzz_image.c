/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_image.c: a disk with an image, or what is left of one, restored in the simulator, which
 * watches every contract. The input is the disk, page after page.
 */
#include <string.h>

#include "fuzz.h"
#include "mutant.h"
#include "sim.h"

#define PAGE 4096
#define MOST MUTANT_PAGES

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

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
	return mutant_of(data, n, max, seed);
}

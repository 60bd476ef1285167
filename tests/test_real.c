/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_real.c FILE:BYTE...: really hibernated disks, BYTE being where the swap area begins, in the
 * simulator: failures of the n-th call and single wrong bits, and changes with the checksum made
 * right again, sampled; and the same session in thaw's own format. THAW_SEED repeats a run, THAW_RUNS says how many of each for each disk.
 *
 * A change may leave a good image: then RAM must equal what the original libraries make of the
 * changed disk. What they cannot make sense of must be refused.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "real.h"

#define PAGE 4096

static const char *const op_names[SIM_OPS] = {
	[SIM_READ] = "read",   [SIM_READ_WAIT] = "read-wait", [SIM_CONSUME] = "consume",
	[SIM_CLAIM] = "claim", [SIM_ALLOC] = "alloc",	      [SIM_WORKERS] = "workers",
	[SIM_JOIN] = "join",   [SIM_RECORD] = "record",	      [SIM_MAP] = "map",
	[SIM_EXIT] = "exit",   [SIM_PROGRESS] = "progress",
};

static struct real disk;
static struct sim machine;
static struct synth *pattern; /* its numbers */
static struct thaw_report report;
static unsigned runs = 10;
static unsigned failures, flips, changes, restored, refused;
static struct {
	enum thaw_err err;
	unsigned times;
} reasons[64];

static uint32_t any(uint32_t below)
{
	return synth_random(pattern) % below;
}

static void count(enum thaw_err err)
{
	size_t i;

	restored += err == THAW_OK;
	refused += err != THAW_OK;
	for (i = 0; i < THAW_ARRAY_LEN(reasons) - 1; i++) {
		if (!reasons[i].times || reasons[i].err == err)
			break;
	}
	reasons[i].err = err;
	reasons[i].times++;
}

static enum thaw_err restore(void)
{
	struct thaw_options options = {.mark = thaw_image_mark(disk.disk)};
	enum thaw_err err = sim_restore(&machine, 0, &options, &report);

	if (machine.faults)
		printf("  %s: %s\n", machine.why, thaw_err_name(err));
	return err;
}

static void begin(bool busy)
{
	real_rewind(&disk);
	sim_forget(&machine);
	machine.fail_at = 0;
	machine.workers = busy ? 2 : 0;
	machine.m.cpu.processors = busy ? 3 : 1;
	machine.picture = &disk.picture;
	sim_background(&machine, busy);
}

/* Whatever came of the first boot, a second one in which nothing fails must not restore. */
static void boot_again(enum sim_op op)
{
	bool remembered = machine.disk.consumed || machine.stores;
	bool known = report.facts.mark;

	machine.fail_at = 0;
	memcpy(disk.before, disk.disk, PAGE);
	if (!known || (op == SIM_RECORD && !remembered) || report.must_reset)
		return;
	CHECK(restore() != THAW_OK || !remembered);
	CHECK(!machine.faults);
}

/* --- failing calls ----------------------------------------------------------------------- */

static void fail_one(const unsigned *calls, bool busy)
{
	static const enum thaw_err errs[] = {THAW_READ, THAW_CHANGED, THAW_WRITE, THAW_FLUSH,
					     THAW_VERIFY};
	enum sim_op op;
	enum thaw_err err;

	do {
		op = (enum sim_op)any(SIM_OPS);
	} while (!calls[op]);
	begin(busy);
	machine.fail_op = op;
	machine.fail_at = 1 + any(calls[op]);
	machine.fail_on = any(2);
	machine.fail_err = op == SIM_CONSUME ? errs[any(THAW_ARRAY_LEN(errs))] : THAW_OK;
	machine.disk.half_written = any(2);
	err = restore();
	failures++;
	count(err);
	if (!CHECK(!machine.faults))
		printf("  %s %u%s: %s\n", op_names[op], machine.fail_at,
		       machine.fail_on ? " and on" : "", thaw_err_name(err));
	boot_again(op);
}

static void test_failures(void)
{
	unsigned calls[2][SIM_OPS];
	unsigned busy;
	unsigned i;

	for (busy = 0; busy < 2; busy++) {
		begin(busy);
		CHECK(restore() == THAW_OK && !machine.faults);
		memcpy(calls[busy], machine.calls, sizeof(calls[busy]));
	}
	for (i = 0; i < runs; i++)
		fail_one(calls[i % 2], i % 2);
}

/* --- wrong disks ------------------------------------------------------------------------- */

/* The picture is that of the changed disk, or there is none. */
static void try_changed(void)
{
	bool good = real_look(&disk);
	enum thaw_err err = THAW_OK;
	uint64_t i;

	for (i = 0; i < disk.pages; i++) {
		if (memcmp(disk.disk + i * PAGE, disk.before + i * PAGE, PAGE))
			memcpy(disk.before + i * PAGE, disk.disk + i * PAGE, PAGE);
	}
	machine.picture = good ? &disk.picture : NULL;
	err = restore();
	count(err);
	CHECK(!machine.faults);
	CHECK(good || err);
}

/* A page of the image: header, map, information, stream. */
static uint64_t any_page(void)
{
	uint64_t map = thaw_le64(disk.disk + 4064);
	uint64_t steps = any(8) ? any((uint32_t)(disk.stream_pages / 511 / 4 + 1)) : 0;
	uint64_t page;

	if (!any(8))
		return 0;
	while (steps-- && thaw_le64(disk.disk + map * PAGE + 4088))
		map = thaw_le64(disk.disk + map * PAGE + 4088);
	if (!any(8))
		return map;
	page = thaw_le64(disk.disk + map * PAGE + any(511) * 8);
	return page && page < disk.pages ? page : 0;
}

static void test_flips(void)
{
	unsigned i;

	for (i = 0; i < runs; i++) {
		begin(i % 2);
		disk.disk[any_page() * PAGE + any(PAGE)] ^= (uint8_t)(1u << any(8));
		try_changed();
		flips++;
	}
}

/* A word of what decides about the entry, and of anything else. */
static void change_data(void)
{
	const struct synth *s = &disk.picture;
	uint64_t kernel = (s->jump_va >> 39) % 512 * 8;
	uint64_t word = UINT64_C(1) << any(64);
	uint64_t at;

	switch (any(4)) {
	case 0:
		at = real_place(&disk, s->jump_pa >> 12) + s->jump_pa % PAGE / 8 * 8;
		break;
	case 1:
		at = real_place(&disk, s->root_pa >> 12) + kernel;
		break;
	default:
		at = (uint64_t)any((uint32_t)disk.stream_pages) * PAGE + any(512) * 8;
	}
	word ^= thaw_le64(disk.stream + at);
	synth_overwrite(disk.disk, disk.pages, 0, at, word);
}

static void test_changes(void)
{
	unsigned i;

	for (i = 0; i < runs; i++) {
		begin(i % 2);
		CHECK(real_look(&disk));
		if (any(3))
			synth_spoil(disk.disk, disk.pages, any);
		else
			change_data();
		if (!(disk.disk[4072] & 2))
			synth_reseal(disk.disk, disk.pages, 0);
		try_changed();
		CHECK(report.diag.code != THAW_CHECKSUM || !real_look(&disk));
		changes++;
	}
}

static void prepare(void)
{
	sim_init(&machine, disk.ranges, disk.range_count);
	sim_lend(&machine, disk.disk, disk.before, disk.pages);
	machine.m.cpu =
		(struct thaw_cpu){.processors = 1, .phys_bits = 40, .has_gib_pages = true};
}

/* --- thaw's own format ------------------------------------------------------------------- */

/* All that counts is under a checksum: the image is what it was, or refused. */
static void test_native_flips(void)
{
	uint64_t at;
	uint8_t bit;
	unsigned i;

	for (i = 0; i < runs; i++) {
		begin(i % 2);
		at = (any(4) ? any((uint32_t)disk.pages) : any(4)) * (uint64_t)PAGE + any(PAGE);
		bit = (uint8_t)(1u << any(8));
		disk.disk[at] ^= bit;
		disk.before[at] ^= bit;
		count(restore());
		CHECK(!machine.faults);
		flips++;
	}
}

static void test_native(void)
{
	begin(false);
	sim_free(&machine);
	if (!CHECK(real_look(&disk)) ||
	    !CHECK(real_to_native(&disk, any(2) ? SYNTH_OWN : SYNTH_SWAP)))
		return;
	prepare();
	test_failures();
	test_native_flips();
}

static void test_disk(const char *argument, uint32_t seed)
{
	char path[PAGE];
	const char *colon = strrchr(argument, ':');

	snprintf(path, sizeof(path), "%.*s", colon ? (int)(colon - argument) : 0, argument);
	if (!CHECK(colon && real_open(&disk, path, strtoull(colon + 1, NULL, 10), seed))) {
		printf("  %s: no image\n", argument);
		return;
	}
	pattern = &disk.picture;
	prepare();
	test_failures();
	test_flips();
	test_changes();
	test_native();
	sim_free(&machine);
}

static uint32_t number(const char *name, uint32_t otherwise)
{
	const char *value = getenv(name);

	return value && *value ? (uint32_t)strtoul(value, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	uint32_t seed = number("THAW_SEED", (uint32_t)time(NULL));
	size_t i;

	runs = number("THAW_RUNS", runs);
	printf("# seed %u\n", seed);
	for (i = 1; i < (size_t)argc; i++) {
		check_counts.bad = 0;
		test_disk(argv[i], seed);
		check_counts.failed += check_counts.bad != 0;
		check_counts.passed += check_counts.bad == 0;
		printf("%s %s\n", check_counts.bad ? "FAIL" : "ok", argv[i]);
	}
	printf("# %u failing calls, %u wrong bits, %u changes: %u restored exactly, %u refused\n",
	       failures, flips, changes, restored, refused);
	for (i = 0; i < THAW_ARRAY_LEN(reasons) && reasons[i].times; i++)
		printf("#   %s %u\n", reasons[i].err ? thaw_err_name(reasons[i].err) : "restored",
		       reasons[i].times);
	return check_summary();
}

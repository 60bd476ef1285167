/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * machine.c: this machine, under firmware, as a struct thaw_machine.
 */
#include "machine.h"

#include "checkpoint.h"
#include "console.h"
#include "cpu.h"
#include "firmware.h"
#include "memory.h"
#include "mp.h"
#include "vars.h"

/* How often progress looks at the keyboard and rearms the watchdog. */
#define PROGRESS_US 100000

/* More keys than this were not typed by anybody; a key held down must not hold us up. */
#define KEYS_MAX 64

static uint64_t now_us(struct thaw_machine *m)
{
	(void)m;
	return cpu_now_us();
}

static bool escape_pressed(void)
{
	SIMPLE_INPUT_INTERFACE *in = fw.st->ConIn;
	EFI_INPUT_KEY key;

	for (unsigned i = 0; in && i < KEYS_MAX; i++) {
		if (EFI_ERROR(in->ReadKeyStroke(in, &key)))
			return false;
		if (key.ScanCode == SCAN_ESC)
			return true;
	}
	return false;
}

/* Keys of the time before thaw are not meant for it. */
static void drain_keys(void)
{
	for (unsigned i = 0; i < KEYS_MAX && escape_pressed(); i++)
		;
}

static bool progress(struct thaw_machine *m, uint64_t done, uint64_t total)
{
	static uint64_t last;
	uint64_t now = cpu_now_us();

	(void)m;
	(void)done;
	(void)total;
	if (now - last < PROGRESS_US)
		return false;
	last = now;
	firmware_rearm_watchdog();
	return escape_pressed();
}

static void note(struct thaw_machine *m, const char *what, uint64_t a, uint64_t b)
{
	(void)m;
	console_note(what, a, b);
}

static void checkpoint(struct thaw_machine *m, enum thaw_checkpoint at)
{
	(void)m;
	checkpoint_reached(at);
}

static void jump(struct thaw_machine *m, const struct thaw_handoff *handoff)
{
	(void)m;
	thaw_handoff_jump(handoff);
}

static void reset(struct thaw_machine *m)
{
	(void)m;
	fw.rt->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
	for (;;)
		__asm__ volatile("cli; hlt");
}

enum thaw_err machine_init(struct thaw_machine *ret)
{
	static struct thaw_record record;

	*ret = (struct thaw_machine){
		.memory = {memory_alloc},
		.record = &record,
		.memory_map = memory_map,
		.claim = memory_claim,
		.frame = memory_frame,
		.workers_start = mp_workers_start,
		.workers_join = mp_workers_join,
		.now_us = now_us,
		.progress = progress,
		.record_store = vars_store_record,
		.record_vouch = vars_vouch_record,
		.note = note,
		.checkpoint = checkpoint,
		.exit_firmware = memory_exit,
		.jump = jump,
		.reset = reset,
	};
	cpu_clock_init();
	cpu_describe(&ret->cpu);
	vars_load_record(ret);
	drain_keys();
	return memory_init();
}

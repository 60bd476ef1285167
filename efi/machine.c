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
#include "screen.h"
#include "vars.h"
#include "volumes.h"
#include "world.h"

/* How often progress is shown, the keyboard looked at and the watchdog rearmed. */
#define PROGRESS_US 100000

static uint64_t now_us(struct thaw_machine *m)
{
	(void)m;
	return cpu_now_us();
}

static enum thaw_err progress(struct thaw_machine *m, uint64_t done, uint64_t total)
{
	static uint64_t last;
	uint64_t now = cpu_now_us();

	(void)m;
	if (now - last < PROGRESS_US)
		return THAW_OK;
	last = now;
	firmware_rearm_watchdog();
	return screen_progress(done, total, now);
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
		.volume = volumes_page,
		.read_partition = world_read_partition,
		.find_table = world_find_table,
		.note = note,
		.checkpoint = checkpoint,
		.exit_firmware = memory_exit,
		.jump = jump,
		.reset = reset,
	};
	cpu_clock_init();
	cpu_describe(&ret->cpu);
	vars_load_record(ret);
	screen_drain_keys();
	screen_open();
	return memory_init();
}

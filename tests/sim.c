/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sim.c: RAM, firmware's services, and what must hold after every run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PAGE 4096

void sim_fault(struct sim *s, const char *what, uint64_t a, uint64_t b)
{
	if (!s->faults++)
		snprintf(s->why, sizeof(s->why), "%s %#llx %#llx", what, (unsigned long long)a,
			 (unsigned long long)b);
}

bool sim_fails(struct sim *s, enum sim_op op)
{
	unsigned n = ++s->calls[op];

	if (!pthread_equal(pthread_self(), s->boot))
		sim_fault(s, "called from a worker", op, n);
	if (s->exited)
		sim_fault(s, "called after exit", op, n);
	if (s->decide)
		return s->decide(s, op);
	return s->fail_at && s->fail_op == op && (s->fail_on ? n >= s->fail_at : n == s->fail_at);
}

/* --- RAM --------------------------------------------------------------------------------- */

size_t sim_index(const struct sim *s, uint64_t frame)
{
	size_t low = 0;
	size_t high = s->range_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->ranges[mid].frames.end <= frame)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == s->range_count || frame < s->ranges[low].frames.first)
		return SIZE_MAX;
	return s->range_index[low] + (frame - s->ranges[low].frames.first);
}

uint8_t *sim_frame(struct sim *s, uint64_t frame)
{
	static uint8_t nowhere[PAGE];
	size_t i = sim_index(s, frame);

	/* Not from a worker too: they are given frames only after the boot processor asked. */
	if (!s->written)
		s->written = true;
	if (i != SIZE_MAX && s->types[i] != THAW_MEM_MMIO)
		return s->ram + i * PAGE;
	sim_fault(s, "frame that is not there", frame, 0);
	return nowhere;
}

static uint64_t pattern(size_t index)
{
	return (index + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

bool sim_is_untouched(struct sim *s, size_t index)
{
	const uint8_t *at = s->ram + index * PAGE;
	uint64_t want = pattern(index);

	if (s->types[index] == THAW_MEM_MMIO)
		return true;
	return thaw_le64(at) == want && memcmp(at, at + 8, PAGE - 8) == 0;
}

static void fill(struct sim *s, size_t index)
{
	uint8_t *at = s->ram + index * PAGE;
	uint64_t want = pattern(index);
	size_t n;

	memcpy(at, &want, sizeof(want));
	for (n = sizeof(want); n < PAGE; n *= 2)
		memcpy(at + n, at, n);
}

static void *frame(struct thaw_machine *m, uint64_t n)
{
	return sim_frame((struct sim *)m, n);
}

/* --- memory ------------------------------------------------------------------------------ */

/* Firmware takes a frame for each allocation: the last free one that it finds. */
static void hold_frame(struct sim *s)
{
	size_t i = s->frame_count;

	while (i-- > 0) {
		if (s->types[i] == THAW_MEM_FREE) {
			s->types[i] = THAW_MEM_BOOT;
			return;
		}
	}
}

/*
 * Exactly as large as asked for, so that the sanitizer sees the first byte too many. Memory of an
 * earlier boot is taken again if it is just as large.
 */
static void *take_memory(struct sim *s, uint64_t bytes)
{
	void *p = NULL;
	size_t i;

	for (i = s->memory_count; i < s->memory_kept; i++) {
		if (s->memory_bytes[i] != bytes)
			continue;
		p = s->memory[i];
		s->memory[i] = s->memory[s->memory_count];
		s->memory_bytes[i] = s->memory_bytes[s->memory_count];
		return p;
	}
	if (s->memory_kept == SIM_MEMORY_MAX || posix_memalign(&p, PAGE, bytes))
		return NULL;
	s->memory[s->memory_kept] = s->memory[s->memory_count];
	s->memory_bytes[s->memory_kept++] = s->memory_bytes[s->memory_count];
	return p;
}

static void *alloc(struct thaw_memory *memory, uint64_t bytes)
{
	struct sim *s = (struct sim *)memory;
	void *p;

	if (s->claims)
		sim_fault(s, "allocation after claim", bytes, 0);
	if (sim_fails(s, SIM_ALLOC) || bytes > UINT32_MAX)
		return NULL;
	p = take_memory(s, bytes);
	if (!p)
		return NULL;
	memset(p, 0xa5, bytes);
	s->memory[s->memory_count] = p;
	s->memory_bytes[s->memory_count++] = bytes;
	hold_frame(s);
	return p;
}

static enum thaw_err add_range(struct thaw_memmap *map, uint64_t frame, uint8_t type)
{
	struct thaw_mem_range *last = map->count ? &map->ranges[map->count - 1] : NULL;

	if (last && last->frames.end == frame && last->type == type) {
		last->frames.end++;
		return THAW_OK;
	}
	if (map->count == map->capacity)
		return THAW_MEMORY;
	map->ranges[map->count++] =
		(struct thaw_mem_range){{frame, frame + 1}, (enum thaw_mem_type)type};
	return THAW_OK;
}

static enum thaw_err fill_map(struct sim *s, struct thaw_memmap *map)
{
	size_t r;
	uint64_t f;
	size_t i = 0;
	enum thaw_err err = THAW_OK;

	if (s->steal_at && s->calls[SIM_MAP] + s->calls[SIM_EXIT] >= s->steal_at)
		s->types[sim_index(s, s->steal)] = (uint8_t)s->steal_type;
	map->count = 0;
	for (r = 0; r < s->range_count; r++) {
		for (f = s->ranges[r].frames.first; !err && f < s->ranges[r].frames.end; f++)
			err = add_range(map, f, s->types[i++]);
	}
	return err;
}

static enum thaw_err memory_map(struct thaw_machine *m, struct thaw_memmap *map)
{
	struct sim *s = (struct sim *)m;

	if (sim_fails(s, SIM_MAP))
		return s->fail_err ? s->fail_err : THAW_FIRMWARE;
	return fill_map(s, map);
}

static enum thaw_err claim(struct thaw_machine *m, struct thaw_range frames)
{
	struct sim *s = (struct sim *)m;
	uint64_t f;
	size_t i;

	s->claims++;
	if (frames.first >= frames.end)
		sim_fault(s, "empty claim", frames.first, frames.end);
	for (f = frames.first; f < frames.end; f++) {
		i = sim_index(s, f);
		if (i == SIZE_MAX || s->types[i] != THAW_MEM_FREE) {
			sim_fault(s, "claim of what is not free", f, 0);
			return THAW_MEMORY;
		}
	}
	if (sim_fails(s, SIM_CLAIM))
		return THAW_MEMORY;
	for (f = frames.first; f < frames.end; f++) {
		i = sim_index(s, f);
		s->types[i] = THAW_MEM_BOOT;
		s->owned[i] = 1;
	}
	return THAW_OK;
}

/* --- processors -------------------------------------------------------------------------- */

static void *run_work(void *p)
{
	struct sim_work *w = p;

	w->work(w->arg, w->n);
	return NULL;
}

static unsigned workers_start(struct thaw_machine *m, unsigned limit,
			      void (*work)(void *arg, unsigned n), void *arg)
{
	struct sim *s = (struct sim *)m;
	unsigned i;

	if (sim_fails(s, SIM_WORKERS))
		return 0;
	for (i = 0; i < s->workers && i < limit; i++) {
		s->work[i] = (struct sim_work){.work = work, .arg = arg, .n = i + 1};
		if (pthread_create(&s->work[i].thread, NULL, run_work, &s->work[i]))
			break;
	}
	s->started = i;
	return i;
}

static enum thaw_err workers_join(struct thaw_machine *m)
{
	struct sim *s = (struct sim *)m;

	while (s->started)
		pthread_join(s->work[--s->started].thread, NULL);
	return sim_fails(s, SIM_JOIN) ? THAW_WORKER : THAW_OK;
}

/* --- the rest of the machine ------------------------------------------------------------- */

static uint64_t now_us(struct thaw_machine *m)
{
	return ((struct sim *)m)->now_us += 7;
}

static enum thaw_err progress(struct thaw_machine *m, uint64_t done, uint64_t total)
{
	struct sim *s = (struct sim *)m;

	if (done > total)
		sim_fault(s, "progress beyond the end", done, total);
	s->shown = done;
	s->shown_total = total;
	if (!sim_fails(s, SIM_PROGRESS))
		return THAW_OK;
	return s->wish ? s->wish : THAW_CANCELLED;
}

static enum thaw_err record_store(struct thaw_machine *m)
{
	struct sim *s = (struct sim *)m;

	if (sim_fails(s, SIM_RECORD))
		return THAW_NO_RECORD;
	thaw_record_seal(m->record);
	s->durable = *m->record;
	s->durable_there = true;
	s->stores++;
	return THAW_OK;
}

/* A full store takes nothing, but a variable can be deleted. */
static enum thaw_err record_vouch(struct thaw_machine *m, bool there)
{
	struct sim *s = (struct sim *)m;

	if (sim_fails(s, SIM_RECORD) && (there || !s->is_full))
		return THAW_NO_RECORD;
	s->durable_vouched = there;
	s->stores++;
	return THAW_OK;
}

void sim_forget(struct sim *s)
{
	thaw_record_init(&s->durable);
	s->durable_there = s->durable_vouched = true;
}

bool sim_forbids(const struct sim *s, uint64_t identity, uint64_t mark)
{
	return s->durable_there != s->durable_vouched ||
	       thaw_record_verdict(&s->durable, identity, mark) != THAW_OK;
}

static enum thaw_err exit_firmware(struct thaw_machine *m, struct thaw_memmap *map,
				   enum thaw_err (*check)(void *arg, const struct thaw_memmap *map),
				   void *arg)
{
	struct sim *s = (struct sim *)m;
	bool fails = sim_fails(s, SIM_EXIT);
	enum thaw_err err = fill_map(s, map);

	if (!err)
		err = check(arg, map);
	if (err)
		return THAW_FINAL_MAP;
	if (fails)
		return s->fail_err ? s->fail_err : THAW_EXIT_BOOT;
	s->exited = true;
	return THAW_OK;
}

static void reset(struct thaw_machine *m)
{
	struct sim *s = (struct sim *)m;

	if (!s->disk.consumed)
		sim_fault(s, "reset before commit", 0, 0);
	s->resets++;
}

/* Thousands of machines are built one after the other: the kernel need not clear RAM for each. */
static uint8_t *spare_ram;
static size_t spare_frames;

static uint8_t *take_ram(size_t frames)
{
	uint8_t *ram = spare_ram;

	if (!ram || spare_frames != frames)
		return aligned_alloc(PAGE, frames * PAGE);
	spare_ram = NULL;
	return ram;
}

static void drop_ram(uint8_t *ram, size_t frames)
{
	free(spare_ram);
	spare_ram = ram;
	spare_frames = frames;
}

static void drop_memory(struct sim *s)
{
	while (s->memory_kept)
		free(s->memory[--s->memory_kept]);
	s->memory_count = 0;
}

void sim_boot(struct sim *s)
{
	static const struct thaw_machine machine = {
		.memory = {alloc},
		.cpu = {.processors = 1, .phys_bits = 46, .has_la57 = true, .has_gib_pages = true},
		.memory_map = memory_map,
		.claim = claim,
		.frame = frame,
		.workers_start = workers_start,
		.workers_join = workers_join,
		.now_us = now_us,
		.progress = progress,
		.record_store = record_store,
		.record_vouch = record_vouch,
		.exit_firmware = exit_firmware,
		.jump = sim_jump,
		.reset = reset,
	};
	struct thaw_cpu cpu = s->m.cpu;
	size_t r;
	size_t i;

	if (s->memory_kept > SIM_MEMORY_MAX / 2)
		drop_memory(s);
	s->memory_count = 0;
	s->m = machine;
	if (cpu.phys_bits)
		s->m.cpu = cpu;
	s->m.record = &s->record;
	s->m.checkpoint = s->checkpoint;
	s->m.volume = s->volume;
	s->m.find_table = s->find_table;
	if (s->frame)
		s->m.frame = s->frame;
	s->m.record_there = s->durable_there;
	s->m.record_vouched = s->durable_vouched;
	thaw_record_init(&s->record);
	if (s->durable_there)
		s->m.record_damaged =
			!thaw_record_load(&s->record, &s->durable, sizeof(s->durable));
	s->boot = pthread_self();
	for (r = 0; r < s->range_count; r++)
		memset(s->types + s->range_index[r], s->ranges[r].type,
		       thaw_range_count(s->ranges[r].frames));
	memset(s->owned, 0, s->frame_count);
	memset(s->mark, 0, s->frame_count);
	for (i = 0; s->written && i < s->frame_count; i++) {
		if (!sim_is_untouched(s, i))
			fill(s, i);
	}
	s->written = false;
	memset(s->calls, 0, sizeof(s->calls));
	s->claims = s->jumps = s->resets = s->stores = s->faults = 0;
	s->exited = false;
	sim_disk_init(s);
}

void sim_init(struct sim *s, const struct thaw_mem_range *ranges, size_t count)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	s->ranges = calloc(count, sizeof(*ranges));
	s->range_index = calloc(count, sizeof(*s->range_index));
	s->range_count = count;
	memcpy(s->ranges, ranges, count * sizeof(*ranges));
	for (i = 0; i < count; i++) {
		s->range_index[i] = s->frame_count;
		s->frame_count += thaw_range_count(ranges[i].frames);
	}
	s->types = calloc(s->frame_count, 1);
	s->owned = calloc(s->frame_count, 1);
	s->mark = calloc(s->frame_count, 1);
	s->ram = take_ram(s->frame_count);
	s->written = true;
	sim_forget(s);
}

void sim_free(struct sim *s)
{
	drop_memory(s);
	free(s->ranges);
	free(s->range_index);
	free(s->types);
	free(s->owned);
	free(s->mark);
	if (s->ram)
		drop_ram(s->ram, s->frame_count);
	sim_eject(s);
	memset(s, 0, sizeof(*s));
}

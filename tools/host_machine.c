/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host_machine.c: see host_machine.h.
 */
#include "host_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_US 100000

static struct host_machine *of(struct thaw_machine *m)
{
	return (struct host_machine *)m;
}

/* --- memory ------------------------------------------------------------------------------ */

static void *alloc(struct thaw_memory *memory, uint64_t bytes)
{
	/* The seam's memory is its first member. */
	struct host_memory *own = &((struct host_machine *)memory)->memory;

	return own->seam.alloc(&own->seam, bytes);
}

static enum thaw_err memory_map(struct thaw_machine *m, struct thaw_memmap *map)
{
	const struct thaw_memmap *own = &of(m)->map;

	if (own->count > map->capacity)
		return THAW_MEMORY;
	memcpy(map->ranges, own->ranges, own->count * sizeof(*map->ranges));
	map->count = own->count;
	return THAW_OK;
}

/* Cuts a piece out of the free range i, as firmware's own map shows what a loader took. */
static bool cut(struct thaw_memmap *map, size_t i, struct thaw_range piece)
{
	struct thaw_mem_range *ranges = realloc(map->ranges, (map->count + 2) * sizeof(*ranges));
	struct thaw_range whole;
	size_t n = 0;

	if (!ranges)
		return false;
	map->ranges = ranges;
	map->capacity = map->count + 2;
	whole = ranges[i].frames;
	memmove(&ranges[i + 2], &ranges[i], (map->count - i) * sizeof(*ranges));
	if (whole.first < piece.first)
		ranges[i + n++] =
			(struct thaw_mem_range){{whole.first, piece.first}, THAW_MEM_FREE};
	ranges[i + n++] = (struct thaw_mem_range){piece, THAW_MEM_BOOT};
	if (piece.end < whole.end)
		ranges[i + n++] = (struct thaw_mem_range){{piece.end, whole.end}, THAW_MEM_FREE};
	memmove(&ranges[i + n], &ranges[i + 3], (map->count - i - 1) * sizeof(*ranges));
	map->count += n - 1;
	return true;
}

static enum thaw_err claim(struct thaw_machine *m, struct thaw_range frames)
{
	struct thaw_memmap *map = &of(m)->map;
	const struct thaw_mem_range *r = thaw_memmap_find(map, frames.first);

	if (!r || r->type != THAW_MEM_FREE || r->frames.end < frames.end)
		return THAW_MEMORY;
	if (!cut(map, (size_t)(r - map->ranges), frames))
		return THAW_MEMORY;
	return host_memory_claim(&of(m)->memory, frames);
}

static void *frame(struct thaw_machine *m, uint64_t number)
{
	return host_memory_frame(&of(m)->memory, number);
}

/* --- processors -------------------------------------------------------------------------- */

static unsigned processors(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online > 1 ? (unsigned)online : 1;
}

static void *run_worker(void *arg)
{
	struct host_worker *worker = arg;

	worker->work(worker->arg, worker->n);
	return NULL;
}

static unsigned workers_start(struct thaw_machine *m, unsigned limit,
			      void (*work)(void *arg, unsigned n), void *arg)
{
	struct host_machine *machine = of(m);
	unsigned others = m->cpu.processors - 1;
	unsigned i;

	limit = (unsigned)thaw_min(limit, thaw_min(others, HOST_WORKERS_MAX));
	for (i = 0; i < limit; i++) {
		struct host_worker *worker = &machine->workers[i];

		worker->work = work;
		worker->arg = arg;
		worker->n = i + 1;
		if (pthread_create(&worker->thread, NULL, run_worker, worker))
			break;
	}
	machine->worker_count = i;
	machine->worker_peak = i;
	return i;
}

static enum thaw_err workers_join(struct thaw_machine *m)
{
	struct host_machine *machine = of(m);
	enum thaw_err err = THAW_OK;

	while (machine->worker_count) {
		if (pthread_join(machine->workers[--machine->worker_count].thread, NULL))
			err = THAW_WORKER;
	}
	return err;
}

/* --- the rest ---------------------------------------------------------------------------- */

static uint64_t now_us(struct thaw_machine *m)
{
	struct timespec now;

	(void)m;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static enum thaw_err progress(struct thaw_machine *m, uint64_t done, uint64_t total)
{
	struct host_machine *machine = of(m);
	uint64_t now = now_us(m);

	if (!machine->show_progress || now < machine->next_shown_us || !total)
		return THAW_OK;
	machine->next_shown_us = now + PROGRESS_US;
	machine->shown = true;
	fprintf(stderr, "\rchecking %3u %%", (unsigned)(done * 100 / total));
	return THAW_OK;
}

static enum thaw_err record_store(struct thaw_machine *m)
{
	(void)m;
	return THAW_OK;
}

static enum thaw_err record_vouch(struct thaw_machine *m, bool there)
{
	(void)m;
	(void)there;
	return THAW_OK;
}

static void add_drift(struct host_machine *machine, struct host_drift drift)
{
	if (machine->drift_count < HOST_DRIFTS_MAX)
		machine->drifts[machine->drift_count] = drift;
	machine->drift_count++;
}

static bool is_drift(const char *what)
{
	static const char *const names[] = {"map-ram-gone", "map-moved", "map-gone", "map-new"};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(names); i++) {
		if (!strcmp(what, names[i]))
			return true;
	}
	return false;
}

static void note(struct thaw_machine *m, const char *what, uint64_t a, uint64_t b)
{
	if (!strcmp(what, "la57"))
		of(m)->la57 = a;
	if (is_drift(what))
		add_drift(of(m), (struct host_drift){what, a, b});
	if (of(m)->show_notes)
		fprintf(stderr, "note %s %llu %llu\n", what, (unsigned long long)a,
			(unsigned long long)b);
}

/* What ends the firmware is left out: nothing that is only tried gets that far. */
void host_machine_init(struct host_machine *ret, struct thaw_memmap *map)
{
	*ret = (struct host_machine){
		.seam.memory.alloc = alloc,
		.seam.cpu = {processors(), .phys_bits = 52, .has_la57 = true,
			     .has_gib_pages = true, .has_lam = true},
		.seam.memory_map = memory_map,
		.seam.claim = claim,
		.seam.frame = frame,
		.seam.workers_start = workers_start,
		.seam.workers_join = workers_join,
		.seam.now_us = now_us,
		.seam.progress = progress,
		.seam.record_store = record_store,
		.seam.record_vouch = record_vouch,
		.seam.note = note,
		.map = *map,
	};
	*map = (struct thaw_memmap){0};
	ret->seam.record = &ret->record;
	thaw_record_init(&ret->record);
	host_memory_init(&ret->memory);
}

void host_machine_free(struct host_machine *machine)
{
	if (machine->shown)
		fputs("\r\033[K", stderr);
	host_memory_free(&machine->memory);
	free(machine->map.ranges);
	machine->map = (struct thaw_memmap){0};
}

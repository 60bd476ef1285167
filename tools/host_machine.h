/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host_machine.h: a machine that exists only on paper, as a struct thaw_machine.
 *
 * Its memory map is given; its memory is the host's, its other processors are threads, its record
 * is empty and forgotten. It can do everything that can be undone: a dry run.
 */
#ifndef THAW_TOOLS_HOST_MACHINE_H
#define THAW_TOOLS_HOST_MACHINE_H

#include "host_memory.h"

#include <pthread.h>
#include <thaw/loader.h>

#define HOST_WORKERS_MAX 64

struct host_worker {
	pthread_t thread;
	void (*work)(void *arg, unsigned n);
	void *arg;
	unsigned n;
};

/* A range of the saved memory map that is not where it was (loader/drift.c). */
struct host_drift {
	const char *what;
	uint64_t saved;
	uint64_t today; /* 0: nowhere */
};

#define HOST_DRIFTS_MAX 16

struct host_machine {
	struct thaw_machine seam;
	struct host_memory memory;
	struct thaw_memmap map; /* belongs to the machine */
	struct thaw_record record;
	struct host_worker workers[HOST_WORKERS_MAX];
	unsigned worker_count; /* running */
	unsigned worker_peak;
	bool show_progress; /* on standard error */
	bool show_notes;
	bool shown;
	uint64_t next_shown_us;
	/* Noted by the loader. */
	bool la57; /* the image's paging depth */
	struct host_drift drifts[HOST_DRIFTS_MAX];
	size_t drift_count;
};

/*
 * Takes over *map: ranges are free()d with the machine. The processor can do whatever any can,
 * because the image's own is not known.
 */
void host_machine_init(struct host_machine *ret, struct thaw_memmap *map);

void host_machine_free(struct host_machine *machine);

#endif

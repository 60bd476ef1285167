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
	bool la57; /* noted by the loader: the image's paging depth */
};

/*
 * Takes over *map: ranges are free()d with the machine. The processor can do whatever any can,
 * because the image's own is not known.
 */
void host_machine_init(struct host_machine *ret, struct thaw_memmap *map);

void host_machine_free(struct host_machine *machine);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * decode.c: what any processor does: takes jobs, decodes, checks, places, and looks for superblocks
 * while the pages are at hand. It calls nothing of firmware's, and of what it shares with others it
 * writes only the queue, the frames of its job and what it found.
 */
#include "load.h"

bool thaw_crew_prepare(struct thaw_crew *crew, struct thaw_machine *m, struct thaw_plan *plan)
{
	unsigned i;

	crew->m = m;
	crew->most_workers = (unsigned)thaw_min(m->cpu.processors - 1, THAW_MOST_WORKERS);
	for (i = 0; i <= crew->most_workers; i++) {
		crew->buffer[i] = thaw_load_take(m, plan, THAW_BLOCK_BYTES);
		if (!crew->buffer[i])
			return false;
	}
	return true;
}

void thaw_crew_start(struct thaw_crew *crew, const struct thaw_plan *plan,
		     struct thaw_mounted *mounted, bool checked)
{
	crew->plan = plan;
	crew->mounted = mounted;
	crew->checked = checked;
	if (checked)
		crew->crc_method = thaw_crc32_choose(NULL);
}

/* Where the block decodes to: its frames, if they lie side by side, else the processor's own
 * buffer. */
static uint8_t *destination(struct thaw_crew *crew, const struct thaw_job *job, unsigned worker)
{
	struct thaw_cursor cursor = job->to;
	uint64_t where;

	if (thaw_cursor_next(crew->plan, &cursor, job->block.pages, &where) == job->block.pages)
		return crew->m->frame(crew->m, where);
	return crew->buffer[worker];
}

static void do_block(struct thaw_crew *crew, struct thaw_job *job, unsigned worker)
{
	uint8_t *to = destination(crew, job, worker);
	enum thaw_err err = thaw_block_decode(&job->block, job->stored, to);
	uint32_t crc = 0;

	if (!err && crew->checked)
		crc = thaw_crc32_by(crew->crc_method, 0, to,
				    (size_t)job->block.pages << THAW_PAGE_SHIFT);
	if (!err)
		thaw_mounted_compare(crew->mounted, to, job->block.pages);
	if (!err && to == crew->buffer[worker] &&
	    !thaw_place_copy(crew->m, crew->plan, job->to, to, job->block.pages))
		err = THAW_BUG;
	thaw_queue_finish(job, err, crc);
}

bool thaw_crew_job(struct thaw_crew *crew, unsigned worker)
{
	struct thaw_job *job = thaw_queue_take(&crew->queue);

	if (!job)
		return false;
	if (job->stored) {
		do_block(crew, job, worker);
	} else {
		thaw_place_zero(crew->m, crew->plan, job->to, job->block.pages);
		thaw_queue_finish(job, THAW_OK, 0);
	}
	return true;
}

void thaw_crew_work(void *arg, unsigned worker)
{
	struct thaw_crew *crew = arg;

	for (;;) {
		if (thaw_crew_job(crew, worker))
			continue;
		if (__atomic_load_n(&crew->queue.closed, __ATOMIC_ACQUIRE))
			break;
		thaw_cpu_relax();
	}
}

void thaw_crew_wipe(struct thaw_crew *crew)
{
	unsigned i;

	for (i = 0; i <= crew->most_workers; i++)
		__builtin_memset(crew->buffer[i], 0, THAW_BLOCK_BYTES);
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * queue.c: jobs, published and retired by the boot processor, taken by anyone.
 *
 * What orders the processors: publishing releases the job's fields, taking acquires them; finishing
 * releases the job's result and the frames it wrote, and the boot processor acquires them when it
 * sees done. A slot is filled again only after it was retired, so no two jobs ever share one.
 */
#include "load.h"

void thaw_queue_publish(struct thaw_queue *q)
{
	__atomic_store_n(&q->published, q->published + 1, __ATOMIC_RELEASE);
}

struct thaw_job *thaw_queue_take(struct thaw_queue *q)
{
	/* Acquired, so that published is never seen older than what others have taken by. */
	uint64_t n = __atomic_load_n(&q->taken, __ATOMIC_ACQUIRE);

	do {
		if (n == __atomic_load_n(&q->published, __ATOMIC_ACQUIRE))
			return NULL;
	} while (!__atomic_compare_exchange_n(&q->taken, &n, n + 1, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return &q->job[n % THAW_QUEUE_JOBS];
}

const struct thaw_job *thaw_queue_finished(struct thaw_queue *q)
{
	const struct thaw_job *job = &q->job[q->retired % THAW_QUEUE_JOBS];

	if (q->retired == q->published || !__atomic_load_n(&job->done, __ATOMIC_ACQUIRE))
		return NULL;
	return job;
}

void thaw_queue_finish(struct thaw_job *job, enum thaw_err err, uint32_t crc)
{
	job->err = err;
	job->crc = crc;
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
}

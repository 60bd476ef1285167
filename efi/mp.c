/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mp.c: the other processors as workers, through EFI_MP_SERVICES_PROTOCOL.
 *
 * A worker has returned when two things are true: its work stored the last of its results (a flag
 * in shared memory, set by the worker), and firmware regards the processor as idle (the event). The
 * first lets us use the results, the second close the event and leave firmware.
 */
#include "mp.h"

#include "cpu.h"
#include "firmware.h"
#include "memory.h"
#include "protocol/mp_services.h"

#define WORKERS_MAX 64
#define JOIN_US	    10000000

struct worker {
	void (*work)(void *arg, unsigned n);
	void *arg;
	unsigned n;
	bool returned; /* written by the worker, atomically */
	UINTN processor;
	EFI_EVENT done;
};

static struct worker workers[WORKERS_MAX];
static unsigned worker_count;

static struct mp_services *mp_services(void)
{
	static EFI_GUID guid = MP_SERVICES_GUID;
	void *interface = NULL;

	if (EFI_ERROR(fw.bs->LocateProtocol(&guid, NULL, &interface)))
		return NULL;
	return interface;
}

/*
 * Runs on the other processor. It has a small stack (EDK2: 32 KiB) and no firmware services. One
 * that cannot run compiled code leaves its share to the others.
 */
static VOID EFIAPI run_worker(VOID *argument)
{
	struct worker *worker = argument;

	if (cpu_runs_sse())
		worker->work(worker->arg, worker->n);
	__atomic_store_n(&worker->returned, true, __ATOMIC_RELEASE);
}

static bool is_usable(struct mp_services *mp, UINTN processor)
{
	struct mp_processor info = {.status = 0};

	if (EFI_ERROR(mp->get_info(mp, processor, &info)))
		return false;
	return (info.status & (MP_STATUS_BSP | MP_STATUS_ENABLED | MP_STATUS_HEALTHY)) ==
	       (MP_STATUS_ENABLED | MP_STATUS_HEALTHY);
}

static bool start(struct mp_services *mp, struct worker *worker)
{
	EFI_STATUS status;

	if (EFI_ERROR(fw.bs->CreateEvent(0, 0, NULL, NULL, &worker->done)))
		return false;
	status = mp->start_one(mp, run_worker, worker->processor, worker->done, 0, worker, NULL);
	if (EFI_ERROR(status))
		fw.bs->CloseEvent(worker->done);
	return !EFI_ERROR(status);
}

unsigned mp_workers_start(struct thaw_machine *m, unsigned limit,
			  void (*work)(void *arg, unsigned n), void *arg)
{
	struct mp_services *mp = mp_services();
	UINTN count, enabled;

	(void)m;
	if (worker_count || !mp || EFI_ERROR(mp->get_count(mp, &count, &enabled)))
		return 0;
	for (UINTN i = 0; i < count && worker_count < limit && worker_count < WORKERS_MAX; i++) {
		struct worker *worker = &workers[worker_count];

		*worker = (struct worker){
			.work = work, .arg = arg, .n = worker_count + 1, .processor = i};
		if (is_usable(mp, i) && start(mp, worker))
			worker_count++;
	}
	return worker_count;
}

static bool wait_returned(const struct worker *worker, uint64_t until)
{
	while (!__atomic_load_n(&worker->returned, __ATOMIC_ACQUIRE)) {
		if (cpu_now_us() > until)
			return false;
		cpu_relax();
	}
	return true;
}

static bool wait_idle(struct mp_services *mp, struct worker *worker, uint64_t until)
{
	(void)mp;
	while (fw.bs->CheckEvent(worker->done) != EFI_SUCCESS) {
		if (cpu_now_us() > until)
			return false;
		cpu_relax();
	}
	fw.bs->CloseEvent(worker->done);
	return true;
}

enum thaw_err mp_workers_join(struct thaw_machine *m)
{
	struct mp_services *mp = mp_services();
	uint64_t until = cpu_now_us() + JOIN_US;
	bool all = true;

	(void)m;
	for (unsigned i = 0; i < worker_count; i++)
		all = wait_returned(&workers[i], until) && all;
	for (unsigned i = 0; i < worker_count && all; i++)
		all = wait_idle(mp, &workers[i], until);
	if (!all) {
		memory_keep();
		return THAW_WORKER;
	}
	worker_count = 0;
	return THAW_OK;
}

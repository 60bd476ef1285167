/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mp.c: the other processors as workers, through EFI_MP_SERVICES_PROTOCOL.
 *
 * All are woken by one call: EDK2 resets halted processors to wake them, which takes 10 ms each
 * time, but the same 10 ms for all. Each takes the next number; those beyond the limit return at
 * once.
 *
 * They have returned when two things are true: the work of each stored the last of its results (a
 * counter in shared memory), and firmware regards them as idle (the event). The first lets us use
 * the results, the second close the event and leave firmware.
 */
#include "mp.h"

#include "checkpoint.h"
#include "cpu.h"
#include "firmware.h"
#include "memory.h"
#include "protocol/mp_services.h"

#define JOIN_US	 10000000
#define NUDGE_US 1000000

static struct {
	void (*work)(void *arg, unsigned n);
	void *arg;
	unsigned begun;	   /* workers waited for */
	unsigned next;	   /* number of the last that came, atomic */
	unsigned returned; /* how many of those waited for are done, atomic */
	EFI_EVENT done;
} crew;

static struct mp_services *mp_services(void)
{
	static EFI_GUID guid = MP_SERVICES_GUID;
	void *interface = NULL;

	if (EFI_ERROR(fw.bs->LocateProtocol(&guid, NULL, &interface)))
		return NULL;
	return interface;
}

/* Apart from its caller: as a function of EFIAPI that calls one of ours it saves SSE registers. */
static __attribute__((noinline)) VOID EFIAPI serve(unsigned n)
{
	if (n == 1)
		checkpoint_reached(THAW_CHECKPOINT_WORKER);
	crew.work(crew.arg, n);
}

/*
 * Runs on the other processors. They have small stacks (EDK2: 32 KiB) and no firmware services. One
 * that is not set up for compiled code leaves its share to the others.
 */
static VOID EFIAPI run_worker(VOID *argument)
{
	unsigned n = __atomic_add_fetch(&crew.next, 1, __ATOMIC_RELAXED);

	(void)argument;
	if (n > crew.begun)
		return;
	if (cpu_runs_sse())
		serve(n);
	__atomic_add_fetch(&crew.returned, 1, __ATOMIC_RELEASE);
}

static EFI_STATUS start(struct mp_services *mp)
{
	EFI_STATUS status = fw.bs->CreateEvent(0, 0, NULL, NULL, &crew.done);

	if (EFI_ERROR(status))
		return status;
	status = mp->start_all(mp, run_worker, FALSE, crew.done, 0, NULL, NULL);
	if (EFI_ERROR(status))
		fw.bs->CloseEvent(crew.done);
	return status;
}

unsigned mp_workers_start(struct thaw_machine *m, unsigned limit,
			  void (*work)(void *arg, unsigned n), void *arg)
{
	struct mp_services *mp = mp_services();
	UINTN count, enabled;

	(void)m;
	if (crew.begun || !limit || !mp || EFI_ERROR(mp->get_count(mp, &count, &enabled)) ||
	    enabled < 2)
		return 0;
	crew.work = work;
	crew.arg = arg;
	crew.next = 0;
	crew.returned = 0;
	crew.begun = (unsigned)thaw_min(enabled - 1, limit);
	if (EFI_ERROR(start(mp)))
		crew.begun = 0;
	return crew.begun;
}

static bool wait_returned(uint64_t until)
{
	while (__atomic_load_n(&crew.returned, __ATOMIC_ACQUIRE) != crew.begun) {
		if (cpu_now_us() > until)
			return false;
		thaw_cpu_relax();
	}
	return true;
}

static VOID EFIAPI do_nothing(VOID *argument)
{
	(void)argument;
}

/*
 * EDK2 looks for finished processors on a timer of 100 ms, and whenever some are to be started. So
 * ask it to start something trivial. PI 1.7, 13.4.4, "EFI_NOT_READY: Any enabled APs are busy":
 * every other answer comes after firmware noticed that the workers are done and signalled the
 * event.
 */
static bool wait_idle(struct mp_services *mp, uint64_t until)
{
	while (fw.bs->CheckEvent(crew.done) != EFI_SUCCESS) {
		if (!mp || cpu_now_us() > until)
			return false;
		mp->start_all(mp, do_nothing, FALSE, NULL, NUDGE_US, NULL, NULL);
	}
	fw.bs->CloseEvent(crew.done);
	return true;
}

enum thaw_err mp_workers_join(struct thaw_machine *m)
{
	uint64_t until = cpu_now_us() + JOIN_US;

	(void)m;
	if (!crew.begun)
		return THAW_OK;
	if (!wait_returned(until) || !wait_idle(mp_services(), until)) {
		memory_keep();
		return THAW_WORKER;
	}
	crew.begun = 0;
	return THAW_OK;
}

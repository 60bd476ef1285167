/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * services.c: variables, events, processors, the clock.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "fake.h"
#include "mp_services.h"

/* --- the clock, instead of efi/cpu.c, which needs ring 0 ----------------------------------- */

#define LOOK_US(busy) ((busy) ? 20 : 1000)

static uint64_t clock_us;
static bool others_work(void);

/* UEFI 2.10, 3.1.2: the boot manager arms it for five minutes before it starts anything. */
static uint64_t watchdog_us = 300000000;

void fake_clock_advance(uint64_t us)
{
	clock_us += us;
	if (watchdog_us && clock_us >= watchdog_us)
		fake_fault("the watchdog resets the machine", clock_us, 0);
}

uint64_t cpu_now_us(void)
{
	bool busy = others_work();

	if (busy)
		sched_yield();
	fake_clock_advance(LOOK_US(busy));
	return clock_us;
}

void cpu_clock_start(void)
{
}

void cpu_clock_init(void)
{
}

void cpu_describe(struct thaw_cpu *ret)
{
	*ret = (struct thaw_cpu){.phys_bits = 46, .has_gib_pages = true};
}

bool __attribute__((ms_abi)) cpu_runs_sse(void)
{
	return true;
}

bool fake_waits;

static EFI_STATUS EFIAPI stall(UINTN us)
{
	fake_waits = true;
	fake_clock_advance(us);
	return fake_call(FAKE_STALL);
}

static EFI_STATUS EFIAPI set_watchdog(UINTN seconds, UINT64 code, UINTN size, CHAR16 *data)
{
	EFI_STATUS status = fake_call(FAKE_SET_WATCHDOG);

	(void)code;
	if (size || data || (seconds && seconds < 60))
		fake_fault("SetWatchdogTimer", seconds, size);
	if (!EFI_ERROR(status))
		watchdog_us = seconds ? clock_us + seconds * 1000000 : 0;
	return status;
}

/* --- events ------------------------------------------------------------------------------- */

struct event {
	bool signalled;
};

static size_t open_events;

static EFI_STATUS EFIAPI create_event(UINT32 type, EFI_TPL tpl, EFI_EVENT_NOTIFY notify,
				      VOID *context, EFI_EVENT *ret)
{
	EFI_STATUS status = fake_call(FAKE_CREATE_EVENT);

	if (type || tpl || notify || context)
		fake_fault("CreateEvent", type, tpl);
	if (EFI_ERROR(status))
		return status;
	*ret = calloc(1, sizeof(struct event));
	open_events++;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI close_event(EFI_EVENT event)
{
	EFI_STATUS status = fake_call(FAKE_CLOSE_EVENT);

	if (EFI_ERROR(status))
		return status;
	free(event);
	open_events--;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI check_event(EFI_EVENT event)
{
	EFI_STATUS status = fake_call(FAKE_CHECK_EVENT);
	struct event *e = event;

	fake_processors_look();
	if (EFI_ERROR(status) || !e->signalled)
		return EFI_NOT_READY;
	e->signalled = false;
	return EFI_SUCCESS;
}

void fake_event_signal(EFI_EVENT event)
{
	((struct event *)event)->signalled = true;
}

size_t fake_events_open(void)
{
	return open_events;
}

void fake_events_init(EFI_BOOT_SERVICES *bs)
{
	bs->CreateEvent = create_event;
	bs->CloseEvent = close_event;
	bs->CheckEvent = check_event;
	bs->Stall = stall;
	bs->SetWatchdogTimer = set_watchdog;
}

/* --- processors --------------------------------------------------------------------------- */

#define OTHERS 3

static struct {
	mp_procedure procedure;
	void *argument;
	EFI_EVENT done;
	unsigned returned; /* atomic */
	unsigned begun;
} crew;

static bool others_work(void)
{
	return crew.begun;
}

static void *processor(void *unused)
{
	crew.procedure(crew.argument);
	__atomic_add_fetch(&crew.returned, 1, __ATOMIC_RELEASE);
	return unused;
}

/* Firmware notices only when it looks. */
void fake_processors_look(void)
{
	if (!crew.begun || __atomic_load_n(&crew.returned, __ATOMIC_ACQUIRE) != crew.begun)
		return;
	crew.begun = 0;
	fake_event_signal(crew.done);
}

static EFI_STATUS EFIAPI count_processors(struct mp_services *self, UINTN *count, UINTN *enabled)
{
	(void)self;
	*count = *enabled = OTHERS + 1;
	return fake_call(FAKE_COUNT_PROCESSORS);
}

static EFI_STATUS EFIAPI start_processors(struct mp_services *self, mp_procedure procedure,
					  BOOLEAN one_by_one, EFI_EVENT done, UINTN timeout,
					  VOID *argument, UINTN **failed)
{
	EFI_STATUS status = fake_call(FAKE_START_PROCESSORS);
	pthread_t thread;

	(void)self;
	(void)timeout;
	if (one_by_one || failed)
		fake_fault("StartupAllAPs", one_by_one, 0);
	fake_processors_look();
	if (EFI_ERROR(status) || crew.begun)
		return EFI_NOT_READY;
	if (!done) {
		procedure(argument);
		return EFI_SUCCESS;
	}
	crew.procedure = procedure;
	crew.argument = argument;
	crew.done = done;
	crew.returned = 0;
	crew.begun = OTHERS;
	for (unsigned i = 0; i < OTHERS; i++) {
		if (pthread_create(&thread, NULL, processor, NULL))
			abort();
		pthread_detach(thread);
	}
	return EFI_SUCCESS;
}

void *fake_processors(void)
{
	static struct mp_services services = {.get_count = count_processors,
					      .start_all = start_processors};

	return fake->options.workers ? &services : NULL;
}

/* --- variables ---------------------------------------------------------------------------- */

static bool is_named(const struct fake_variable *v, const CHAR16 *name)
{
	const CHAR16 *p = v->name;

	while (v->there && *p && *p == *name) {
		p++;
		name++;
	}
	return v->there && *p == *name;
}

struct fake_variable *fake_variable(const CHAR16 *name)
{
	for (unsigned i = 0; i < FAKE_VARIABLES; i++) {
		if (is_named(&fake->variables[i], name))
			return &fake->variables[i];
	}
	return NULL;
}

void fake_variable_set(const CHAR16 *name, const EFI_GUID *guid, const void *data, UINTN size)
{
	struct fake_variable *v = fake_variable(name);
	unsigned i;

	for (i = 0; !v; i++) {
		if (!fake->variables[i].there)
			v = &fake->variables[i];
	}
	*v = (struct fake_variable){.guid = *guid, .size = size, .there = size != 0};
	memcpy(v->data, data, size);
	for (i = 0; name[i]; i++)
		v->name[i] = name[i];
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *guid, UINT32 *attributes, UINTN *size,
				      VOID *data)
{
	EFI_STATUS status = fake_call(FAKE_GET_VARIABLE);
	const struct fake_variable *v = fake_variable(name);
	UINTN room = *size;

	if (EFI_ERROR(status))
		return status;
	if (attributes || (v && memcmp(&v->guid, guid, sizeof(*guid))))
		fake_fault("GetVariable", room, 0);
	if (!v)
		return EFI_NOT_FOUND;
	*size = v->size;
	if (room < v->size)
		return EFI_BUFFER_TOO_SMALL;
	memcpy(data, v->data, v->size);
	return EFI_SUCCESS;
}

/* What is there makes room for what takes its place, as after a reclaim of EDK2's. */
static bool fits(const struct fake_variable *v, UINTN size)
{
	UINTN was = v ? v->size : 0;

	if (fake->options.room && size > was && size - was > fake->options.room - fake->grown)
		return false;
	fake->grown += size;
	fake->grown -= was;
	return true;
}

static EFI_STATUS EFIAPI set_variable(CHAR16 *name, EFI_GUID *guid, UINT32 attributes, UINTN size,
				      VOID *data)
{
	EFI_STATUS status = fake_call(FAKE_SET_VARIABLE);
	struct fake_variable *v = fake_variable(name);

	/* Only what is thaw's own, to be kept. */
	if ((name[0] != 'T' || name[1] != 'h') || (size && attributes != 7) || size > 1024)
		fake_fault("SetVariable", size, attributes);
	if (EFI_ERROR(status))
		return status;
	if (!size && !v)
		return EFI_NOT_FOUND;
	if (!fits(v, size))
		return EFI_OUT_OF_RESOURCES;
	fake->stored++;
	if (size)
		fake_variable_set(name, guid, data, size);
	else
		v->there = false;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_time(EFI_TIME *ret, EFI_TIME_CAPABILITIES *capabilities)
{
	(void)capabilities;
	*ret = (EFI_TIME){.Year = 2026, .Month = 2, .Day = 28};
	return fake_call(FAKE_GET_TIME);
}

void fake_variables_init(EFI_RUNTIME_SERVICES *rt)
{
	rt->GetVariable = get_variable;
	rt->SetVariable = set_variable;
	rt->GetTime = get_time;
}

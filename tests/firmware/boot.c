/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * boot.c: a boot as a child process, calls that fail, and how it may end.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thaw/loader.h>
#include <thaw/locate.h>

#include "fake.h"
#include "memory.h"

#define SECONDS_MAX 100 /* then a boot hangs */

struct fake *fake;
struct synth fake_picture;
bool fake_exited;

static struct fake_variable saved[FAKE_VARIABLES];
static pthread_t boot_processor;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);
void __wrap_thaw_handoff_jump(const struct thaw_handoff *handoff);

static const struct {
	const char *name;
	EFI_STATUS status;
} services[] = {
#define FAKE_ROW(symbol, status) {#symbol, status},
	FAKE_SERVICES(FAKE_ROW)
#undef FAKE_ROW
};

const char *fake_service_name(enum fake_service service)
{
	return services[service].name;
}

void fake_fault(const char *what, uint64_t a, uint64_t b)
{
	if (!fake->faults++)
		snprintf(fake->why, sizeof(fake->why), "%s %#llx %#llx", what,
			 (unsigned long long)a, (unsigned long long)b);
}

static bool is_to_fail(enum fake_service service, unsigned n)
{
	if (fake->has_failed)
		return fake->failure == FAKE_FROM_THEN && fake->failed == service;
	if (n != fake->fail_at)
		return false;
	fake->failed = service;
	fake->has_failed = true;
	return true;
}

EFI_STATUS fake_call(enum fake_service service)
{
	unsigned n = ++fake->calls;

	fake->count[service]++;
	if (n < FAKE_CALLED)
		fake->called[n] = (uint8_t)service;
	if (!pthread_equal(pthread_self(), boot_processor))
		fake_fault("called from another processor", service, n);
	if (fake->options.hangs && service == fake->options.hangs)
		fake_ends(FAKE_RESET);
	if (fake_exited)
		fake_fault("called after boot services ended", service, n);
	return is_to_fail(service, n) ? services[service].status : EFI_SUCCESS;
}

/* --- ends --------------------------------------------------------------------------------- */

/* Nothing of the image, and nothing that thaw took: but what a worker or a device may still use. */
static void check_left(void)
{
	bool is_free_to_leak = fake->has_failed && (fake->failed == FAKE_FREE_PAGES ||
						    fake->failed == FAKE_FREE_POOL ||
						    fake->failed == FAKE_CLOSE_EVENT);

	if (memory_is_kept())
		fake_fault("went on while somebody uses its memory", 0, 0);
	if (fake_memory_held() && !is_free_to_leak)
		fake_fault("memory not given back", fake_memory_held(), 0);
	if (fake_events_open() && !is_free_to_leak)
		fake_fault("events not closed", fake_events_open(), 0);
	if (fake_memory_has_remnants())
		fake_fault("remnants", 0, 0);
}

_Noreturn void fake_ends(enum fake_end end)
{
	if (end == FAKE_EXIT)
		check_left();
	fake->end = end;
	_exit(0);
}

/* Instead of loader/'s, which no process could run. */
void __wrap_thaw_handoff_jump(const struct thaw_handoff *handoff)
{
	if (!fake_exited || fake->written != 1)
		fake_fault("jump without commit", fake_exited, fake->written);
	fake_memory_jump(handoff);
	fake_ends(FAKE_JUMP);
}

static EFI_STATUS EFIAPI exit_image(EFI_HANDLE image, EFI_STATUS status, UINTN size, CHAR16 *data)
{
	(void)data;
	if (fake_exited || image != fake_handles_image() || size)
		fake_fault("exit", fake_exited, size);
	/* UEFI 2.10, 3.1.2: after EFI_SUCCESS the boot manager may stop. */
	if (!fake->started_next && !EFI_ERROR(status))
		fake_fault("exit with success", status, 0);
	fake_ends(FAKE_EXIT);
}

static EFI_STATUS EFIAPI reset_system(EFI_RESET_TYPE type, EFI_STATUS status, UINTN size, CHAR16 *data)
{
	(void)status;
	(void)size;
	(void)data;
	if (type != EfiResetCold)
		fake_fault("reset", type, 0);
	fake_ends(FAKE_RESET);
}

/* --- a boot ------------------------------------------------------------------------------- */

static EFI_STATUS EFIAPI trap(void)
{
	fake_fault("a service that thaw should not need", 0, 0);
	return EFI_UNSUPPORTED;
}

/* Whatever is not filled in says so. */
static void set_traps(void *table, size_t bytes)
{
	EFI_STATUS(EFIAPI *const function)(void) = trap;

	for (size_t at = sizeof(EFI_TABLE_HEADER); at < bytes; at += sizeof(function))
		memcpy((uint8_t *)table + at, &function, sizeof(function));
}

static _Noreturn void run(void)
{
	static EFI_BOOT_SERVICES bs;
	static EFI_RUNTIME_SERVICES rt;
	static EFI_SYSTEM_TABLE st = {.BootServices = &bs, .RuntimeServices = &rt};

	alarm(SECONDS_MAX);
	boot_processor = pthread_self();
	set_traps(&bs, sizeof(bs));
	set_traps(&rt, sizeof(rt));
	bs.Exit = exit_image;
	rt.ResetSystem = reset_system;
	fake_memory_init(&bs);
	fake_events_init(&bs);
	fake_variables_init(&rt);
	fake_disks_init();
	fake_console_init(&st);
	fake_handles_init(&st);
	efi_main(fake_handles_image(), &st);
	/* It returns only where it could not even learn its own name. */
	fake_ends(FAKE_EXIT);
}

enum fake_end fake_boot(unsigned fail_at, enum fake_failure failure)
{
	int status;
	pid_t child;

	fake->fail_at = fail_at;
	fake->failure = failure;
	fake->calls = fake->stored = fake->written = fake->faults = 0;
	memset(fake->count, 0, sizeof(fake->count));
	fake->has_failed = fake->started_next = false;
	fake->end = FAKE_DIED;
	fflush(stdout);
	child = fork();
	if (!child)
		run();
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		fake->end = FAKE_DIED;
	return fake->end;
}

/* --- the machine -------------------------------------------------------------------------- */

void fake_begin(const struct fake_options *options)
{
	static const EFI_GUID global = EFI_GLOBAL_VARIABLE, systemd = THAW_LOCATION_GUID;
	CHAR16 note[200];
	UINTN len = 0;
	UINT8 secure = options->secure_boot;

	if (!fake) {
		fake_memory_map();
		fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	}
	memset(fake, 0, sizeof(*fake));
	fake->options = *options;
	fake_variable_set(L"SecureBoot", &global, &secure, sizeof(secure));
	for (const char *p = options->location; p && *p; p++)
		note[len++] = (CHAR16)*p;
	note[len++] = 0;
	if (options->location)
		fake_variable_set(L"HibernateLocation", &systemd, note, len * sizeof(*note));
	memcpy(saved, fake->variables, sizeof(saved));
	fake_disks_make();
}

void fake_end(void)
{
	synth_free(&fake_picture);
}

void fake_rewind(void)
{
	memcpy(fake->variables, saved, sizeof(saved));
	fake->grown = 0;
	fake_disks_rewind();
}

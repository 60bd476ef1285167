/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c: the story. Look for an image; restore it; if there is none, or it must not be restored,
 * go on to what boots next.
 */
#include "chain.h"
#include "checkpoint.h"
#include "config.h"
#include "connect.h"
#include "console.h"
#include "cpu.h"
#include "discover.h"
#include "firmware.h"
#include "machine.h"
#include "memory.h"
#include "screen.h"
#include "vars.h"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

/*
 * Why no image may be restored, whatever they contain; THAW_OK if one may. With Secure Boot, thaw
 * would be a signed program that runs anything: no image is even parsed.
 */
static enum thaw_err obstacle(const struct thaw_located *located)
{
	if (vars_secure_boot())
		return THAW_SECURE_BOOT;
	if (located->ambiguous || located->count > THAW_FOUND_MAX)
		return THAW_AMBIGUOUS;
	return located->list[0].read_only ? THAW_WRITE : THAW_OK;
}

/* What the images that have room in the list are known by. */
static size_t take_marks(const struct thaw_located *located, uint64_t ret[THAW_FOUND_MAX])
{
	size_t count = thaw_min(located->count, THAW_FOUND_MAX);

	for (size_t i = 0; i < count; i++)
		ret[i] = located->list[i].mark;
	return count;
}

/* One that could not be seen, or had no room in the list: whatever is found next may be it. */
static bool may_be_another(const struct thaw_located *located)
{
	return located->unreadable || fw.blind || located->count > THAW_FOUND_MAX;
}

/* The system that runs next may change what these images rely on: remember that. */
static void refuse(struct thaw_machine *m, const struct thaw_located *located, enum thaw_err err,
		   struct thaw_report *report)
{
	uint64_t marks[THAW_FOUND_MAX];
	size_t count = take_marks(located, marks);

	report->unrecorded = thaw_pass_over_all(m, marks, count, err) != THAW_OK;
	if (may_be_another(located) && thaw_record_doubt(m) != THAW_OK)
		report->unrecorded = true;
	thaw_fail(&report->diag, err, "images found", located->count, THAW_FOUND_MAX);
}

/* Reasons that say what may have happened, not what is wrong with the image. */
static bool may_insist(const struct config *config, enum thaw_err err)
{
	return !config->by_hand && (err == THAW_PASSED_OVER || err == THAW_COMMITTED_BEFORE ||
				    err == THAW_ATTEMPTS || err == THAW_RECORD_DAMAGED ||
				    err == THAW_MOUNTED);
}

/* true: the user insists on the image that the record forbids. */
static bool restore(const struct config *config, const struct thaw_located *located,
		    struct thaw_report *report)
{
	static struct thaw_machine machine;
	const struct thaw_found *found = located->list;
	uint64_t marks[THAW_FOUND_MAX];
	struct thaw_options options = {
		.dry_run = config->dry_run,
		.by_hand = config->by_hand,
		.refuse_hw_sig = config->refuse_hw_sig,
		.mark = found->mark,
		.beside = marks + 1,
		.beside_count = take_marks(located, marks) - 1,
		.unseen = may_be_another(located),
	};
	enum thaw_err err = machine_init(&machine);
	bool insists;

	console_announce(report);
	if (err == THAW_OK)
		err = obstacle(located);
	if (err == THAW_OK)
		thaw_restore(&machine, found->disk, found->header_page, &options, report);
	else
		refuse(&machine, located, err, report);
	screen_close();
	console_report(report);
	memory_release();
	insists = screen_pause(may_insist(config, report->diag.code));
	/*
	 * Somebody still runs in our code, or reads into our memory, all of which firmware takes
	 * back when we return. The record keeps the next start from trying the same again; a dry
	 * run leaves none, and would reset for ever.
	 */
	if (report->must_reset || (memory_is_kept() && !config->dry_run))
		machine.reset(&machine);
	return insists && !memory_is_kept();
}

/* An image may be there that nobody saw; whoever runs now may change what it relies on. */
static void could_not_look(struct thaw_report *report, enum thaw_err reason)
{
	thaw_fail(&report->diag, reason, "search", 0, 0);
	report->unrecorded = vars_forbid_next(reason) != THAW_OK;
	console_report(report);
}

/*
 * No image was found: why there may be one all the same, THAW_NO_IMAGE if not. What systemd noted and
 * is not there is no such reason: the note stays when it is no longer true.
 */
static enum thaw_err why_none(const struct config *config, const struct thaw_located *located)
{
	if (located->unreadable)
		return THAW_READ;
	if (fw.blind)
		return THAW_FIRMWARE;
	return located->missing && config->device.kind != CONFIG_DEVICE_ANY ? THAW_CONFIG
									    : THAW_NO_IMAGE;
}

static void find_none(struct thaw_report *report, enum thaw_err reason)
{
	if (reason != THAW_NO_IMAGE) {
		could_not_look(report, reason);
	} else {
		console_report(report);
		vars_reserve_record();
	}
}

/* As restore(). */
static bool look(const struct config *config)
{
	static struct thaw_located located;
	static struct thaw_report report = {.diag = {.code = THAW_NO_IMAGE}};
	bool insists = false;

	if (!config_is_sensible(config)) {
		could_not_look(&report, THAW_CONFIG);
		return false;
	}
	discover(&located, config);
	/* Even where another image was found: what is named comes first. */
	while (located.missing && connect_next(CONNECT_STORAGE)) {
		memory_release();
		discover(&located, config);
	}
	if (located.missing)
		console_note("named-device-missing", 0, 0);
	if (located.count)
		insists = restore(config, &located, &report);
	else
		find_none(&report, why_none(config, &located));
	memory_release();
	return insists;
}

static EFI_STATUS run(void)
{
	static struct config config;

	config_load(&config);
	console_verbose = config.verbose;
	console_start();
	checkpoint_configure(config.checkpoint);
	checkpoint_reached(THAW_CHECKPOINT_ENTRY);
	if (look(&config)) {
		config.by_hand = true;
		look(&config);
	}
	return config.next[0] ? chain_start(config.next) : EFI_NOT_FOUND;
}

/*
 * UEFI 2.10, 3.1.2: after EFI_SUCCESS the boot manager may stop and show its menu; after an error
 * it goes on with the next entry of BootOrder. Not by returning: the start code of gnu-efi does not
 * keep rdi, rsi and xmm6 to xmm15, as firmware may rely on (2.3.4.2); Exit restores them.
 */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	EFI_STATUS status = EFI_NOT_FOUND;

	cpu_clock_start();
	if (firmware_init(image, st))
		status = run();
	else
		vars_forbid_next(THAW_FIRMWARE);
	firmware_stop_watchdog();
	fw.bs->Exit(image, status, 0, NULL);
	return status;
}

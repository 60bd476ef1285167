/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_firmware.c: the EFI program, from its entry to its exit or its jump, on firmware of which the
 * n-th call fails, whichever it is, for every n until there are no more.
 *
 * Whatever fails: the image is restored exactly, or control goes on to the next boot entry with the
 * disk as it was, or the machine is reset, twice at most. An image that control went on with is not
 * restored in the next boot, in which nothing fails, and one that was restored is not restored again.
 */
#include <string.h>

#include <thaw/image.h>

#include "check.h"
#include "fake.h"

#define RESETS_MAX 2
#define NOTED	   "{\"uuid\":\"77777777-7777-7777-7777-777777777777\",\"offset\":9}"

static unsigned boots, calls, restored, passed, reset, untold;

static enum fake_end boot(unsigned fail_at, enum fake_failure failure)
{
	enum fake_end end = fake_boot(fail_at, failure);

	boots++;
	calls += fake->calls;
	if (fake->faults)
		printf("  %s\n", fake->why);
	return end;
}

/* Firmware that takes nothing at all can be told nothing (record.c). */
static bool is_excused(void)
{
	return fake->has_failed && !fake->stored &&
	       (fake->failed == FAKE_SET_VARIABLE || fake->failed == FAKE_GET_VARIABLE);
}

static bool is_image_there(void)
{
	return thaw_image_probe(fake_header()) == THAW_OK;
}

static bool next_boot_is_right(enum fake_end end)
{
	bool excused = is_excused();
	enum fake_end next;

	if (!is_image_there())
		return fake->written == 1;
	if (end == FAKE_JUMP)
		return false;
	next = boot(0, FAKE_ONCE);
	untold += next == FAKE_JUMP;
	return !fake->faults && (next == FAKE_EXIT || (next == FAKE_JUMP && excused));
}

/* One failure, and what follows. False: nothing is called that often. */
static bool fail(unsigned n, enum fake_failure failure)
{
	unsigned resets = 0;
	enum fake_service failed;
	enum fake_end end;
	bool reached, good;

	fake_rewind();
	end = boot(n, failure);
	reached = fake->has_failed;
	failed = fake->failed;
	good = end != FAKE_DIED && !fake->faults;
	while (good && end == FAKE_RESET && !fake->written && resets <= RESETS_MAX) {
		resets++;
		end = boot(n, failure);
		good = end != FAKE_DIED && !fake->faults;
	}
	restored += end == FAKE_JUMP;
	passed += end == FAKE_EXIT;
	reset += resets + (end == FAKE_RESET);
	good = good && resets <= RESETS_MAX && (reached || end == FAKE_JUMP) &&
	       next_boot_is_right(end);
	if (!CHECK(good))
		printf("  call %u, %s%s: ended %d, %u resets\n", n, fake_service_name(failed),
		       failure == FAKE_ONCE ? "" : " from then on", end, resets);
	return reached;
}

/*
 * Each call; and each one that the same service was not called by just before, with all that follow.
 */
static void fail_every(const struct fake_options *options)
{
	static uint8_t called[FAKE_CALLED];
	unsigned n = 1;
	unsigned count;

	fake_begin(options);
	while (fail(n, FAKE_ONCE))
		n++;
	fake_rewind();
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && fake->calls < FAKE_CALLED);
	count = fake->calls;
	memcpy(called, fake->called, sizeof(called));
	for (n = 1; n <= count; n++) {
		if (n == 1 || called[n] != called[n - 1])
			fail(n, FAKE_FROM_THEN);
	}
	fake_end();
}

static void test_swap_partition(void)
{
	fail_every(&(struct fake_options){.codec = THAW_CODEC_LZO1X, .bus = FAKE_ATA});
}

static void test_workers(void)
{
	fail_every(&(struct fake_options){
		.codec = THAW_CODEC_LZ4, .workers = true, .background = true, .graphic = true});
}

/* Nothing but systemd's note says where the image is. */
static void test_swap_file(void)
{
	fail_every(&(struct fake_options){
		.codec = THAW_CODEC_NONE,
		.bus = FAKE_SCSI,
		.location = NOTED,
	});
}

/* The record, as the next boot finds it: is it in doubt? */
static bool is_doubted(void)
{
	return !fake_variable(L"ThawStatusVouched");
}

/*
 * Beside the image that systemd noted a swap partition cannot be read. There may be an older one: what
 * is found there in a later boot is refused once, whether this one was restored or not.
 */
static void test_unreadable_beside(void)
{
	fake_begin(&(struct fake_options){.location = NOTED, .unreadable = true});
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults && is_doubted());
	fake_rewind();
	fake->options.conf = "dry-run yes\n";
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_doubted());
	fake_end();
	fake_begin(&(struct fake_options){
		.location = NOTED, .unreadable = true, .secure_boot = true});
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_doubted());
	fake_end();
	/* And where it can be read there is no doubt. */
	fake_begin(&(struct fake_options){.location = NOTED});
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults && !is_doubted());
	fake_end();
}

static bool is_recorded(enum thaw_err reason)
{
	const struct fake_variable *v = fake_variable(L"ThawStatus");
	struct thaw_record record;

	return v && thaw_record_load(&record, v->data, v->size) &&
	       thaw_record_touch(&record, 0, thaw_image_mark(fake_header()))->reason == reason;
}

/* The other leg would keep its image, whatever form it has. */
static void test_leg(void)
{
	static const struct fake_options legs[] = {
		{.leg = true},
		{.leg = true, .format = SYNTH_OWN},
		{.leg = true, .location = NOTED},
	};

	for (size_t i = 0; i < THAW_ARRAY_LEN(legs); i++) {
		unsigned reads;

		fake_begin(&legs[i]);
		CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
		CHECK(is_recorded(THAW_FOREIGN));
		/* Without an image the end of the disk is not read. */
		fake_rewind();
		fake_forget_image();
		CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults);
		reads = fake->count[FAKE_READ_BLOCKS];
		fake_end();
		fake_begin(&(struct fake_options){.format = legs[i].format, .location = legs[i].location});
		fake_forget_image();
		CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults);
		CHECK(fake->count[FAKE_READ_BLOCKS] == reads);
		fake_end();
	}
}

/* Whoever plugs in a disk does not choose what runs, whatever firmware fails to say of it. */
static void test_usb(void)
{
	unsigned n = 0;

	fake_begin(&(struct fake_options){.bus = FAKE_USB});
	do {
		fake_rewind();
		if (!CHECK(boot(++n, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there()))
			printf("  call %u, %s\n", n, fake_service_name(fake->failed));
	} while (fake->has_failed);
	CHECK(n > 20);
	fake_end();
}

/* A disk that takes a minute to answer, or to say that it cannot, is none that hangs. */
static void test_slow_disk(void)
{
	static const struct fake_options slow[] = {
		{.format = SYNTH_LINUX, .request_us = 60000000},
		{.format = SYNTH_SWAP, .request_us = 60000000},
		{.location = NOTED, .unreadable = true, .request_us = 60000000},
	};

	for (size_t i = 0; i < THAW_ARRAY_LEN(slow); i++) {
		fake_begin(&slow[i]);
		if (!CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults))
			printf("  %zu\n", i);
		fake_end();
	}
}

/* thaw's own format; the disk has to be started, and the next program is named. */
static void test_configured(void)
{
	fail_every(&(struct fake_options){
		.format = SYNTH_OWN,
		.codec = THAW_CODEC_LZ4,
		.conf = "device PARTUUID=22222222-2222-2222-2222-222222222222\n"
			"next \\EFI\\next.efi\nverbose yes\n",
		.unconnected = true,
	});
}

/* --- single things ------------------------------------------------------------------------ */

/* The image is there and forbidden: passed over in a boot that did not look for it, or not there. */
static void expect_forbidden(const char *conf)
{
	fake_rewind();
	fake->options.conf = conf;
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
	fake->options.conf = NULL;
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
}

static void test_broken_conf(void)
{
	static char endless[1 << 17];

	memset(endless, '#', sizeof(endless) - 1);
	fake_begin(&(struct fake_options){.codec = THAW_CODEC_LZ4});
	expect_forbidden("device PARTUID=22222222-2222-2222-2222-222222222222\n");
	expect_forbidden("offset 5\n");
	expect_forbidden("device PARTUUID=99999999-9999-9999-9999-999999999999\n");
	expect_forbidden(endless);
	fake_end();
}

static void test_secure_boot(void)
{
	fake_begin(&(struct fake_options){.codec = THAW_CODEC_LZ4, .secure_boot = true});
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
	fake_end();
}

/* An image that is forbidden, and somebody at the keyboard. */
static void expect_keys(const char *keys, bool graphic, enum fake_end end)
{
	fake->options.keys = keys;
	fake->options.graphic = graphic;
	CHECK(boot(0, FAKE_ONCE) == end && !fake->faults);
	CHECK(is_image_there() == (end == FAKE_EXIT));
}

static void test_insist(void)
{
	fake_begin(&(struct fake_options){.codec = THAW_CODEC_LZ4, .conf = "device none\n"});
	expect_keys("ry", true, FAKE_EXIT); /* nothing was looked for: nothing to insist on */
	fake->options.conf = NULL;
	expect_keys("ry", false, FAKE_EXIT); /* record-damaged */
	expect_keys("", true, FAKE_EXIT);    /* passed-over, from here on */
	expect_keys("y", true, FAKE_EXIT);
	expect_keys("rrrrrrrry", true, FAKE_EXIT);
	expect_keys("r\x1by", true, FAKE_EXIT);
	expect_keys("RY", true, FAKE_JUMP);
	fake_end();
}

/* Room for the voucher, and for no record; then for no more than a record that is there has. */
static void test_full_store(void)
{
	fake_begin(&(struct fake_options){.codec = THAW_CODEC_LZ4, .room = 100});
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
	CHECK(fake_variable(L"ThawStatusVouched") && !fake_variable(L"ThawStatus"));
	fake->options.room = 0;
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
	fake_rewind();
	fake_forget_image();
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults);
	CHECK(fake_variable(L"ThawStatusVouched") && fake_variable(L"ThawStatus"));
	fake_disks_rewind();
	fake->options.room = fake->grown + 1;
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults);
	fake_end();
}

/* A name in an image is shown; no terminal is to obey it. No partition has that GUID. */
static void test_names_are_shown(void)
{
	static const struct native_watched watched = {
		.partition = "nobody has this", .bytes = 512, .name = "\x1b[2J\x1b]0;\a\n\r\t\x7f\x9b\xc3\xa9"};

	fake_begin(&(struct fake_options){.format = SYNTH_OWN, .watched = &watched});
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
	fake_end();
}

/* What the drive says to its own flush command, before anything was written. */
static void expect_flush(enum fake_bus bus, EFI_STATUS status, UINT8 sense, enum fake_end end)
{
	fake_begin(&(struct fake_options){
		.codec = THAW_CODEC_LZ4, .bus = bus, .flushed = status, .sense = sense});
	CHECK(boot(0, FAKE_ONCE) == end && !fake->faults);
	CHECK(is_image_there() == (end == FAKE_EXIT));
	fake_end();
}

static void test_flush(void)
{
	expect_flush(FAKE_ATA, EFI_SUCCESS, 0, FAKE_JUMP);
	expect_flush(FAKE_ATA, EFI_SUCCESS, 1, FAKE_EXIT); /* device fault */
	expect_flush(FAKE_ATA, EFI_DEVICE_ERROR, 0, FAKE_EXIT);
	expect_flush(FAKE_ATA, EFI_UNSUPPORTED, 0, FAKE_JUMP);
	expect_flush(FAKE_SCSI, EFI_SUCCESS, 0, FAKE_JUMP);
	expect_flush(FAKE_SCSI, EFI_SUCCESS, 3, FAKE_EXIT); /* medium error */
	expect_flush(FAKE_SCSI, EFI_SUCCESS, 5, FAKE_JUMP); /* illegal request: no cache */
	expect_flush(FAKE_SCSI, EFI_TIMEOUT, 0, FAKE_EXIT);
	expect_flush(FAKE_SCSI, EFI_UNSUPPORTED, 0, FAKE_JUMP);
}

/* The last call for that service, in the boot before. */
static unsigned last_call(enum fake_service service)
{
	unsigned n = thaw_min(fake->calls, FAKE_CALLED - 1);

	while (n && fake->called[n] != service)
		n--;
	return n;
}

/* The image is off the disk by then: whatever firmware answers, it is asked again. */
static void test_exit_refused(void)
{
	static const enum fake_service asked[] = {FAKE_EXIT_BOOT_SERVICES, FAKE_GET_MEMORY_MAP};

	fake_begin(&(struct fake_options){.codec = THAW_CODEC_LZ4});
	for (size_t i = 0; i < THAW_ARRAY_LEN(asked); i++) {
		fake_rewind();
		CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP);
		fake_rewind();
		CHECK(boot(last_call(asked[i]), FAKE_ONCE) == FAKE_JUMP && !fake->faults);
		CHECK(fake->has_failed && fake->failed == asked[i]);
	}
	fake_end();
}

/* What the first call of ExitBootServices makes firmware take, and the second one to be asked with. */
static void expect_taken(EFI_MEMORY_TYPE type, enum fake_end end)
{
	fake_begin(&(struct fake_options){.codec = THAW_CODEC_LZ4, .taken = type});
	CHECK(boot(0, FAKE_ONCE) == end && !fake->faults);
	CHECK(!is_image_there());
	fake_end();
}

static void test_exit_changes_map(void)
{
	expect_taken(EfiBootServicesData, FAKE_JUMP);
	expect_taken(EfiRuntimeServicesData, FAKE_RESET); /* the image kernel takes it for RAM */
}

/* What reads a page at a time, and what reads windows, in the foreground and in the background. */
static void test_small_requests(void)
{
	fake_begin(&(struct fake_options){.codec = THAW_CODEC_LZ4, .most_read = 16 * 4096});
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults);
	fake_rewind();
	fake->options.most_read = 4096 - 512;
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
	fake_end();
	fake_begin(&(struct fake_options){
		.codec = THAW_CODEC_LZ4, .background = true, .most_read = 16 * 4096});
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults);
	fake_end();
}

/* A reset of the disk ends a read that did not end; where it does not, only one of the machine does. */
static void test_stuck_read(void)
{
	fake_begin(&(struct fake_options){
		.codec = THAW_CODEC_LZ4, .background = true, .stuck = FAKE_UNTIL_RESET});
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults);
	CHECK(fake->count[FAKE_RESET_DISK]);
	fake_rewind();
	fake->options.stuck = FAKE_FOR_GOOD;
	CHECK(boot(0, FAKE_ONCE) == FAKE_RESET && !fake->faults && is_image_there());
	CHECK(fake->count[FAKE_RESET_DISK]);
	CHECK(boot(0, FAKE_ONCE) == FAKE_EXIT && !fake->faults && is_image_there());
	fake_end();
}

/* The second attempt does without what the first one did not come back from, */
static void expect_careful(enum fake_service hangs, bool workers)
{
	fake_begin(&(struct fake_options){
		.codec = THAW_CODEC_LZ4, .workers = workers, .background = !workers, .hangs = hangs});
	CHECK(boot(0, FAKE_ONCE) == FAKE_RESET && fake->count[hangs] == 1 && is_image_there());
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults);
	fake_end();
}

/* and every one does where that is remembered of another image. */
static void expect_remembered(enum thaw_err reason, enum fake_service hangs, bool workers)
{
	static const EFI_GUID guid = THAW_VARIABLE_GUID;
	static const UINT8 voucher = 1;
	struct thaw_record record;
	struct thaw_attempt *a;

	fake_begin(&(struct fake_options){
		.codec = THAW_CODEC_LZ4, .workers = workers, .background = !workers, .hangs = hangs});
	thaw_record_init(&record);
	a = thaw_record_touch(&record, 1, 1);
	a->state = THAW_ATTEMPT_PASSED_OVER;
	a->tries = 1;
	a->reason = (uint16_t)reason;
	thaw_record_seal(&record);
	fake_variable_set(L"ThawStatus", &guid, &record, sizeof(record));
	fake_variable_set(L"ThawStatusVouched", &guid, &voucher, sizeof(voucher));
	CHECK(boot(0, FAKE_ONCE) == FAKE_JUMP && !fake->faults);
	fake_end();
}

static void test_careful(void)
{
	expect_careful(FAKE_READ_BLOCKS_EX, false);
	expect_careful(FAKE_START_PROCESSORS, true);
	expect_remembered(THAW_READ, FAKE_READ_BLOCKS_EX, false);
	expect_remembered(THAW_WORKER, FAKE_START_PROCESSORS, true);
}

int main(void)
{
	RUN(test_broken_conf);
	RUN(test_exit_refused);
	RUN(test_exit_changes_map);
	RUN(test_small_requests);
	RUN(test_stuck_read);
	RUN(test_careful);
	RUN(test_secure_boot);
	RUN(test_names_are_shown);
	RUN(test_unreadable_beside);
	RUN(test_leg);
	RUN(test_usb);
	RUN(test_slow_disk);
	RUN(test_flush);
	RUN(test_insist);
	RUN(test_full_store);
	RUN(test_swap_partition);
	RUN(test_workers);
	RUN(test_swap_file);
	RUN(test_configured);
	printf("# %u boots of the EFI program, %u calls of firmware: %u restored, %u passed over, "
	       "%u reset; %u where firmware took nothing\n",
	       boots, calls, restored, passed, reset, untold);
	return check_summary();
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_record.c: what is taken from stored bytes, what follows from it, and who is forgotten first.
 */
#include <string.h>
#include <zlib.h>

#include <thaw/loader.h>

#include "check.h"

static struct thaw_record record;

static void begin(void)
{
	thaw_record_init(&record);
}

static void enter(uint64_t identity, uint64_t mark, enum thaw_attempt_state state, uint8_t tries)
{
	struct thaw_attempt *a = thaw_record_touch(&record, identity, mark);

	a->state = (uint8_t)state;
	a->tries = tries;
}

static bool loads(const void *bytes, size_t len)
{
	struct thaw_record got;
	struct thaw_record empty;
	bool good = thaw_record_load(&got, bytes, len);

	thaw_record_init(&empty);
	return good ? !memcmp(&got, bytes, len) : memcmp(&got, &empty, sizeof(got)) != 0;
}

static void test_load(void)
{
	uint8_t bytes[2 * sizeof(record)] = {0};
	struct thaw_record copy;
	size_t i;

	begin();
	enter(1, 2, THAW_ATTEMPT_COMMITTING, 1);
	thaw_record_seal(&record);
	memcpy(bytes, &record, sizeof(record));
	CHECK(thaw_record_load(&copy, bytes, sizeof(record)) && loads(bytes, sizeof(record)));
	for (i = 0; i < sizeof(bytes); i++)
		CHECK(i == sizeof(record) || (!thaw_record_load(&copy, bytes, i) && !copy.serial));
	for (i = 0; i < 8 * sizeof(record); i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		CHECK(!thaw_record_load(&copy, bytes, sizeof(record)) && !copy.serial);
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* A record of another version with a right checksum is not ours either. */
static void test_other_version(void)
{
	struct thaw_record copy;

	begin();
	record.version = THAW_RECORD_VERSION + 1;
	thaw_record_seal(&record);
	CHECK(!thaw_record_load(&copy, &record, sizeof(record)));
	begin();
	record.attempts = THAW_RECORD_ATTEMPTS + 1;
	thaw_record_seal(&record);
	CHECK(!thaw_record_load(&copy, &record, sizeof(record)));
}

static void test_checksum(void)
{
	struct thaw_record copy;

	begin();
	enter(3, 4, THAW_ATTEMPT_STARTED, 1);
	thaw_record_seal(&record);
	copy = record;
	copy.crc32 = 0;
	CHECK(record.crc32 == crc32(0, (const uint8_t *)&copy, sizeof(copy)));
}

static void test_verdicts(void)
{
	static const struct {
		enum thaw_attempt_state state;
		uint8_t tries;
		enum thaw_err want;
	} rows[] = {
		{THAW_ATTEMPT_EMPTY, 9, THAW_OK},
		{THAW_ATTEMPT_STARTED, 0, THAW_OK},
		{THAW_ATTEMPT_STARTED, 1, THAW_OK},
		{THAW_ATTEMPT_STARTED, 2, THAW_ATTEMPTS},
		{THAW_ATTEMPT_STARTED, 255, THAW_ATTEMPTS},
		{THAW_ATTEMPT_PASSED_OVER, 0, THAW_PASSED_OVER},
		{THAW_ATTEMPT_COMMITTING, 1, THAW_COMMITTED_BEFORE},
		{THAW_ATTEMPT_RETURNED, 1, THAW_COMMITTED_BEFORE},
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		begin();
		enter(7, 8, rows[i].state, rows[i].tries);
		CHECK(thaw_record_verdict(&record, 7, 8) == rows[i].want);
		CHECK(thaw_record_verdict(&record, 7, 99) == rows[i].want);
		CHECK(thaw_record_verdict(&record, 6, 8) == THAW_OK);
		CHECK(thaw_record_verdict(&record, 0, 8) == rows[i].want);
		CHECK(thaw_record_verdict(&record, 0, 9) == THAW_OK);
	}
}

/* Known by its mark at first, by its identity later: one entry, and one verdict. */
static void test_mark_then_identity(void)
{
	begin();
	enter(0, 8, THAW_ATTEMPT_PASSED_OVER, 0);
	CHECK(thaw_record_verdict(&record, 7, 8) == THAW_PASSED_OVER);
	enter(7, 8, THAW_ATTEMPT_PASSED_OVER, 0);
	CHECK(record.attempt[0].identity == 7 && record.attempt[1].state == THAW_ATTEMPT_EMPTY);
	enter(0, 8, THAW_ATTEMPT_PASSED_OVER, 0);
	CHECK(record.attempt[0].identity == 7 && record.attempt[1].state == THAW_ATTEMPT_EMPTY);
}

static void test_eviction(void)
{
	uint64_t i;

	begin();
	for (i = 1; i <= THAW_RECORD_ATTEMPTS; i++)
		enter(i, 100 + i, THAW_ATTEMPT_PASSED_OVER, 0);
	for (i = 1; i <= THAW_RECORD_ATTEMPTS; i++)
		CHECK(thaw_record_verdict(&record, i, 100 + i) == THAW_PASSED_OVER);
	enter(1, 101, THAW_ATTEMPT_PASSED_OVER, 0); /* now 2 is the oldest */
	enter(50, 150, THAW_ATTEMPT_COMMITTING, 0);
	CHECK(thaw_record_verdict(&record, 1, 101) == THAW_PASSED_OVER);
	CHECK(thaw_record_verdict(&record, 2, 102) == THAW_OK);
	CHECK(thaw_record_verdict(&record, 3, 103) == THAW_PASSED_OVER);
	CHECK(thaw_record_verdict(&record, 50, 150) == THAW_COMMITTED_BEFORE);
}

/* An image that was consumed is gone from its disk; one that was passed over would come back. */
static void test_consumed_go_first(void)
{
	uint64_t i;

	begin();
	for (i = 1; i <= THAW_RECORD_ATTEMPTS; i++)
		enter(i, 100 + i, i == 6 ? THAW_ATTEMPT_COMMITTING : THAW_ATTEMPT_PASSED_OVER, 0);
	for (i = 20; i < 40; i++) {
		enter(i, 100 + i, THAW_ATTEMPT_STARTED, 1);
		enter(i, 100 + i, i % 2 ? THAW_ATTEMPT_COMMITTING : THAW_ATTEMPT_RETURNED, 1);
		CHECK(thaw_record_verdict(&record, i, 100 + i) == THAW_COMMITTED_BEFORE);
	}
	for (i = 1; i <= THAW_RECORD_ATTEMPTS; i++)
		CHECK(thaw_record_verdict(&record, i, 100 + i) ==
		      (i == 6 ? THAW_OK : THAW_PASSED_OVER));
}

static struct thaw_record *stored;

static enum thaw_err store(struct thaw_machine *m)
{
	stored = m->record;
	return THAW_OK;
}

/* What was consumed stays so, whoever passes it over. */
static void test_pass_over(void)
{
	struct thaw_machine m = {
		.record = &record, .record_store = store, .record_vouched = true};

	begin();
	CHECK(thaw_pass_over(&m, 5, 6, THAW_SECURE_BOOT) == THAW_OK && stored == &record);
	CHECK(record.attempt[0].state == THAW_ATTEMPT_PASSED_OVER);
	CHECK(record.attempt[0].reason == THAW_SECURE_BOOT);
	enter(5, 6, THAW_ATTEMPT_COMMITTING, 1);
	CHECK(thaw_pass_over(&m, 5, 6, THAW_READ) == THAW_OK);
	CHECK(thaw_record_verdict(&record, 5, 6) == THAW_COMMITTED_BEFORE);
	CHECK(record.attempt[0].reason == THAW_READ);
}

/* Its write failed, so it may still be on its disk: no reason to forget it early. */
static void test_failed_commit_stays(void)
{
	struct thaw_machine m = {
		.record = &record, .record_store = store, .record_vouched = true};
	uint64_t i;

	begin();
	enter(5, 6, THAW_ATTEMPT_COMMITTING, 1);
	CHECK(thaw_pass_over(&m, 5, 6, THAW_WRITE) == THAW_OK);
	for (i = 20; i < 20 + 3 * THAW_RECORD_ATTEMPTS; i++)
		enter(i, 100 + i, THAW_ATTEMPT_COMMITTING, 1);
	CHECK(thaw_record_verdict(&record, 5, 6) == THAW_COMMITTED_BEFORE);
}

/*
 * Each boot restores another image; two that are forbidden stay on a disk beside them: one was passed
 * over, one was about to be consumed when the power went, or came back with a copy of its disk.
 */
static void test_seen_are_not_forgotten(void)
{
	uint64_t i;

	begin();
	enter(1, 101, THAW_ATTEMPT_PASSED_OVER, 0);
	enter(2, 102, THAW_ATTEMPT_COMMITTING, 1);
	enter(3, 103, THAW_ATTEMPT_RETURNED, 1);
	for (i = 20; i < 20 + 3 * THAW_RECORD_ATTEMPTS; i++) {
		thaw_record_seen(&record, 101);
		thaw_record_seen(&record, 102);
		thaw_record_seen(&record, 103);
		enter(i, 100 + i, i % 2 ? THAW_ATTEMPT_RETURNED : THAW_ATTEMPT_PASSED_OVER, 1);
		CHECK(thaw_record_verdict(&record, i, 100 + i) != THAW_OK);
	}
	CHECK(thaw_record_verdict(&record, 1, 101) == THAW_PASSED_OVER);
	CHECK(thaw_record_verdict(&record, 2, 102) == THAW_COMMITTED_BEFORE);
	CHECK(thaw_record_verdict(&record, 3, 103) == THAW_COMMITTED_BEFORE);
}

/* All that is remembered is on a disk still, beside two that are new; the oldest comes first. */
static void test_none_pushes_another_out(void)
{
	struct thaw_machine m = {
		.record = &record, .record_store = store, .record_vouched = true};
	const uint64_t marks[] = {200, 100, 101, 102, 103, 104, 105, 201};
	uint64_t i;

	begin();
	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++)
		enter(i + 1, 100 + i, THAW_ATTEMPT_PASSED_OVER, 0);
	CHECK(thaw_pass_over_all(&m, marks, 8, THAW_AMBIGUOUS) == THAW_OK && stored);
	for (i = 0; i < 8; i++)
		CHECK(thaw_record_verdict(&record, 0, marks[i]) == THAW_PASSED_OVER);
	stored = NULL;
	CHECK(thaw_pass_over_all(&m, marks, 8, THAW_AMBIGUOUS) == THAW_OK && !stored);
}

static bool is_careful(uint64_t identity, bool workers, bool background)
{
	struct thaw_caution c = thaw_record_caution(&record, identity, identity);

	return c.workers == workers && c.background == background;
}

static void test_caution(void)
{
	struct thaw_attempt *a;

	begin();
	CHECK(is_careful(1, false, false));
	a = thaw_record_touch(&record, 1, 1);
	*a = (struct thaw_attempt){.identity = 1, .mark = 1, .state = THAW_ATTEMPT_STARTED, .tries = 1};
	CHECK(is_careful(1, true, true) && is_careful(2, false, false));
	a->tries = 2;
	a->state = THAW_ATTEMPT_RETURNED;
	CHECK(is_careful(2, true, true));
	a->tries = UINT8_MAX; /* by hand */
	CHECK(is_careful(1, false, false) && is_careful(2, false, false));
	a->state = THAW_ATTEMPT_PASSED_OVER;
	a->reason = THAW_WORKER;
	CHECK(is_careful(2, true, false));
	a->reason = THAW_READ;
	a->tries = 1;
	CHECK(is_careful(2, false, true));
	a->tries = 0; /* nothing was loaded */
	CHECK(is_careful(2, false, false));
	begin();
}

int main(void)
{
	RUN(test_load);
	RUN(test_other_version);
	RUN(test_checksum);
	RUN(test_verdicts);
	RUN(test_mark_then_identity);
	RUN(test_eviction);
	RUN(test_consumed_go_first);
	RUN(test_pass_over);
	RUN(test_failed_commit_stays);
	RUN(test_seen_are_not_forgotten);
	RUN(test_none_pushes_another_out);
	RUN(test_caution);
	return check_summary();
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_record.c: a variable that anybody may have written. Whatever it holds, an image that is then
 * passed over, or about to be consumed, is not restored afterwards.
 */
#include <stdlib.h>
#include <string.h>

#include <thaw/loader.h>

#include "fuzz.h"

static enum thaw_err store(struct thaw_machine *m)
{
	thaw_record_seal(m->record);
	return THAW_OK;
}

static void check_image(struct thaw_record record, uint64_t identity, uint64_t mark)
{
	struct thaw_machine m = {
		.record = &record, .record_store = store, .record_vouched = true};
	struct thaw_record again;

	thaw_record_verdict(&record, identity, mark);
	REQUIRE(thaw_pass_over(&m, identity, mark, THAW_READ) == THAW_OK);
	REQUIRE(thaw_record_verdict(&record, identity, mark) != THAW_OK);
	REQUIRE(thaw_record_verdict(&record, 0, mark) != THAW_OK);
	thaw_record_touch(&record, identity, mark)->state = THAW_ATTEMPT_COMMITTING;
	REQUIRE(thaw_record_verdict(&record, identity, mark) != THAW_OK);
	thaw_record_seal(&record);
	REQUIRE(thaw_record_load(&again, &record, sizeof(record)));
	REQUIRE(!memcmp(&again, &record, sizeof(record)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct thaw_record record;
	const struct thaw_attempt *a = record.attempt;
	size_t i;

	thaw_record_load(&record, data, n);
	check_image(record, 1, 2);
	if (n < sizeof(record))
		return 0;
	/* The same bytes, made whole. */
	memcpy(&record, data, sizeof(record));
	record.version = THAW_RECORD_VERSION;
	record.attempts = THAW_RECORD_ATTEMPTS;
	thaw_record_seal(&record);
	REQUIRE(thaw_record_load(&record, &record, sizeof(record)));
	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++, a++) {
		check_image(record, a->identity, a->mark);
		check_image(record, 0, a->mark);
		check_image(record, a->identity, ~a->mark);
		check_image(record, a->identity ^ 1, a->mark);
	}
	return 0;
}

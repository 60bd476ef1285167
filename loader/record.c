/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * record.c: what is remembered between boots, and what follows from it.
 *
 * An image is known by its identity; where it was refused before that could be computed, by its
 * header page alone. Two images without a checksum of their own may share a header, so a mark can
 * say "passed over" of one that was not: that costs a restore, never a filesystem.
 *
 * No image is restored by itself after it was passed over, though any store may fail. Control goes
 * to the next boot entry only
 *
 * (a) with the image recorded as passed over, as committing, or as started twice, or
 * (b) where that could not be stored, with the record doubted, which forbids every image, or
 * (c) where the firmware refused both, in a boot in which it refused everything.
 *
 * After a start was stored in this boot, and neither (a) nor (b) can be had, the machine is reset:
 * nobody else ran, so another try is right, and the second start forbids by itself (a). So at most
 * two resets follow each other. (a) and (b) last: a doubted record is vouched for again only together
 * with the image that was found, recorded; thaw_record_verdict() forbids the rest. (c) cannot be had
 * better: to the next boot it looks as if thaw had not run. It takes firmware that refuses to delete a
 * variable, for one boot, and accepts one in the next; a full store is not enough. A power cut
 * before the commit leaves one start, which permits another. tests/test_twice.c tries all sequences
 * of failures over three boots.
 */
#include <thaw/crc32.h>
#include <thaw/record.h>

static const uint8_t record_magic[4] = {'T', 'H', 'A', 'W'};

#define MOST_TRIES 2

static uint32_t record_crc32(const struct thaw_record *record)
{
	struct thaw_record copy = *record;

	copy.crc32 = 0;
	return ~thaw_crc32(UINT32_MAX, &copy, sizeof(copy));
}

void thaw_record_init(struct thaw_record *ret)
{
	*ret = (struct thaw_record){.version = THAW_RECORD_VERSION,
				    .attempts = THAW_RECORD_ATTEMPTS};
	thaw_record_seal(ret);
}

bool thaw_record_load(struct thaw_record *ret, const void *bytes, size_t len)
{
	struct thaw_record record;

	thaw_record_init(ret);
	if (len != sizeof(record))
		return false;
	__builtin_memcpy(&record, bytes, sizeof(record));
	if (!thaw_bytes_equal(record.magic, record_magic, sizeof(record_magic)) ||
	    record.version != THAW_RECORD_VERSION || record.attempts != THAW_RECORD_ATTEMPTS ||
	    record.crc32 != record_crc32(&record))
		return false;
	*ret = record;
	return true;
}

void thaw_record_seal(struct thaw_record *record)
{
	__builtin_memcpy(record->magic, record_magic, sizeof(record_magic));
	record->crc32 = record_crc32(record);
}

static bool is_about(const struct thaw_attempt *a, uint64_t identity, uint64_t mark)
{
	if (a->state == THAW_ATTEMPT_EMPTY)
		return false;
	if (a->identity && identity)
		return a->identity == identity;
	return a->mark == mark;
}

enum thaw_err thaw_record_verdict(const struct thaw_record *record, uint64_t identity,
				  uint64_t mark)
{
	const struct thaw_attempt *a = record->attempt;
	size_t i;

	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++, a++) {
		if (!is_about(a, identity, mark))
			continue;
		if (a->state == THAW_ATTEMPT_PASSED_OVER)
			return THAW_PASSED_OVER;
		if (a->state == THAW_ATTEMPT_COMMITTING || a->state == THAW_ATTEMPT_RETURNED)
			return THAW_COMMITTED_BEFORE;
		if (a->tries >= MOST_TRIES)
			return THAW_ATTEMPTS;
	}
	return THAW_OK;
}

/*
 * Was it consumed, as far as we know? Such an image is no longer on its disk; one that was passed
 * over mostly is, and stale. With a reason it was met again, or its write failed.
 */
static bool is_gone(const struct thaw_attempt *a)
{
	return (a->state == THAW_ATTEMPT_RETURNED || a->state == THAW_ATTEMPT_COMMITTING) &&
	       a->reason == THAW_OK;
}

/* Is a to be forgotten before b? */
static bool goes_first(const struct thaw_attempt *a, const struct thaw_attempt *b)
{
	if ((a->state == THAW_ATTEMPT_EMPTY) != (b->state == THAW_ATTEMPT_EMPTY))
		return a->state == THAW_ATTEMPT_EMPTY;
	return is_gone(a) != is_gone(b) ? is_gone(a) : a->serial < b->serial;
}

static struct thaw_attempt *find(struct thaw_record *record, uint64_t identity, uint64_t mark)
{
	struct thaw_attempt *first = record->attempt;
	size_t i;

	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++) {
		if (is_about(&record->attempt[i], identity, mark))
			return &record->attempt[i];
		if (goes_first(&record->attempt[i], first))
			first = &record->attempt[i];
	}
	*first = (struct thaw_attempt){0};
	return first;
}

struct thaw_attempt *thaw_record_touch(struct thaw_record *record, uint64_t identity, uint64_t mark)
{
	struct thaw_attempt *a = find(record, identity, mark);

	if (identity)
		a->identity = identity;
	a->mark = mark;
	a->serial = ++record->serial;
	return a;
}

void thaw_record_seen(struct thaw_record *record, uint64_t mark)
{
	struct thaw_attempt *a = record->attempt;
	size_t i;

	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++, a++) {
		if (!is_about(a, 0, mark))
			continue;
		a->serial = ++record->serial;
		if (is_gone(a))
			a->reason = (uint16_t)THAW_COMMITTED_BEFORE;
	}
}

/*
 * Did the machine stop in an attempt? This image's stopped if there was one; of the others those did that
 * took two. Who insisted on an image says nothing about the machine.
 */
static bool has_stopped(const struct thaw_attempt *a, bool is_this)
{
	return a->tries != UINT8_MAX && a->tries >= (is_this ? 1 : MOST_TRIES);
}

struct thaw_caution thaw_record_caution(const struct thaw_record *record, uint64_t identity,
					uint64_t mark)
{
	struct thaw_caution c = {false, false};
	const struct thaw_attempt *a = record->attempt;
	size_t i;

	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++, a++) {
		bool stopped = a->state != THAW_ATTEMPT_EMPTY &&
			       has_stopped(a, is_about(a, identity, mark));

		c.workers |= stopped || a->reason == THAW_WORKER;
		c.background |= stopped || (a->reason == THAW_READ && a->tries);
	}
	return c;
}

/* --- stored, vouched for, doubted ----------------------------------------------------------- */

bool thaw_record_is_doubted(const struct thaw_machine *m)
{
	return m->record_damaged || m->record_there != m->record_vouched;
}

static enum thaw_err vouch(struct thaw_machine *m, bool there)
{
	enum thaw_err err = m->record_vouch(m, there);

	if (!err)
		m->record_vouched = there;
	return err;
}

enum thaw_err thaw_record_store(struct thaw_machine *m)
{
	enum thaw_err err = m->record_store(m);

	if (err)
		return err;
	m->record_there = true;
	m->record_damaged = false;
	return m->record_vouched ? THAW_OK : vouch(m, true);
}

enum thaw_err thaw_record_doubt(struct thaw_machine *m)
{
	return m->record_there == m->record_vouched ? vouch(m, !m->record_vouched) : THAW_OK;
}

enum thaw_err thaw_record_forbid_next(struct thaw_machine *m, enum thaw_err reason)
{
	struct thaw_attempt *a;

	/* At every boot, if the disk stays as it is: firmware's flash wears. */
	if (thaw_record_is_doubted(m))
		return THAW_OK;
	/* The doubt comes first, and the store that follows does not vouch. */
	if (m->record_there && vouch(m, false) != THAW_OK)
		return THAW_NO_RECORD;
	a = thaw_record_touch(m->record, 0, 0);
	a->state = THAW_ATTEMPT_PASSED_OVER;
	a->reason = (uint16_t)reason;
	if (m->record_store(m) == THAW_OK)
		m->record_there = true;
	return thaw_record_is_doubted(m) ? THAW_OK : thaw_record_doubt(m);
}

void thaw_record_reserve(struct thaw_machine *m)
{
	if (!m->record_there && !m->record_vouched)
		thaw_record_store(m);
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vars.c: see vars.h.
 */
#include "vars.h"

#include "console.h"
#include "firmware.h"

#define RECORD_ATTRIBUTES                                                                          \
	(EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS)

#define SECONDS_PER_DAY 86400

static EFI_GUID record_guid = THAW_VARIABLE_GUID;
static CHAR16 record_name[] = L"ThawStatus";
static CHAR16 voucher_name[] = L"ThawStatusVouched";

static struct thaw_record stored; /* what the variable holds, as far as we know */
/*
 * Firmware could not tell what it holds. It must not be overwritten then, nor vouched for; but where there
 * is no voucher, there may be no record either, and the one that is stored instead is doubted.
 */
static bool unreadable;

/* A voucher that can't be read is one that is not there. */
static bool has_voucher(void)
{
	UINT8 value;
	UINTN size = sizeof(value);

	return !EFI_ERROR(fw.rt->GetVariable(voucher_name, &record_guid, NULL, &size, &value));
}

void vars_load_record(struct thaw_machine *m)
{
	static uint8_t bytes[2 * sizeof(struct thaw_record)];
	UINTN size = sizeof(bytes);
	EFI_STATUS status;

	status = fw.rt->GetVariable(record_name, &record_guid, NULL, &size, bytes);
	if (EFI_ERROR(status))
		size = 0;
	/* A variable that is too large is not ours. One that can't be read may forbid a restore. */
	unreadable = EFI_ERROR(status) && status != EFI_NOT_FOUND && status != EFI_BUFFER_TOO_SMALL;
	m->record_there = status != EFI_NOT_FOUND;
	m->record_damaged = !thaw_record_load(m->record, bytes, size) && m->record_there;
	m->record_vouched = has_voucher();
	stored = *m->record;
}

enum thaw_err vars_vouch_record(struct thaw_machine *m, bool there)
{
	UINT8 value = 1;

	(void)m;
	if (unreadable && there)
		return THAW_NO_RECORD;
	return EFI_ERROR(fw.rt->SetVariable(voucher_name, &record_guid,
					    there ? RECORD_ATTRIBUTES : 0,
					    there ? sizeof(value) : 0, there ? &value : NULL))
		       ? THAW_NO_RECORD
		       : THAW_OK;
}

/* Days since 1970 of a Gregorian date: years begin in March, so that leap days come last. */
static uint64_t days_of(const EFI_TIME *t)
{
	uint64_t year = (uint64_t)t->Year - (t->Month < 3);
	uint64_t month = (t->Month + 9u) % 12u;

	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + t->Day -
	       719469;
}

static uint64_t now_seconds(void)
{
	EFI_TIME t;

	if (EFI_ERROR(fw.rt->GetTime(&t, NULL)) || t.Year < 1970)
		return 0;
	return days_of(&t) * SECONDS_PER_DAY + t.Hour * 3600u + t.Minute * 60u + t.Second;
}

static void stamp(struct thaw_record *record)
{
	for (size_t i = 0; i < THAW_RECORD_ATTEMPTS; i++) {
		struct thaw_attempt *attempt = &record->attempt[i];

		if (attempt->state != THAW_ATTEMPT_EMPTY && attempt->serial == record->serial)
			attempt->when = now_seconds();
	}
}

static EFI_STATUS set_record(struct thaw_record *record)
{
	return fw.rt->SetVariable(record_name, &record_guid, RECORD_ATTRIBUTES, sizeof(*record),
				  record);
}

enum thaw_err vars_store_record(struct thaw_machine *m)
{
	EFI_STATUS status;

	if (unreadable && m->record_vouched)
		return THAW_NO_RECORD;
	if (m->record_there && !m->record_damaged &&
	    thaw_bytes_equal(m->record, &stored, sizeof(stored)))
		return THAW_OK;
	stamp(m->record);
	thaw_record_seal(m->record);
	status = set_record(m->record);
	/* UEFI 2.10, 8.2.3: so answered where the variable exists with other attributes. */
	if (status == EFI_INVALID_PARAMETER) {
		if (!EFI_ERROR(fw.rt->SetVariable(record_name, &record_guid, 0, 0, NULL)))
			m->record_there = false;
		status = set_record(m->record);
	}
	if (EFI_ERROR(status))
		return THAW_NO_RECORD;
	stored = *m->record;
	return THAW_OK;
}

/* A machine that has a record and nothing else. */
static struct thaw_machine record_keeper(void)
{
	static struct thaw_record record;
	struct thaw_machine m = {
		.record = &record,
		.record_store = vars_store_record,
		.record_vouch = vars_vouch_record,
	};

	vars_load_record(&m);
	return m;
}

void vars_reserve_record(void)
{
	struct thaw_machine m = record_keeper();

	thaw_record_reserve(&m);
}

enum thaw_err vars_forbid_next(enum thaw_err reason)
{
	struct thaw_machine m = record_keeper();

	return thaw_record_forbid_next(&m, reason);
}

bool vars_location(struct thaw_place *ret)
{
	static uint8_t value[THAW_LOCATION_MAX];
	EFI_GUID guid = THAW_LOCATION_GUID;
	UINTN size = sizeof(value);
	EFI_STATUS status =
		fw.rt->GetVariable(L"HibernateLocation", &guid, NULL, &size, value);

	if (status == EFI_NOT_FOUND)
		return false;
	fw.blind |= EFI_ERROR(status) && status != EFI_BUFFER_TOO_SMALL;
	if (!EFI_ERROR(status) && thaw_location_parse(ret, value, size)) {
		console_note("hibernate-location", ret->page, size);
		return true;
	}
	console_warn("HibernateLocation is not understood", 0);
	return false;
}

/* SetupMode is no matter: SecureBoot is 1 exactly when images are verified. */
bool vars_secure_boot(void)
{
	EFI_GUID guid = EFI_GLOBAL_VARIABLE;
	UINT8 value = 0;
	UINTN size = sizeof(value);
	EFI_STATUS status = fw.rt->GetVariable(L"SecureBoot", &guid, NULL, &size, &value);

	if (status == EFI_NOT_FOUND)
		return false;
	return EFI_ERROR(status) || size != sizeof(value) || value != 0;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attempt.c: see attempt.h; thawctl log.
 */
#include "attempt.h"

#include "advice.h"
#include "site.h"
#include "state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const phases[THAW_PHASE_COUNT] = {"look", "plan", "load", "commit", "jump"};

size_t attempts_sorted(const struct thaw_record *record, const struct thaw_attempt **ret)
{
	size_t count = 0;

	for (size_t i = 0; i < THAW_RECORD_ATTEMPTS; i++) {
		const struct thaw_attempt *a = &record->attempt[i];
		size_t at = count;

		if (a->state == THAW_ATTEMPT_EMPTY)
			continue;
		for (; at && ret[at - 1]->serial < a->serial; at--)
			ret[at] = ret[at - 1];
		ret[at] = a;
		count++;
	}
	return count;
}

/* Firmware's clock has no time zone: what it said is printed, as it said it. */
static const char *when(const struct thaw_attempt *a)
{
	static char text[32];
	time_t seconds = (time_t)a->when;
	struct tm tm;

	if (!a->when || !gmtime_r(&seconds, &tm))
		return "at a time unknown";
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return text;
}

static const char *outcome(const struct thaw_attempt *a)
{
	switch (a->state) {
	case THAW_ATTEMPT_RETURNED:
		return "restored";
	case THAW_ATTEMPT_COMMITTING:
		return a->reason ? "failed while committing" : "handed over, not heard of since";
	case THAW_ATTEMPT_PASSED_OVER:
		return "not restored";
	case THAW_ATTEMPT_STARTED:
		return "interrupted while loading";
	default:
		return "unknown";
	}
}

static uint64_t mib_per_s(const struct thaw_attempt *a)
{
	uint64_t us = a->phase_us[THAW_PHASE_LOAD];

	return us ? (uint64_t)a->pages * 1000000 / 256 / us : 0;
}

void attempt_print(const struct thaw_attempt *a)
{
	printf("%s: %s", when(a), outcome(a));
	if (a->reason)
		printf(": %s: %s", thaw_err_name(a->reason), thaw_err_sentence(a->reason));
	putchar('\n');
}

void attempt_print_details(const struct thaw_attempt *a)
{
	const char *gap = "";

	if (a->reason)
		printf("    %s\n", advice_for(a->reason));
	else if (a->state == THAW_ATTEMPT_STARTED)
		puts("    The power went, or the machine hung. Another try is made at the next "
		     "boot; two at most.");
	if (!a->phase_us[THAW_PHASE_LOOK])
		return;
	fputs("    ", stdout);
	for (unsigned i = 0; i < THAW_PHASE_COUNT; i++) {
		if (!a->phase_us[i])
			continue;
		printf("%s%s %.1f ms", gap, phases[i], a->phase_us[i] / 1000.0);
		if (i == THAW_PHASE_LOAD && mib_per_s(a))
			printf(" (%" PRIu32 " MiB, %" PRIu64 " MiB/s)", a->pages / 256,
			       mib_per_s(a));
		gap = ", ";
	}
	putchar('\n');
}

static void print_reason(struct json *json, const struct thaw_attempt *a)
{
	if (!a->reason) {
		json_null(json, "reason");
		return;
	}
	json_object(json, "reason");
	json_string(json, "name", thaw_err_name(a->reason));
	json_hex(json, "code", a->reason);
	json_string(json, "sentence", thaw_err_sentence(a->reason));
	json_string(json, "advice", advice_for(a->reason));
	json_end(json);
}

void attempt_print_json(struct json *json, const struct thaw_attempt *a)
{
	static const char *const states[] = {"empty", "started", "passed-over", "committing",
					     "returned"};

	json_object(json, NULL);
	json_number(json, "serial", a->serial);
	json_string(json, "when", a->when ? when(a) : NULL);
	json_string(json, "state",
		    a->state < THAW_ARRAY_LEN(states) ? states[a->state] : "unknown");
	print_reason(json, a);
	json_string(json, "phase", a->phase < THAW_PHASE_COUNT ? phases[a->phase] : "unknown");
	json_number(json, "tries", a->tries);
	json_number(json, "pages", a->pages);
	json_object(json, "microseconds");
	for (unsigned i = 0; i < THAW_PHASE_COUNT; i++)
		json_number(json, phases[i], a->phase_us[i]);
	json_end(json);
	json_hex(json, "identity", a->identity);
	json_hex(json, "mark", a->mark);
	json_end(json);
}

/* --- thawctl log ------------------------------------------------------------------------- */

static const char usage[] =
	"Usage: thawctl log [OPTION]...\n"
	"Shows the last attempts to restore the machine, newest first: how each ended,\n"
	"what to do about it, and how long each phase took. Times are those of the\n"
	"firmware's clock.\n"
	"\n"
	"  --new    only those that 'log --new' has not shown before\n"
	"  --json   answer in JSON\n"
	"  --help   show this text\n"
	"\n"
	"Exit status: 0 shown, 1 nothing to show, 3 the record cannot be read, 64 wrong\n"
	"usage.\n";

/* The serial of the newest attempt that was told before. */
static uint32_t told_before(void)
{
	char *text = state_read("told");
	uint32_t serial = text ? (uint32_t)strtoul(text, NULL, 10) : 0;

	free(text);
	return serial;
}

static void remember_told(uint32_t serial)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", serial);
	state_write("told", text);
}

static size_t only_new(const struct thaw_record *record, const struct thaw_attempt **list,
		       size_t count)
{
	uint32_t told = told_before();
	size_t fresh = 0;

	/* The variable was made anew: it counts from the beginning again. */
	if (told > record->serial)
		told = 0;
	while (fresh < count && list[fresh]->serial > told)
		fresh++;
	if (fresh)
		remember_told(record->serial);
	return fresh;
}

static void show(const struct site *site, const struct thaw_attempt *const *list, size_t count)
{
	struct json json = {.out = stdout};

	if (!site->json) {
		for (size_t i = 0; i < count; i++) {
			attempt_print(list[i]);
			attempt_print_details(list[i]);
		}
		if (!count && !site->fresh)
			puts("thaw has not met an image yet.");
		return;
	}
	json_array(&json, NULL);
	for (size_t i = 0; i < count; i++)
		attempt_print_json(&json, list[i]);
	json_end(&json);
}

void attempts_tell_new(const struct thaw_record *record)
{
	const struct thaw_attempt *list[THAW_RECORD_ATTEMPTS];
	size_t count = only_new(record, list, attempts_sorted(record, list));

	for (size_t i = 0; i < count; i++) {
		attempt_print(list[i]);
		attempt_print_details(list[i]);
	}
}

int log_main(int argc, char **argv)
{
	const struct thaw_attempt *list[THAW_RECORD_ATTEMPTS];
	struct site site;
	int result = site_parse(&site, argc, argv, "jN", usage);
	enum bootvars_record state;
	size_t count;

	if (result)
		return result < 0 ? THAWCTL_DONE : result;
	state = bootvars_available() ? bootvars_read_record(&site.record) : BOOTVARS_RECORD_MISSING;
	if (state == BOOTVARS_RECORD_DAMAGED && !site.record.serial) {
		thawctl_error("Hibernate and resume once; the record is made anew then.",
			      "the record of earlier boots is damaged");
		return THAWCTL_ENVIRONMENT;
	}
	if (state == BOOTVARS_RECORD_MISSING)
		thaw_record_init(&site.record);
	count = attempts_sorted(&site.record, list);
	if (site.fresh)
		count = only_new(&site.record, list, count);
	show(&site, list, count);
	return count ? THAWCTL_DONE : THAWCTL_NO_IMAGE;
}

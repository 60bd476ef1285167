/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_times.c: how long each part took.
 *
 * The restored system remembers nothing from after the snapshot. So the times of writing travel in
 * the image's notes, and those of restoring stand in thaw's status variable.
 */
#include "attempt.h"
#include "bootvars.h"
#include "hibernate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void hibernate_times_begin(struct hibernate_times *ret)
{
	*ret = (struct hibernate_times){
		.began_us = now_us(CLOCK_REALTIME),
		.last_us = now_us(CLOCK_MONOTONIC),
	};
}

void hibernate_times_mark(struct hibernate_times *times, enum hibernate_time part)
{
	uint64_t now = now_us(CLOCK_MONOTONIC);

	times->us[part] = now - times->last_us;
	times->last_us = now;
}

static const char *const names[HIBERNATE_TIMES] = {"freeze_us", "snapshot_us", "write_us"};

void hibernate_times_note(const struct hibernate_times *times, char *ret, size_t size)
{
	size_t used = 0;
	unsigned i;

	for (i = 0; i < HIBERNATE_TIMES && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s=%" PRIu64 "\n", names[i],
					 times->us[i]);
}

/* --- what the image says ------------------------------------------------------------------- */

struct notes {
	uint8_t unit[NATIVE_UNIT] __attribute__((aligned(4096)));
	const struct hibernate_target *target;
	struct native_header header;
	char text[NATIVE_UNIT + 1];
};

static bool read_unit(struct notes *n, uint64_t unit)
{
	return pread(n->target->file.fd, n->unit, sizeof(n->unit),
		     (off_t)(unit << NATIVE_UNIT_SHIFT)) == (ssize_t)sizeof(n->unit);
}

/* The consumed image is still there, but for its anchor's state; in a swap area it is gone. */
static bool read_header(struct notes *n, const uint8_t *uuid)
{
	struct native_anchor anchor;

	if (n->target->swap || !read_unit(n, 0))
		return false;
	memcpy(&anchor, n->unit, sizeof(anchor));
	if (memcmp(anchor.uuid, uuid, NATIVE_UUID_BYTES) || !read_unit(n, anchor.header_unit))
		return false;
	memcpy(&n->header, n->unit, sizeof(n->header));
	return !memcmp(n->header.uuid, uuid, NATIVE_UUID_BYTES);
}

static const struct native_table *find_notes(const struct notes *n)
{
	size_t i;

	for (i = 0; i < NATIVE_TABLES; i++) {
		if (n->header.tables[i].type == NATIVE_TABLE_NOTES)
			return &n->header.tables[i];
	}
	return NULL;
}

/* Only for what is printed: the first unit of the first segment and of the notes will do. */
static bool read_notes(struct notes *n, const uint8_t *uuid)
{
	const struct native_table *table;
	struct native_segment segment;
	struct native_extent extents[(NATIVE_UNIT - sizeof(segment)) / sizeof(struct native_extent)];
	uint64_t skip;
	size_t i;

	if (!read_header(n, uuid))
		return false;
	table = find_notes(n);
	if (!table || !read_unit(n, n->header.segment_unit))
		return false;
	memcpy(&segment, n->unit, sizeof(segment));
	memcpy(extents, n->unit + sizeof(segment), sizeof(extents));
	skip = table->position >> NATIVE_UNIT_SHIFT;
	for (i = 0; i < segment.count && i < THAW_ARRAY_LEN(extents); i++) {
		if (skip >= extents[i].units) {
			skip -= extents[i].units;
			continue;
		}
		if (!read_unit(n, extents[i].unit + skip))
			return false;
		memcpy(n->text, n->unit, (size_t)thaw_min(table->entries, NATIVE_UNIT));
		return true;
	}
	return false;
}

static void take_notes(struct hibernate_times *times, const struct hibernate_target *target,
		       const uint8_t *uuid)
{
	static struct notes n;
	const char *at;
	unsigned i;

	n = (struct notes){.target = target};
	if (!read_notes(&n, uuid))
		return;
	for (i = 0; i < HIBERNATE_TIMES; i++) {
		at = strstr(n.text, names[i]);
		if (at)
			sscanf(at + strlen(names[i]), "=%" SCNu64, &times->us[i]);
	}
}

/* --- what thaw says ------------------------------------------------------------------------- */

/* Tells the record too that this session is back. */
static void show_restore(void)
{
	const struct thaw_attempt *list[THAW_RECORD_ATTEMPTS];
	struct thaw_record record;
	struct thaw_attempt *newest;

	if (!bootvars_available() || bootvars_read_record(&record) != BOOTVARS_RECORD_WHOLE ||
	    !attempts_sorted(&record, list))
		return;
	newest = &record.attempt[list[0] - record.attempt];
	if (newest->state != THAW_ATTEMPT_COMMITTING)
		return;
	puts("  thaw:");
	attempt_print_details(newest);
	newest->state = THAW_ATTEMPT_RETURNED;
	bootvars_write_record(&record);
}

void hibernate_times_report(struct hibernate_times *times, const struct hibernate_target *target,
			    const uint8_t *uuid)
{
	static const char *const parts[HIBERNATE_TIMES] = {"freeze", "snapshot", "write"};
	uint64_t whole = now_us(CLOCK_REALTIME) - times->began_us;
	unsigned i;

	/* First of all: to know the rest, disk and firmware have to be asked. */
	printf("Restored, %.1f s after hibernating began.\n", (double)whole / 1e6);
	fflush(stdout);
	take_notes(times, target, uuid);
	for (i = 0; i < HIBERNATE_TIMES; i++) {
		if (times->us[i])
			printf("  %-14s %8.3f s\n", parts[i], (double)times->us[i] / 1e6);
	}
	show_restore();
}

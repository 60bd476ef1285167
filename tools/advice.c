/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * check_advice.c: what to do about each reason.
 */
#include "check.h"

static const char damaged[] =
	"The image is damaged. Boot normally, with 'noresume' if the kernel stumbles over it too, "
	"and hibernate again.";
static const char not_ours[] =
	"Let the machine's own kernel resume it: thaw knows the images of Linux 5.13 and later on "
	"x86-64.";
static const char other_memory[] =
	"Undo what changed the machine's memory (modules, firmware settings, firmware), or boot "
	"normally.";

static const struct {
	enum thaw_err code;
	const char *advice;
} rows[] = {
	{THAW_NO_IMAGE, "Hibernate the machine, then check the area that 'resume=' names."},
	{THAW_AMBIGUOUS, "Check one partition at a time, and name the right one in thaw.conf "
			 "(device PARTUUID=...)."},
	{THAW_FOREIGN, "thaw restores from plain swap partitions, not from inside LUKS, RAID or "
		       "LVM. Check the partition that 'resume=' names."},
	{THAW_HEADER_FLAGS, not_ours},
	{THAW_HEADER_FIELD, damaged},
	{THAW_RECORD_MAGIC, not_ours},
	{THAW_MAP_BOUNDS, damaged},
	{THAW_MAP_LOOP, damaged},
	{THAW_MAP_ALIAS, damaged},
	{THAW_MAP_SHORT, damaged},
	{THAW_MAP_LONG, damaged},
	{THAW_INFO_COUNTS, damaged},
	{THAW_FRAMES_ORDER, damaged},
	{THAW_FRAMES_COUNT, damaged},
	{THAW_FRAMES_RANGE, damaged},
	{THAW_BLOCK_LENGTH, damaged},
	{THAW_BLOCK_DATA, damaged},
	{THAW_CHECKSUM, damaged},
	{THAW_MEMORY_MAP, "Make sure that the map is of the machine that was hibernated. If so, "
			  "boot it the same way each time, so that its firmware's memory stays "
			  "where it is, and hibernate again."},
	{THAW_FRAME_NOT_RAM, other_memory},
	{THAW_FRAME_FIRMWARE, other_memory},
	{THAW_NO_SAFE_FRAMES, "Hibernate with a smaller image: write 0 to /sys/power/image_size."},
	{THAW_ENTRY_TABLES, damaged},
	{THAW_ENTRY_ENCRYPTED, "Let the machine's own kernel resume it: memory encryption is not "
			       "supported."},
	{THAW_READ, "Look at the kernel's log (dmesg) and at the health of the disk (smartctl)."},
	{THAW_MEMORY, "Close some programs, or check the image on a machine with more memory."},
};

const char *check_advice(const struct check *c)
{
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		if (rows[i].code == c->report.diag.code)
			return rows[i].advice;
	}
	return "Run it again with --verbose, and report what it prints.";
}

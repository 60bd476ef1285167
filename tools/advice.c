/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * advice.c: see advice.h.
 */
#include "advice.h"

static const char damaged[] =
	"The image is damaged. Boot normally, with 'noresume' if the kernel stumbles over it too, "
	"and hibernate again.";
static const char not_ours[] =
	"Let the machine's own kernel resume it: thaw knows the images of Linux 4.10 and later on "
	"x86-64.";
static const char other_memory[] =
	"Undo what changed the machine's memory (modules, firmware settings, firmware), or boot "
	"normally.";

static const char disk_trouble[] =
	"Look at the kernel's log (dmesg) and at the health of the disk (smartctl).";
static const char stale[] =
	"Nothing: another system may have changed the filesystems meanwhile, so the image is left "
	"alone. The next hibernation replaces it.";
static const char firmware_trouble[] =
	"Hibernate again. If it comes back, report it with what 'verbose yes' in thaw.conf shows.";

static const char other_processor[] =
	"Let the image run on the machine that made it, or boot normally.";

static const struct {
	enum thaw_err code;
	const char *advice;
} rows[] = {
	{THAW_NO_IMAGE, "Hibernate the machine, then check the area that 'resume=' names."},
	{THAW_AMBIGUOUS, "Check one partition at a time, and name the right one in thaw.conf "
			 "(device PARTUUID=...)."},
	{THAW_FOREIGN, "thaw restores from swap partitions and linear or striped logical volumes, not "
		       "from inside LUKS, RAID, bcache or ZFS. Check the partition that 'resume=' "
		       "names."},
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
	{THAW_HW_SIG, "Put 'hwsig ignore' into thaw.conf if the machine's hardware is as it was."},
	{THAW_FIRMWARE_TABLE, other_memory},
	{THAW_MOUNTED, stale},
	{THAW_ENTRY_TABLES, damaged},
	{THAW_ENTRY_ENCRYPTED, "Let the machine's own kernel resume it: memory encryption is not "
			       "supported."},
	{THAW_READ, disk_trouble},
	{THAW_WRITE, disk_trouble},
	{THAW_VERIFY, disk_trouble},
	{THAW_FLUSH, disk_trouble},
	{THAW_SECURE_BOOT, "Turn Secure Boot off in the firmware's setup, or let the machine's own "
			   "kernel resume it."},
	{THAW_ENTRY_DEPTH, other_processor},
	{THAW_ENTRY_MASKING, other_processor},
	{THAW_FINAL_MAP, firmware_trouble},
	{THAW_WORKER, firmware_trouble},
	{THAW_EXIT_BOOT, firmware_trouble},
	{THAW_FIRMWARE, firmware_trouble},
	{THAW_PASSED_OVER, stale},
	{THAW_COMMITTED_BEFORE, stale},
	{THAW_ATTEMPTS, "Boot normally; 'thawctl log' shows how far each try came. Then hibernate "
			"again."},
	{THAW_NO_RECORD, "Make room among the firmware's variables (efibootmgr lists entries that "
			 "nobody needs), then 'thawctl update'."},
	{THAW_RECORD_DAMAGED, "Hibernate again; the record is made anew. If it comes back, name the "
			      "area as 'device' in thaw.conf: a swap partition cannot be read."},
	{THAW_CHANGED, "Boot normally and hibernate again; nothing else may write to the disk "
		       "meanwhile."},
	{THAW_CANCELLED, "Nothing: it was wished. The next hibernation replaces the image."},
	{THAW_DISCARDED, "Nothing: it was wished. The next hibernation makes a new image."},
	{THAW_CONFIG, "Mend 'device' and 'offset' in thaw.conf, or have that disk there; the image "
		      "found next is refused once."},
	{THAW_DRY_RUN, "Take dry-run out of thaw.conf or of the boot entry to restore for good."},
	{THAW_MEMORY, "Close some programs, or check the image on a machine with more memory."},
};

const char *advice_for(enum thaw_err reason)
{
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		if (rows[i].code == reason)
			return rows[i].advice;
	}
	return "Run 'thawctl check --verbose' on the image, and report what it prints.";
}

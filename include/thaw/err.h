/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * err.h: every way in which thaw can end, as stable reason codes.
 *
 * The number and the name of a reason never change once released: they are kept in a firmware
 * variable, printed on the screen and documented. The hundreds say what the machine does next:
 *
 *   0x1xx  no image      next boot entry, silently
 *   0x2xx  refused       a sentence, next boot entry, image kept
 *   0x3xx  environment   likewise; memory, a device or firmware failed
 *   0x4xx  bug           likewise; thaw itself is wrong
 *
 * Libraries return these values and fill a struct thaw_diag; only programs print.
 */
#ifndef THAW_ERR_H
#define THAW_ERR_H

#include <thaw/base.h>

/* X(symbol, number, name, sentence) */
#define THAW_ERR_LIST(X)                                                                           \
	X(NO_IMAGE, 0x101, "no-image", "There is no hibernation image.")                           \
	X(SECURE_BOOT, 0x201, "secure-boot",                                                       \
	  "Secure Boot is on (or its state is unreadable) and the image cannot be authenticated.") \
	X(AMBIGUOUS, 0x202, "several-images",                                                      \
	  "More than one disk area holds an image and nothing says which is meant.")               \
	X(FOREIGN, 0x203, "foreign-signature", "The area belongs to something else.")              \
	X(HEADER_FLAGS, 0x204, "header-flags",                                                     \
	  "The image header has flags that thaw does not know.")                                   \
	X(HEADER_FIELD, 0x205, "header-field", "A field of the image header is impossible.")       \
	X(RECORD_MAGIC, 0x207, "record-magic",                                                     \
	  "The image was written by a kernel whose restore record thaw does not know.")            \
	X(MAP_BOUNDS, 0x210, "map-bounds", "The image's map points outside the area it lies in.")  \
	X(MAP_LOOP, 0x211, "map-loop", "The image's map is longer than it can be.")                \
	X(MAP_ALIAS, 0x212, "map-alias", "The image's map names one disk page twice.")             \
	X(MAP_SHORT, 0x213, "map-short", "The image's map ends too early.")                        \
	X(MAP_LONG, 0x214, "map-long", "The image's map goes on after the image's end.")           \
	X(INFO_COUNTS, 0x218, "info-counts",                                                       \
	  "The page counts of the image contradict each other.")                                   \
	X(FRAMES_ORDER, 0x220, "frames-order",                                                     \
	  "The image's frame list is not in ascending order.")                                     \
	X(FRAMES_COUNT, 0x221, "frames-count", "The image's frame list has a wrong length.")       \
	X(FRAMES_RANGE, 0x222, "frames-range", "The image names a frame beyond any memory.")       \
	X(BLOCK_LENGTH, 0x228, "block-length", "A block of the image has an impossible length.")   \
	X(BLOCK_DATA, 0x229, "block-data", "A block of the image cannot be decoded.")              \
	X(CHECKSUM, 0x22a, "checksum", "The image's checksum does not match its data.")            \
	X(MEMORY_MAP, 0x230, "memory-map",                                                         \
	  "The firmware's memory map is not the one the image was saved under.")                   \
	X(FRAME_NOT_RAM, 0x231, "frame-not-ram",                                                   \
	  "The image needs memory that is not there today.")                                       \
	X(FRAME_FIRMWARE, 0x232, "frame-firmware",                                                 \
	  "The image needs memory that the firmware keeps for itself.")                            \
	X(NO_SAFE_FRAMES, 0x233, "no-safe-frames",                                                 \
	  "There is too little memory outside the image to restore it.")                           \
	X(FINAL_MAP, 0x234, "final-map", "The firmware took memory while the image was loaded.")   \
	X(HW_SIG, 0x235, "hardware-signature",                                                     \
	  "The image carries the machine's hardware signature, which thaw does not check.")        \
	X(FIRMWARE_TABLE, 0x236, "firmware-table",                                                 \
	  "A table of the firmware is not what and where it was when the image was saved.")        \
	X(ENTRY_TABLES, 0x238, "entry-tables",                                                     \
	  "The image's page tables do not lead to its entry point.")                               \
	X(ENTRY_DEPTH, 0x239, "entry-depth",                                                       \
	  "The image needs five-level paging, which this processor does not have.")                \
	X(ENTRY_ENCRYPTED, 0x23a, "entry-encrypted",                                               \
	  "The image's page tables use address bits that this processor does not have.")           \
	X(ENTRY_MASKING, 0x23b, "entry-masking",                                                   \
	  "The image needs linear address masking, which this processor does not have.")           \
	X(PASSED_OVER, 0x240, "passed-over",                                                       \
	  "The image was passed over before; its filesystems may have changed since.")             \
	X(COMMITTED_BEFORE, 0x241, "committed-before", "The image was restored once already.")     \
	X(ATTEMPTS, 0x242, "attempts", "The image was tried twice and never came back.")           \
	X(NO_RECORD, 0x243, "no-record",                                                           \
	  "The firmware does not let thaw record the attempt in a variable.")                      \
	X(RECORD_DAMAGED, 0x244, "record-damaged",                                                 \
	  "What was remembered of earlier boots is damaged or not all; the image may be stale.")              \
	X(MOUNTED, 0x245, "mounted-since",                                                         \
	  "Another system used a filesystem of the hibernated machine since.")                     \
	X(CANCELLED, 0x248, "cancelled", "The restore was cancelled at the keyboard.")             \
	X(DRY_RUN, 0x249, "dry-run", "This was a dry run; the image would have been restored.")    \
	X(DISCARDED, 0x24a, "discarded", "The image was discarded at the keyboard.")               \
	X(CONFIG, 0x24b, "config",                                                                 \
	  "Where to look for an image is configured, and is not understood or not there.")         \
	X(READ, 0x301, "read", "The disk could not be read.")                                      \
	X(WRITE, 0x302, "write", "The image header could not be written.")                         \
	X(VERIFY, 0x303, "verify", "The image header was written but read back differently.")      \
	X(FLUSH, 0x304, "flush", "The disk did not confirm that the image header is stored.")      \
	X(MEMORY, 0x305, "memory", "The firmware has too little free memory.")                     \
	X(WORKER, 0x306, "worker", "A processor did not come back from its work.")                 \
	X(CHANGED, 0x307, "changed", "The image header changed while the image was loaded.")       \
	X(EXIT_BOOT, 0x308, "exit-boot-services", "The firmware would not let go of the machine.") \
	X(FIRMWARE, 0x309, "firmware", "A firmware service failed.")                               \
	X(BUG, 0x401, "bug", "thaw made a mistake.")

enum thaw_err {
	THAW_OK = 0,
#define THAW_ERR_ENUM(symbol, number, name, sentence) THAW_##symbol = number,
	THAW_ERR_LIST(THAW_ERR_ENUM)
#undef THAW_ERR_ENUM
};

/*
 * Where and on what a reason arose. where is a static string (with THAW_MOUNTED it may be one of the
 * image's): the name of the structure or field at fault; a and b are the numbers that show it (an address, a
 * count, a limit), 0 if unused.
 */
struct thaw_diag {
	enum thaw_err code;
	const char *where;
	uint64_t a;
	uint64_t b;
};

/* Fills *diag (may be NULL) and returns code, so that a refusal is one return statement. */
static inline enum thaw_err thaw_fail(struct thaw_diag *diag, enum thaw_err code, const char *where,
				      uint64_t a, uint64_t b)
{
	if (diag)
		*diag = (struct thaw_diag){code, where, a, b};
	return code;
}

static inline bool thaw_err_is_no_image(enum thaw_err err)
{
	return ((unsigned)err & 0xf00) == 0x100;
}

/* Static strings; "unknown" and an empty sentence for a number that is not in the list. */
const char *thaw_err_name(enum thaw_err err);
const char *thaw_err_sentence(enum thaw_err err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * locate.h: on which disk area an image lies, and at which page.
 *
 * The caller names the areas there are (partitions, disks without any) and says what is wanted;
 * logical volumes are added to them here. Nothing is read that does not help to decide, no page of
 * an area twice, and nothing is written.
 */
#ifndef THAW_LOCATE_H
#define THAW_LOCATE_H

#include <thaw/platform.h>

#define THAW_UUID_BYTES 16
#define THAW_UUID_TEXT	36

/*
 * The bytes of a UUID in the order in which they are written, from
 * xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx; either case. false: that is no UUID.
 */
bool thaw_uuid_parse(uint8_t ret[THAW_UUID_BYTES], const void *text, size_t len);

/* --- superblocks ------------------------------------------------------------------------- */

enum thaw_super_kind {
	THAW_SUPER_NONE, /* none that thaw knows, or more than one: then nobody can tell whose it is */
	THAW_SUPER_SWAP,
	THAW_SUPER_EXT,
	THAW_SUPER_XFS,
	THAW_SUPER_BTRFS,
	THAW_SUPER_LVM, /* a physical volume */
	THAW_SUPER_LUKS,
};

struct thaw_superblock {
	enum thaw_super_kind kind;
	uint8_t uuid[THAW_UUID_BYTES]; /* zero: none; always for LVM and LUKS */
};

/* The page of an area that holds what btrfs has; all others lie in page 0. */
#define THAW_SUPER_LATE_PAGE 16

/* What page 0 of an area says; and, where that is nothing, page THAW_SUPER_LATE_PAGE. */
void thaw_superblock_parse(struct thaw_superblock *ret, const void *page);
void thaw_superblock_parse_late(struct thaw_superblock *ret, const void *page);

/* --- systemd's note ---------------------------------------------------------------------- */

/* A page of the area whose superblock has that UUID. */
struct thaw_place {
	uint8_t uuid[THAW_UUID_BYTES];
	uint64_t page;
};

/* Longer variables are not read. */
#define THAW_LOCATION_MAX 8192

/*
 * Parses the variable HibernateLocation (vendor GUID THAW_LOCATION_GUID): terminated UTF-16, a JSON
 * object with at least uuid (text) and offset (a number of pages, or text with one); systemd 254,
 * src/shared/hibernate-util.c. The variable is attacker-writable: a place is all that is taken from
 * it. false: not understood.
 */
bool thaw_location_parse(struct thaw_place *ret, const void *value, size_t len);

/* 8cf2644b-4b0b-428f-9387-6d876050dc67 */
#define THAW_LOCATION_GUID                                                                         \
	{                                                                                          \
		0x8cf2644b, 0x4b0b, 0x428f,                                                        \
		{                                                                                  \
			0x93, 0x87, 0x6d, 0x87, 0x60, 0x50, 0xdc, 0x67                             \
		}                                                                                  \
	}

/* --- areas ------------------------------------------------------------------------------- */

enum thaw_area_type {
	THAW_AREA_UNKNOWN, /* a disk without partitions, or nobody says what the partition is for */
	THAW_AREA_SWAP,
	THAW_AREA_LINUX, /* Linux data or LVM: may be swap all the same, or hold a volume group */
	THAW_AREA_OTHER, /* something else; looked at only when a UUID has to be found */
	THAW_AREA_VOLUME, /* a logical volume; set by thaw_locate() */
};

/* Partition types as tables have them; a GUID as it is stored (UEFI 2.10, appendix A). */
enum thaw_area_type thaw_area_type_gpt(const uint8_t guid[16]);
enum thaw_area_type thaw_area_type_mbr(uint8_t type);

struct thaw_label {
	uint8_t uuid[32]; /* of the physical volume, in LVM's letters */
	uint64_t at;	  /* its metadata area, in bytes from the beginning; size 0: none */
	uint64_t size;
};

/* The caller sets the first part, zeroes the rest, and keeps the disk as long as what was found. */
struct thaw_area {
	struct thaw_disk *disk;
	enum thaw_area_type type;
	bool removable;
	bool at_home; /* on the disk that holds thaw */
	bool named;   /* it is the one that the configuration names */
	bool read_only;

	bool read; /* the rest is known, */
	bool unreadable; /* or never will be */
	bool image;
	bool listed; /* among what was found, if it carries an image */
	bool read_late;
	uint64_t mark; /* of page 0, if it carries an image */
	struct thaw_superblock super;
	struct thaw_label label; /* of a physical volume */
};

enum thaw_wanted_kind {
	THAW_WANTED_ANY,
	THAW_WANTED_NAMED, /* the area that is named */
	THAW_WANTED_UUID,  /* the one with that UUID in its superblock */
};

struct thaw_wanted {
	enum thaw_wanted_kind kind;
	struct thaw_place place; /* page: for NAMED and UUID; uuid: for UUID */
	bool has_hint;		 /* used for ANY */
	struct thaw_place hint;
};

struct thaw_found {
	struct thaw_disk *disk;
	uint64_t header_page;
	uint64_t mark; /* thaw_image_mark() of the header page */
	bool read_only;
};

#define THAW_FOUND_MAX 8

struct thaw_located {
	struct thaw_found list[THAW_FOUND_MAX];
	size_t count; /* of images; may be more than the list has room for. The first is the one. */
	/*
	 * There is an image, and nothing says that it is the one: another image is as good, or another
	 * area has the same UUID.
	 */
	bool ambiguous;
	/* What is configured, or what systemd noted, is on none of these disks. */
	bool missing;
	/*
	 * Where an image may be expected (in a swap partition, in what is configured or was noted) the disk
	 * could not be read, or there was no memory to look: there may be one that nobody saw.
	 */
	bool unreadable;
};

/*
 * Looks for the image that is wanted: for what is configured, and then for nothing else. Otherwise the
 * one that systemd noted is it, and all others are listed behind it; without a note there must be one
 * only. They are looked for in swap partitions of the disk that holds thaw, in logical volumes that
 * lie there, in any other area. In logical volumes elsewhere only if noted or configured, on removable
 * ones only if configured.
 *
 * memory is for what is found to live in: volumes, and the metadata they are made from. Where there
 * is none, or a disk cannot be read, what lies there is not found (see ret->unreadable). note may be
 * NULL; what is a static string.
 */
void thaw_locate(struct thaw_located *ret, const struct thaw_area *areas, size_t count,
		 const struct thaw_wanted *wanted, struct thaw_memory *memory,
		 void (*note)(const char *what, uint64_t a, uint64_t b));

#endif

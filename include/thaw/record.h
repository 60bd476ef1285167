/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * record.h: what thaw remembers between boots, as stored in the firmware variable ThawStatus
 * (vendor GUID THAW_VARIABLE_GUID; non-volatile, boot and runtime access).
 *
 * The last attempts, newest anywhere: each image has at most one entry. Those of images that were
 * consumed are overwritten first, for such an image is no longer there to be restored again; among
 * equals the one with the lowest serial. The variable is attacker-writable: it holds no pointer and no size
 * that is trusted, and a record that is not whole counts as empty.
 *
 * A record that could not be stored may lack an image that was passed over. So a second variable,
 * ThawStatusVouched (one byte), stands next to it: only both or neither mean that nothing is amiss.
 * Where a store fails one of the two is deleted, which takes no room, or, if there are none, the
 * short one is made. Doubted so, the record forbids whatever image is found, until that is recorded.
 */
#ifndef THAW_RECORD_H
#define THAW_RECORD_H

#include <thaw/platform.h>

/* 7e2a3d1c-54b8-4c0e-9d5f-2b6a91c7e043 */
#define THAW_VARIABLE_GUID                                                                         \
	{                                                                                          \
		0x7e2a3d1c, 0x54b8, 0x4c0e,                                                        \
		{                                                                                  \
			0x9d, 0x5f, 0x2b, 0x6a, 0x91, 0xc7, 0xe0, 0x43                             \
		}                                                                                  \
	}

#define THAW_RECORD_ATTEMPTS 8
#define THAW_RECORD_VERSION  1

enum thaw_attempt_state {
	THAW_ATTEMPT_EMPTY = 0,
	THAW_ATTEMPT_STARTED = 1, /* loading began; nothing heard since */
	THAW_ATTEMPT_PASSED_OVER =
		2, /* control went to the next boot entry with the image left on disk */
	THAW_ATTEMPT_COMMITTING = 3, /* about to be consumed, or consumed and jumped to */
	THAW_ATTEMPT_RETURNED = 4,   /* the restored system said so */
};

struct thaw_attempt {
	uint64_t identity; /* of the image; 0: it was refused before that was known */
	uint64_t mark;	   /* of its header page */
	uint64_t when; /* firmware's clock: seconds since 1970 as firmware counts them, 0 unknown */
	uint32_t serial; /* grows by one with each change */
	uint16_t reason; /* enum thaw_err */
	uint8_t state;	 /* enum thaw_attempt_state */
	uint8_t phase;	 /* enum thaw_phase reached */
	uint8_t tries;
	uint8_t reserved[3];
	uint32_t phase_us[THAW_PHASE_COUNT];
	uint32_t pages; /* pages of the stream, for throughput */
	uint32_t reserved2;
};

struct thaw_record {
	uint8_t magic[4]; /* "THAW" */
	uint16_t version;
	uint16_t attempts; /* THAW_RECORD_ATTEMPTS */
	uint32_t crc32;	   /* zlib's CRC-32 over the whole record with this field zero */
	uint32_t serial;   /* of the newest attempt */
	struct thaw_attempt attempt[THAW_RECORD_ATTEMPTS];
};

_Static_assert(sizeof(struct thaw_attempt) == 64, "stored layout");
_Static_assert(offsetof(struct thaw_attempt, serial) == 24, "stored layout");
_Static_assert(offsetof(struct thaw_attempt, phase_us) == 36, "stored layout");
_Static_assert(sizeof(struct thaw_record) == 16 + 64 * THAW_RECORD_ATTEMPTS, "stored layout");

/* An empty record. */
void thaw_record_init(struct thaw_record *ret);

/* Takes a record from stored bytes; false and an empty record if they are not a whole one. */
bool thaw_record_load(struct thaw_record *ret, const void *bytes, size_t len);

/* Sets magic and checksum; to be called before the record is stored. */
void thaw_record_seal(struct thaw_record *record);

/*
 * May the image be restored automatically? THAW_OK, THAW_PASSED_OVER, THAW_COMMITTED_BEFORE, or
 * THAW_ATTEMPTS (two starts that nothing was heard of).
 */
enum thaw_err thaw_record_verdict(const struct thaw_record *record, uint64_t identity,
				  uint64_t mark);

/*
 * May something be missing from the record, because it is damaged or a store failed? Then no image
 * may be restored automatically: one may have been passed over.
 */
bool thaw_record_is_doubted(const struct thaw_machine *m);

/*
 * Makes the record durable, and vouches for it. THAW_NO_RECORD: what firmware holds is the record as
 * it was, or doubted.
 */
enum thaw_err thaw_record_store(struct thaw_machine *m);

/* Lets the record be doubted from the next boot on. THAW_OK or THAW_NO_RECORD: not even that. */
enum thaw_err thaw_record_doubt(struct thaw_machine *m);

/*
 * There may be an image that nobody could see, and others run now: says so in the record, under no
 * image's name, and lets it be doubted until an image is found. THAW_OK or THAW_NO_RECORD.
 */
enum thaw_err thaw_record_forbid_next(struct thaw_machine *m, enum thaw_err reason);

/*
 * What the next attempt at an image had better do without: an earlier one did not come back from it, or may
 * not have. Where an image came through in a second attempt, that counts as long as it is remembered.
 */
struct thaw_caution {
	bool workers;	 /* the other processors */
	bool background; /* reads in the background */
};

struct thaw_caution thaw_record_caution(const struct thaw_record *record, uint64_t identity,
					uint64_t mark);

/* Where there is no record yet, stores an empty one: later there may be no room for a first one. */
void thaw_record_reserve(struct thaw_machine *m);

/*
 * The entry for an image: the one it has, else the one that is overwritten first, emptied. Becomes the newest. Never NULL;
 * belongs to the record.
 */
struct thaw_attempt *thaw_record_touch(struct thaw_record *record, uint64_t identity,
				       uint64_t mark);

/*
 * The image with that mark, which has an entry, is on a disk today: it is not forgotten before others,
 * nor taken for consumed. In memory alone: the next store takes it along, and only a store forgets.
 */
void thaw_record_seen(struct thaw_record *record, uint64_t mark);

#endif

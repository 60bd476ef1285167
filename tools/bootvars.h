/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bootvars.h: the firmware variables that thaw lives by: its own record, its boot entry, BootOrder
 * and BootNext. libefivar and libefiboot do the work.
 */
#ifndef THAW_TOOLS_BOOTVARS_H
#define THAW_TOOLS_BOOTVARS_H

#include "esp.h"

#include <stddef.h>
#include <thaw/record.h>

#define BOOTVARS_ORDER_MAX 512

struct boot_order {
	uint16_t list[BOOTVARS_ORDER_MAX];
	size_t count;
};

enum bootvars_record {
	BOOTVARS_RECORD_MISSING, /* it, and what vouches for it (record.h) */
	BOOTVARS_RECORD_DAMAGED, /* or one of the two is there alone: firmware's side deals with it */
	BOOTVARS_RECORD_WHOLE,
};

/* Whether there are firmware variables that can be reached. */
bool bootvars_available(void);

/* --- all that follow: false, or the value said, with errno --------------------------------- */

/* *ret is what there is of it; empty, if nothing can be read. */
enum bootvars_record bootvars_read_record(struct thaw_record *ret);
bool bootvars_write_record(struct thaw_record *record);
/* Where there is none: writes it, vouched for. */
bool bootvars_create_record(struct thaw_record *record);
/* Lets it be doubted (record.h): for one that could not be written. */
bool bootvars_doubt_record(void);

/* An empty one if there is none. */
bool bootvars_read_order(struct boot_order *ret);
/* Deletes BootOrder if it is empty. */
bool bootvars_write_order(const struct boot_order *order);

/*
 * A number, or none; or firmware consumed it, and Linux, restored, still shows the file that it had.
 */
enum { BOOTVARS_NEXT_NONE = -1, BOOTVARS_NEXT_GONE = -2 };
int bootvars_read_next(void);
bool bootvars_write_next(uint16_t number);

/* Number of the entry that starts \EFI\thaw\thaw.efi from that partition; -1: none. */
int bootvars_find_entry(const struct esp *esp, bool *ret_active);
/* Makes one with the lowest number that is free; -1: failed. */
int bootvars_make_entry(const struct esp *esp);
bool bootvars_activate_entry(uint16_t number);
bool bootvars_delete_entry(uint16_t number);

/* That a variable is not there is no error. */
bool bootvars_delete_record(void); /* and what vouches for it */
bool bootvars_delete_next(void);
/* systemd's HibernateLocation; text is ASCII. *ret_was: whether there was one. */
bool bootvars_has_location(void);
bool bootvars_write_location(const char *text);
bool bootvars_delete_location(bool *ret_was);

/* 0 off, 1 on, -1 not known */
int bootvars_secure_boot(void);

/* --- pure ----------------------------------------------------------------------------------- */

/* Position, or -1. */
int boot_order_find(const struct boot_order *order, uint16_t number);
/* Takes number out wherever it is. */
void boot_order_remove(struct boot_order *order, uint16_t number);
/* Puts it first; the others keep their order. false: there are too many. */
bool boot_order_put_first(struct boot_order *order, uint16_t number);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vars.h: firmware variables: thaw's own record, and whether Secure Boot is on.
 */
#ifndef THAW_EFI_VARS_H
#define THAW_EFI_VARS_H

#include <thaw/record.h>

/* Fills *ret from ThawStatus; an empty record if there is none, or none that is whole. */
void vars_load_record(struct thaw_record *ret);

/*
 * Was there a ThawStatus that is not a whole record? Torn, or a later thaw's: it may have said that
 * an image was passed over.
 */
bool vars_record_damaged(void);

/* See struct thaw_machine. Writes only what changed: flash wears out, and is slow. */
enum thaw_err vars_store_record(struct thaw_machine *m);

/* True also when the state cannot be read. */
bool vars_secure_boot(void);

#endif

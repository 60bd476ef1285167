/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vars.h: firmware variables: thaw's own record, systemd's note of where the image lies, and whether Secure
 * Boot is on.
 */
#ifndef THAW_EFI_VARS_H
#define THAW_EFI_VARS_H

#include <thaw/locate.h>
#include <thaw/record.h>

/*
 * Fills *m->record from ThawStatus, an empty record if there is none, or none that is whole, and what
 * m says about it.
 */
void vars_load_record(struct thaw_machine *m);

/* See struct thaw_machine. Writes only what changed: flash wears out, and is slow. */
enum thaw_err vars_store_record(struct thaw_machine *m);
enum thaw_err vars_vouch_record(struct thaw_machine *m, bool there);

/* thaw_record_reserve() for a boot that has no image. */
void vars_reserve_record(void);

/* thaw_record_forbid_next() for a boot in which an image may have been that nobody saw. */
enum thaw_err vars_forbid_next(enum thaw_err reason);

/*
 * Where systemd noted that it hibernates to. false: nowhere, or not understood. The variable is never
 * written: a kernel that was hibernated with it would have a file left that it can neither read nor
 * remove.
 */
bool vars_location(struct thaw_place *ret);

/* True also when the state cannot be read. */
bool vars_secure_boot(void);

#endif

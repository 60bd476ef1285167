/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * machine.h: this machine, under firmware, as a struct thaw_machine.
 */
#ifndef THAW_EFI_MACHINE_H
#define THAW_EFI_MACHINE_H

#include <thaw/loader.h>

/* The machine with its record. THAW_OK, THAW_MEMORY or THAW_FIRMWARE. */
enum thaw_err machine_init(struct thaw_machine *ret);

#endif

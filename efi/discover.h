/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * discover.h: the disk areas that firmware offers, and which of them carries the image.
 */
#ifndef THAW_EFI_DISCOVER_H
#define THAW_EFI_DISCOVER_H

#include <thaw/locate.h>

#include "config.h"

/*
 * Looks for the image among the disks that firmware has started. What *ret points to lives until
 * memory_release().
 */
void discover(struct thaw_located *ret, const struct config *config);

#endif

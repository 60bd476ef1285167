/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * volumes.h: what firmware has connected that may hold a filesystem.
 */
#ifndef THAW_EFI_VOLUMES_H
#define THAW_EFI_VOLUMES_H

#include <thaw/platform.h>

#include "firmware.h"

/* struct thaw_machine's volume. */
bool volumes_page(struct thaw_machine *m, size_t n, void *page, enum thaw_volume_site *ret_site);

/* Where the disk behind a handle is; one that is on USB counts as removable. */
enum thaw_volume_site volumes_site(EFI_HANDLE handle);

#endif

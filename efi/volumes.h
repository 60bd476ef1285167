/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * volumes.h: what firmware has connected that may hold a filesystem.
 */
#ifndef THAW_EFI_VOLUMES_H
#define THAW_EFI_VOLUMES_H

#include <thaw/platform.h>

/* struct thaw_machine's volume. */
bool volumes_page(struct thaw_machine *m, size_t n, void *page);

#endif

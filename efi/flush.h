/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * flush.h: makes a disk store what it was given.
 */
#ifndef THAW_EFI_FLUSH_H
#define THAW_EFI_FLUSH_H

#include <thaw/err.h>

#include "firmware.h"

/* THAW_OK, or THAW_FLUSH. */
enum thaw_err flush_disk(EFI_HANDLE handle, EFI_BLOCK_IO *block_io);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * connect.h: disks that firmware left alone.
 */
#ifndef THAW_EFI_CONNECT_H
#define THAW_EFI_CONNECT_H

#include <thaw/base.h>

/*
 * Lets firmware's drivers start one more storage controller, with the disks and partitions behind
 * it. false: all of them are started.
 */
bool connect_next(void);

#endif

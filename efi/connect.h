/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * connect.h: disks that firmware left alone.
 */
#ifndef THAW_EFI_CONNECT_H
#define THAW_EFI_CONNECT_H

/*
 * Lets firmware's drivers start whatever storage controller they did not start yet, with the disks
 * and partitions behind it.
 */
void connect_storage(void);

#endif

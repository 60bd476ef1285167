/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * world.h: what else an image may rely on: firmware's tables, and other partitions.
 */
#ifndef THAW_EFI_WORLD_H
#define THAW_EFI_WORLD_H

#include <thaw/platform.h>

/* See struct thaw_machine. */
const void *world_find_table(struct thaw_machine *m, const uint8_t guid[16]);
enum thaw_err world_read_partition(struct thaw_machine *m, const uint8_t guid[16], uint64_t page,
				   uint64_t count, void *buf);

#endif

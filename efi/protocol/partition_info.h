/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * partition_info.h: EFI_PARTITION_INFO_PROTOCOL, UEFI 2.10, 13.18: the entry of a partition in its
 * table, as it is stored there. Firmware older than UEFI 2.7 does not have it.
 */
#ifndef THAW_EFI_PROTOCOL_PARTITION_INFO_H
#define THAW_EFI_PROTOCOL_PARTITION_INFO_H

#include <efi.h>

#include "assert.h"

#define PARTITION_INFO_GUID                                                                        \
	{                                                                                          \
		0x8cf2f62c, 0xbc9b, 0x4821,                                                        \
		{                                                                                  \
			0x80, 0x8d, 0xec, 0x9e, 0xc4, 0x21, 0xa1, 0xa0                             \
		}                                                                                  \
	}

enum { PARTITION_INFO_OTHER, PARTITION_INFO_MBR, PARTITION_INFO_GPT };

struct partition_info {
	UINT32 revision;
	UINT32 type;
	UINT8 is_system;
	UINT8 reserved[7];
	union {
		UINT8 gpt_type[16]; /* the first of the entry's 128 bytes */
		UINT8 mbr[16];
	} entry;
};

/* Of an entry of the master boot record: what the partition is for. */
#define PARTITION_INFO_MBR_TYPE 4

PROTOCOL_OFFSET(struct partition_info, type, 4);
PROTOCOL_OFFSET(struct partition_info, entry, 16);

#endif

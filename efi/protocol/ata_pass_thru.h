/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ata_pass_thru.h: EFI_ATA_PASS_THRU_PROTOCOL, UEFI 2.10, 13.14. The members that thaw does not
 * call are void pointers.
 */
#ifndef THAW_EFI_PROTOCOL_ATA_PASS_THRU_H
#define THAW_EFI_PROTOCOL_ATA_PASS_THRU_H

#include <efi.h>

#include "assert.h"

#define ATA_PASS_THRU_GUID                                                                         \
	{                                                                                          \
		0x1d3de7f0, 0x0807, 0x424f,                                                        \
		{                                                                                  \
			0xaa, 0x69, 0x11, 0xa5, 0x4e, 0x19, 0xa4, 0x6f                             \
		}                                                                                  \
	}

#define ATA_PROTOCOL_NON_DATA 0x02
#define ATA_LENGTH_NONE	      0x00

struct ata_command {
	UINT8 reserved[2];
	UINT8 command;
	UINT8 features;
	UINT8 sector_number;
	UINT8 cylinder_low;
	UINT8 cylinder_high;
	UINT8 device_head;
	UINT8 high[6]; /* the expanded halves and the sector count */
	UINT8 reserved2[6];
};

PROTOCOL_OFFSET(struct ata_command, command, 2);
PROTOCOL_OFFSET(struct ata_command, device_head, 7);
PROTOCOL_SIZE(struct ata_command, 20);

struct ata_status {
	UINT8 reserved[2];
	UINT8 status;
	UINT8 error;
	UINT8 rest[16];
};

PROTOCOL_SIZE(struct ata_status, 20);

struct ata_packet {
	struct ata_status *status;
	struct ata_command *command;
	UINT64 timeout; /* in units of 100 ns */
	VOID *in;
	VOID *out;
	UINT32 in_length;
	UINT32 out_length;
	UINT8 protocol;
	UINT8 length;
};

PROTOCOL_OFFSET(struct ata_packet, timeout, 16);
PROTOCOL_OFFSET(struct ata_packet, in_length, 40);
PROTOCOL_OFFSET(struct ata_packet, protocol, 48);

struct ata_pass_thru {
	VOID *mode;
	/* done NULL: waits for the command to complete */
	EFI_STATUS(EFIAPI *pass)
	(struct ata_pass_thru *self, UINT16 port, UINT16 multiplier_port, struct ata_packet *packet,
	 EFI_EVENT done);
	VOID *next_port;
	VOID *next_device;
	VOID *build_path;
	EFI_STATUS(EFIAPI *get_device)
	(struct ata_pass_thru *self, EFI_DEVICE_PATH *node, UINT16 *ret_port,
	 UINT16 *ret_multiplier_port);
	VOID *reset_port;
	VOID *reset_device;
};

PROTOCOL_OFFSET(struct ata_pass_thru, get_device, 40);
PROTOCOL_SIZE(struct ata_pass_thru, 64);

#endif

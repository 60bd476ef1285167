/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * scsi_pass_thru.h: EFI_EXT_SCSI_PASS_THRU_PROTOCOL, UEFI 2.10, 15.7. The members that thaw does
 * not call are void pointers.
 */
#ifndef THAW_EFI_PROTOCOL_SCSI_PASS_THRU_H
#define THAW_EFI_PROTOCOL_SCSI_PASS_THRU_H

#include <efi.h>

#include "assert.h"

#define SCSI_PASS_THRU_GUID                                                                        \
	{                                                                                          \
		0x143b7632, 0xb81b, 0x4cb7,                                                        \
		{                                                                                  \
			0xab, 0xd3, 0xb6, 0x25, 0xa5, 0xb9, 0xbf, 0xfe                             \
		}                                                                                  \
	}

#define SCSI_TARGET_BYTES 16

#define SCSI_DIRECTION_READ  0
#define SCSI_HOST_OK	     0x00
#define SCSI_GOOD	     0x00
#define SCSI_CHECK_CONDITION 0x02

struct scsi_packet {
	UINT64 timeout; /* in units of 100 ns */
	VOID *in;
	VOID *out;
	VOID *sense;
	VOID *cdb;
	UINT32 in_length;
	UINT32 out_length;
	UINT8 cdb_length;
	UINT8 direction;
	UINT8 host_status;
	UINT8 target_status;
	UINT8 sense_length;
};

PROTOCOL_OFFSET(struct scsi_packet, cdb, 32);
PROTOCOL_OFFSET(struct scsi_packet, in_length, 40);
PROTOCOL_OFFSET(struct scsi_packet, cdb_length, 48);
PROTOCOL_OFFSET(struct scsi_packet, sense_length, 52);

struct scsi_pass_thru {
	VOID *mode;
	/* done NULL: waits for the command to complete */
	EFI_STATUS(EFIAPI *pass)
	(struct scsi_pass_thru *self, UINT8 *target, UINT64 lun, struct scsi_packet *packet,
	 EFI_EVENT done);
	VOID *next_target_lun;
	VOID *build_path;
	EFI_STATUS(EFIAPI *get_target)
	(struct scsi_pass_thru *self, EFI_DEVICE_PATH *node, UINT8 **target, UINT64 *ret_lun);
	VOID *reset_channel;
	VOID *reset_target;
	VOID *next_target;
};

PROTOCOL_OFFSET(struct scsi_pass_thru, pass, 8);
PROTOCOL_OFFSET(struct scsi_pass_thru, get_target, 32);
PROTOCOL_SIZE(struct scsi_pass_thru, 64);

#endif

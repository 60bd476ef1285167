/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * flush.c: makes a disk store what it was given.
 *
 * FlushBlocks of EDK2's ATA and SCSI disk drivers returns EFI_SUCCESS and does nothing. Where the
 * device path leads through a controller with a pass-through protocol, the drive gets the command
 * itself. NVMe and virtio-blk flush for real; USB mass storage offers no way.
 */
#include "flush.h"

#include "devpath.h"
#include "protocol/ata_pass_thru.h"
#include "protocol/scsi_pass_thru.h"

#define ATA_FLUSH_CACHE	    0xe7
#define ATA_FLUSH_CACHE_EXT 0xea
#define ATA_DEVICE_LBA	    0x40
#define ATA_STATUS_ERROR    0x21 /* device fault or error */

#define SCSI_SYNCHRONIZE_CACHE 0x35
#define SCSI_ILLEGAL_REQUEST   0x05

/* ATA8-ACS, 7.14: "may take longer than 30 s to complete". In units of 100 ns. */
#define TIMEOUT (60 * 10000000ull)

/*
 * Where the controller cannot send the command (EFI_UNSUPPORTED: "was not sent"), FlushBlocks has the
 * last word, as where there is no such protocol.
 */
enum outcome { DONE, NOT_HERE, FAILED };

/* Some controllers want their blocks aligned; a page satisfies all. */
#define IO_ALIGNED __attribute__((aligned(4096)))

/* The protocol of the nearest parent that has it; *ret_node is what follows in the path. */
static void *find_parent(EFI_HANDLE handle, const EFI_GUID *guid, EFI_DEVICE_PATH **ret_node)
{
	EFI_GUID copy = *guid;
	EFI_HANDLE parent;

	*ret_node = devpath_of(handle);
	if (!*ret_node || EFI_ERROR(fw.bs->LocateDevicePath(&copy, ret_node, &parent)))
		return NULL;
	return firmware_protocol(parent, guid);
}

static enum outcome ata_command(struct ata_pass_thru *ata, UINT16 port, UINT16 multiplier, UINT8 command)
{
	static struct ata_command acb IO_ALIGNED;
	static struct ata_status asb IO_ALIGNED;
	struct ata_packet packet = {
		.status = &asb,
		.command = &acb,
		.timeout = TIMEOUT,
		.protocol = ATA_PROTOCOL_NON_DATA,
		.length = ATA_LENGTH_NONE,
	};

	EFI_STATUS status;

	acb = (struct ata_command){.command = command, .device_head = ATA_DEVICE_LBA};
	asb = (struct ata_status){.status = 0};
	status = ata->pass(ata, port, multiplier, &packet, NULL);
	if (status == EFI_UNSUPPORTED)
		return NOT_HERE;
	return EFI_ERROR(status) || asb.status & ATA_STATUS_ERROR ? FAILED : DONE;
}

static enum outcome flush_ata(EFI_HANDLE handle)
{
	static const EFI_GUID guid = ATA_PASS_THRU_GUID;
	EFI_DEVICE_PATH *node;
	struct ata_pass_thru *ata = find_parent(handle, &guid, &node);
	UINT16 port, multiplier;
	enum outcome outcome;

	if (!ata || EFI_ERROR(ata->get_device(ata, node, &port, &multiplier)))
		return NOT_HERE;
	/* Drives without 48-bit addresses know only the older command. */
	outcome = ata_command(ata, port, multiplier, ATA_FLUSH_CACHE_EXT);
	return outcome == FAILED ? ata_command(ata, port, multiplier, ATA_FLUSH_CACHE) : outcome;
}

/* A drive that does not know the command has no cache to write back; Linux thinks so too. */
static bool is_refused(const struct scsi_packet *packet, const UINT8 *sense)
{
	return packet->target_status == SCSI_CHECK_CONDITION && packet->sense_length > 2 &&
	       (sense[0] & 0x7e) == 0x70 && (sense[2] & 0x0f) == SCSI_ILLEGAL_REQUEST;
}

static enum outcome scsi_synchronize(struct scsi_pass_thru *scsi, UINT8 *target, UINT64 lun)
{
	static UINT8 sense[252] IO_ALIGNED;
	static UINT8 cdb[16] IO_ALIGNED = {SCSI_SYNCHRONIZE_CACHE};
	struct scsi_packet packet = {
		.timeout = TIMEOUT,
		.sense = sense,
		.cdb = cdb,
		.cdb_length = 10,
		.direction = SCSI_DIRECTION_READ,
		.sense_length = sizeof(sense),
	};
	EFI_STATUS status = scsi->pass(scsi, target, lun, &packet, NULL);

	if (status == EFI_UNSUPPORTED)
		return NOT_HERE;
	if (!EFI_ERROR(status) && packet.host_status == SCSI_HOST_OK &&
	    packet.target_status == SCSI_GOOD)
		return DONE;
	return is_refused(&packet, sense) ? DONE : FAILED;
}

static enum outcome flush_scsi(EFI_HANDLE handle)
{
	static const EFI_GUID guid = SCSI_PASS_THRU_GUID;
	EFI_DEVICE_PATH *node;
	struct scsi_pass_thru *scsi = find_parent(handle, &guid, &node);
	UINT8 bytes[SCSI_TARGET_BYTES] = {0};
	UINT8 *target = bytes;
	UINT64 lun;
	enum outcome outcome;

	if (!scsi || EFI_ERROR(scsi->get_target(scsi, node, &target, &lun)))
		return NOT_HERE;
	/* The first answer may be a unit attention that has nothing to do with the command. */
	outcome = scsi_synchronize(scsi, target, lun);
	return outcome == FAILED ? scsi_synchronize(scsi, target, lun) : outcome;
}

enum thaw_err flush_disk(EFI_HANDLE handle, EFI_BLOCK_IO *block_io)
{
	enum outcome outcome;

	if (EFI_ERROR(block_io->FlushBlocks(block_io)))
		return THAW_FLUSH;
	outcome = flush_ata(handle);
	if (outcome == NOT_HERE)
		outcome = flush_scsi(handle);
	return outcome == FAILED ? THAW_FLUSH : THAW_OK;
}

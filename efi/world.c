/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * world.c: what else an image may rely on: firmware's tables, and other partitions.
 */
#include "world.h"

#include "connect.h"
#include "devpath.h"
#include "disk.h"
#include "firmware.h"

static EFI_GUID block_io_guid = EFI_BLOCK_IO_PROTOCOL_GUID;

const void *world_find_table(struct thaw_machine *m, const uint8_t guid[16])
{
	(void)m;
	for (UINTN i = 0; i < fw.st->NumberOfTableEntries; i++) {
		const EFI_CONFIGURATION_TABLE *table = &fw.st->ConfigurationTable[i];

		if (thaw_bytes_equal(&table->VendorGuid, guid, 16))
			return table->VendorTable;
	}
	return NULL;
}

static bool is_partition(EFI_HANDLE handle, const uint8_t guid[16])
{
	EFI_DEVICE_PATH *path = devpath_of(handle);
	const HARDDRIVE_DEVICE_PATH *node = path ? devpath_partition(path) : NULL;

	return node && node->SignatureType == SIGNATURE_TYPE_GUID &&
	       thaw_bytes_equal(node->Signature, guid, 16);
}

static bool find_partition(const uint8_t guid[16], struct disk *ret)
{
	EFI_HANDLE *list;
	UINTN count;
	bool found = false;

	if (EFI_ERROR(fw.bs->LocateHandleBuffer(ByProtocol, &block_io_guid, NULL, &count, &list)))
		return false;
	for (UINTN i = 0; i < count && !found; i++) {
		EFI_BLOCK_IO *io = firmware_protocol(list[i], &block_io_guid);

		found = io && io->Media->LogicalPartition && is_partition(list[i], guid) &&
			disk_open(ret, list[i], io);
	}
	fw.bs->FreePool(list);
	return found;
}

enum thaw_err world_read_partition(struct thaw_machine *m, const uint8_t guid[16], uint64_t page,
				   uint64_t count, void *buf)
{
	struct disk disk;
	bool found = find_partition(guid, &disk);

	(void)m;
	/* Firmware may have left its disk alone. */
	while (!found && connect_next())
		found = find_partition(guid, &disk);
	return found ? disk.seam.read(&disk.seam, page, count, buf) : THAW_READ;
}

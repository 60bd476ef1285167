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

/* GUID 0 is the EFI system table itself (docs/FORMAT.md). */
const void *world_find_table(struct thaw_machine *m, const uint8_t guid[16])
{
	static const uint8_t system_table[16];

	(void)m;
	if (thaw_bytes_equal(guid, system_table, sizeof(system_table)))
		return fw.st;
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

/* 0 or more: a copy of a disk has the same GUIDs. Of several, *ret is the last. */
static unsigned find_partition(const uint8_t guid[16], struct disk *ret)
{
	EFI_HANDLE *list;
	UINTN count;
	unsigned found = 0;

	if (EFI_ERROR(fw.bs->LocateHandleBuffer(ByProtocol, &block_io_guid, NULL, &count, &list)))
		return 0;
	for (UINTN i = 0; i < count; i++) {
		EFI_BLOCK_IO *io = firmware_protocol(list[i], &block_io_guid);

		found += io && io->Media->LogicalPartition && is_partition(list[i], guid) &&
			 disk_open(ret, list[i], io);
	}
	fw.bs->FreePool(list);
	return found;
}

/* Of copies nobody knows which one is meant: THAW_READ, as for one that is not there. */
enum thaw_err world_read_partition(struct thaw_machine *m, const uint8_t guid[16], uint64_t page,
				   uint64_t count, void *buf)
{
	struct disk disk;
	unsigned found = find_partition(guid, &disk);

	(void)m;
	/* Firmware may have left its disk alone. */
	while (!found && connect_next())
		found = find_partition(guid, &disk);
	return found == 1 ? disk.seam.read(&disk.seam, page, count, buf) : THAW_READ;
}

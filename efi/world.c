/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * world.c: what else an image may rely on: firmware's tables, and other partitions.
 */
#include "world.h"

#include "connect.h"
#include "devpath.h"
#include "disk.h"
#include "firmware.h"
#include "volumes.h"

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
	HARDDRIVE_DEVICE_PATH node;

	return path && devpath_partition(&node, path) && node.SignatureType == SIGNATURE_TYPE_GUID &&
	       thaw_bytes_equal(node.Signature, guid, 16);
}

/* A copy of a disk has the same GUIDs: those that are most likely the machine's own count. */
struct found {
	EFI_HANDLE handle;
	enum thaw_volume_site site;
	unsigned count;
};

static void take(struct found *found, EFI_HANDLE handle)
{
	enum thaw_volume_site site = volumes_site(handle);

	if (!found->count || site > found->site)
		*found = (struct found){handle, site, 0};
	found->count += site == found->site;
}

static struct found find_partition(const uint8_t guid[16])
{
	struct found found = {.count = 0};
	EFI_HANDLE *list;
	UINTN count;

	if (!firmware_handles(&block_io_guid, &count, &list))
		return found;
	for (UINTN i = 0; i < count; i++) {
		EFI_BLOCK_IO *io = firmware_protocol(list[i], &block_io_guid);

		if (io && io->Media->LogicalPartition && is_partition(list[i], guid))
			take(&found, list[i]);
	}
	fw.bs->FreePool(list);
	return found;
}

/*
 * Firmware may have left its disk alone. A stick that was mounted when the machine was saved is worth
 * starting USB for: without it the session would be lost.
 */
static struct found start_and_find_partition(const uint8_t guid[16])
{
	struct found found = find_partition(guid);

	while (!found.count && (connect_next(CONNECT_STORAGE) || connect_next(CONNECT_USB)))
		found = find_partition(guid);
	return found;
}

/* Of copies nobody knows which one is meant: THAW_READ, as for one that is not there. */
enum thaw_err world_read_partition(struct thaw_machine *m, const uint8_t guid[16], uint64_t page,
				   uint64_t count, void *buf)
{
	struct found found = start_and_find_partition(guid);
	struct disk disk;

	(void)m;
	if (found.count != 1 ||
	    !disk_open(&disk, found.handle, firmware_protocol(found.handle, &block_io_guid)))
		return THAW_READ;
	return disk.seam.read(&disk.seam, page, count, buf);
}

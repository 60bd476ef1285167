/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * discover.c: which areas firmware's disks have, and what is wanted of them. The search itself is
 * locate/locate.c.
 *
 * An area is a partition, or a whole disk on which firmware found no partitions. Removable media,
 * and whatever hangs on USB, are looked at only when configured: whoever plugs in a disk must not
 * choose what the machine runs.
 */
#include "discover.h"

#include "console.h"
#include "devpath.h"
#include "disk.h"
#include "memory.h"
#include "protocol/partition_info.h"
#include "vars.h"
#include "volumes.h"

struct handles {
	EFI_HANDLE *list;
	UINTN count;
	struct disk *disks; /* of each; zero where it cannot be read */
};

static EFI_GUID block_io_guid = EFI_BLOCK_IO_PROTOCOL_GUID;

/* The path of a partition of that disk; NULL: it is none. */
static const EFI_DEVICE_PATH *child_partition(EFI_HANDLE handle, const EFI_DEVICE_PATH *parent)
{
	EFI_BLOCK_IO *io = firmware_protocol(handle, &block_io_guid);
	EFI_DEVICE_PATH *path = devpath_of(handle);

	if (!io || !path || !io->Media->LogicalPartition || !devpath_is_parent(parent, path))
		return NULL;
	return path;
}

/* The path has the disk's blocks, and the last one may lie in the middle of a page. */
static void join(struct disk *whole, struct disk *partition, const EFI_DEVICE_PATH *path)
{
	HARDDRIVE_DEVICE_PATH node;
	uint64_t end;

	if (!whole->handle || !devpath_partition(&node, path))
		return;
	end = thaw_div_up(node.PartitionStart + node.PartitionSize, whole->blocks_per_page);
	whole->seam.partitions_end = thaw_max(whole->seam.partitions_end, end);
	partition->whole = &whole->seam;
	partition->seam.wholes = &partition->whole;
	partition->seam.whole_count = 1;
}

/* false: the disk has none. Else they are told that they lie on it, and it where they end. */
static bool find_partitions(const struct handles *all, UINTN whole)
{
	EFI_DEVICE_PATH *path = devpath_of(all->list[whole]);
	bool found = false;

	for (UINTN i = 0; path && i < all->count; i++) {
		const EFI_DEVICE_PATH *child = child_partition(all->list[i], path);

		if (!child)
			continue;
		join(&all->disks[whole], &all->disks[i], child);
		found = true;
	}
	return found;
}

static bool is_named(EFI_HANDLE handle, const struct config_device *device)
{
	EFI_DEVICE_PATH *path = devpath_of(handle);
	HARDDRIVE_DEVICE_PATH node;

	if (device->kind != CONFIG_DEVICE_PARTUUID || !path || !devpath_partition(&node, path))
		return false;
	if (!device->mbr)
		return node.SignatureType == SIGNATURE_TYPE_GUID &&
		       thaw_bytes_equal(node.Signature, device->uuid, sizeof(device->uuid));
	return node.SignatureType == SIGNATURE_TYPE_MBR &&
	       thaw_le32(node.Signature) == device->mbr_signature &&
	       node.PartitionNumber == device->mbr_partition;
}

static enum thaw_area_type area_type(EFI_HANDLE handle)
{
	static const EFI_GUID guid = PARTITION_INFO_GUID;
	const struct partition_info *info = firmware_protocol(handle, &guid);

	if (info && info->type == PARTITION_INFO_GPT)
		return thaw_area_type_gpt(info->entry.gpt_type);
	if (info && info->type == PARTITION_INFO_MBR)
		return thaw_area_type_mbr(info->entry.mbr[PARTITION_INFO_MBR_TYPE]);
	return THAW_AREA_UNKNOWN;
}

static void open_disks(const struct handles *all)
{
	for (UINTN i = 0; i < all->count; i++) {
		EFI_BLOCK_IO *io = firmware_protocol(all->list[i], &block_io_guid);

		if (!io || !disk_open(&all->disks[i], all->list[i], io))
			all->disks[i] = (struct disk){.handle = NULL};
	}
}

/* false: no area, or none that can be read. */
static bool take_area(struct thaw_area *ret, const struct handles *all, UINTN n,
		      const struct config *config)
{
	struct disk *disk = &all->disks[n];
	EFI_HANDLE handle = disk->handle;
	const EFI_BLOCK_IO *io = disk->block_io;
	enum thaw_volume_site site;

	if (!handle || !(io->Media->LogicalPartition || !find_partitions(all, n)))
		return false;
	site = volumes_site(handle);
	*ret = (struct thaw_area){
		.disk = &disk->seam,
		.type = area_type(handle),
		.removable = site == THAW_VOLUME_REMOVABLE,
		.at_home = site == THAW_VOLUME_HOME,
		.named = is_named(handle, &config->device),
		.read_only = io->Media->ReadOnly,
	};
	console_note("area", ret->disk->pages, io->Media->BlockSize);
	return true;
}

static struct thaw_wanted what_is_wanted(const struct config *config)
{
	struct thaw_wanted wanted = {.place.page = config->offset_pages};

	switch (config->device.kind) {
	case CONFIG_DEVICE_PARTUUID:
		wanted.kind = THAW_WANTED_NAMED;
		break;
	case CONFIG_DEVICE_UUID:
		wanted.kind = THAW_WANTED_UUID;
		__builtin_memcpy(wanted.place.uuid, config->device.uuid, THAW_UUID_BYTES);
		break;
	default:
		wanted.kind = THAW_WANTED_ANY;
		wanted.has_hint = vars_location(&wanted.hint);
		break;
	}
	return wanted;
}

static void locate(struct thaw_located *ret, struct handles *all, const struct config *config)
{
	struct thaw_memory memory = {memory_alloc};
	struct thaw_wanted wanted = what_is_wanted(config);
	struct thaw_area *areas = memory_alloc(&memory, all->count * sizeof(*areas));
	size_t count = 0;

	all->disks = memory_alloc(&memory, all->count * sizeof(*all->disks));
	if (!all->disks || !areas) {
		ret->unreadable = true;
		return;
	}
	open_disks(all);
	for (UINTN i = 0; i < all->count; i++)
		count += take_area(&areas[count], all, i, config);
	thaw_locate(ret, areas, count, &wanted, &memory, console_note);
}

void discover(struct thaw_located *ret, const struct config *config)
{
	struct handles all = {NULL, 0, NULL};

	*ret = (struct thaw_located){.missing = config->device.kind != CONFIG_DEVICE_ANY};
	if (!firmware_handles(&block_io_guid, &all.count, &all.list))
		return;
	locate(ret, &all, config);
	fw.bs->FreePool(all.list);
}

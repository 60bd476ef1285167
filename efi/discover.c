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
};

static EFI_GUID block_io_guid = EFI_BLOCK_IO_PROTOCOL_GUID;

static bool is_child_partition(EFI_HANDLE handle, const EFI_DEVICE_PATH *parent)
{
	EFI_BLOCK_IO *io = firmware_protocol(handle, &block_io_guid);
	EFI_DEVICE_PATH *path = devpath_of(handle);

	return io && path && io->Media->LogicalPartition && devpath_is_parent(parent, path);
}

static bool has_partitions(const struct handles *all, EFI_HANDLE handle)
{
	EFI_DEVICE_PATH *path = devpath_of(handle);

	for (UINTN i = 0; path && i < all->count; i++) {
		if (is_child_partition(all->list[i], path))
			return true;
	}
	return false;
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

/* false: no area, or none that can be read. */
static bool take_area(struct thaw_area *ret, struct disk *disk, const struct handles *all,
		      EFI_HANDLE handle, const struct config *config)
{
	EFI_BLOCK_IO *io = firmware_protocol(handle, &block_io_guid);
	enum thaw_volume_site site;

	if (!io || !(io->Media->LogicalPartition || !has_partitions(all, handle)) ||
	    !disk_open(disk, handle, io))
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

static void locate(struct thaw_located *ret, const struct handles *all, const struct config *config)
{
	struct thaw_memory memory = {memory_alloc};
	struct thaw_wanted wanted = what_is_wanted(config);
	struct disk *disks = memory_alloc(&memory, all->count * sizeof(*disks));
	struct thaw_area *areas = memory_alloc(&memory, all->count * sizeof(*areas));
	size_t count = 0;

	if (!disks || !areas) {
		ret->unreadable = true;
		return;
	}
	for (UINTN i = 0; i < all->count; i++)
		count += take_area(&areas[count], &disks[count], all, all->list[i], config);
	thaw_locate(ret, areas, count, &wanted, &memory, console_note);
}

void discover(struct thaw_located *ret, const struct config *config)
{
	struct handles all = {NULL, 0};

	*ret = (struct thaw_located){.missing = config->device.kind != CONFIG_DEVICE_ANY};
	if (!firmware_handles(&block_io_guid, &all.count, &all.list))
		return;
	locate(ret, &all, config);
	fw.bs->FreePool(all.list);
}

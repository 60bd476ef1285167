/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * discover.c: which areas of which disks carry an image.
 *
 * An area is a partition, or a whole disk on which firmware found no partitions. Removable media,
 * and whatever hangs on USB, are looked at only when configured: whoever plugs in a disk must not
 * choose what the machine runs.
 */
#include "discover.h"

#include <thaw/image.h>

#include "console.h"
#include "devpath.h"

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

static bool is_partuuid(EFI_HANDLE handle, const struct config_device *device)
{
	EFI_DEVICE_PATH *path = devpath_of(handle);
	const HARDDRIVE_DEVICE_PATH *node = path ? devpath_partition(path) : NULL;

	if (!node)
		return false;
	if (!device->mbr)
		return node->SignatureType == SIGNATURE_TYPE_GUID &&
		       thaw_bytes_equal(node->Signature, device->uuid, sizeof(device->uuid));
	return node->SignatureType == SIGNATURE_TYPE_MBR &&
	       thaw_le32(node->Signature) == device->mbr_signature &&
	       node->PartitionNumber == device->mbr_partition;
}

/* Most disks on USB say that their media is fixed: true of the media, not of the disk. */
static bool is_removable(EFI_HANDLE handle, const EFI_BLOCK_IO_MEDIA *media)
{
	EFI_DEVICE_PATH *path = devpath_of(handle);

	return media->RemovableMedia || (path && devpath_has_usb(path));
}

static bool is_in_question(const struct handles *all, EFI_HANDLE handle,
			   const EFI_BLOCK_IO_MEDIA *media, const struct config_device *device)
{
	switch (device->kind) {
	case CONFIG_DEVICE_ANY:
		return !is_removable(handle, media) &&
		       (media->LogicalPartition || !has_partitions(all, handle));
	case CONFIG_DEVICE_PARTUUID:
		return media->LogicalPartition && is_partuuid(handle, device);
	default:
		return false;
	}
}

static bool carries_image(struct candidate *candidate)
{
	static uint8_t page[THAW_PAGE_SIZE] __attribute__((aligned(4096)));
	struct thaw_disk *disk = &candidate->disk.seam;

	if (disk->read(disk, candidate->header_page, 1, page) != THAW_OK ||
	    thaw_image_probe(page) != THAW_OK)
		return false;
	candidate->mark = thaw_image_mark(page);
	return true;
}

/* Sets *seen if the handle is an area in question; true if it carries an image. */
static bool examine(const struct config *config, const struct handles *all, EFI_HANDLE handle,
		    struct candidate *ret, bool *seen)
{
	EFI_BLOCK_IO *io = firmware_protocol(handle, &block_io_guid);
	struct candidate candidate = {.header_page = config->offset_pages};

	if (!io || !is_in_question(all, handle, io->Media, &config->device) ||
	    !disk_open(&candidate.disk, handle, io))
		return false;
	*seen = true;
	candidate.read_only = io->Media->ReadOnly;
	console_note("area", candidate.disk.seam.pages, io->Media->BlockSize);
	if (!carries_image(&candidate))
		return false;
	*ret = candidate;
	return true;
}

/* An offset means nothing without the device it belongs to. */
static bool is_sensible(const struct config *config)
{
	if (config->device.kind == CONFIG_DEVICE_UUID)
		console_warn("thaw.conf: device UUID= is not supported, use PARTUUID=", 0);
	else if (config->device.kind == CONFIG_DEVICE_BROKEN)
		console_warn("thaw.conf: device is not understood", 0);
	else if (config->device.kind == CONFIG_DEVICE_ANY && config->offset_pages)
		console_warn("thaw.conf: offset without device", config->offset_pages);
	else
		return true;
	return false;
}

size_t discover(const struct config *config, struct candidate *ret, size_t max, bool *ret_complete)
{
	struct handles all = {NULL, 0};
	struct candidate found;
	size_t count = 0;
	bool seen = false;

	*ret_complete = !is_sensible(config);
	if (*ret_complete || EFI_ERROR(fw.bs->LocateHandleBuffer(ByProtocol, &block_io_guid, NULL,
								 &all.count, &all.list)))
		return 0;
	for (UINTN i = 0; i < all.count; i++) {
		if (!examine(config, &all, all.list[i], &found, &seen))
			continue;
		if (count < max)
			ret[count] = found;
		count++;
	}
	fw.bs->FreePool(all.list);
	*ret_complete = seen && config->device.kind != CONFIG_DEVICE_ANY;
	return count;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * volumes.c: see volumes.h.
 *
 * Disks and their partitions alike: the first page of a partitioned disk is no superblock. What
 * cannot be written to cannot have been mounted for writing either. Nothing is connected for this:
 * what firmware left alone takes seconds to come up on some machines, and most machines have their
 * swap area on the disk of their filesystems.
 */
#include "volumes.h"

#include "devpath.h"
#include "disk.h"

/*
 * Most disks on USB say that their media is fixed: true of the media, not of the disk. What has no path,
 * or firmware does not say it, may be one.
 */
enum thaw_volume_site volumes_site(EFI_HANDLE handle)
{
	static EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
	EFI_BLOCK_IO *io = firmware_protocol(handle, &guid);
	EFI_DEVICE_PATH *path = devpath_of(handle);
	EFI_DEVICE_PATH *home = devpath_of(fw.self->DeviceHandle);

	if (!io || io->Media->RemovableMedia || !path || devpath_has_usb(path))
		return THAW_VOLUME_REMOVABLE;
	return home && devpath_is_same_disk(path, home) ? THAW_VOLUME_HOME : THAW_VOLUME_FIXED;
}

static bool read_first(EFI_HANDLE handle, void *page)
{
	static EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
	static uint8_t aligned[THAW_PAGE_SIZE] __attribute__((aligned(4096)));
	EFI_BLOCK_IO *io = firmware_protocol(handle, &guid);
	struct disk disk;

	if (!io || io->Media->ReadOnly || !disk_open(&disk, handle, io) ||
	    disk.seam.read(&disk.seam, 0, 1, aligned) != THAW_OK)
		return false;
	__builtin_memcpy(page, aligned, sizeof(aligned));
	return true;
}

bool volumes_page(struct thaw_machine *m, size_t n, void *page, enum thaw_volume_site *ret_site)
{
	static EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
	EFI_HANDLE *list = NULL;
	UINTN count = 0;
	bool there;

	(void)m;
	if (!firmware_handles(&guid, &count, &list))
		return false;
	there = n < count;
	if (there) {
		*ret_site = volumes_site(list[n]);
		if (!read_first(list[n], page))
			__builtin_memset(page, 0, THAW_PAGE_SIZE);
	}
	fw.bs->FreePool(list);
	return there;
}

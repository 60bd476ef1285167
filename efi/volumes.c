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

#include "disk.h"
#include "firmware.h"

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

bool volumes_page(struct thaw_machine *m, size_t n, void *page)
{
	static EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
	EFI_HANDLE *list = NULL;
	UINTN count = 0;
	bool there;

	(void)m;
	if (EFI_ERROR(fw.bs->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &list)))
		return false;
	there = n < count;
	if (there && !read_first(list[n], page))
		__builtin_memset(page, 0, THAW_PAGE_SIZE);
	fw.bs->FreePool(list);
	return there;
}

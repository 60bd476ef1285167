/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * connect.c: disks that firmware left alone.
 *
 * A firmware that boots fast connects the device it boots from and nothing else (UEFI 2.10, 3.1.7;
 * OVMF does so where the machine gives it a boot order): an image on another disk would not be
 * seen. Controllers are started one at a time, for each may take long, and only while a disk is
 * missing that somebody named. Those on USB are not touched: what is plugged in there is removable.
 */
#include "connect.h"

#include "console.h"
#include "firmware.h"

/* PCI Code and ID Assignment Specification, 1.2 and 1.9 */
#define PCI_CLASS_OFFSET  0x08
#define PCI_CLASS_STORAGE 0x01
#define PCI_CLASS_SD_HOST 0x0805

static EFI_GUID pci_io_guid = EFI_PCI_IO_PROTOCOL_GUID;

static struct {
	bool begun;
	EFI_HANDLE *list;
	UINTN count;
	UINTN next;
} controllers;

static bool is_storage(EFI_HANDLE handle)
{
	EFI_PCI_IO_PROTOCOL *pci = firmware_protocol(handle, &pci_io_guid);
	UINT32 class = 0;

	if (!pci || EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_CLASS_OFFSET, 1, &class)))
		return false;
	return class >> 24 == PCI_CLASS_STORAGE || class >> 16 == PCI_CLASS_SD_HOST;
}

static void begin(void)
{
	controllers.begun = true;
	if (EFI_ERROR(fw.bs->LocateHandleBuffer(ByProtocol, &pci_io_guid, NULL, &controllers.count,
						&controllers.list)))
		controllers.count = 0;
}

bool connect_next(void)
{
	if (!controllers.begun)
		begin();
	while (controllers.next < controllers.count) {
		EFI_HANDLE handle = controllers.list[controllers.next++];

		if (!is_storage(handle))
			continue;
		console_note("storage-controller", controllers.next, controllers.count);
		fw.bs->ConnectController(handle, NULL, NULL, TRUE);
		return true;
	}
	if (controllers.list)
		fw.bs->FreePool(controllers.list);
	controllers.list = NULL;
	return false;
}

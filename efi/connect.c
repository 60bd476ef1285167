/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * connect.c: disks that firmware left alone.
 *
 * A firmware that boots fast connects the device it boots from and nothing else (UEFI 2.10, 3.1.7;
 * OVMF does so where the machine gives it a boot order): an image on another disk would not be
 * seen. Controllers are started one at a time, for each may take long, and only while a disk is
 * missing that somebody named. Images are not looked for on USB, for what is plugged in there is
 * removable; USB is started only for a filesystem that the image says was mounted.
 */
#include "connect.h"

#include "console.h"
#include "firmware.h"

/* PCI Code and ID Assignment Specification, 1.2 and 1.9 */
#define PCI_CLASS_OFFSET  0x08
#define PCI_CLASS_STORAGE 0x01
#define PCI_CLASS_SD_HOST 0x0805
#define PCI_CLASS_USB     0x0c03

static EFI_GUID pci_io_guid = EFI_PCI_IO_PROTOCOL_GUID;

static struct controllers {
	bool begun;
	EFI_HANDLE *list;
	UINTN count;
	UINTN next;
} kinds[2]; /* enum connect_kind */

static bool is_kind(EFI_HANDLE handle, enum connect_kind kind)
{
	EFI_PCI_IO_PROTOCOL *pci = firmware_protocol(handle, &pci_io_guid);
	UINT32 class = 0;

	if (!pci || EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_CLASS_OFFSET, 1, &class)))
		return false;
	if (kind == CONNECT_USB)
		return class >> 16 == PCI_CLASS_USB;
	return class >> 24 == PCI_CLASS_STORAGE || class >> 16 == PCI_CLASS_SD_HOST;
}

static void begin(struct controllers *c)
{
	c->begun = true;
	if (!firmware_handles(&pci_io_guid, &c->count, &c->list))
		c->count = 0;
}

bool connect_next(enum connect_kind kind)
{
	struct controllers *c = &kinds[kind];

	if (!c->begun)
		begin(c);
	while (c->next < c->count) {
		EFI_HANDLE handle = c->list[c->next++];

		if (!is_kind(handle, kind))
			continue;
		console_note(kind == CONNECT_USB ? "usb-controller" : "storage-controller", c->next,
			     c->count);
		fw.bs->ConnectController(handle, NULL, NULL, TRUE);
		return true;
	}
	if (c->list)
		fw.bs->FreePool(c->list);
	c->list = NULL;
	return false;
}

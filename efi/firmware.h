/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * firmware.h: the firmware's tables, set once at entry. bs is gone after ExitBootServices.
 */
#ifndef THAW_EFI_FIRMWARE_H
#define THAW_EFI_FIRMWARE_H

#include <efi.h>

#include <thaw/base.h>

struct firmware {
	EFI_HANDLE image;
	EFI_LOADED_IMAGE *self;
	EFI_SYSTEM_TABLE *st;
	EFI_BOOT_SERVICES *bs;
	EFI_RUNTIME_SERVICES *rt;
};

extern struct firmware fw;

/* The interface of that protocol on that handle, NULL if it has none. */
static inline void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
	EFI_GUID copy = *guid;
	void *interface = NULL;

	if (!handle || EFI_ERROR(fw.bs->HandleProtocol(handle, &copy, &interface)))
		return NULL;
	return interface;
}

/* The platform's reset of five minutes, counted anew. */
static inline void firmware_rearm_watchdog(void)
{
	fw.bs->SetWatchdogTimer(5 * 60, 0, 0, NULL);
}

#endif

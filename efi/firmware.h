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
	bool watchdog; /* thaw has set it */
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

/* UEFI 2.10, 7.5: codes below are the firmware's own, and may be refused. */
#define FIRMWARE_WATCHDOG_CODE 0x10000

/* The platform's reset of five minutes, counted anew. */
static inline void firmware_rearm_watchdog(void)
{
	fw.watchdog = true;
	fw.bs->SetWatchdogTimer(5 * 60, FIRMWARE_WATCHDOG_CODE, 0, NULL);
}

/*
 * For whoever started thaw: a boot manager stops the one that it began (UEFI 2.10, 3.1.2), a shell or
 * a boot loader has none, and would be reset by ours.
 */
static inline void firmware_stop_watchdog(void)
{
	if (fw.watchdog)
		fw.bs->SetWatchdogTimer(0, FIRMWARE_WATCHDOG_CODE, 0, NULL);
}

#endif

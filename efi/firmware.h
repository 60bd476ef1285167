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
	bool blind;    /* it failed where it might have told of an image */
};

extern struct firmware fw;

/* At entry, before anything else here. false: firmware does not say what it started. */
bool firmware_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

/*
 * The interface of that protocol on that handle, NULL if it has none. Firmware needs memory to tell
 * (EDK2 notes who asked), and that it has none does not mean that there is no such interface.
 */
static inline void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
	EFI_GUID copy = *guid;
	void *interface = NULL;
	EFI_STATUS status;

	if (!handle)
		return NULL;
	status = fw.bs->HandleProtocol(handle, &copy, &interface);
	if (!EFI_ERROR(status))
		return interface;
	fw.blind |= status != EFI_UNSUPPORTED && status != EFI_NOT_FOUND;
	return NULL;
}

/* All handles with that protocol, to be given back to FreePool. false: there are none. */
static inline bool firmware_handles(const EFI_GUID *guid, UINTN *ret_count, EFI_HANDLE **ret)
{
	EFI_GUID copy = *guid;
	EFI_STATUS status = fw.bs->LocateHandleBuffer(ByProtocol, &copy, NULL, ret_count, ret);

	fw.blind |= EFI_ERROR(status) && status != EFI_NOT_FOUND;
	return !EFI_ERROR(status);
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

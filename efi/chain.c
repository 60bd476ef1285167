/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * chain.c: the program that runs after thaw.
 */
#include "chain.h"

#include "console.h"
#include "devpath.h"

#define PATH_BYTES 4096

/* UEFI 2.10, 7.4.1: refused by Secure Boot, the image is loaded all the same, to be unloaded. */
static bool load(EFI_DEVICE_PATH *path, EFI_HANDLE *ret)
{
	EFI_STATUS status = fw.bs->LoadImage(FALSE, fw.image, path, NULL, 0, ret);

	if (status == EFI_SECURITY_VIOLATION && *ret)
		fw.bs->UnloadImage(*ret);
	return !EFI_ERROR(status);
}

EFI_STATUS chain_start(const uint16_t *path)
{
	static uint8_t full[PATH_BYTES] __attribute__((aligned(8)));
	EFI_DEVICE_PATH *volume = devpath_of(fw.self->DeviceHandle);
	EFI_HANDLE next = NULL;

	if (!volume || !devpath_for_file(full, sizeof(full), volume, path) ||
	    !load((EFI_DEVICE_PATH *)full, &next)) {
		console_warn("next cannot be loaded", 0);
		return EFI_NOT_FOUND;
	}
	firmware_rearm_watchdog();
	return fw.bs->StartImage(next, NULL, NULL);
}

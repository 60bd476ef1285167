/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * conf.c: an EFI program that reads thaw's configuration, with thaw's own code, and ends: the least
 * that any program adds to a boot if it has a file to read. Takes the place of thaw.efi.
 */
#include "config.h"
#include "firmware.h"

struct firmware fw;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static const EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	static struct config config;

	fw = (struct firmware){.image = image,
			       .st = st,
			       .bs = st->BootServices,
			       .rt = st->RuntimeServices};
	fw.self = firmware_protocol(image, &guid);
	config_load(&config);
	fw.bs->Exit(image, EFI_NOT_FOUND, 0, NULL);
	return EFI_NOT_FOUND;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * firmware.c: see firmware.h.
 */
#include "firmware.h"

struct firmware fw;

bool firmware_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static const EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;

	fw = (struct firmware){.image = image,
			       .st = st,
			       .bs = st->BootServices,
			       .rt = st->RuntimeServices};
	fw.self = firmware_protocol(image, &guid);
	return fw.self != NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hii_font.h: EFI_HII_FONT_PROTOCOL, UEFI 2.10, 34.2. The members that thaw does not call are void
 * pointers.
 */
#ifndef THAW_EFI_PROTOCOL_HII_FONT_H
#define THAW_EFI_PROTOCOL_HII_FONT_H

#include <efi.h>

#include "assert.h"

#define HII_FONT_GUID                                                                              \
	{                                                                                          \
		0xe9ca4775, 0x8657, 0x47fc,                                                        \
		{                                                                                  \
			0x97, 0xe7, 0x7e, 0xd6, 0x5a, 0x08, 0x43, 0x24                             \
		}                                                                                  \
	}

#define HII_OUT_FLAG_CLIP 1

struct hii_image {
	UINT16 width;
	UINT16 height;
	EFI_GRAPHICS_OUTPUT_BLT_PIXEL *bitmap;
};

struct hii_font {
	/* info NULL: the system's font and colours */
	EFI_STATUS(EFIAPI *string_to_image)
	(const struct hii_font *self, UINT32 flags, const CHAR16 *string, const VOID *info,
	 struct hii_image **image, UINTN x, UINTN y, VOID **ret_rows, UINTN *ret_row_count,
	 UINTN *ret_columns);
	VOID *string_id_to_image;
	VOID *get_glyph;
	VOID *get_font_info;
};

PROTOCOL_OFFSET(struct hii_image, bitmap, 8);
PROTOCOL_SIZE(struct hii_font, 32);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mp_services.h: EFI_MP_SERVICES_PROTOCOL, PI 1.7 volume 2, 13.4. The members that thaw does not
 * call are void pointers.
 */
#ifndef THAW_EFI_PROTOCOL_MP_SERVICES_H
#define THAW_EFI_PROTOCOL_MP_SERVICES_H

#include <efi.h>

#include "assert.h"

#define MP_SERVICES_GUID                                                                           \
	{                                                                                          \
		0x3fdda605, 0xa76e, 0x4f46,                                                        \
		{                                                                                  \
			0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08                             \
		}                                                                                  \
	}

typedef VOID(EFIAPI *mp_procedure)(VOID *argument);

struct mp_services {
	EFI_STATUS(EFIAPI *get_count)
	(struct mp_services *self, UINTN *ret_count, UINTN *ret_enabled);
	VOID *get_info;
	/* done NULL: waits for all procedures to return */
	EFI_STATUS(EFIAPI *start_all)
	(struct mp_services *self, mp_procedure procedure, BOOLEAN one_by_one, EFI_EVENT done,
	 UINTN timeout_us, VOID *argument, UINTN **ret_failed);
	VOID *start_one;
	VOID *switch_bsp;
	VOID *enable_disable;
	VOID *who_am_i;
};

PROTOCOL_OFFSET(struct mp_services, start_all, 16);
PROTOCOL_SIZE(struct mp_services, 56);

#endif

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

#define MP_STATUS_BSP	  0x1
#define MP_STATUS_ENABLED 0x2
#define MP_STATUS_HEALTHY 0x4

struct mp_processor {
	UINT64 id;
	UINT32 status;
	UINT32 package;
	UINT32 core;
	UINT32 thread;
	UINT32 location2[6]; /* since PI 1.7: older firmware leaves it alone */
};

PROTOCOL_OFFSET(struct mp_processor, status, 8);
PROTOCOL_OFFSET(struct mp_processor, location2, 24);
PROTOCOL_SIZE(struct mp_processor, 48);

typedef VOID(EFIAPI *mp_procedure)(VOID *argument);

struct mp_services {
	EFI_STATUS(EFIAPI *get_count)
	(struct mp_services *self, UINTN *ret_count, UINTN *ret_enabled);
	EFI_STATUS(EFIAPI *get_info)
	(struct mp_services *self, UINTN number, struct mp_processor *ret);
	VOID *start_all;
	/* done NULL: waits for the procedure to return */
	EFI_STATUS(EFIAPI *start_one)
	(struct mp_services *self, mp_procedure procedure, UINTN number, EFI_EVENT done,
	 UINTN timeout_us, VOID *argument, BOOLEAN *ret_finished);
	VOID *switch_bsp;
	VOID *enable_disable;
	VOID *who_am_i;
};

PROTOCOL_OFFSET(struct mp_services, start_one, 24);
PROTOCOL_SIZE(struct mp_services, 56);

#endif

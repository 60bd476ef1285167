/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * full.c: an EFI program that fills firmware's variable store, but for some bytes, and then starts
 * thaw. The store has room again before the next boot: OVMF itself does not come as far as starting
 * a program with a full one.
 */
#include "chain.h"
#include "console.h"
#include "firmware.h"

/* Enough for the voucher of thaw's record, and not for the record. */
#define ROOM 560

/* Of a variable, at most: its header, its name, and what aligns both (EDK2, VariableFormat.h). */
#define OVERHEAD 96
#define LARGEST	 4096
#define MOST	 256

#define ATTRIBUTES (EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS)

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

static uint64_t left(void)
{
	UINT64 all, remaining, largest;

	if (EFI_ERROR(fw.rt->QueryVariableInfo(ATTRIBUTES, &all, &remaining, &largest)))
		return 0;
	return remaining;
}

/* FillerAA to FillerPP */
static EFI_STATUS fill_with(unsigned number, UINTN bytes)
{
	static EFI_GUID guid = {
		0xf111e500, 0x1b2d, 0x4a55, {0x9a, 0x3c, 0x74, 0x68, 0x61, 0x77, 0xf0, 0x11}};
	static CHAR16 name[] = L"Filler  ";
	static uint8_t data[LARGEST];

	name[6] = (CHAR16)(L'A' + number / 16);
	name[7] = (CHAR16)(L'A' + number % 16);
	return fw.rt->SetVariable(name, &guid, ATTRIBUTES, bytes, data);
}

static void fill(void)
{
	EFI_STATUS status = EFI_SUCCESS;
	unsigned number;
	uint64_t free;

	for (number = 0; number < MOST && !EFI_ERROR(status); number++) {
		free = left();
		if (free < ROOM + OVERHEAD + 1)
			break;
		status = fill_with(number, thaw_min(free - ROOM - OVERHEAD, LARGEST));
	}
	console_note("variables-filled", number, left());
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	firmware_init(image, st);
	console_verbose = true;
	fill();
	return chain_start(L"\\EFI\\thaw\\thaw.efi");
}

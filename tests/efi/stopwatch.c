/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stopwatch.c: an EFI program that starts thaw as a boot manager would, on a machine without an
 * image, and says how long thaw took to give up, how much of that firmware took from thaw's last word
 * on, how often thaw read, and how many bytes. Powers off.
 *
 * Reads are counted where they reach a whole device, whoever asked for them; those of the disk that
 * thaw came from apart, for they are firmware's, whose file system reads the configuration.
 */
#include "console.h"
#include "cpu.h"
#include "devpath.h"
#include "firmware.h"

#define DEVICES_MAX 64

static struct {
	EFI_BLOCK_IO *io;
	EFI_BLOCK_READ read;
	bool at_home;
} devices[DEVICES_MAX];

static size_t device_count;
static uint64_t reads[2]; /* elsewhere, at home */
static uint64_t bytes_read[2];
static EFI_EXIT firmware_exit;
static uint64_t exit_at_us;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

static EFI_STATUS EFIAPI counted_read(EFI_BLOCK_IO *io, UINT32 media, EFI_LBA lba, UINTN bytes,
				      VOID *buf)
{
	for (size_t i = 0; i < device_count; i++) {
		if (devices[i].io != io)
			continue;
		reads[devices[i].at_home]++;
		bytes_read[devices[i].at_home] += bytes;
		return devices[i].read(io, media, lba, bytes, buf);
	}
	return EFI_DEVICE_ERROR;
}

static bool is_at_home(EFI_HANDLE handle)
{
	EFI_DEVICE_PATH *path = devpath_of(handle);
	EFI_DEVICE_PATH *home = devpath_of(fw.self->DeviceHandle);

	return path && home && devpath_is_parent(path, home);
}

static void watch(EFI_HANDLE handle)
{
	static EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
	EFI_BLOCK_IO *io = firmware_protocol(handle, &guid);

	if (!io || io->Media->LogicalPartition || device_count == DEVICES_MAX)
		return;
	devices[device_count].at_home = is_at_home(handle);
	devices[device_count].io = io;
	devices[device_count++].read = io->ReadBlocks;
	io->ReadBlocks = counted_read;
}

static void watch_all(void)
{
	static EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
	EFI_HANDLE *list;
	UINTN count;

	if (EFI_ERROR(fw.bs->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &list)))
		return;
	for (UINTN i = 0; i < count; i++)
		watch(list[i]);
	fw.bs->FreePool(list);
}

static void unwatch_all(void)
{
	while (device_count--)
		devices[device_count].io->ReadBlocks = devices[device_count].read;
	device_count = 0;
}

static EFI_STATUS EFIAPI noted_exit(EFI_HANDLE image, EFI_STATUS status, UINTN size, CHAR16 *data)
{
	exit_at_us = cpu_now_us();
	return firmware_exit(image, status, size, data);
}

/* \EFI\thaw\thaw.efi of the volume that this program came from. */
static EFI_STATUS load(EFI_HANDLE *ret)
{
	static struct {
		EFI_DEVICE_PATH node;
		CHAR16 name[19];
		EFI_DEVICE_PATH end;
	} __attribute__((packed)) file = {
		{MEDIA_DEVICE_PATH, MEDIA_FILEPATH_DP, {4 + 38, 0}},
		L"\\EFI\\thaw\\thaw.efi",
		{END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}},
	};
	static EFI_GUID guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
	static uint8_t whole[1024];
	uint8_t *to = whole;
	EFI_DEVICE_PATH *node = firmware_protocol(fw.self->DeviceHandle, &guid);

	for (; node && node->Type != END_DEVICE_PATH_TYPE;
	     to += thaw_le16(node->Length),
	     node = (EFI_DEVICE_PATH *)((uint8_t *)node + thaw_le16(node->Length)))
		__builtin_memcpy(to, node, thaw_le16(node->Length));
	__builtin_memcpy(to, &file, sizeof(file));
	return fw.bs->LoadImage(FALSE, fw.image, (EFI_DEVICE_PATH *)whole, NULL, 0, ret);
}

static void measure(void)
{
	EFI_HANDLE thaw;
	uint64_t began;
	uint64_t took;

	if (EFI_ERROR(load(&thaw)))
		return;
	watch_all();
	firmware_exit = fw.bs->Exit;
	fw.bs->Exit = noted_exit;
	began = cpu_now_us();
	fw.bs->StartImage(thaw, NULL, NULL);
	took = cpu_now_us() - began;
	fw.bs->Exit = firmware_exit;
	unwatch_all();
	console_note("stopwatch-us", took, took - (exit_at_us - began));
	console_note("stopwatch-reads", reads[0], bytes_read[0]);
	console_note("stopwatch-reads-at-home", reads[1], bytes_read[1]);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	firmware_init(image, st);
	cpu_clock_start();
	cpu_clock_init();
	console_verbose = true;
	measure();
	fw.rt->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	return EFI_ABORTED;
}

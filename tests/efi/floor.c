/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * floor.c: an EFI program that does the least any restore must: reads the stored pages of the image
 * with the protocol and the code that thaw reads with, and writes as many frames as it restores,
 * once. Says how long each took, and powers off.
 */
#include "config.h"
#include "console.h"
#include "cpu.h"
#include "discover.h"
#include "firmware.h"
#include "machine.h"

#define WINDOW_PAGES 512

struct firmware fw;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

static enum thaw_err read_all(struct thaw_disk *disk, struct thaw_image *image, void *window)
{
	uint64_t page;
	uint64_t count;
	enum thaw_err err = THAW_OK;

	image->pos = (struct thaw_stream_pos){0};
	while (!err && (count = thaw_stream_next(image, &image->pos, WINDOW_PAGES, &page)))
		err = disk->read(disk, page, count, window);
	return err;
}

static enum thaw_err measure(struct thaw_machine *m, struct thaw_disk *disk,
			     struct thaw_image *image)
{
	uint64_t bytes = image->facts.data_frames << THAW_PAGE_SHIFT;
	void *window = m->memory.alloc(&m->memory, WINDOW_PAGES * THAW_PAGE_SIZE);
	uint8_t *frames = m->memory.alloc(&m->memory, bytes);
	uint64_t began = cpu_now_us();
	uint64_t read;
	enum thaw_err err;

	if (!window || !frames)
		return THAW_MEMORY;
	err = read_all(disk, image, window);
	read = cpu_now_us();
	__builtin_memset(frames, 1, bytes);
	console_note("floor-read", image->facts.stored_pages, read - began);
	console_note("floor-write", image->facts.data_frames, cpu_now_us() - read);
	return err;
}

static enum thaw_err find_and_measure(void)
{
	static struct config config;
	static struct candidate found;
	static struct thaw_machine machine;
	static struct thaw_image image;
	struct thaw_diag diag;
	bool complete;
	enum thaw_err err = machine_init(&machine);

	config_load(&config);
	if (!err && !discover(&config, &found, 1, &complete))
		err = THAW_NO_IMAGE;
	if (!err)
		err = thaw_image_open(&image, &found.disk.seam, found.header_page, UINT32_MAX,
				      &machine.memory, &diag);
	return err ? err : measure(&machine, &found.disk.seam, &image);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static const EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	enum thaw_err err;

	fw = (struct firmware){image, NULL, st, st->BootServices, st->RuntimeServices};
	fw.self = firmware_protocol(image, &guid);
	cpu_clock_start();
	console_verbose = true;
	err = find_and_measure();
	console_note(thaw_err_name(err), 0, 0);
	fw.rt->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	return EFI_ABORTED;
}

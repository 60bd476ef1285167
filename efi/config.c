/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * config.c: where the configuration comes from: a file on thaw's own volume, then the load options
 * of its boot entry, which win.
 */
#include "config.h"

#include "console.h"
#include "firmware.h"

static CHAR16 file_name[] = L"\\EFI\\thaw\\thaw.conf";

static EFI_FILE_HANDLE open_file(void)
{
	static const EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_FILE_IO_INTERFACE *volume = firmware_protocol(fw.self->DeviceHandle, &guid);
	EFI_FILE_HANDLE root, file;
	EFI_STATUS status;

	if (!volume || EFI_ERROR(volume->OpenVolume(volume, &root)))
		return NULL;
	status = root->Open(root, &file, file_name, EFI_FILE_MODE_READ, 0);
	root->Close(root);
	return EFI_ERROR(status) ? NULL : file;
}

/* One byte more than allowed tells a file that is too long. */
static void load_file(struct config *config)
{
	static uint8_t text[CONFIG_MAX_BYTES + 1];
	UINTN size = sizeof(text);
	EFI_FILE_HANDLE file = open_file();
	EFI_STATUS status;

	if (!file)
		return;
	status = file->Read(file, &size, text);
	file->Close(file);
	if (EFI_ERROR(status) || size > CONFIG_MAX_BYTES)
		console_warn("thaw.conf cannot be read, or is too long", 0);
	else
		config_parse(config, text, size);
}

void config_load(struct config *config)
{
	*config = (struct config){.dry_run = false};
	load_file(config);
	if (fw.self->LoadOptions)
		config_parse_options(config, fw.self->LoadOptions,
				     fw.self->LoadOptionsSize / sizeof(CHAR16));
	if (config->ignored)
		console_warn("thaw.conf is not understood in line", config->first_ignored);
}

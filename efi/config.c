/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * config.c: where the configuration comes from: a file on thaw's own volume, then the load options
 * of its boot entry, which win.
 */
#include "config.h"

#include "console.h"
#include "firmware.h"

static CHAR16 file_name[] = L"\\EFI\\thaw\\thaw.conf";

/* NULL and EFI_SUCCESS: there is none. */
static EFI_FILE_HANDLE open_file(EFI_STATUS *ret)
{
	static const EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_FILE_IO_INTERFACE *volume = firmware_protocol(fw.self->DeviceHandle, &guid);
	EFI_FILE_HANDLE root, file;

	/* thaw may have come over the network: then there is no file. */
	if (!volume) {
		*ret = fw.blind ? EFI_OUT_OF_RESOURCES : EFI_SUCCESS;
		return NULL;
	}
	*ret = volume->OpenVolume(volume, &root);
	if (EFI_ERROR(*ret))
		return NULL;
	*ret = root->Open(root, &file, file_name, EFI_FILE_MODE_READ, 0);
	root->Close(root);
	if (!EFI_ERROR(*ret))
		return file;
	if (*ret == EFI_NOT_FOUND)
		*ret = EFI_SUCCESS;
	return NULL;
}

/* One byte more than allowed tells a file that is too long. */
static void load_file(struct config *config)
{
	static uint8_t text[CONFIG_MAX_BYTES + 1];
	UINTN size = sizeof(text);
	EFI_STATUS status;
	EFI_FILE_HANDLE file = open_file(&status);

	if (file) {
		status = file->Read(file, &size, text);
		file->Close(file);
	}
	config->unread = EFI_ERROR(status) || (file && size > CONFIG_MAX_BYTES);
	if (config->unread)
		console_warn("thaw.conf cannot be read, or is too long", 0);
	else if (file)
		config_parse(config, text, size);
}

/* An offset means nothing without the device it belongs to. */
bool config_is_sensible(const struct config *config)
{
	if (config->device.kind == CONFIG_DEVICE_BROKEN)
		console_warn("thaw.conf: device is not understood", 0);
	else if (config->device.kind == CONFIG_DEVICE_ANY && config->offset_pages)
		console_warn("thaw.conf: offset without device", config->offset_pages);
	else
		return !config->unread;
	return false;
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

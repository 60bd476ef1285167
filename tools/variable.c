/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * variable.c: see variable.h.
 */
#include "variable.h"

#include <errno.h>

#define ATTRIBUTES                                                                                 \
	(EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS)
#define MODE 0644

uint8_t *variable_get(efi_guid_t guid, const char *name, size_t *ret_size)
{
	uint8_t *data = NULL;
	uint32_t attributes;

	errno = 0;
	if (!efi_get_variable(guid, name, &data, ret_size, &attributes))
		return data;
	if (!errno)
		errno = EIO;
	return NULL;
}

bool variable_set(efi_guid_t guid, const char *name, void *data, size_t size)
{
	errno = 0;
	if (efi_set_variable(guid, name, data, size, ATTRIBUTES, MODE) >= 0)
		return true;
	if (!errno)
		errno = EIO;
	return false;
}

bool variable_delete(efi_guid_t guid, const char *name, bool *ret_was)
{
	bool was;

	errno = 0;
	was = !efi_del_variable(guid, name);
	if (ret_was)
		*ret_was = was;
	return was || errno == ENOENT;
}

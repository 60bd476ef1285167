/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bootvars_entry.c: thaw's boot entry; UEFI 2.10, 3.1.3 (load options) and 10.3 (device paths).
 */
#include "bootvars.h"

#include "variable.h"

#include <ctype.h>
#include <efiboot.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_OPTION_ACTIVE 1 /* UEFI 2.10, 3.1.3 */
#define LABEL		   "thaw"
#define PROGRAM		   "\\EFI\\thaw\\thaw.efi"
#define OPTION_MAX	   4096
#define HD_SUBTYPE	   1
#define FILE_SUBTYPE	   4
#define MEDIA_TYPE	   4
#define SIGNATURE_MBR	   1
#define SIGNATURE_GUID	   2

/* The 16 bytes of a hard drive node's signature. */
static bool signature(const struct esp *esp, uint8_t *ret)
{
	efi_guid_t guid;
	uint32_t id;

	memset(ret, 0, 16);
	if (esp->gpt) {
		if (efi_str_to_guid(esp->id, &guid) < 0)
			return false;
		memcpy(ret, &guid, 16);
		return true;
	}
	id = (uint32_t)strtoul(esp->id, NULL, 16);
	memcpy(ret, &id, sizeof(id));
	return true;
}

static bool is_our_partition(const struct esp *esp, const_efidp node)
{
	uint8_t wanted[16];

	return node->subtype == HD_SUBTYPE && signature(esp, wanted) &&
	       node->hd.partition_number == (uint32_t)esp->partition &&
	       !memcmp(node->hd.signature, wanted, sizeof(wanted));
}

/* Firmware may have written the path in other letters: FAT does not tell them apart. */
static bool is_our_file(const_efidp node)
{
	size_t units = ((size_t)efidp_node_size(node) - 4) / 2;
	const char *want = PROGRAM;

	/* To the zero at its end: there may be a thaw.efi.old. */
	for (size_t i = 0; i < sizeof(PROGRAM); i++) {
		uint16_t c = 0;

		if (i < units)
			memcpy(&c, (const uint8_t *)node + 4 + 2 * i, sizeof(c));
		if (c > 0x7f || tolower((int)c) != tolower((unsigned char)want[i]))
			return false;
	}
	return node->subtype == FILE_SUBTYPE;
}

static bool is_ours(const struct esp *esp, uint8_t *data, size_t size)
{
	efi_load_option *option = (efi_load_option *)data;
	bool partition = false, file = false;
	const_efidp node;
	ssize_t left;

	if (!efi_loadopt_is_valid(option, size))
		return false;
	node = efi_loadopt_path(option, (ssize_t)size);
	left = efi_loadopt_pathlen(option, (ssize_t)size);
	if (!node || !efidp_is_valid(node, left))
		return false;
	do {
		if (efidp_type(node) == MEDIA_TYPE) {
			partition |= is_our_partition(esp, node);
			file |= is_our_file(node);
		}
	} while (efidp_next_node(node, &node) > 0);
	return partition && file;
}

/* Boot#### with four upper-case hexadecimal digits; -1: another variable. */
static int entry_number(const efi_guid_t *guid, const char *name)
{
	static const efi_guid_t global = EFI_GLOBAL_GUID;
	static const char digits[] = "0123456789ABCDEF";

	if (efi_guid_cmp(guid, &global) || strncmp(name, "Boot", 4) || strlen(name) != 8 ||
	    strspn(name + 4, digits) != 4)
		return -1;
	return (int)strtol(name + 4, NULL, 16);
}

int bootvars_find_entry(const struct esp *esp, bool *ret_active)
{
	efi_guid_t *guid = NULL;
	char *name = NULL;
	int found = -1;

	/* To the end, for libefivar keeps the folder open otherwise. */
	while (efi_get_next_variable_name(&guid, &name) > 0) {
		int number = entry_number(guid, name);
		uint8_t *data;
		size_t size;

		if (number < 0 || (found >= 0 && found <= number))
			continue;
		data = variable_get(*guid, name, &size);
		if (data && is_ours(esp, data, size)) {
			found = number;
			*ret_active =
				efi_loadopt_attrs((efi_load_option *)data) & LOAD_OPTION_ACTIVE;
		}
		free(data);
	}
	return found;
}

static ssize_t make_path(const struct esp *esp, uint8_t *buf, ssize_t max)
{
	char file[] = PROGRAM;
	uint8_t id[16];
	ssize_t at, n;

	if (!signature(esp, id))
		return -1;
	at = efidp_make_hd(buf, max, (uint32_t)esp->partition, esp->first_lba, esp->lbas, id,
			   esp->gpt ? EFIDP_HD_FORMAT_GPT : EFIDP_HD_FORMAT_PCAT,
			   esp->gpt ? SIGNATURE_GUID : SIGNATURE_MBR);
	if (at < 0)
		return -1;
	n = efidp_make_file(buf + at, max - at, file);
	if (n < 0)
		return -1;
	at += n;
	n = efidp_make_end_entire(buf + at, max - at);
	return n < 0 ? -1 : at + n;
}

static ssize_t make_option(const struct esp *esp, uint8_t *buf, ssize_t max)
{
	unsigned char label[] = LABEL;
	uint8_t path[1024];
	ssize_t size = make_path(esp, path, sizeof(path));

	if (size < 0)
		return -1;
	return efi_loadopt_create(buf, max, LOAD_OPTION_ACTIVE, (efidp)path, size, label, NULL, 0);
}

static void entry_name(char *ret, uint16_t number)
{
	snprintf(ret, 9, "Boot%04X", number);
}

static int free_number(void)
{
	char name[9];
	size_t size;

	for (int number = 0; number < 0xffff; number++) {
		entry_name(name, (uint16_t)number);
		if (efi_get_variable_size(EFI_GLOBAL_GUID, name, &size) < 0 && errno == ENOENT)
			return number;
	}
	errno = ENOSPC;
	return -1;
}

int bootvars_make_entry(const struct esp *esp)
{
	uint8_t option[OPTION_MAX];
	ssize_t size = make_option(esp, option, sizeof(option));
	int number = size < 0 ? -1 : free_number();
	char name[9];

	if (number < 0)
		return -1;
	entry_name(name, (uint16_t)number);
	return variable_set(EFI_GLOBAL_GUID, name, option, (size_t)size) ? number : -1;
}

bool bootvars_activate_entry(uint16_t number)
{
	char name[9];
	size_t size;
	uint8_t *data;
	bool ok;

	entry_name(name, number);
	data = variable_get(EFI_GLOBAL_GUID, name, &size);
	if (!data)
		return false;
	efi_loadopt_attr_set((efi_load_option *)data, LOAD_OPTION_ACTIVE);
	ok = variable_set(EFI_GLOBAL_GUID, name, data, size);
	free(data);
	return ok;
}

bool bootvars_delete_entry(uint16_t number)
{
	char name[9];

	entry_name(name, number);
	return variable_delete(EFI_GLOBAL_GUID, name, NULL);
}

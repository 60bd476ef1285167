/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bootvars.c: see bootvars.h; UEFI 2.10, 3.3 (globally defined variables) and 3.1.3 (load options).
 */
#include "bootvars.h"

#include <ctype.h>
#include <efiboot.h>
#include <efivar.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ATTRIBUTES                                                                                 \
	(EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS)
#define LOAD_OPTION_ACTIVE 1 /* UEFI 2.10, 3.1.3 */
#define MODE	       0644
#define LABEL	       "thaw"
#define PROGRAM	       "\\EFI\\thaw\\thaw.efi"
#define RECORD	       "ThawStatus"
#define VOUCHER	       "ThawStatusVouched"
#define LOCATION       "HibernateLocation"
#define OPTION_MAX     4096
#define HD_SUBTYPE     1
#define FILE_SUBTYPE   4
#define MEDIA_TYPE     4
#define SIGNATURE_MBR  1
#define SIGNATURE_GUID 2

static const efi_guid_t thaw_guid = EFI_GUID(0x7e2a3d1c, 0x54b8, 0x4c0e, 0x9d5f, 0x2b, 0x6a, 0x91,
					     0xc7, 0xe0, 0x43);
/* systemd's, not that of the boot loader interface (systemd v254, src/fundamental/efivars.h) */
static const efi_guid_t systemd_guid = EFI_GUID(0x8cf2644b, 0x4b0b, 0x428f, 0x9387, 0x6d, 0x87,
						0x60, 0x50, 0xdc, 0x67);

/* --- any variable ------------------------------------------------------------------------ */

bool bootvars_available(void)
{
	return efi_variables_supported() == 1;
}

/* To be free()d. NULL: errno, ENOENT if there is none. */
static uint8_t *get(efi_guid_t guid, const char *name, size_t *ret_size)
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

static bool set(efi_guid_t guid, const char *name, void *data, size_t size)
{
	errno = 0;
	if (efi_set_variable(guid, name, data, size, ATTRIBUTES, MODE) >= 0)
		return true;
	if (!errno)
		errno = EIO;
	return false;
}

static bool delete(efi_guid_t guid, const char *name, bool *ret_was)
{
	bool was;

	errno = 0;
	was = !efi_del_variable(guid, name);
	if (ret_was)
		*ret_was = was;
	return was || errno == ENOENT;
}

/* --- the record -------------------------------------------------------------------------- */

enum bootvars_record bootvars_read_record(struct thaw_record *ret)
{
	size_t size;
	uint8_t *data = get(thaw_guid, RECORD, &size);
	bool missing = !data && errno == ENOENT;
	bool vouched = efi_get_variable_exists(thaw_guid, VOUCHER) >= 0;
	bool whole;

	if (!data) {
		thaw_record_init(ret);
		return missing && !vouched ? BOOTVARS_RECORD_MISSING : BOOTVARS_RECORD_DAMAGED;
	}
	whole = thaw_record_load(ret, data, size);
	free(data);
	return whole && vouched ? BOOTVARS_RECORD_WHOLE : BOOTVARS_RECORD_DAMAGED;
}

bool bootvars_write_record(struct thaw_record *record)
{
	thaw_record_seal(record);
	return set(thaw_guid, RECORD, record, sizeof(*record));
}

bool bootvars_create_record(struct thaw_record *record)
{
	uint8_t voucher = 1;

	return bootvars_write_record(record) && set(thaw_guid, VOUCHER, &voucher, 1);
}

bool bootvars_doubt_record(void)
{
	return delete (thaw_guid, VOUCHER, NULL);
}

bool bootvars_delete_record(void)
{
	return delete (thaw_guid, VOUCHER, NULL) && delete (thaw_guid, RECORD, NULL);
}

bool bootvars_has_location(void)
{
	return efi_get_variable_exists(systemd_guid, LOCATION) >= 0;
}

/* UTF-16, with the zero at its end. */
bool bootvars_write_location(const char *text)
{
	size_t size = 2 * (strlen(text) + 1);
	uint8_t *wide = calloc(1, size);
	bool ok;

	for (size_t i = 0; wide && text[i]; i++)
		wide[2 * i] = (uint8_t)text[i];
	ok = wide && set(systemd_guid, LOCATION, wide, size);
	free(wide);
	return ok;
}

bool bootvars_delete_location(bool *ret_was)
{
	return delete (systemd_guid, LOCATION, ret_was);
}

int bootvars_secure_boot(void)
{
	size_t size;
	uint8_t *data = get(EFI_GLOBAL_GUID, "SecureBoot", &size);
	int on;

	if (!data)
		return errno == ENOENT ? 0 : -1;
	on = size == 1 ? data[0] != 0 : -1;
	free(data);
	return on;
}

/* --- BootOrder and BootNext -------------------------------------------------------------- */

bool bootvars_read_order(struct boot_order *ret)
{
	size_t size;
	uint8_t *data = get(EFI_GLOBAL_GUID, "BootOrder", &size);

	*ret = (struct boot_order){.count = 0};
	if (!data)
		return errno == ENOENT;
	if (size % 2 == 0 && size <= sizeof(ret->list)) {
		memcpy(ret->list, data, size);
		ret->count = size / 2;
	}
	free(data);
	errno = EINVAL;
	return size % 2 == 0 && size <= sizeof(ret->list);
}

bool bootvars_write_order(const struct boot_order *order)
{
	struct boot_order copy = *order;

	if (!order->count)
		return delete (EFI_GLOBAL_GUID, "BootOrder", NULL);
	return set(EFI_GLOBAL_GUID, "BootOrder", copy.list, 2 * copy.count);
}

int bootvars_read_next(void)
{
	size_t size;
	uint8_t *data = get(EFI_GLOBAL_GUID, "BootNext", &size);
	int number;

	if (!data || !size) {
		free(data);
		return efi_get_variable_exists(EFI_GLOBAL_GUID, "BootNext") >= 0
			       ? BOOTVARS_NEXT_GONE
			       : BOOTVARS_NEXT_NONE;
	}
	number = size == 2 ? data[0] | data[1] << 8 : BOOTVARS_NEXT_NONE;
	free(data);
	return number;
}

bool bootvars_write_next(uint16_t number)
{
	uint8_t data[2] = {(uint8_t)number, (uint8_t)(number >> 8)};

	return set(EFI_GLOBAL_GUID, "BootNext", data, sizeof(data));
}

bool bootvars_delete_next(void)
{
	return delete (EFI_GLOBAL_GUID, "BootNext", NULL);
}

int boot_order_find(const struct boot_order *order, uint16_t number)
{
	for (size_t i = 0; i < order->count; i++) {
		if (order->list[i] == number)
			return (int)i;
	}
	return -1;
}

void boot_order_remove(struct boot_order *order, uint16_t number)
{
	size_t kept = 0;

	for (size_t i = 0; i < order->count; i++) {
		if (order->list[i] != number)
			order->list[kept++] = order->list[i];
	}
	order->count = kept;
}

bool boot_order_put_first(struct boot_order *order, uint16_t number)
{
	boot_order_remove(order, number);
	if (order->count == BOOTVARS_ORDER_MAX)
		return false;
	memmove(order->list + 1, order->list, 2 * order->count++);
	order->list[0] = number;
	return true;
}

/* --- the boot entry ---------------------------------------------------------------------- */

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
	size_t i;

	for (i = 0; i < units && want[i]; i++) {
		uint16_t c;

		memcpy(&c, (const uint8_t *)node + 4 + 2 * i, sizeof(c));
		if (c > 0x7f || tolower((int)c) != tolower((unsigned char)want[i]))
			return false;
	}
	return node->subtype == FILE_SUBTYPE && !want[i];
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
		data = get(*guid, name, &size);
		if (data && is_ours(esp, data, size)) {
			found = number;
			*ret_active = efi_loadopt_attrs((efi_load_option *)data) & LOAD_OPTION_ACTIVE;
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
	return set(EFI_GLOBAL_GUID, name, option, (size_t)size) ? number : -1;
}

bool bootvars_activate_entry(uint16_t number)
{
	char name[9];
	size_t size;
	uint8_t *data;
	bool ok;

	entry_name(name, number);
	data = get(EFI_GLOBAL_GUID, name, &size);
	if (!data)
		return false;
	efi_loadopt_attr_set((efi_load_option *)data, LOAD_OPTION_ACTIVE);
	ok = set(EFI_GLOBAL_GUID, name, data, size);
	free(data);
	return ok;
}

bool bootvars_delete_entry(uint16_t number)
{
	char name[9];

	entry_name(name, number);
	return delete (EFI_GLOBAL_GUID, name, NULL);
}

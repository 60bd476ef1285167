/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bootvars.c: see bootvars.h; UEFI 2.10, 3.3 (globally defined variables).
 */
#include "bootvars.h"

#include "variable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORD	 "ThawStatus"
#define VOUCHER	 "ThawStatusVouched"
#define LOCATION "HibernateLocation"

static const efi_guid_t thaw_guid =
	EFI_GUID(0x7e2a3d1c, 0x54b8, 0x4c0e, 0x9d5f, 0x2b, 0x6a, 0x91, 0xc7, 0xe0, 0x43);
/* systemd's, not that of the boot loader interface (systemd v254, src/fundamental/efivars.h) */
static const efi_guid_t systemd_guid =
	EFI_GUID(0x8cf2644b, 0x4b0b, 0x428f, 0x9387, 0x6d, 0x87, 0x60, 0x50, 0xdc, 0x67);

bool bootvars_available(void)
{
	return efi_variables_supported() == 1;
}

/* --- the record -------------------------------------------------------------------------- */

enum bootvars_record bootvars_read_record(struct thaw_record *ret)
{
	size_t size;
	uint8_t *data = variable_get(thaw_guid, RECORD, &size);
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
	return variable_set(thaw_guid, RECORD, record, sizeof(*record));
}

bool bootvars_create_record(struct thaw_record *record)
{
	uint8_t voucher = 1;

	return bootvars_write_record(record) && variable_set(thaw_guid, VOUCHER, &voucher, 1);
}

bool bootvars_doubt_record(void)
{
	return variable_delete(thaw_guid, VOUCHER, NULL);
}

bool bootvars_delete_record(void)
{
	return variable_delete(thaw_guid, VOUCHER, NULL) &&
	       variable_delete(thaw_guid, RECORD, NULL);
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
	ok = wide && variable_set(systemd_guid, LOCATION, wide, size);
	free(wide);
	return ok;
}

bool bootvars_delete_location(bool *ret_was)
{
	return variable_delete(systemd_guid, LOCATION, ret_was);
}

int bootvars_secure_boot(void)
{
	size_t size;
	uint8_t *data = variable_get(EFI_GLOBAL_GUID, "SecureBoot", &size);
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
	uint8_t *data = variable_get(EFI_GLOBAL_GUID, "BootOrder", &size);

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
		return variable_delete(EFI_GLOBAL_GUID, "BootOrder", NULL);
	return variable_set(EFI_GLOBAL_GUID, "BootOrder", copy.list, 2 * copy.count);
}

int bootvars_read_next(void)
{
	size_t size;
	uint8_t *data = variable_get(EFI_GLOBAL_GUID, "BootNext", &size);
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

	return variable_set(EFI_GLOBAL_GUID, "BootNext", data, sizeof(data));
}

bool bootvars_delete_next(void)
{
	return variable_delete(EFI_GLOBAL_GUID, "BootNext", NULL);
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

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * uuid.c: UUIDs as people and programs write them, and the types of partitions.
 */
#include <thaw/locate.h>
#include <thaw/native_disk.h>

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool has_dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool thaw_uuid_parse(uint8_t ret[THAW_UUID_BYTES], const void *text, size_t len)
{
	const uint8_t *at = text;
	uint8_t bytes[THAW_UUID_BYTES];
	size_t i;

	if (len != THAW_UUID_TEXT)
		return false;
	for (i = 0; i < sizeof(bytes); i++) {
		if (has_dash_before(i) && *at++ != '-')
			return false;
		if (hex_digit(at[0]) < 0 || hex_digit(at[1]) < 0)
			return false;
		bytes[i] = (uint8_t)(hex_digit(at[0]) << 4 | hex_digit(at[1]));
		at += 2;
	}
	__builtin_memcpy(ret, bytes, sizeof(bytes));
	return true;
}

/* https://uapi-group.org/specifications/specs/discoverable_partitions_specification/ */
enum thaw_area_type thaw_area_type_gpt(const uint8_t guid[16])
{
	static const struct {
		enum thaw_area_type type;
		uint8_t guid[16];
	} known[] = {
		/* 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f */
		{THAW_AREA_SWAP,
		 {0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43, 0x84, 0xe5, 0x09, 0x33, 0xc8,
		  0x4b, 0x4f, 0x4f}},
		/* thaw's own, docs/FORMAT.md: looked at where swap is */
		{THAW_AREA_SWAP, NATIVE_GPT_TYPE},
		/* 0fc63daf-8483-4772-8e79-3d69d8477de4: data, as partitioners have it for a default */
		{THAW_AREA_LINUX,
		 {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8,
		  0x47, 0x7d, 0xe4}},
		/* e6d6d379-f507-44c2-a23c-238f2a3df928: LVM */
		{THAW_AREA_LINUX,
		 {0x79, 0xd3, 0xd6, 0xe6, 0x07, 0xf5, 0xc2, 0x44, 0xa2, 0x3c, 0x23, 0x8f, 0x2a,
		  0x3d, 0xf9, 0x28}},
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(known); i++) {
		if (thaw_bytes_equal(known[i].guid, guid, sizeof(known[i].guid)))
			return known[i].type;
	}
	return THAW_AREA_OTHER;
}

enum thaw_area_type thaw_area_type_mbr(uint8_t type)
{
	switch (type) {
	case 0x82:
		return THAW_AREA_SWAP;
	case 0x83:
	case 0x8e: /* LVM */
		return THAW_AREA_LINUX;
	default:
		return THAW_AREA_OTHER;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_location.c: UUIDs, superblocks, and systemd's HibernateLocation, one defect per line.
 */
#include <string.h>

#include <thaw/locate.h>

#include "check.h"

#define UUID "5c0f2a51-7b0c-4c58-8f6c-2c1f0d9e5A10"

static const uint8_t uuid[16] = {0x5c, 0x0f, 0x2a, 0x51, 0x7b, 0x0c, 0x4c, 0x58,
				 0x8f, 0x6c, 0x2c, 0x1f, 0x0d, 0x9e, 0x5a, 0x10};

static void test_uuid(void)
{
	uint8_t got[16];

	CHECK(thaw_uuid_parse(got, UUID, 36) && !memcmp(got, uuid, 16));
	CHECK(!thaw_uuid_parse(got, UUID, 35));
	CHECK(!thaw_uuid_parse(got, UUID "0", 37));
	CHECK(!thaw_uuid_parse(got, "5c0f2a517b0c4c588f6c2c1f0d9e5a10----", 36));
	CHECK(!thaw_uuid_parse(got, "5c0f2a51-7b0c-4c58-8f6c-2c1f0d9e5g10", 36));
	CHECK(!thaw_uuid_parse(got, "", 0));
}

static void test_types(void)
{
	static const uint8_t esp[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
	static const uint8_t swap[16] = {0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43,
					 0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f};
	static const uint8_t own[16] = {0xf8, 0x19, 0x8a, 0x54, 0xc7, 0x7e, 0xc1, 0x4a,
					0x98, 0x31, 0x5d, 0x72, 0x8d, 0xca, 0x16, 0x7e};

	CHECK(thaw_area_type_gpt(swap) == THAW_AREA_SWAP);
	CHECK(thaw_area_type_gpt(own) == THAW_AREA_SWAP);
	CHECK(thaw_area_type_gpt(esp) == THAW_AREA_OTHER);
	CHECK(thaw_area_type_mbr(0x82) == THAW_AREA_SWAP);
	CHECK(thaw_area_type_mbr(0x8e) == THAW_AREA_LINUX);
	CHECK(thaw_area_type_mbr(0x07) == THAW_AREA_OTHER);
}

/* --- superblocks ------------------------------------------------------------------------- */

static uint8_t page[THAW_PAGE_SIZE];

static void blank(void)
{
	memset(page, 0, sizeof(page));
}

static void put_swap(const char *magic)
{
	memcpy(page + 4086, magic, 10);
	memcpy(page + 1036, uuid, 16);
}

static bool is(enum thaw_super_kind kind, bool has_uuid)
{
	struct thaw_superblock super;
	static const uint8_t none[16];

	thaw_superblock_parse(&super, page);
	return super.kind == kind && !memcmp(super.uuid, has_uuid ? uuid : none, 16);
}

static void test_superblocks(void)
{
	blank();
	CHECK(is(THAW_SUPER_NONE, false));
	put_swap("SWAPSPACE2");
	CHECK(is(THAW_SUPER_SWAP, true));
	put_swap("S1SUSPEND");
	CHECK(is(THAW_SUPER_SWAP, true));
	put_swap("SWAP-SPACE");
	CHECK(is(THAW_SUPER_NONE, false));
	blank();
	memcpy(page, "XFSB", 4);
	memcpy(page + 32, uuid, 16);
	CHECK(is(THAW_SUPER_XFS, true));
	blank();
	memcpy(page + 1080, "\x53\xef", 2);
	memcpy(page + 1128, uuid, 16);
	CHECK(is(THAW_SUPER_EXT, true));
	blank();
	memcpy(page, "LUKS\xba\xbe", 6);
	CHECK(is(THAW_SUPER_LUKS, false));
}

/* Formatted twice: whose it is nobody knows. */
static void test_two_superblocks(void)
{
	blank();
	put_swap("SWAPSPACE2");
	memcpy(page, "XFSB", 4);
	CHECK(is(THAW_SUPER_NONE, false));
	memcpy(page, "LUKS\xba\xbe", 6);
	CHECK(is(THAW_SUPER_NONE, false));
}

static void test_late_superblock(void)
{
	struct thaw_superblock super;

	blank();
	thaw_superblock_parse_late(&super, page);
	CHECK(super.kind == THAW_SUPER_NONE);
	memcpy(page + 64, "_BHRfS_M", 8);
	memcpy(page + 32, uuid, 16);
	thaw_superblock_parse_late(&super, page);
	CHECK(super.kind == THAW_SUPER_BTRFS && !memcmp(super.uuid, uuid, 16));
}

/* --- HibernateLocation ------------------------------------------------------------------- */

static struct thaw_place place;

static bool parse(const char *json)
{
	uint8_t value[2 * THAW_LOCATION_MAX] = {0};
	size_t i;

	for (i = 0; json[i]; i++)
		value[2 * i] = (uint8_t)json[i];
	place = (struct thaw_place){{0}, 0};
	return thaw_location_parse(&place, value, 2 * i + 2);
}

static void test_location(void)
{
	/* As systemd 257 writes it. */
	CHECK(parse("{\"uuid\":\"" UUID "\",\"offset\":34816,\"kernelVersion\":\"6.12.48+deb13-amd64\","
		    "\"osReleaseId\":\"debian\",\"osReleaseVersionId\":\"13\"}"));
	CHECK(place.page == 34816 && !memcmp(place.uuid, uuid, 16));
	CHECK(parse("{\"offset\":0,\"uuid\":\"" UUID "\",\"autoSwap\":true}") && place.page == 0);
	CHECK(parse("{\"offset\":\"7\",\"uuid\":\"" UUID "\"}") && place.page == 7);
	CHECK(parse(" {\n \"x\" : { \"uuid\" : [ 1, {\"offset\": 2} ] },\"offset\":9,"
		    "\"uuid\":\"" UUID "\"}") && place.page == 9);
	CHECK(parse("{\"offset\":18446744073709551615,\"uuid\":\"" UUID "\"}") &&
	      place.page == UINT64_MAX);
}

static void test_bad_locations(void)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"7",
		"\"uuid\"",
		"{\"uuid\":\"" UUID "\"}",
		"{\"offset\":1}",
		"{\"offset\":-1,\"uuid\":\"" UUID "\"}",
		"{\"offset\":1.5,\"uuid\":\"" UUID "\"}",
		"{\"offset\":1e3,\"uuid\":\"" UUID "\"}",
		"{\"offset\":18446744073709551616,\"uuid\":\"" UUID "\"}",
		"{\"offset\":\"\",\"uuid\":\"" UUID "\"}",
		"{\"offset\":true,\"uuid\":\"" UUID "\"}",
		"{\"offset\":{},\"uuid\":\"" UUID "\"}",
		"{\"offset\":1,\"uuid\":7}",
		"{\"offset\":1,\"uuid\":\"F7D2-8A9B\"}",
		"{\"offset\":1,\"uuid\":\"" UUID "\"",
		"{\"offset\":1,\"offset\":2,\"uuid\":\"" UUID "\"}",
		"{\"offset\":1,\"uuid\":\"" UUID "\",\"uuid\":\"" UUID "\"}",
		"{\"a\":{\"offset\":1,\"uuid\":\"" UUID "\"}}",
		"{\"offset\" \"uuid\":\"" UUID "\"}",
		"[\"offset\",1,\"uuid\",\"" UUID "\"]",
	};
	uint8_t odd[3] = {'{', 0, '}'};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(bad); i++) {
		if (!CHECK(!parse(bad[i])))
			printf("  %s\n", bad[i]);
		CHECK(!place.page);
	}
	CHECK(!thaw_location_parse(&place, odd, sizeof(odd)));
	CHECK(!thaw_location_parse(&place, odd, 0));
}

/* More keys than there are tokens; more bytes than are read. */
static void test_long_location(void)
{
	char json[THAW_LOCATION_MAX] = "{";
	size_t n = 1;

	while (n < 1000)
		n += (size_t)snprintf(json + n, sizeof(json) - n, "\"k\":1,");
	snprintf(json + n, sizeof(json) - n, "\"offset\":1,\"uuid\":\"" UUID "\"}");
	CHECK(!parse(json));
	memset(json, ' ', sizeof(json));
	json[0] = '{';
	json[sizeof(json) - 1] = 0;
	CHECK(!parse(json));
}

int main(void)
{
	RUN(test_uuid);
	RUN(test_types);
	RUN(test_superblocks);
	RUN(test_two_superblocks);
	RUN(test_late_superblock);
	RUN(test_location);
	RUN(test_bad_locations);
	RUN(test_long_location);
	return check_summary();
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_config.c: thaw.conf and the load options, by table.
 */
#include <string.h>
#include <uchar.h>

#include "check.h"
#include "config.h"

static struct config parse(const char *text)
{
	struct config c = {0};

	config_parse(&c, (const uint8_t *)text, strlen(text));
	return c;
}

#define GUID "0657FD6D-a4ab-43c4-84e5-0933c84b4f4f"

static void test_booleans(void)
{
	struct config c = parse("dry-run yes");

	CHECK(c.dry_run && !c.ignored);
	CHECK(parse("\xef\xbb\xbfverbose\ton\r\n").verbose);
	c = parse("dry-run 0\ndry-run\n");
	CHECK(c.dry_run && c.ignored == 1 && c.first_ignored == 2);
	CHECK(!parse("dry-run no").dry_run && parse("dry-run sometimes").dry_run);
	CHECK(!parse("verbose sometimes").verbose);
	CHECK(!parse("").ignored);
	CHECK(!parse("# verbose yes\n\n").verbose);
}

static void test_mode(void)
{
	struct config c = parse("mode armed");

	CHECK(c.mode == CONFIG_MODE_ARMED && !c.ignored);
	CHECK(parse("").mode == CONFIG_MODE_RESIDENT);
	CHECK(parse("mode armed\nmode resident").mode == CONFIG_MODE_RESIDENT);
	CHECK(parse("mode armed\nmode sometimes").ignored == 1);
}

static void test_hwsig(void)
{
	CHECK(!parse("").refuse_hw_sig && parse("hwsig refuse").refuse_hw_sig);
	CHECK(!parse("hwsig refuse\nhwsig ignore").refuse_hw_sig);
	CHECK(parse("hwsig perhaps").refuse_hw_sig && parse("hwsig perhaps").ignored == 1);
}

static void test_unknown_keys_are_counted(void)
{
	struct config c = parse("colour blue\nverbose yes");

	CHECK(c.ignored == 1 && c.first_ignored == 1 && c.verbose);
	c = parse("by-hand yes"); /* never from a file that stays */
	CHECK(!c.by_hand && c.ignored == 1);
}

static void test_next(void)
{
	struct config c = parse("next /EFI/d\xc3\xa9" "bian/x y.efi  \n");

	CHECK(!c.ignored && c.next[0] == '\\' && c.next[6] == 0xe9 && c.next[13] == ' ');
	CHECK(c.next[19] == 0);
	CHECK(!parse("next").next[0]);
}

static void test_next_refuses_bad_utf8(void)
{
	CHECK(parse("next \xed\xa0\x80").ignored == 1);
	CHECK(parse("next \xc3").ignored == 1);
	CHECK(parse("next \xf0\x9f\x98\x80").ignored == 1);
}

static void test_device(void)
{
	struct config c = parse("device PARTUUID=" GUID "\noffset 12");

	CHECK(c.device.kind == CONFIG_DEVICE_PARTUUID && !c.device.mbr && c.offset_pages == 12);
	CHECK(c.device.uuid[0] == 0x6d && c.device.uuid[8] == 0x84); /* mixed-endian, as GPT has it */
	c = parse("device UUID=" GUID);
	CHECK(c.device.kind == CONFIG_DEVICE_UUID && c.device.uuid[0] == 0x06);
	c = parse("device PARTUUID=deadbeef-1f");
	CHECK(c.device.mbr && c.device.mbr_signature == 0xdeadbeef &&
	      c.device.mbr_partition == 0x1f);
}

/* Never "any device" for one that is not understood. */
static void test_broken_device(void)
{
	CHECK(parse("device PARTUUID=" GUID "0").device.kind == CONFIG_DEVICE_BROKEN);
	CHECK(parse("device /dev/sda1").device.kind == CONFIG_DEVICE_BROKEN);
	CHECK(parse("offset 18446744073709551616").offset_pages == UINT64_MAX);
	CHECK(parse("offset -1").offset_pages == UINT64_MAX);
}

static void test_load_options(void)
{
	static const char16_t words[] = u"thaw.efi dry-run next=\\EFI\\a.efi by-hand";
	static const char16_t nul[] = u"x\u1234dry-run verbose\0by-hand";
	struct config c = {0};

	config_parse_options(&c, words, THAW_ARRAY_LEN(words));
	CHECK(c.dry_run && c.by_hand && c.next[1] == 'E');
	c = (struct config){0};
	config_parse_options(&c, nul, THAW_ARRAY_LEN(nul));
	CHECK(!c.dry_run && c.verbose && !c.by_hand);
	c = (struct config){0};
	config_parse_options(&c, u"dry-run", 7);
	CHECK(c.dry_run);
}

int main(void)
{
	RUN(test_booleans);
	RUN(test_mode);
	RUN(test_hwsig);
	RUN(test_unknown_keys_are_counted);
	RUN(test_next);
	RUN(test_next_refuses_bad_utf8);
	RUN(test_device);
	RUN(test_broken_device);
	RUN(test_load_options);
	return check_summary();
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_md5.c: the values of RFC 1321, appendix A.5, and lengths around the ends of blocks.
 */
#include <stdio.h>
#include <string.h>

#include <thaw/md5.h>

#include "check.h"

static bool is_md5(const char *text, size_t len, size_t piece, const char *want)
{
	struct thaw_md5 md5;
	uint8_t digest[THAW_MD5_BYTES];
	char hex[2 * THAW_MD5_BYTES + 1];
	size_t i;

	thaw_md5_init(&md5);
	for (i = 0; i < len; i += piece)
		thaw_md5_update(&md5, text + i, len - i < piece ? len - i : piece);
	thaw_md5_final(&md5, digest);
	for (i = 0; i < THAW_MD5_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return !strcmp(hex, want);
}

static void test_rfc_1321(void)
{
	static const char *const known[][2] = {
		{"", "d41d8cd98f00b204e9800998ecf8427e"},
		{"a", "0cc175b9c0f1b6a831c399e269772661"},
		{"abc", "900150983cd24fb0d6963f7d28e17f72"},
		{"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
		{"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		 "d174ab98d277d9f5a5611c2c9f419d9f"},
		{"1234567890123456789012345678901234567890123456789012345678901234567890123456789"
		 "0",
		 "57edf4a22be3c955ac49da2e2107b67a"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		CHECK(is_md5(known[i][0], strlen(known[i][0]), 1000, known[i][1]));
}

/* So many letters a. */
static const struct {
	size_t len;
	const char *digest;
} lengths[] = {
	{55, "ef1772b6dff9a122358552954ad0df65"},
	{56, "3b0c8ac703f828b04c6c197006d17218"},
	{57, "652b906d60af96844ebd21b674f35e93"},
	{63, "b06521f39153d618550606be297466d5"},
	{64, "014842d480b571495a4a0363793f7367"},
	{65, "c743a45e0d2e6a95cb859adae0248435"},
	{119, "8a7bd0732ed6a28ce75f6dabc90e1613"},
	{120, "5f61c0ccad4cac44c75ff505e1f1e537"},
	{128, "e510683b3f5ffe4093d021808bc6ff70"},
	{1000, "cabe45dcc9ae5b66ba86600cca6b8ba8"},
};

static void test_lengths_and_pieces(void)
{
	char letters[1000];

	memset(letters, 'a', sizeof(letters));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t piece = 1; piece < 70; piece += 23)
			CHECK(is_md5(letters, lengths[i].len, piece, lengths[i].digest));
}

int main(void)
{
	RUN(test_rfc_1321);
	RUN(test_lengths_and_pieces);
	return check_summary();
}

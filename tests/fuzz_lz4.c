/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_lz4.c: what liblz4 accepts, the LZ4 decoder must accept with the same output, except blocks
 * with a distance of 0, which liblz4 lets pass with arbitrary output. (It refuses more: matches
 * near the end of the room.) The first two bytes say how much room there is.
 */
#include <lz4hc.h>	/* and so liblz4's own lz4.h, whatever the search path */
#include <stdlib.h>
#include <string.h>

#include "lz4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t cap = n < 2 ? 0 : thaw_le16(data), got = 0;
	char *out = malloc(cap), *want = malloc(cap);
	const char *src = (const char *)data + 2;
	int want_n;

	if (n >= 2) {
		want_n = LZ4_decompress_safe(src, want, (int)n - 2, (int)cap);
		if (!thaw_lz4_decode(src, n - 2, out, cap, &got)) {
			if (got > cap || (want_n >= 0 && memcmp(out, want, got)))
				abort();
		} else if (want_n >= 0 && !memmem(src, n - 2, "\0\0", 2)) {
			abort();
		}
	}
	free(out);
	free(want);
	return 0;
}

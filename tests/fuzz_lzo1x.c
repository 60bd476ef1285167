/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_lzo1x.c: the LZO1X decoder and liblzo2 must accept the same streams with the same output.
 * The first two bytes say how much room there is; exact allocations let ASan see every byte beyond.
 */
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>

#include "lzo1x.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t cap = n < 2 ? 0 : thaw_le16(data), got = 0;
	uint8_t *out = malloc(cap), *want = malloc(cap);
	lzo_uint want_n = cap;
	bool good, want_good;

	if (n >= 2) {
		good = !thaw_lzo1x_decode(data + 2, n - 2, out, cap, &got);
		want_good = lzo1x_decompress_safe(data + 2, n - 2, want, &want_n, NULL) == LZO_E_OK;
		if (good != want_good || (good && (got != want_n || memcmp(out, want, got))))
			abort();
	}
	free(out);
	free(want);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_location.c: HibernateLocation: any bytes; and the same bytes as ASCII, which are mostly JSON.
 */
#include <string.h>

#include <thaw/locate.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct thaw_place place;
	uint8_t *wide = malloc(2 * n + 1);
	uint8_t *exact = malloc(n + 1);
	size_t i;

	memcpy(exact, data, n);
	thaw_location_parse(&place, exact, n);
	for (i = 0; i < n; i++) {
		wide[2 * i] = data[i];
		wide[2 * i + 1] = 0;
	}
	if (thaw_location_parse(&place, wide, 2 * n))
		REQUIRE(memmem(data, n, "uuid", 4) && memmem(data, n, "offset", 6));
	free(wide);
	free(exact);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_config.c: thaw.conf and load options: any bytes are a configuration. A file alone never
 * makes a restore by hand of an automatic one.
 */
#include <string.h>

#include "config.h"
#include "fuzz.h"

static void check(const struct config *c)
{
	REQUIRE(c->next[CONFIG_PATH_MAX - 1] == 0);
	REQUIRE(memchr(c->checkpoint, 0, sizeof(c->checkpoint)) != NULL);
	REQUIRE(c->device.kind <= CONFIG_DEVICE_BROKEN);
	REQUIRE(!c->ignored == !c->first_ignored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config config = {0};
	uint16_t *words = malloc(n / 2 * 2 + 2);

	config_parse(&config, data, n);
	check(&config);
	REQUIRE(!config.by_hand);
	memcpy(words, data, n / 2 * 2);
	config_parse_options(&config, words, n / 2);
	check(&config);
	free(words);
	return 0;
}

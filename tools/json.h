/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * json.h: writes JSON, member by member. key is NULL for what is no member of an object.
 */
#ifndef THAW_TOOLS_JSON_H
#define THAW_TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned depth;
	uint64_t arrays; /* bit n: depth n is an array, not an object */
	bool begun;	 /* something was written at this depth: the next needs a comma */
};

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
/* Ends the object or array begun last. */
void json_end(struct json *j);

/* NULL becomes null; what is not UTF-8 becomes U+FFFD. */
void json_string(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
/* As a string, "0x...": readers keep numbers in doubles, which addresses and hashes do not fit. */
void json_hex(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif

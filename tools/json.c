/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * json.c: see json.h; RFC 8259.
 */
#include "json.h"

#include <inttypes.h>
#include <stddef.h>

/* Bytes of the UTF-8 character at s, 0 if it is none. */
static size_t utf8_length(const unsigned char *s)
{
	size_t len = *s < 0x80	 ? 1
		     : *s < 0xc2 ? 0
		     : *s < 0xe0 ? 2
		     : *s < 0xf0 ? 3
		     : *s < 0xf5 ? 4
				 : 0;
	size_t i;

	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Overlong, surrogate, beyond U+10FFFF: the second byte tells. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void put_string(struct json *j, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len;

	fputc('"', j->out);
	for (; *s; s += len) {
		len = utf8_length(s);
		if (!len) {
			fputs("\\ufffd", j->out);
			len = 1;
		} else if (*s == '"' || *s == '\\') {
			fprintf(j->out, "\\%c", *s);
		} else if (*s < 0x20) {
			fprintf(j->out, "\\u%04x", *s);
		} else {
			fwrite(s, 1, len, j->out);
		}
	}
	fputc('"', j->out);
}

static void line(struct json *j)
{
	fprintf(j->out, "\n%*s", (int)(2 * j->depth), "");
}

static void begin(struct json *j, const char *key)
{
	if (j->begun)
		fputc(',', j->out);
	if (j->depth)
		line(j);
	j->begun = true;
	if (!key)
		return;
	put_string(j, key);
	fputs(": ", j->out);
}

static void open_level(struct json *j, const char *key, bool array)
{
	uint64_t bit;

	begin(j, key);
	fputc(array ? '[' : '{', j->out);
	bit = UINT64_C(1) << ++j->depth;
	j->arrays = array ? j->arrays | bit : j->arrays & ~bit;
	j->begun = false;
}

void json_object(struct json *j, const char *key)
{
	open_level(j, key, false);
}

void json_array(struct json *j, const char *key)
{
	open_level(j, key, true);
}

void json_end(struct json *j)
{
	bool array = j->arrays >> j->depth & 1;

	j->depth--;
	if (j->begun)
		line(j);
	fputc(array ? ']' : '}', j->out);
	if (!j->depth)
		fputc('\n', j->out);
	j->begun = true;
}

void json_string(struct json *j, const char *key, const char *value)
{
	if (!value) {
		json_null(j, key);
		return;
	}
	begin(j, key);
	put_string(j, value);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void json_hex(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->out, "\"0x%" PRIx64 "\"", value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	begin(j, key);
	fputs("null", j->out);
}

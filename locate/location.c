/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * location.c: systemd's variable HibernateLocation.
 *
 * The JSON is cut into tokens by jsmn, which is strict about little; so the shape is checked here:
 * one object, a value behind each key, both keys that matter once.
 */
#include <thaw/locate.h>

#define JSMN_STATIC
#define JSMN_STRICT
#include <jsmn.h>

/* systemd 257 writes seven keys; unknown ones are to be expected. */
#define TOKENS_MAX 64

struct location {
	char text[THAW_LOCATION_MAX / 2];
	size_t len;
	jsmntok_t tokens[TOKENS_MAX];
	int count;
};

/* Whatever is not ASCII is in values that do not matter; no byte may end the text early. */
static bool take_text(struct location *l, const uint8_t *value, size_t len)
{
	size_t i;

	if (len > THAW_LOCATION_MAX || len % 2)
		return false;
	for (i = 0; i < len / 2; i++) {
		uint16_t unit = thaw_le16(value + 2 * i);

		if (!unit)
			break;
		l->text[i] = unit < 0x80 ? (char)unit : '?';
	}
	l->len = i;
	return true;
}

static bool cut(struct location *l)
{
	jsmn_parser parser;

	jsmn_init(&parser);
	l->count = jsmn_parse(&parser, l->text, l->len, l->tokens, TOKENS_MAX);
	return l->count > 0 && l->tokens[0].type == JSMN_OBJECT;
}

static size_t length(const jsmntok_t *token)
{
	return (size_t)(token->end - token->start);
}

/* The token behind a value with all that is in it. */
static int skip(const struct location *l, int index)
{
	int end = l->tokens[index].end;

	do
		index++;
	while (index < l->count && l->tokens[index].start < end);
	return index;
}

/* Index of the value of a key of the outermost object; 0: not there, twice, or a bad object. */
static int find(const struct location *l, const char *key, size_t key_len)
{
	int found = 0;
	int index = 1;

	while (index < l->count) {
		const jsmntok_t *name = &l->tokens[index];

		if (name->type != JSMN_STRING || name->size != 1 || index + 1 >= l->count)
			return 0;
		if (length(name) == key_len &&
		    thaw_bytes_equal(l->text + name->start, key, key_len)) {
			if (found)
				return 0;
			found = index + 1;
		}
		index = skip(l, index + 1);
	}
	return found;
}

static bool take_number(const struct location *l, const jsmntok_t *token, uint64_t *ret)
{
	uint64_t v = 0;
	int i;

	if (token->type != JSMN_PRIMITIVE && token->type != JSMN_STRING)
		return false;
	for (i = token->start; i < token->end; i++) {
		unsigned digit = (unsigned)(l->text[i] - '0');

		if (digit > 9 || thaw_mul_overflows(v, 10u, &v) || thaw_add_overflows(v, digit, &v))
			return false;
	}
	*ret = v;
	return length(token) != 0;
}

bool thaw_location_parse(struct thaw_place *ret, const void *value, size_t len)
{
	struct location l = {.len = 0};
	struct thaw_place place;
	const jsmntok_t *uuid, *offset;

	if (!take_text(&l, value, len) || !cut(&l))
		return false;
	uuid = &l.tokens[find(&l, "uuid", 4)];
	offset = &l.tokens[find(&l, "offset", 6)];
	if (uuid->type != JSMN_STRING ||
	    !thaw_uuid_parse(place.uuid, l.text + uuid->start, length(uuid)) ||
	    !take_number(&l, offset, &place.page))
		return false;
	*ret = place;
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm_text.c: see lvm_text.h. Every step takes at least one byte of the text, nothing recurses, and
 * what is nested deeper than the caller cares for is skipped by counting.
 */
#include "lvm_text.h"

enum token {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_EQUAL,
	TOKEN_LIST,
	TOKEN_LIST_END,
	TOKEN_COMMA,
	TOKEN_BAD,
};

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Zero bytes end a text: sizes may count them. */
static bool is_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '+' || c == '.' || c == '/';
}

static void skip_blanks(struct lvm_text *t)
{
	bool comment = false;

	for (; t->at < t->end; t->at++) {
		if (*t->at == '#')
			comment = true;
		else if (*t->at == '\n')
			comment = false;
		else if (!comment && !is_space(*t->at))
			return;
	}
}

static enum token take_string(struct lvm_text *t, struct lvm_word *ret)
{
	const uint8_t *from = ++t->at;

	for (; t->at < t->end && *t->at != '"'; t->at++) {
		if (*t->at == '\\' && ++t->at == t->end)
			return TOKEN_BAD;
	}
	if (t->at == t->end)
		return TOKEN_BAD;
	*ret = (struct lvm_word){from, (size_t)(t->at++ - from)};
	return TOKEN_STRING;
}

static enum token take_name(struct lvm_text *t, struct lvm_word *ret)
{
	const uint8_t *from = t->at;
	bool digits = true;

	for (; t->at < t->end && is_name(*t->at); t->at++)
		digits &= *t->at >= '0' && *t->at <= '9';
	*ret = (struct lvm_word){from, (size_t)(t->at - from)};
	return digits ? TOKEN_NUMBER : TOKEN_NAME;
}

static enum token take(struct lvm_text *t, struct lvm_word *ret)
{
	static const char marks[] = "{}=[],";
	static const enum token tokens[] = {TOKEN_OPEN, TOKEN_CLOSE,	TOKEN_EQUAL,
					    TOKEN_LIST, TOKEN_LIST_END, TOKEN_COMMA};
	size_t i;

	skip_blanks(t);
	if (t->at == t->end || !*t->at)
		return TOKEN_END;
	if (*t->at == '"')
		return take_string(t, ret);
	if (is_name(*t->at))
		return take_name(t, ret);
	for (i = 0; i < THAW_ARRAY_LEN(tokens); i++) {
		if (*t->at == (uint8_t)marks[i]) {
			t->at++;
			return tokens[i];
		}
	}
	return TOKEN_BAD;
}

static bool parse_number(struct lvm_word w, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < w.len; i++) {
		if (thaw_mul_overflows(v, 10u, &v) ||
		    thaw_add_overflows(v, (uint64_t)(w.at[i] - '0'), &v))
			return false;
	}
	*ret = v;
	return true;
}

/* A name alone, without quotes, is no value; and no number of LVM's is below zero. */
static enum lvm_entry_kind take_scalar(enum token token, struct lvm_word w, struct lvm_entry *ret)
{
	if (token == TOKEN_STRING) {
		ret->string = w;
		return LVM_ENTRY_STRING;
	}
	if (token == TOKEN_NUMBER && parse_number(w, &ret->number))
		return LVM_ENTRY_NUMBER;
	return LVM_ENTRY_BAD;
}

static enum lvm_entry_kind take_list(struct lvm_text *t, struct lvm_entry *ret)
{
	const uint8_t *from = t->at;
	const uint8_t *end;
	struct lvm_word w;
	enum token token;

	do {
		end = t->at;
		token = take(t, &w);
	} while (token == TOKEN_STRING || token == TOKEN_NUMBER || token == TOKEN_COMMA);
	ret->list = (struct lvm_text){from, end};
	return token == TOKEN_LIST_END ? LVM_ENTRY_LIST : LVM_ENTRY_BAD;
}

static enum lvm_entry_kind take_value(struct lvm_text *t, struct lvm_entry *ret)
{
	struct lvm_word w = {NULL, 0};
	enum token token = take(t, &w);

	return token == TOKEN_LIST ? take_list(t, ret) : take_scalar(token, w, ret);
}

static enum lvm_entry_kind next(struct lvm_text *t, struct lvm_entry *ret)
{
	struct lvm_word w;
	enum token token = take(t, &ret->key);

	if (token == TOKEN_END || token == TOKEN_CLOSE)
		return LVM_ENTRY_END;
	/* A volume group may be called 2024. */
	if (token != TOKEN_NAME && token != TOKEN_NUMBER)
		return LVM_ENTRY_BAD;
	token = take(t, &w);
	if (token == TOKEN_OPEN)
		return LVM_ENTRY_SECTION;
	return token == TOKEN_EQUAL ? take_value(t, ret) : LVM_ENTRY_BAD;
}

enum lvm_entry_kind lvm_text_next(struct lvm_text *text, struct lvm_entry *ret)
{
	*ret = (struct lvm_entry){.kind = LVM_ENTRY_BAD};
	ret->kind = next(text, ret);
	return ret->kind;
}

bool lvm_text_skip(struct lvm_text *text)
{
	struct lvm_word w;
	size_t depth = 1;

	while (depth) {
		switch (take(text, &w)) {
		case TOKEN_END:
		case TOKEN_BAD:
			return false;
		case TOKEN_OPEN:
			depth++;
			break;
		case TOKEN_CLOSE:
			depth--;
			break;
		default:
			break;
		}
	}
	return true;
}

enum lvm_entry_kind lvm_text_item(struct lvm_text *list, struct lvm_entry *ret)
{
	struct lvm_word w = {NULL, 0};
	enum token token;

	*ret = (struct lvm_entry){.kind = LVM_ENTRY_END};
	do
		token = take(list, &w);
	while (token == TOKEN_COMMA);
	if (token != TOKEN_END)
		ret->kind = take_scalar(token, w, ret);
	return ret->kind;
}

bool lvm_word_is(struct lvm_word w, const char *text)
{
	size_t i;

	for (i = 0; i < w.len && text[i]; i++) {
		if (w.at[i] != (uint8_t)text[i])
			return false;
	}
	return i == w.len && !text[i];
}

bool lvm_words_equal(struct lvm_word a, struct lvm_word b)
{
	return a.len == b.len && thaw_bytes_equal(a.at, b.at, a.len);
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm_text.h: the language of LVM's metadata, one entry at a time.
 *
 *	section {
 *		key = 5		# a number, a "string", or a [ list, of, both ]
 *	}
 */
#ifndef THAW_LVM_TEXT_H
#define THAW_LVM_TEXT_H

#include <thaw/base.h>

/* A piece of the text; belongs to it. */
struct lvm_word {
	const uint8_t *at;
	size_t len;
};

/* What is still to be read. */
struct lvm_text {
	const uint8_t *at;
	const uint8_t *end;
};

enum lvm_entry_kind {
	LVM_ENTRY_END,	   /* the section is over, or the text is */
	LVM_ENTRY_SECTION, /* its entries come next */
	LVM_ENTRY_NUMBER,
	LVM_ENTRY_STRING,
	LVM_ENTRY_LIST,
	LVM_ENTRY_BAD, /* not this language */
};

struct lvm_entry {
	enum lvm_entry_kind kind;
	struct lvm_word key;
	uint64_t number;
	struct lvm_word string; /* between the quotes, escapes as they are */
	struct lvm_text list;	/* its items */
};

/* The next entry of the section that text is in; text is behind it then. */
enum lvm_entry_kind lvm_text_next(struct lvm_text *text, struct lvm_entry *ret);

/* Leaves a section just entered. false: it has no end. */
bool lvm_text_skip(struct lvm_text *text);

/* The next item of a list: NUMBER or STRING; END, or BAD. */
enum lvm_entry_kind lvm_text_item(struct lvm_text *list, struct lvm_entry *ret);

bool lvm_word_is(struct lvm_word w, const char *text);
bool lvm_words_equal(struct lvm_word a, struct lvm_word b);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * err.c: the names and sentences of the reasons.
 */
#include <thaw/err.h>

struct reason {
	enum thaw_err err;
	const char *name;
	const char *sentence;
};

static const struct reason *find(enum thaw_err err)
{
#define REASON(symbol, number, name, sentence) {THAW_##symbol, name, sentence},
	static const struct reason reasons[] = {THAW_ERR_LIST(REASON)};
#undef REASON
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(reasons); i++) {
		if (reasons[i].err == err)
			return &reasons[i];
	}
	return NULL;
}

const char *thaw_err_name(enum thaw_err err)
{
	const struct reason *reason = find(err);

	if (err == THAW_OK)
		return "ok";
	return reason ? reason->name : "unknown";
}

const char *thaw_err_sentence(enum thaw_err err)
{
	const struct reason *reason = find(err);

	return reason ? reason->sentence : "";
}

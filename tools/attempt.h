/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attempt.h: what thaw's record says of its last attempts, in words.
 */
#ifndef THAW_TOOLS_ATTEMPT_H
#define THAW_TOOLS_ATTEMPT_H

#include "json.h"

#include <thaw/record.h>

/* The attempts, newest first. Returns how many; ret has room for THAW_RECORD_ATTEMPTS. */
size_t attempts_sorted(const struct thaw_record *record, const struct thaw_attempt **ret);

/* One line: when, and how it ended. */
void attempt_print(const struct thaw_attempt *attempt);
/* The lines below it: what to do, and how long each phase took. */
void attempt_print_details(const struct thaw_attempt *attempt);
void attempt_print_json(struct json *json, const struct thaw_attempt *attempt);

/* Prints those that were not printed by this, or by 'log --new', before. */
void attempts_tell_new(const struct thaw_record *record);

/* thawctl log */
int log_main(int argc, char **argv);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * thawctl.h: what the subcommands of thawctl share.
 */
#ifndef THAW_TOOLS_THAWCTL_H
#define THAW_TOOLS_THAWCTL_H

#include <stddef.h>

enum thawctl_exit {
	THAWCTL_DONE = 0,	 /* check: the image would be restored */
	THAWCTL_NO_IMAGE = 1,	 /* nothing to restore, to show; thaw is not installed */
	THAWCTL_REFUSED = 2,	 /* an image that would not be restored */
	THAWCTL_AMISS = 2,	 /* thaw is installed, but not in order */
	THAWCTL_ENVIRONMENT = 3, /* something could not be opened, read, written or allocated */
	THAWCTL_USAGE = 64,	 /* the command line makes no sense */
};

/* One "thawctl: ..." line on standard error, and a second: hint says what to do next. */
void thawctl_error(const char *hint, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * plain.c: what a field of so many bytes, which need not end, says to a terminal: ret, of one byte more.
 * What is not printable ASCII becomes a question mark.
 */
void thawctl_plain(char *ret, const char *field, size_t size);

/* The word of the command line that getopt_long(3) has just refused; it has no short options but h. */
const char *thawctl_refused_word(char **argv);

/* What to do about an errno that a file or a device gave. Static. */
const char *thawctl_hint(int error);

#endif

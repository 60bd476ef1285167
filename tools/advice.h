/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * advice.h: what to do about each reason.
 */
#ifndef THAW_TOOLS_ADVICE_H
#define THAW_TOOLS_ADVICE_H

#include <thaw/err.h>

/* Static. */
const char *advice_for(enum thaw_err reason);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * status.h: thawctl status.
 */
#ifndef THAW_TOOLS_STATUS_H
#define THAW_TOOLS_STATUS_H

int status_main(int argc, char **argv);

#endif

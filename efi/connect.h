/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * connect.h: disks that firmware left alone.
 */
#ifndef THAW_EFI_CONNECT_H
#define THAW_EFI_CONNECT_H

#include <thaw/base.h>

enum connect_kind {
	CONNECT_STORAGE,
	CONNECT_USB,
};

/*
 * Lets firmware's drivers start one more controller of that kind, with the disks and partitions
 * behind it. false: all of them are started.
 */
bool connect_next(enum connect_kind kind);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * md5.h: MD5 (RFC 1321), which Linux 4.10 to 5.12 put over the firmware's memory map
 * (arch/x86/power/hibernate.c). It tells one map from another and protects nothing.
 *
 * A struct thaw_md5 is the caller's and holds no pointers.
 */
#ifndef THAW_MD5_H
#define THAW_MD5_H

#include <thaw/base.h>

#define THAW_MD5_BYTES 16
#define THAW_MD5_BLOCK 64

struct thaw_md5 {
	uint32_t state[4];
	uint64_t length; /* bytes so far */
	uint8_t block[THAW_MD5_BLOCK];
};

void thaw_md5_init(struct thaw_md5 *md5);
void thaw_md5_update(struct thaw_md5 *md5, const void *data, size_t len);
/* Ends it: *md5 has to be begun anew. */
void thaw_md5_final(struct thaw_md5 *md5, uint8_t ret[THAW_MD5_BYTES]);

#endif

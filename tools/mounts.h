/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mounts.h: marks by which one sees that somebody else mounted a filesystem meanwhile.
 */
#ifndef THAW_TOOLS_MOUNTS_H
#define THAW_TOOLS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOUNTS_MAX 64

struct mount_mark {
	char device[128];
	char type[24];
	uint32_t mounted; /* when it was mounted last, as the superblock says */
	uint32_t times;	  /* how often */
};

/* What is mounted from block devices and has such a mark; each device once. */
size_t mounts_read(struct mount_mark *ret, size_t max);

/* Reads the marks of that device anew. false: it cannot be read. */
bool mount_mark_read(const char *device, struct mount_mark *ret);

#endif

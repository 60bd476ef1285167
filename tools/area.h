/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * area.h: where in a device or a disk image an image may lie, and what else lies there.
 */
#ifndef THAW_TOOLS_AREA_H
#define THAW_TOOLS_AREA_H

#include <thaw/base.h>

#define AREA_TYPE_MAX 32

struct area {
	uint64_t offset; /* bytes */
	uint64_t size;
	int partition; /* 0: no partition, but the whole of it */
	bool is_swap;  /* the partition table calls it swap space */
	bool has_image;
	bool has_swap; /* or an image of Linux's, or of thaw's in swap space: libblkid says so */
	char foreign[AREA_TYPE_MAX]; /* libblkid's name of what is not swap space; "" if nothing */
};

struct areas {
	struct area *list;
	size_t count;
	size_t images; /* areas with has_image */
};

/*
 * The partitions of an open device or file, or the whole of it where there are none, or where the
 * whole is asked for. false: errno says why. ret->list is to be free()d.
 */
bool areas_find(int fd, struct areas *ret, bool whole);

/*
 * Is the device one that firmware does not see, because Linux makes it of others? Its kind then, as
 * "CRYPT-LUKS2" or "md"; else NULL. Static memory.
 */
const char *area_stacked_kind(int fd);

#endif

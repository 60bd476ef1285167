/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * devpath.h: device paths, walked with bounds.
 */
#ifndef THAW_EFI_DEVPATH_H
#define THAW_EFI_DEVPATH_H

#include "firmware.h"

/* The device path of a handle, NULL if it has none. Belongs to the firmware. */
EFI_DEVICE_PATH *devpath_of(EFI_HANDLE handle);

/* Bytes before the end node, 0 if the path is malformed. */
size_t devpath_size(const EFI_DEVICE_PATH *path);

/* Does whole begin with all nodes of head, and go on? */
bool devpath_is_parent(const EFI_DEVICE_PATH *head, const EFI_DEVICE_PATH *whole);

/* A copy of the last hard drive node; false if there is none. */
bool devpath_partition(HARDDRIVE_DEVICE_PATH *ret, const EFI_DEVICE_PATH *path);

/* Do both lead to the same disk, or to partitions of it? */
bool devpath_is_same_disk(const EFI_DEVICE_PATH *a, const EFI_DEVICE_PATH *b);

/* Does the path lead through USB? */
bool devpath_has_usb(const EFI_DEVICE_PATH *path);

/*
 * Writes the path of a file on a volume: the volume's nodes, a file node, the end. file is
 * terminated UCS-2. Returns false when it does not fit in size bytes.
 */
bool devpath_for_file(void *ret, size_t size, const EFI_DEVICE_PATH *volume, const uint16_t *file);

#endif

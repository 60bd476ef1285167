/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * devpath.c: device paths. They come from drivers, also from those on option ROMs: a node shorter
 * than its own header or a path without an end must not send us walking through memory.
 */
#include "devpath.h"

#define PATH_MAX_BYTES 4096
#define NODE_HEADER    sizeof(EFI_DEVICE_PATH)

/* UEFI 2.10, 10.3.5.1; nothing aligns it, so it is copied before it is used. */
#define PARTITION_BYTES (offsetof(HARDDRIVE_DEVICE_PATH, SignatureType) + 1)

static size_t node_size(const EFI_DEVICE_PATH *node)
{
	return (size_t)node->Length[0] | (size_t)node->Length[1] << 8;
}

static const EFI_DEVICE_PATH *node_at(const EFI_DEVICE_PATH *path, size_t offset)
{
	return (const EFI_DEVICE_PATH *)((const uint8_t *)path + offset);
}

static bool node_is(const EFI_DEVICE_PATH *node, uint8_t type, uint8_t subtype)
{
	return (node->Type & EFI_DP_TYPE_MASK) == type && node->SubType == subtype;
}

EFI_DEVICE_PATH *devpath_of(EFI_HANDLE handle)
{
	static const EFI_GUID guid = EFI_DEVICE_PATH_PROTOCOL_GUID;

	return firmware_protocol(handle, &guid);
}

size_t devpath_size(const EFI_DEVICE_PATH *path)
{
	for (size_t offset = 0; offset < PATH_MAX_BYTES;) {
		const EFI_DEVICE_PATH *node = node_at(path, offset);

		if ((node->Type & EFI_DP_TYPE_MASK) == END_DEVICE_PATH_TYPE)
			return offset;
		if (node_size(node) < NODE_HEADER)
			return 0;
		offset += node_size(node);
	}
	return 0;
}

bool devpath_is_parent(const EFI_DEVICE_PATH *head, const EFI_DEVICE_PATH *whole)
{
	size_t size = devpath_size(head);

	return size && size < devpath_size(whole) && thaw_bytes_equal(head, whole, size);
}

/* Bytes before the last hard drive node, which is the disk that the partition is on; of all without. */
static size_t disk_size(const EFI_DEVICE_PATH *path)
{
	size_t size = devpath_size(path);
	size_t ret = size;

	for (size_t offset = 0; offset < size;) {
		const EFI_DEVICE_PATH *node = node_at(path, offset);

		if (node_is(node, MEDIA_DEVICE_PATH, MEDIA_HARDDRIVE_DP) &&
		    node_size(node) >= PARTITION_BYTES)
			ret = offset;
		offset += node_size(node);
	}
	return ret;
}

bool devpath_partition(HARDDRIVE_DEVICE_PATH *ret, const EFI_DEVICE_PATH *path)
{
	size_t offset = disk_size(path);

	if (offset == devpath_size(path))
		return false;
	__builtin_memcpy(ret, node_at(path, offset), PARTITION_BYTES);
	return true;
}

bool devpath_is_same_disk(const EFI_DEVICE_PATH *a, const EFI_DEVICE_PATH *b)
{
	size_t size = disk_size(a);

	return size && size == disk_size(b) && thaw_bytes_equal(a, b, size);
}

bool devpath_has_usb(const EFI_DEVICE_PATH *path)
{
	size_t size = devpath_size(path);

	for (size_t offset = 0; offset < size; offset += node_size(node_at(path, offset))) {
		const EFI_DEVICE_PATH *node = node_at(path, offset);

		if (node_is(node, MESSAGING_DEVICE_PATH, MSG_USB_DP) ||
		    node_is(node, MESSAGING_DEVICE_PATH, MSG_USB_CLASS_DP) ||
		    node_is(node, MESSAGING_DEVICE_PATH, MSG_USB_WWID_DP))
			return true;
	}
	return false;
}

static EFI_DEVICE_PATH node_header(uint8_t type, uint8_t subtype, size_t size)
{
	return (EFI_DEVICE_PATH){type, subtype, {(uint8_t)size, (uint8_t)(size >> 8)}};
}

bool devpath_for_file(void *ret, size_t size, const EFI_DEVICE_PATH *volume, const uint16_t *file)
{
	uint8_t *at = ret;
	size_t head = devpath_size(volume);
	size_t name = sizeof(*file);
	EFI_DEVICE_PATH node;

	while (file[name / sizeof(*file) - 1])
		name += sizeof(*file);
	if (!head || head + NODE_HEADER + name + NODE_HEADER > size)
		return false;
	__builtin_memcpy(at, volume, head);
	node = node_header(MEDIA_DEVICE_PATH, MEDIA_FILEPATH_DP, NODE_HEADER + name);
	__builtin_memcpy(at + head, &node, NODE_HEADER);
	__builtin_memcpy(at + head + NODE_HEADER, file, name);
	node = node_header(END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, NODE_HEADER);
	__builtin_memcpy(at + head + NODE_HEADER + name, &node, NODE_HEADER);
	return true;
}

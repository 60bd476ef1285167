/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * handles.c: what is connected to what: handles, their protocols and device paths.
 */
#include <stdlib.h>
#include <string.h>

#include "ata_pass_thru.h"
#include "fake.h"
#include "hii_font.h"
#include "mp_services.h"
#include "partition_info.h"
#include "scsi_pass_thru.h"

#define PATH_MAX_BYTES 128
#define PROTOCOLS_MAX  6

/* By their places in this list they are known to each other, and disks to disks.c. */
enum {
	IMAGE,
	CONTROLLER, /* of the disk */
	DISK,
	ESP,
	SWAP,
	DATA,
	OTHER_CONTROLLER,
	OTHER_DISK, /* without partitions */
	USB_CONTROLLER,
	SCREEN,
	SERIAL,
	HANDLES,
};

struct protocol {
	EFI_GUID guid;
	void *interface;
};

static struct handle {
	struct protocol list[PROTOCOLS_MAX];
	unsigned count;
	uint8_t path[PATH_MAX_BYTES];
	bool hidden; /* until its controller is started */
} handles[HANDLES];

static EFI_LOADED_IMAGE image;
static struct partition_info infos[HANDLES];
static uint32_t classes[HANDLES];
static EFI_PCI_IO_PROTOCOL pci[HANDLES];

static const EFI_GUID block_io_guid = EFI_BLOCK_IO_PROTOCOL_GUID;
static const EFI_GUID path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;

EFI_HANDLE fake_handles_image(void)
{
	return &handles[IMAGE];
}

static bool is_guid(const EFI_GUID *a, const EFI_GUID *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void *interface_of(const struct handle *h, const EFI_GUID *guid)
{
	for (unsigned i = 0; i < h->count && !h->hidden; i++) {
		if (is_guid(&h->list[i].guid, guid))
			return h->list[i].interface;
	}
	return NULL;
}

static void install(unsigned n, const EFI_GUID *guid, void *interface)
{
	struct handle *h = &handles[n];

	if (interface)
		h->list[h->count++] = (struct protocol){*guid, interface};
}

/* --- device paths ------------------------------------------------------------------------- */

static size_t node_bytes(const uint8_t *node)
{
	return (size_t)node[2] | (size_t)node[3] << 8;
}

static bool is_end(const uint8_t *node)
{
	return node[0] == END_DEVICE_PATH_TYPE;
}

static size_t path_bytes(const uint8_t *path)
{
	size_t size = 0;

	while (!is_end(path + size))
		size += node_bytes(path + size);
	return size;
}

static void add_node(unsigned n, const void *node)
{
	static const uint8_t end[] = {END_DEVICE_PATH_TYPE, 0xff, 4, 0};
	uint8_t *at = handles[n].path;

	if (!handles[n].path[0])
		install(n, &path_guid, handles[n].path);
	else
		at += path_bytes(handles[n].path);
	memcpy(at, node, node_bytes(node));
	memcpy(at + node_bytes(node), end, sizeof(end));
}

static void add_pci(unsigned n, uint8_t device)
{
	add_node(n, (const uint8_t[]){HARDWARE_DEVICE_PATH, HW_PCI_DP, 6, 0, 0, device});
}

static void add_bus(unsigned n)
{
	static const uint8_t nodes[][16] = {
		[FAKE_NVME] = {MESSAGING_DEVICE_PATH, 0x17, 16, 0, 1},
		[FAKE_ATA] = {MESSAGING_DEVICE_PATH, 0x12, 10, 0},
		[FAKE_SCSI] = {MESSAGING_DEVICE_PATH, 0x02, 8, 0},
		[FAKE_USB] = {MESSAGING_DEVICE_PATH, 0x05, 6, 0},
	};

	add_node(n, nodes[fake->options.bus]);
}

static void add_partition(unsigned n, uint8_t number)
{
	HARDDRIVE_DEVICE_PATH node = {
		.Header = {MEDIA_DEVICE_PATH, MEDIA_HARDDRIVE_DP, {42, 0}},
		.PartitionNumber = number,
		.PartitionStart = fake_disk_start(n),
		.PartitionSize = fake_disk(n)->Media->LastBlock + 1,
		.MBRType = 2,
		.SignatureType = SIGNATURE_TYPE_GUID,
	};

	memset(node.Signature, 0x11 * number, sizeof(node.Signature));
	add_node(n, &node);
}

static EFI_STATUS EFIAPI locate_device_path(EFI_GUID *guid, EFI_DEVICE_PATH **path,
					    EFI_HANDLE *ret)
{
	EFI_STATUS status = fake_call(FAKE_LOCATE_DEVICE_PATH);
	const uint8_t *whole = (const uint8_t *)*path;
	size_t longest = 0;

	for (unsigned n = 0; !EFI_ERROR(status) && n < HANDLES; n++) {
		size_t size = handles[n].path[0] ? path_bytes(handles[n].path) : 0;

		if (size <= longest || size > path_bytes(whole) ||
		    memcmp(whole, handles[n].path, size) || !interface_of(&handles[n], guid))
			continue;
		longest = size;
		*ret = &handles[n];
	}
	if (EFI_ERROR(status) || !longest)
		return EFI_NOT_FOUND;
	*path = (EFI_DEVICE_PATH *)(whole + longest);
	return EFI_SUCCESS;
}

/* --- looking them up ---------------------------------------------------------------------- */

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *guid, VOID **ret)
{
	EFI_STATUS status = fake_call(FAKE_HANDLE_PROTOCOL);

	if (EFI_ERROR(status))
		return status;
	*ret = interface_of(handle, guid);
	return *ret ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

static EFI_STATUS EFIAPI locate_handle_buffer(EFI_LOCATE_SEARCH_TYPE type, EFI_GUID *guid,
					      VOID *key, UINTN *ret_count, EFI_HANDLE **ret)
{
	EFI_STATUS status = fake_call(FAKE_LOCATE_HANDLES);
	UINTN count = 0;

	if (EFI_ERROR(status))
		return status;
	if (type != ByProtocol || key)
		fake_fault("LocateHandleBuffer", type, 0);
	*ret = malloc(HANDLES * sizeof(**ret));
	for (unsigned n = 0; n < HANDLES; n++) {
		if (interface_of(&handles[n], guid))
			(*ret)[count++] = &handles[n];
	}
	*ret_count = count;
	if (count)
		return EFI_SUCCESS;
	free(*ret);
	*ret = NULL;
	return EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *guid, VOID *registration, VOID **ret)
{
	static const EFI_GUID processors = MP_SERVICES_GUID, font = HII_FONT_GUID;
	EFI_STATUS status = fake_call(FAKE_LOCATE_PROTOCOL);

	(void)registration;
	*ret = is_guid(guid, &processors) ? fake_processors()
	       : is_guid(guid, &font)     ? fake_font()
					  : NULL;
	if (!EFI_ERROR(status) && *ret)
		return EFI_SUCCESS;
	*ret = NULL;
	return EFI_NOT_FOUND;
}

/* --- drivers ------------------------------------------------------------------------------ */

static EFI_STATUS EFIAPI pci_read(struct _EFI_PCI_IO_PROTOCOL *self, EFI_PCI_IO_PROTOCOL_WIDTH width,
				  UINT32 offset, UINTN count, VOID *ret)
{
	EFI_STATUS status = fake_call(FAKE_PCI_READ);

	if (width != EfiPciIoWidthUint32 || offset != 8 || count != 1)
		fake_fault("PCI configuration space", offset, count);
	if (!EFI_ERROR(status))
		memcpy(ret, &classes[self - pci], sizeof(classes[0]));
	return status;
}

static EFI_STATUS EFIAPI connect_controller(EFI_HANDLE handle, EFI_HANDLE *driver,
					    EFI_DEVICE_PATH *rest, BOOLEAN recursive)
{
	EFI_STATUS status = fake_call(FAKE_CONNECT_CONTROLLER);

	if (driver || rest || !recursive)
		fake_fault("ConnectController", recursive, 0);
	if (handle == &handles[CONTROLLER]) {
		for (unsigned n = DISK; n <= DATA; n++)
			handles[n].hidden &= EFI_ERROR(status);
	}
	return status;
}

static EFI_STATUS EFIAPI load_image(BOOLEAN policy, EFI_HANDLE parent, EFI_DEVICE_PATH *path,
				    VOID *source, UINTN size, EFI_HANDLE *ret)
{
	EFI_STATUS status = fake_call(FAKE_LOAD_IMAGE);

	if (policy || parent != &handles[IMAGE] || source || size || !path)
		fake_fault("LoadImage", policy, size);
	if (!EFI_ERROR(status))
		*ret = &handles[SERIAL];
	return status;
}

static EFI_STATUS EFIAPI start_image(EFI_HANDLE handle, UINTN *size, CHAR16 **data)
{
	EFI_STATUS status = fake_call(FAKE_START_IMAGE);

	if (handle != &handles[SERIAL] || size || data)
		fake_fault("StartImage", 0, 0);
	fake->started_next = !EFI_ERROR(status);
	return status;
}

/* --- the machine -------------------------------------------------------------------------- */

/* 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f, as it is stored */
static const uint8_t swap_type[16] = {0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43,
				      0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f};
/* 0fc63daf-8483-4772-8e79-3d69d8477de4 */
static const uint8_t linux_type[16] = {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
				       0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4};
/* c12a7328-f81f-11d2-ba4b-00a0c93ec93b */
static const uint8_t esp_type[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
				     0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

static void make_partition(unsigned n, uint8_t number, const uint8_t type[16])
{
	static const EFI_GUID info_guid = PARTITION_INFO_GUID, guid2 = EFI_BLOCK_IO2_PROTOCOL_GUID;

	install(n, &block_io_guid, fake_disk(n));
	install(n, &guid2, fake_disk2(n));
	add_pci(n, 1);
	add_bus(n);
	add_partition(n, number);
	infos[n] = (struct partition_info){.type = PARTITION_INFO_GPT};
	memcpy(infos[n].entry.gpt_type, type, 16);
	install(n, &info_guid, &infos[n]);
}

static void make_controller(unsigned n, uint8_t device, uint32_t class)
{
	static const EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;

	add_pci(n, device);
	classes[n] = class << 8;
	pci[n].Pci.Read = pci_read;
	install(n, &guid, &pci[n]);
}

static void make_disks(void)
{
	static const EFI_GUID ata = ATA_PASS_THRU_GUID, scsi = SCSI_PASS_THRU_GUID,
			      volume = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;

	make_controller(CONTROLLER, 1, 0x010802);
	make_controller(OTHER_CONTROLLER, 2, 0x010601);
	make_controller(USB_CONTROLLER, 3, 0x0c0330);
	install(CONTROLLER, &ata, fake_ata());
	install(CONTROLLER, &scsi, fake_scsi());
	install(DISK, &block_io_guid, fake_disk(DISK));
	add_pci(DISK, 1);
	add_bus(DISK);
	make_partition(ESP, 1, esp_type);
	make_partition(SWAP, 2, swap_type);
	make_partition(DATA, 3, linux_type);
	install(ESP, &volume, fake_volume());
	install(OTHER_DISK, &block_io_guid, fake_disk(OTHER_DISK));
	add_pci(OTHER_DISK, 2);
	for (unsigned n = DISK; n <= DATA; n++)
		handles[n].hidden = fake->options.unconnected && n != ESP;
}

void fake_handles_init(EFI_SYSTEM_TABLE *st)
{
	static const EFI_GUID loaded = EFI_LOADED_IMAGE_PROTOCOL_GUID,
			      out = SIMPLE_TEXT_OUTPUT_PROTOCOL,
			      gop = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	/* EDK2's mark of a console in use, see efi/screen.c */
	static const EFI_GUID in_use = {
		0xd3b36f2c, 0xd551, 0x11d4, {0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};

	image = (EFI_LOADED_IMAGE){.DeviceHandle = &handles[ESP]};
	install(IMAGE, &loaded, &image);
	install(SCREEN, &gop, fake_screen());
	install(SCREEN, &out, fake_text());
	install(SERIAL, &out, fake_text());
	install(SERIAL, &in_use, fake_text());
	st->ConsoleOutHandle = &handles[SCREEN];
	make_disks();
	st->BootServices->HandleProtocol = handle_protocol;
	st->BootServices->LocateHandleBuffer = locate_handle_buffer;
	st->BootServices->LocateProtocol = locate_protocol;
	st->BootServices->LocateDevicePath = locate_device_path;
	st->BootServices->ConnectController = connect_controller;
	st->BootServices->LoadImage = load_image;
	st->BootServices->StartImage = start_image;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * disks.c: disks and partitions, each with bytes of its own; the image lies in one of them. They
 * know that they may be written to once, when the record says so.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ata_pass_thru.h"
#include "fake.h"
#include "scsi_pass_thru.h"

#define PAGE  4096
#define BLOCK 512

/* As in handles.c. */
enum { DISK = 2, ESP, SWAP, DATA, OTHER_DISK = 7, DISKS };

/* Of a disk that holds no image; the superblock of btrfs is looked for in page 16. */
#define SMALL_PAGES 24
/* Of the disk, behind its partitions. */
#define BEHIND_PAGES 20
/* Where the swap file's header is. */
#define FILE_PAGE   9
#define PAGE_US	    1000 /* what reading a page takes */

static struct medium {
	EFI_BLOCK_IO io; /* first: cast back */
	EFI_BLOCK_IO_MEDIA media;
	EFI_BLOCK_IO2_PROTOCOL io2;
	uint8_t *bytes; /* shared with the children */
	uint8_t *saved;
	uint64_t pages;
} media[DISKS];

static unsigned holder(void)
{
	return fake->options.location ? DATA : SWAP;
}

static uint64_t header_page(void)
{
	return fake->options.location ? FILE_PAGE : 0;
}

const uint8_t *fake_header(void)
{
	return media[holder()].bytes + header_page() * PAGE;
}

void fake_forget_image(void)
{
	memset(media[holder()].bytes + header_page() * PAGE, 0, PAGE);
}

/* --- in the parent ------------------------------------------------------------------------ */

/* A swap area's superblock, and an ext4's, as far as locate/ looks at them. */
static void make_superblock(uint8_t *bytes)
{
	bytes[1024 + 0x38] = 0x53;
	bytes[1024 + 0x39] = 0xef;
	memset(bytes + 1024 + 0x68, 0x77, 16);
}

static uint64_t pages_of(unsigned n)
{
	if (n == DISK)
		return thaw_div_up(fake_disk_start(DATA + 1), PAGE / BLOCK) + BEHIND_PAGES;
	return n == holder() ? fake_picture.disk_pages : SMALL_PAGES;
}

/* One behind the other; none begins or ends with a page. */
EFI_LBA fake_disk_start(unsigned number)
{
	EFI_LBA at = 2049;

	for (unsigned n = ESP; n < number; n++)
		at += pages_of(n) * (PAGE / BLOCK);
	return at;
}

static void draw(void)
{
	const struct fake_options *o = &fake->options;
	struct synth_options picture = {
		.format = o->format,
		.codec = o->codec,
		.levels = 4,
		.leaf = 2,
		.header_page = header_page(),
		.noise = o->background && !o->workers ? 100 : 30,
		.digest = fake_memory_digest(),
		.watched = fake->options.watched,
	};

	synth_init(&fake_picture, &picture);
	synth_add(&fake_picture, 0x10010, 30, false);
	synth_add(&fake_picture, 0x10030, 3, true);
	synth_add(&fake_picture, 0x10206, 6, false);
	synth_add(&fake_picture, 0x10230, 20, false);
	synth_add(&fake_picture, 0x10300, 2, true);
	/* What opening the image reads is no window, and the first window is not read in the background. */
	if (o->background && !o->workers)
		synth_add(&fake_picture, 0x10312, 235, false);
	synth_add(&fake_picture, 0x10400, 60, false);
	synth_draw(&fake_picture);
	synth_store(&fake_picture);
}

/* md's superblock 1.0, behind the last partition. */
static void make_leg(uint8_t *bytes, uint64_t pages)
{
	memcpy(bytes + (pages - 2) * PAGE, (const uint32_t[]){0xa92b4efc, 1}, 8);
	memcpy(bytes + (pages - 2) * PAGE + 144, (const uint64_t[]){(pages - 2) * 8}, 8);
}

static void make(unsigned n)
{
	struct medium *m = &media[n];
	uint64_t pages = pages_of(n);

	if (m->bytes)
		munmap(m->bytes, m->pages * PAGE);
	free(m->saved);
	m->pages = pages;
	m->bytes = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	m->saved = calloc(pages, PAGE);
	if (n == holder())
		memcpy(m->saved, fake_picture.disk, pages * PAGE);
	if (n == DATA)
		make_superblock(m->saved);
	if (n == DISK && fake->options.leg)
		make_leg(m->saved, pages);
}

void fake_disks_make(void)
{
	draw();
	for (unsigned n = DISK; n < DISKS; n++) {
		if (n <= DATA || n == OTHER_DISK)
			make(n);
	}
	fake_disks_rewind();
}

void fake_disks_rewind(void)
{
	for (unsigned n = 0; n < DISKS; n++) {
		if (media[n].bytes)
			memcpy(media[n].bytes, media[n].saved, media[n].pages * PAGE);
	}
}

/* --- reading ------------------------------------------------------------------------------ */

static bool is_inside(const struct medium *m, UINT32 id, EFI_LBA lba, UINTN size, const void *buf)
{
	uint64_t blocks = m->pages * (PAGE / BLOCK);

	if (id == m->media.MediaId && !(size % BLOCK) && size && lba < blocks &&
	    size / BLOCK <= blocks - lba && !((uintptr_t)buf % m->media.IoAlign))
		return true;
	fake_fault("a request that the disk cannot meet", lba, size);
	return false;
}

/* A read that fails may have got somewhere. */
static void transfer(const struct medium *m, EFI_LBA lba, UINTN size, void *buf, bool fails)
{
	uint64_t us = fake->options.request_us;

	memcpy(buf, m->bytes + lba * BLOCK, fails ? size / 2 : size);
	fake_clock_advance(us ? us : size / PAGE * PAGE_US);
}

/* As where a driver has a limit, or finds no memory that its controller reaches. */
static bool is_too_large(UINTN size)
{
	return fake->options.most_read && size > fake->options.most_read;
}

static EFI_STATUS EFIAPI read_blocks(EFI_BLOCK_IO *self, UINT32 id, EFI_LBA lba, UINTN size,
				     VOID *buf)
{
	struct medium *m = (struct medium *)self;
	EFI_STATUS status = fake_call(FAKE_READ_BLOCKS);

	if (m == &media[SWAP] && fake->options.unreadable) {
		fake_clock_advance(fake->options.request_us);
		return EFI_DEVICE_ERROR;
	}
	if (!is_inside(m, id, lba, size, buf))
		return EFI_INVALID_PARAMETER;
	if (is_too_large(size))
		return EFI_DEVICE_ERROR;
	transfer(m, lba, size, buf, EFI_ERROR(status));
	return status;
}

static EFI_EVENT stuck; /* of the read that does not end */

static EFI_STATUS EFIAPI read_blocks_ex(EFI_BLOCK_IO2_PROTOCOL *self, UINT32 id, EFI_LBA lba,
					EFI_BLOCK_IO2_TOKEN *token, UINTN size, VOID *buf)
{
	struct medium *m = (struct medium *)((uint8_t *)self - offsetof(struct medium, io2));
	EFI_STATUS status = fake_call(FAKE_READ_BLOCKS_EX);

	if (EFI_ERROR(status))
		return status;
	if (!token || !token->Event || !is_inside(m, id, lba, size, buf))
		return EFI_INVALID_PARAMETER;
	if (fake->options.stuck) {
		stuck = token->Event;
		return EFI_SUCCESS;
	}
	token->TransactionStatus = fake_call(FAKE_READ_IN_BACKGROUND);
	if (is_too_large(size))
		token->TransactionStatus = EFI_DEVICE_ERROR;
	transfer(m, lba, size, buf, EFI_ERROR(token->TransactionStatus));
	fake_event_signal(token->Event);
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI reset_disk(EFI_BLOCK_IO2_PROTOCOL *self, BOOLEAN thorough)
{
	(void)self;
	(void)thorough;
	if (stuck && fake->options.stuck == FAKE_UNTIL_RESET)
		fake_event_signal(stuck);
	return fake_call(FAKE_RESET_DISK);
}

/* --- THE write ---------------------------------------------------------------------------- */

static bool record_allows(void)
{
	const struct fake_variable *v = fake_variable(L"ThawStatus");
	struct thaw_record record;

	return v && thaw_record_load(&record, v->data, v->size) &&
	       thaw_record_verdict(&record, 0, thaw_image_mark(fake_header())) ==
		       THAW_COMMITTED_BEFORE;
}

static EFI_STATUS EFIAPI write_blocks(EFI_BLOCK_IO *self, UINT32 id, EFI_LBA lba, UINTN size,
				      VOID *buf)
{
	struct medium *m = (struct medium *)self;
	EFI_STATUS status = fake_call(FAKE_WRITE_BLOCKS);

	if (m != &media[holder()] || lba != header_page() * (PAGE / BLOCK) || size != PAGE)
		fake_fault("a write that is not the one", lba, size);
	if (!is_inside(m, id, lba, size, buf))
		return EFI_INVALID_PARAMETER;
	if (!record_allows())
		fake_fault("a write without a record", lba, size);
	if (!EFI_ERROR(status)) {
		memcpy(m->bytes + lba * BLOCK, buf, size);
		fake->written++;
	}
	return status;
}

/* --- flushing ----------------------------------------------------------------------------- */

static EFI_STATUS EFIAPI flush_blocks(EFI_BLOCK_IO *self)
{
	(void)self;
	return fake_call(FAKE_FLUSH_BLOCKS);
}

static EFI_STATUS flushed(enum fake_service service)
{
	EFI_STATUS status = fake_call(service);

	return EFI_ERROR(status) ? status : fake->options.flushed;
}

static EFI_STATUS EFIAPI ata_device(struct ata_pass_thru *self, EFI_DEVICE_PATH *node, UINT16 *port,
				    UINT16 *multiplier)
{
	(void)self;
	if (node->Type != MESSAGING_DEVICE_PATH)
		fake_fault("a node of no disk", node->Type, 0);
	*port = *multiplier = 0;
	return fake_call(FAKE_ATA_DEVICE);
}

static EFI_STATUS EFIAPI ata_pass(struct ata_pass_thru *self, UINT16 port, UINT16 multiplier,
				  struct ata_packet *packet, EFI_EVENT done)
{
	EFI_STATUS status = flushed(FAKE_ATA_COMMAND);

	(void)self;
	if (port || multiplier || done || packet->in || packet->out)
		fake_fault("ATA command", packet->command->command, port);
	/* Device fault. */
	if (fake->options.sense)
		packet->status->status = 0x20;
	return status;
}

static EFI_STATUS EFIAPI scsi_target(struct scsi_pass_thru *self, EFI_DEVICE_PATH *node,
				     UINT8 **target, UINT64 *lun)
{
	(void)self;
	if (node->Type != MESSAGING_DEVICE_PATH)
		fake_fault("a node of no disk", node->Type, 0);
	memset(*target, 0, SCSI_TARGET_BYTES);
	*lun = 0;
	return fake_call(FAKE_SCSI_TARGET);
}

static EFI_STATUS EFIAPI scsi_pass(struct scsi_pass_thru *self, UINT8 *target, UINT64 lun,
				   struct scsi_packet *packet, EFI_EVENT done)
{
	EFI_STATUS status = flushed(FAKE_SCSI_COMMAND);
	UINT8 *sense = packet->sense;

	(void)self;
	if (target[0] || lun || done || packet->in_length || packet->out_length)
		fake_fault("SCSI command", packet->cdb_length, lun);
	packet->host_status = SCSI_HOST_OK;
	packet->target_status = SCSI_GOOD;
	if (fake->options.sense) {
		packet->target_status = SCSI_CHECK_CONDITION;
		packet->sense_length = 18;
		sense[0] = 0x70;
		sense[2] = fake->options.sense;
	}
	return status;
}

void *fake_ata(void)
{
	static struct ata_pass_thru ata = {.pass = ata_pass, .get_device = ata_device};

	return fake->options.bus == FAKE_ATA ? &ata : NULL;
}

void *fake_scsi(void)
{
	static struct scsi_pass_thru scsi = {.pass = scsi_pass, .get_target = scsi_target};

	return fake->options.bus == FAKE_SCSI ? &scsi : NULL;
}

/* --- protocols ---------------------------------------------------------------------------- */

EFI_BLOCK_IO *fake_disk(unsigned number)
{
	return &media[number].io;
}

EFI_BLOCK_IO2_PROTOCOL *fake_disk2(unsigned number)
{
	return fake->options.background ? &media[number].io2 : NULL;
}

void fake_disks_init(void)
{
	for (unsigned n = 0; n < DISKS; n++) {
		struct medium *m = &media[n];

		m->media = (EFI_BLOCK_IO_MEDIA){
			.MediaId = 7 + n,
			.MediaPresent = TRUE,
			.LogicalPartition = n >= ESP && n <= DATA,
			.BlockSize = BLOCK,
			.IoAlign = 4,
			.LastBlock = m->pages * (PAGE / BLOCK) - 1,
		};
		m->io.Media = m->io2.Media = &m->media;
		m->io.ReadBlocks = read_blocks;
		m->io.WriteBlocks = write_blocks;
		m->io.FlushBlocks = flush_blocks;
		m->io2.ReadBlocksEx = read_blocks_ex;
		m->io2.Reset = reset_disk;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake.h: firmware that never was, for efi/ to run on as a process of the host: its tables, memory
 * that is mapped where it says, disks, variables; and any call of it may fail.
 *
 * A boot is a child process, so that each begins with efi/ as it is in its file. What outlives a boot
 * (disks, variables, how it ended) lies in memory that is shared with it.
 */
#ifndef THAW_TESTS_FIRMWARE_FAKE_H
#define THAW_TESTS_FIRMWARE_FAKE_H

#include <efi.h>

#include <thaw/record.h>

#include "synth.h"

/* What can fail, and with what. Each call is counted, whoever makes it. */
#define FAKE_SERVICES(X)                                                                           \
	X(ALLOCATE_PAGES, EFI_OUT_OF_RESOURCES)                                                    \
	X(FREE_PAGES, EFI_NOT_FOUND)                                                               \
	X(GET_MEMORY_MAP, EFI_INVALID_PARAMETER)                                                   \
	X(ALLOCATE_POOL, EFI_OUT_OF_RESOURCES)                                                     \
	X(FREE_POOL, EFI_INVALID_PARAMETER)                                                        \
	X(CREATE_EVENT, EFI_OUT_OF_RESOURCES)                                                      \
	X(CLOSE_EVENT, EFI_INVALID_PARAMETER)                                                      \
	X(CHECK_EVENT, EFI_NOT_READY)                                                              \
	X(HANDLE_PROTOCOL, EFI_OUT_OF_RESOURCES)                                                   \
	X(LOCATE_HANDLES, EFI_OUT_OF_RESOURCES)                                                    \
	X(LOCATE_PROTOCOL, EFI_NOT_FOUND)                                                          \
	X(LOCATE_DEVICE_PATH, EFI_NOT_FOUND)                                                       \
	X(CONNECT_CONTROLLER, EFI_NOT_FOUND)                                                       \
	X(LOAD_IMAGE, EFI_LOAD_ERROR)                                                              \
	X(START_IMAGE, EFI_LOAD_ERROR)                                                             \
	X(STALL, EFI_DEVICE_ERROR)                                                                 \
	X(SET_WATCHDOG, EFI_UNSUPPORTED)                                                           \
	X(EXIT_BOOT_SERVICES, EFI_ACCESS_DENIED)                                                   \
	X(GET_VARIABLE, EFI_DEVICE_ERROR)                                                          \
	X(SET_VARIABLE, EFI_OUT_OF_RESOURCES)                                                      \
	X(GET_TIME, EFI_DEVICE_ERROR)                                                              \
	X(READ_BLOCKS, EFI_DEVICE_ERROR)                                                           \
	X(READ_BLOCKS_EX, EFI_OUT_OF_RESOURCES)                                                    \
	X(READ_IN_BACKGROUND, EFI_DEVICE_ERROR)                                                    \
	X(RESET_DISK, EFI_DEVICE_ERROR)                                                            \
	X(WRITE_BLOCKS, EFI_WRITE_PROTECTED)                                                       \
	X(FLUSH_BLOCKS, EFI_DEVICE_ERROR)                                                          \
	X(ATA_DEVICE, EFI_NOT_FOUND)                                                               \
	X(ATA_COMMAND, EFI_TIMEOUT)                                                                \
	X(SCSI_TARGET, EFI_NOT_FOUND)                                                              \
	X(SCSI_COMMAND, EFI_TIMEOUT)                                                               \
	X(PCI_READ, EFI_UNSUPPORTED)                                                               \
	X(OPEN_VOLUME, EFI_VOLUME_CORRUPTED)                                                       \
	X(OPEN_FILE, EFI_DEVICE_ERROR)                                                             \
	X(READ_FILE, EFI_DEVICE_ERROR)                                                             \
	X(COUNT_PROCESSORS, EFI_DEVICE_ERROR)                                                      \
	X(START_PROCESSORS, EFI_NOT_READY)                                                         \
	X(BLT, EFI_DEVICE_ERROR)                                                                   \
	X(DRAW_TEXT, EFI_OUT_OF_RESOURCES)                                                         \
	X(OUTPUT_STRING, EFI_DEVICE_ERROR)

enum fake_service {
#define FAKE_ENUM(symbol, status) FAKE_##symbol,
	FAKE_SERVICES(FAKE_ENUM)
#undef FAKE_ENUM
	FAKE_SERVICE_COUNT,
};

enum fake_failure {
	FAKE_ONCE,	/* the call fails, */
	FAKE_FROM_THEN, /* and each later one of the same service */
};

enum fake_end {
	FAKE_DIED, /* none of the others: it crashed, or hung */
	FAKE_EXIT, /* control went on to whatever boots next */
	FAKE_RESET,
	FAKE_JUMP, /* the image runs */
};

/* Which way a disk's cache is written back; see efi/flush.c. */
enum fake_bus { FAKE_NVME, FAKE_ATA, FAKE_SCSI, FAKE_USB };

/* When a read in the background ends. */
enum fake_stuck {
	FAKE_NEVER_STUCK,
	FAKE_UNTIL_RESET, /* of the disk */
	FAKE_FOR_GOOD,
};

/* The machine. Texts are NULL for none. */
struct fake_options {
	enum synth_format format;
	enum thaw_codec codec;
	enum fake_bus bus;
	const char *conf;     /* thaw.conf */
	const char *location; /* systemd's note; then the image lies in a swap file */
	bool unreadable;      /* the swap partition, which has no image then */
	bool leg;	      /* the disk is one of a mirror in which its partitions lie */
	uint64_t request_us;  /* what a read takes, however long; 0: the usual */
	bool unconnected;     /* the disk's controller is not started */
	bool workers;	      /* there are four processors */
	bool background;      /* the disk reads in the background */
	enum fake_stuck stuck;
	enum fake_service hangs; /* with its first call; 0: none. The watchdog resets the machine */
	UINTN most_read;      /* bytes: larger requests fail; 0: any do */
	bool graphic;
	bool secure_boot;
	UINTN room;	  /* bytes by which the variables may grow; 0: any */
	const char *keys; /* typed once thaw waits */
	const struct native_watched *watched; /* by an image of thaw's own */
	EFI_STATUS flushed; /* what the drive's own command ends with, if not with EFI_SUCCESS */
	UINT8 sense;	    /* of a drive that refuses it, 0: it does not */
	UINT32 taken; /* EFI memory type of what firmware takes while it leaves; 0: nothing */
};

#define FAKE_VARIABLES 8
#define FAKE_CALLED    2000

struct fake_variable {
	CHAR16 name[24];
	EFI_GUID guid;
	UINTN size;
	UINT8 data[1024];
	bool there;
};

/* Shared with the children. */
struct fake {
	struct fake_options options;
	struct fake_variable variables[FAKE_VARIABLES];

	UINTN grown; /* of options.room, since fake_rewind */

	/* of one boot */
	unsigned fail_at; /* 1 is the first call, 0 none */
	enum fake_failure failure;
	unsigned calls;
	unsigned count[FAKE_SERVICE_COUNT]; /* of them */
	uint8_t called[FAKE_CALLED]; /* which service each of the first was for */
	enum fake_service failed; /* the service that failed, with fail_at */
	bool has_failed;
	unsigned stored; /* variables changed */
	unsigned written;
	bool started_next;
	enum fake_end end;
	unsigned faults;
	char why[200]; /* the first */
};

extern struct fake *fake;
extern struct synth fake_picture;

/* Makes the machine, its image on the disk. Only what is saved between boots is made anew. */
void fake_begin(const struct fake_options *options);
void fake_end(void);
/* Disk and variables as they were after fake_begin. */
void fake_rewind(void);

/* One boot, with a failure. */
enum fake_end fake_boot(unsigned fail_at, enum fake_failure failure);

/* Where the image's header lies, as the disk has it now. */
const uint8_t *fake_header(void);
/* Until the disk is as it was again. */
void fake_forget_image(void);
void fake_disks_rewind(void);

const char *fake_service_name(enum fake_service service);

/* --- for the parts of it, in the child ---------------------------------------------------- */

void fake_fault(const char *what, uint64_t a, uint64_t b);
/* Counts a call; its status: EFI_SUCCESS, or what it fails with. */
EFI_STATUS fake_call(enum fake_service service);
_Noreturn void fake_ends(enum fake_end end);
/* After ExitBootServices. */
extern bool fake_exited;

void fake_memory_map(void); /* maps RAM; in the parent */
void fake_memory_init(EFI_BOOT_SERVICES *bs);
/* How many frames thaw holds; whether it left any of the image in those that it gave back. */
size_t fake_memory_held(void);
bool fake_memory_has_remnants(void);
/* RAM is as the image has it, once the copies are made; else a fault. */
void fake_memory_jump(const struct thaw_handoff *handoff);
uint32_t fake_memory_digest(void);

void fake_handles_init(EFI_SYSTEM_TABLE *st);
EFI_HANDLE fake_handles_image(void);

void fake_disks_make(void); /* in the parent */
/* By number: see handles.c. NULL: none. */
EFI_BLOCK_IO *fake_disk(unsigned number);
/* Where the partition begins on its disk, in its blocks. */
EFI_LBA fake_disk_start(unsigned number);
EFI_BLOCK_IO2_PROTOCOL *fake_disk2(unsigned number);
void fake_disks_init(void);
void *fake_ata(void);
void *fake_scsi(void);

void fake_variables_init(EFI_RUNTIME_SERVICES *rt);
struct fake_variable *fake_variable(const CHAR16 *name);
void fake_variable_set(const CHAR16 *name, const EFI_GUID *guid, const void *data, UINTN size);

void fake_events_init(EFI_BOOT_SERVICES *bs);
size_t fake_events_open(void);
/* Signalled as soon as somebody looks. */
void fake_event_signal(EFI_EVENT event);

void *fake_processors(void);
/* Have all that were started returned? Then their event is signalled. */
void fake_processors_look(void);

void fake_console_init(EFI_SYSTEM_TABLE *st);
void *fake_font(void);
void *fake_screen(void);
void *fake_text(void);

void *fake_volume(void); /* the file system that thaw lies on */

extern bool fake_waits; /* thaw waited for somebody */

/* The clock: it goes on while somebody looks at it, or waits for a device. */
void fake_clock_advance(uint64_t us);

#endif

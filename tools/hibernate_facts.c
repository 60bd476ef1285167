/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_facts.c: what the image says of the machine and the system it was made on, besides
 * memory: firmware's map as the kernel got it, where firmware's tables lie, who is saved.
 */
#include "hibernate.h"

#include "../imagefmt/xxh64.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <thaw/crc32.h>
#include <thaw/loader.h>
#include <time.h>
#include <unistd.h>

/* --- firmware's memory map ------------------------------------------------------------------ */

/* Linux's names (arch/x86/kernel/e820.c, e820_type_to_string, 6.12) and its numbers. */
static const struct {
	const char *name;
	uint32_t type;
} e820_names[] = {
	{"System RAM", THAW_E820_RAM},
	{"Reserved", THAW_E820_RESERVED},
	{"ACPI Tables", THAW_E820_ACPI},
	{"ACPI Non-volatile Storage", THAW_E820_NVS},
	{"Unusable memory", THAW_E820_UNUSABLE},
	{"Persistent Memory", THAW_E820_PMEM},
	{"Persistent Memory (legacy)", 12},
	{"Soft Reserved", 0xefffffff},
};

static bool read_line(const char *dir, unsigned entry, const char *name, char *ret, size_t size)
{
	char path[128];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s/%u/%s", dir, entry, name);
	file = fopen(path, "re");
	ok = file && fgets(ret, (int)size, file);
	if (file)
		fclose(file);
	if (ok)
		ret[strcspn(ret, "\n")] = 0;
	return ok;
}

/* The directories are numbered in the order of the kernel's table. */
static bool read_range(unsigned entry, struct native_memory *ret)
{
	static const char dir[] = "/sys/firmware/memmap";
	char start[32];
	char end[32];
	char type[64];
	size_t i;

	if (!read_line(dir, entry, "start", start, sizeof(start)) ||
	    !read_line(dir, entry, "end", end, sizeof(end)) ||
	    !read_line(dir, entry, "type", type, sizeof(type)))
		return false;
	*ret = (struct native_memory){.address = strtoull(start, NULL, 16)};
	ret->bytes = strtoull(end, NULL, 16) + 1 - ret->address;
	for (i = 0; i < THAW_ARRAY_LEN(e820_names); i++) {
		if (!strcmp(type, e820_names[i].name))
			ret->type = e820_names[i].type;
	}
	return ret->type;
}

static void collect_map(struct hibernate_facts *f)
{
	size_t count = 0;

	f->map = calloc(NATIVE_MEMORY_MAX, sizeof(*f->map));
	while (f->map && count < NATIVE_MEMORY_MAX && read_range((unsigned)count, &f->map[count]))
		count++;
	f->facts.memory_map = f->map;
	f->facts.memory_map_count = count;
}

uint32_t hibernate_map_digest(const struct hibernate_facts *facts)
{
	uint32_t count = (uint32_t)facts->facts.memory_map_count;
	uint32_t crc = thaw_crc32(UINT32_MAX, &count, sizeof(count));
	struct thaw_e820 entry;
	uint32_t i;

	for (i = 0; i < count; i++) {
		entry = (struct thaw_e820){facts->map[i].address, facts->map[i].bytes,
					   facts->map[i].type};
		crc = thaw_crc32(crc, &entry, sizeof(entry));
	}
	return ~crc;
}

/* --- firmware's tables ---------------------------------------------------------------------- */

/* Names in /sys/firmware/efi/systab (drivers/firmware/efi/efi.c) and GUIDs of UEFI 2.10, 4.6.1. */
static const struct {
	const char *name;
	uint8_t guid[16];
	uint64_t bytes; /* of what is there; 0: not known */
} table_names[] = {
	{"ACPI20=",
	 {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88,
	  0x81},
	 36},
	{"ACPI=",
	 {0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1,
	  0x4d},
	 20},
	{"SMBIOS3=",
	 {0x44, 0x15, 0xfd, 0xf2, 0x94, 0x97, 0x2c, 0x4a, 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3,
	  0x94},
	 24},
	{"SMBIOS=",
	 {0x31, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1,
	  0x4d},
	 31},
};

/* What lies there, where the kernel shows it: it hides RAM, and firmware's tables may be RAM. */
static void add_checksum(struct native_firmware *table, uint64_t bytes)
{
	uint8_t content[64];
	int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (bytes <= sizeof(content) &&
	    pread(fd, content, (size_t)bytes, (off_t)table->address) == (ssize_t)bytes) {
		table->bytes = bytes;
		table->checksum = thaw_xxh64(content, (size_t)bytes, 0);
	}
	close(fd);
}

static void collect_tables(struct hibernate_facts *f)
{
	FILE *file = fopen("/sys/firmware/efi/systab", "re");
	struct native_firmware *table;
	char line[128];
	size_t i;

	f->facts.firmware = f->firmware;
	while (file && fgets(line, sizeof(line), file)) {
		for (i = 0; i < THAW_ARRAY_LEN(table_names); i++) {
			size_t length = strlen(table_names[i].name);

			if (strncmp(line, table_names[i].name, length) ||
			    f->facts.firmware_count == THAW_ARRAY_LEN(f->firmware))
				continue;
			table = &f->firmware[f->facts.firmware_count++];
			*table = (struct native_firmware){
				.address = strtoull(line + length, NULL, 16)};
			memcpy(table->guid, table_names[i].guid, sizeof(table->guid));
			add_checksum(table, table_names[i].bytes);
		}
	}
	if (file)
		fclose(file);
}

/* ACPI 6.5, 5.2.10: the firmware ACPI control structure has the signature at byte 8. */
static void collect_signature(struct thaw_writer_facts *facts)
{
	FILE *file = fopen("/sys/firmware/acpi/tables/FACS", "re");
	uint8_t head[12];

	if (file && fread(head, 1, sizeof(head), file) == sizeof(head)) {
		facts->hw_sig = thaw_le32(head + 8);
		facts->has_hw_sig = facts->hw_sig;
	}
	if (file)
		fclose(file);
}

/* --- the system ----------------------------------------------------------------------------- */

bool hibernate_machine_id(uint8_t ret[16])
{
	FILE *file = fopen("/etc/machine-id", "re");
	bool ok = file;
	int i;

	memset(ret, 0, 16);
	for (i = 0; ok && i < 16; i++)
		ok = fscanf(file, "%2hhx", &ret[i]) == 1;
	if (file)
		fclose(file);
	if (!ok)
		memset(ret, 0, 16);
	return ok;
}

static void collect_names(struct hibernate_facts *f)
{
	struct utsname names;

	if (!uname(&names)) {
		snprintf(f->release, sizeof(f->release), "%s", names.release);
		snprintf(f->kernel_version, sizeof(f->kernel_version), "%s", names.version);
		snprintf(f->hostname, sizeof(f->hostname), "%s", names.nodename);
	}
	f->facts.release = f->release;
	f->facts.kernel_version = f->kernel_version;
	f->facts.hostname = f->hostname;
	f->facts.writer = "thawctl " THAW_VERSION;
	hibernate_machine_id(f->facts.machine_id);
}

void hibernate_facts_collect(struct hibernate_facts *ret, enum snapshot_mode mode)
{
	*ret = (struct hibernate_facts){
		.facts.source = NATIVE_SOURCE_SNAPSHOT,
		.facts.platform_mode = mode == SNAPSHOT_MODE_PLATFORM,
		.facts.created = (uint64_t)time(NULL),
	};
	collect_names(ret);
	collect_map(ret);
	collect_tables(ret);
	if (ret->facts.platform_mode)
		collect_signature(&ret->facts);
}

void hibernate_facts_free(struct hibernate_facts *facts)
{
	free(facts->map);
	facts->map = NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * nxcompat.c: a step of the build, run on the host: marks a PE image as NX compatible, which
 * binutils cannot do, after making sure that it is true.
 *
 * Offsets: Microsoft's "PE Format".
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES (200 * 1024)

#define MACHINE_X86_64	      0x8664
#define MAGIC_PE32_PLUS	      0x20b
#define SUBSYSTEM_APPLICATION 10
#define PAGE		      4096
#define NX_COMPAT	      0x100
#define SECTION_EXECUTE	      0x20000000u
#define SECTION_WRITE	      0x80000000u

static uint8_t file[MAX_BYTES + 1];
static size_t size;
static uint8_t outside[16]; /* what is read beyond the end of the file */

static uint8_t *at(size_t offset)
{
	return offset + 8 <= size ? file + offset : outside;
}

static uint32_t get16(size_t offset)
{
	return at(offset)[0] | (uint32_t)at(offset)[1] << 8;
}

static uint32_t get32(size_t offset)
{
	return get16(offset) | get16(offset + 2) << 16;
}

static const char *check_section(size_t header, int *ret_sbat)
{
	uint32_t flags = get32(header + 36);

	if (flags & SECTION_EXECUTE && flags & SECTION_WRITE)
		return "a section is both writable and executable";
	if (get32(header + 12) % PAGE)
		return "a section does not begin on a page";
	if (!memcmp(at(header), ".sbat\0\0", 8))
		*ret_sbat = 1;
	return NULL;
}

static const char *check_sections(size_t pe)
{
	size_t header = pe + 24 + get16(pe + 20);
	const char *fault = NULL;
	int sbat = 0;

	for (uint32_t i = 0; i < get16(pe + 6) && !fault; i++)
		fault = check_section(header + 40 * i, &sbat);
	return fault ? fault : sbat ? NULL : "there is no section .sbat";
}

static const char *check(size_t pe)
{
	size_t optional = pe + 24;

	if (size > MAX_BYTES)
		return "the image is larger than 200 KiB";
	if (memcmp(at(pe), "PE\0", 4) || get16(optional) != MAGIC_PE32_PLUS)
		return "this is no PE32+ image";
	if (get16(pe + 4) != MACHINE_X86_64)
		return "the image is not for x86-64";
	if (get16(optional + 68) != SUBSYSTEM_APPLICATION)
		return "the image is no EFI application";
	if (get32(optional + 32) != PAGE)
		return "sections are not aligned to pages";
	return check_sections(pe);
}

/* The checksum, optional and no longer right, becomes 0: none. */
static void mark(size_t optional)
{
	at(optional + 70)[1] |= NX_COMPAT >> 8;
	memset(at(optional + 64), 0, 4);
}

static int load(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return -1;
	size = fread(file, 1, sizeof(file), f);
	return fclose(f);
}

static int save(const char *path)
{
	FILE *f = fopen(path, "wb");
	int failed;

	if (!f)
		return -1;
	failed = fwrite(file, 1, size, f) != size;
	return fclose(f) || failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	const char *fault;

	if (argc != 2 || load(argv[1])) {
		fprintf(stderr, "usage: nxcompat IMAGE\n");
		return 2;
	}
	fault = check(get32(60));
	if (fault) {
		fprintf(stderr, "%s: %s\n", argv[1], fault);
		return 1;
	}
	mark(get32(60) + 24);
	if (save(argv[1])) {
		perror(argv[1]);
		return 2;
	}
	return 0;
}

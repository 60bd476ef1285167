/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * plain_disk.h: a buffer as a disk that counts how often each page is read, and memory that is
 * given back at the end: for what comes before a restore. sim.h has the rest of a machine.
 */
#ifndef THAW_TESTS_PLAIN_DISK_H
#define THAW_TESTS_PLAIN_DISK_H

#include <thaw/platform.h>

struct plain_disk {
	struct thaw_disk d; /* first: cast back */
	uint8_t *bytes;
	uint8_t *times;
	unsigned reads;	  /* pages */
	unsigned rereads; /* of pages that were read before */
	uint64_t bad_page; /* cannot be read; with has_bad */
	bool has_bad;
	unsigned consumed;
	uint64_t consumed_page;
};

/* All zero. Pages that nobody writes to cost no memory. */
void plain_disk_init(struct plain_disk *ret, uint64_t pages);
void plain_disk_free(struct plain_disk *disk);

/* Puts a file of tests/data at the beginning of the disk. Aborts if there is none. */
void plain_disk_load(struct plain_disk *disk, const char *path);

struct plain_memory {
	struct thaw_memory m; /* first: cast back */
	void *list[512];
	size_t count;
	uint64_t fail_at; /* the fail_at-th alloc fails; 0: none */
};

void plain_memory_init(struct plain_memory *ret);
void plain_memory_free(struct plain_memory *memory);

#endif

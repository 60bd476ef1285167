/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * swapoffset.c: swapoffset DEVICE: the page of the device at which a swap header lies, looked for page
 * by page, so that no file system's own idea of it has to be trusted. For a guest's initramfs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE  4096
#define CHUNK (1 << 20)

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECT) : -1;
	char *buf = aligned_alloc(PAGE, CHUNK);
	unsigned long page = 0;
	ssize_t got;

	if (fd < 0 || !buf)
		return 2;
	while ((got = read(fd, buf, CHUNK)) > 0) {
		for (ssize_t at = 0; at + PAGE <= got; at += PAGE, page++) {
			if (memcmp(buf + at + PAGE - 10, "SWAPSPACE2", 10) == 0) {
				printf("%lu\n", page);
				return 0;
			}
		}
	}
	return 1;
}

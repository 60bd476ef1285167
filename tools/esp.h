/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * esp.h: the EFI system partition: where it is mounted, and what firmware calls it.
 */
#ifndef THAW_TOOLS_ESP_H
#define THAW_TOOLS_ESP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct esp {
	char path[PATH_MAX];	 /* of its mount point */
	char disk[PATH_MAX];	 /* the disk that it is on */
	int partition;		 /* its number there */
	bool known;		 /* whether the rest is */
	bool gpt;		 /* else MBR */
	char id[40];		 /* PARTUUID, as blkid(8) prints it */
	uint64_t first_lba, lbas; /* in sectors of the disk */
};

/*
 * Finds the partition. path: where it is mounted, NULL: at /efi, /boot/efi or /boot, if there. disk
 * and partition: what it is on; NULL and 0: asked of the mount. Without need_disk it is no error
 * that this cannot be found out. false: said why and what to do.
 */
bool esp_find(struct esp *ret, const char *path, const char *disk, int partition, bool need_disk);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * config.h: what the user configured, and the parsers of it.
 *
 * The parsers are pure functions over a buffer: any bytes are a configuration, and what is not
 * understood is counted and otherwise ignored. A broken file never stops a boot.
 */
#ifndef THAW_EFI_CONFIG_H
#define THAW_EFI_CONFIG_H

#include <thaw/base.h>

#define CONFIG_MAX_BYTES 65536
#define CONFIG_PATH_MAX	 256 /* UCS-2 units with the terminator */
#define CONFIG_NAME_MAX	 16

enum config_device_kind {
	CONFIG_DEVICE_ANY, /* nothing configured */
	CONFIG_DEVICE_PARTUUID,
	CONFIG_DEVICE_UUID,
	CONFIG_DEVICE_BROKEN, /* configured, but not understood: no device is meant */
};

/* uuid is in the byte order in which it is stored: mixed-endian for GPT, plain for a UUID. */
struct config_device {
	enum config_device_kind kind;
	bool mbr; /* PARTUUID=SSSSSSSS-PP: disk signature and partition number */
	uint8_t uuid[16];
	uint32_t mbr_signature;
	uint32_t mbr_partition;
};

/* How thaw comes to run: the business of thawctl, which keeps it here. */
enum config_mode {
	CONFIG_MODE_RESIDENT, /* first in BootOrder */
	CONFIG_MODE_ARMED,    /* through BootNext, set when the machine hibernates */
};

struct config {
	enum config_mode mode;
	bool dry_run;
	bool verbose;
	bool refuse_hw_sig;
	bool by_hand; /* only as a load option: in a file it would be no decision of the moment */
	struct config_device device;
	uint64_t offset_pages;		  /* of the header, from the beginning of the device */
	uint16_t next[CONFIG_PATH_MAX];	  /* empty: none */
	char checkpoint[CONFIG_NAME_MAX]; /* used by test builds only */
	bool unread;			  /* there is a file, and what it says is not known */
	unsigned ignored;		  /* lines that were not understood */
	unsigned first_ignored;		  /* number of the first of them, from 1 */
};

/* Applies a file: "key value" lines, "#" comments, UTF-8, LF or CRLF. Later lines win. */
void config_parse(struct config *config, const uint8_t *text, size_t len);

/* Applies load options: words of len UCS-2 units, up to a terminator. Foreign words are ignored. */
void config_parse_options(struct config *config, const uint16_t *text, size_t len);

/* Reads both; needs firmware, so not for the host. */
void config_load(struct config *ret);

/* false, and a warning: it does not say where to look for an image, so thaw must not look anywhere. */
bool config_is_sensible(const struct config *config);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * config_parse.c: the text of thaw.conf and of the load options.
 *
 * Free of firmware and of allocation, so that the host's tests and the fuzzer run the same code.
 */
#include "config.h"

#include <thaw/locate.h>

/* A piece of the text being parsed. */
struct word {
	const uint8_t *at;
	size_t len;
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct word trim(struct word w)
{
	while (w.len && is_blank(w.at[0]))
		w = (struct word){w.at + 1, w.len - 1};
	while (w.len && is_blank(w.at[w.len - 1]))
		w.len--;
	return w;
}

/* Cuts *w at the first byte for which stop is true; returns what came before. */
static struct word cut(struct word *w, bool (*stop)(uint8_t c))
{
	struct word head = {w->at, 0};

	while (head.len < w->len && !stop(w->at[head.len]))
		head.len++;
	*w = (struct word){w->at + head.len, w->len - head.len};
	return head;
}

static bool is(struct word w, const char *text)
{
	size_t i;

	for (i = 0; i < w.len && text[i]; i++) {
		if (w.at[i] != (uint8_t)text[i])
			return false;
	}
	return i == w.len && !text[i];
}

static bool starts(struct word *w, const char *prefix)
{
	struct word head = *w;

	for (head.len = 0; prefix[head.len]; head.len++) {
		if (head.len == w->len)
			return false;
	}
	if (!is(head, prefix))
		return false;
	*w = (struct word){w->at + head.len, w->len - head.len};
	return true;
}

static bool parse_bool(struct word w, bool *ret)
{
	static const char *const yes[] = {"1", "y", "yes", "t", "true", "on"};
	static const char *const no[] = {"0", "n", "no", "f", "false", "off"};

	for (size_t i = 0; i < THAW_ARRAY_LEN(yes); i++) {
		if (is(w, yes[i]) || is(w, no[i])) {
			*ret = is(w, yes[i]);
			return true;
		}
	}
	return false;
}

static bool parse_u64(struct word w, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < w.len; i++) {
		if (w.at[i] < '0' || w.at[i] > '9' || thaw_mul_overflows(v, 10u, &v) ||
		    thaw_add_overflows(v, (uint64_t)(w.at[i] - '0'), &v))
			return false;
	}
	*ret = v;
	return w.len != 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes exactly digits hexadecimal digits from the front of *w. */
static bool take_hex(struct word *w, size_t digits, uint32_t *ret)
{
	uint32_t v = 0;

	if (w->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		int d = hex_digit(w->at[i]);

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
	}
	*w = (struct word){w->at + digits, w->len - digits};
	*ret = v;
	return true;
}

static void swap_bytes(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint8_t c = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = c;
	}
}

/* UEFI 2.10, appendix A: the first three fields of a GUID are stored little-endian. */
static void uuid_to_guid(uint8_t *uuid)
{
	swap_bytes(uuid, 4);
	swap_bytes(uuid + 4, 2);
	swap_bytes(uuid + 6, 2);
}

static bool parse_partuuid(struct word w, struct config_device *device)
{
	if (thaw_uuid_parse(device->uuid, w.at, w.len)) {
		uuid_to_guid(device->uuid);
		return true;
	}
	device->mbr = true;
	return take_hex(&w, 8, &device->mbr_signature) && starts(&w, "-") &&
	       take_hex(&w, 2, &device->mbr_partition) && !w.len;
}

/*
 * A value that is not understood must not fall back to "any device": whoever wrote it wanted to
 * narrow the choice.
 */
static bool set_device(struct config *config, struct word w)
{
	struct config_device device = {.kind = CONFIG_DEVICE_BROKEN};

	if (starts(&w, "PARTUUID=") && parse_partuuid(w, &device))
		device.kind = CONFIG_DEVICE_PARTUUID;
	else if (starts(&w, "UUID=") && thaw_uuid_parse(device.uuid, w.at, w.len))
		device.kind = CONFIG_DEVICE_UUID;
	config->device = device;
	return device.kind != CONFIG_DEVICE_BROKEN;
}

/* Likewise: an offset that is not understood lies beyond the end of every device. */
static bool set_offset(struct config *config, struct word w)
{
	config->offset_pages = UINT64_MAX;
	return parse_u64(w, &config->offset_pages);
}

/* Takes one character from the front; 0 if it is not UTF-8, or nothing that UCS-2 can hold. */
static uint16_t take_utf8(struct word *w)
{
	uint8_t lead = w->at[0];
	size_t more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : 3;
	uint32_t c = more == 0 ? lead : more == 1 ? lead & 0x1fu : lead & 0x0fu;

	if (more == 3 || more >= w->len)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if (w->at[i] >> 6 != 2)
			return 0;
		c = c << 6 | (w->at[i] & 0x3fu);
	}
	*w = (struct word){w->at + more + 1, w->len - more - 1};
	if ((more && c < 0x80) || (more == 2 && c < 0x800) || (c >= 0xd800 && c < 0xe000))
		return 0;
	return (uint16_t)c;
}

/* Firmware's file systems know only "\" between the parts of a path. */
static bool set_next(struct config *config, struct word w)
{
	uint16_t path[CONFIG_PATH_MAX] = {0};

	for (size_t n = 0; w.len; n++) {
		uint16_t c = take_utf8(&w);

		if (c < 0x20 || n == CONFIG_PATH_MAX - 1)
			return false;
		path[n] = c == '/' ? '\\' : c;
	}
	__builtin_memcpy(config->next, path, sizeof(path));
	return true;
}

/* Likewise: whoever wrote the key wanted nothing to be restored, at least at times. */
static bool set_dry_run(struct config *config, struct word w)
{
	config->dry_run = true;
	return parse_bool(w, &config->dry_run);
}

static bool set_verbose(struct config *config, struct word w)
{
	return parse_bool(w, &config->verbose);
}

/* Likewise: whoever wrote the key was not content with the default. */
static bool set_hwsig(struct config *config, struct word w)
{
	config->refuse_hw_sig = !is(w, "ignore");
	return is(w, "ignore") || is(w, "refuse");
}

static bool set_mode(struct config *config, struct word w)
{
	config->mode = is(w, "armed") ? CONFIG_MODE_ARMED : CONFIG_MODE_RESIDENT;
	return is(w, "armed") || is(w, "resident");
}

#ifdef THAW_TEST
static bool set_checkpoint(struct config *config, struct word w)
{
	if (w.len >= CONFIG_NAME_MAX)
		return false;
	__builtin_memset(config->checkpoint, 0, CONFIG_NAME_MAX);
	__builtin_memcpy(config->checkpoint, w.at, w.len);
	return true;
}
#endif

static const struct {
	const char *key;
	bool (*set)(struct config *config, struct word value);
} keys[] = {
	{"next", set_next},
	{"dry-run", set_dry_run},
	{"verbose", set_verbose},
	{"device", set_device},
	{"offset", set_offset},
	{"hwsig", set_hwsig},
	{"mode", set_mode},
#ifdef THAW_TEST
	{"checkpoint", set_checkpoint},
#endif
};

static bool apply(struct config *config, struct word key, struct word value)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(keys); i++) {
		if (is(key, keys[i].key))
			return keys[i].set(config, value);
	}
	return false;
}

static bool is_newline(uint8_t c)
{
	return c == '\n';
}

void config_parse(struct config *config, const uint8_t *text, size_t len)
{
	struct word rest = {text, len};

	starts(&rest, "\xef\xbb\xbf");
	for (unsigned number = 1; rest.len; number++) {
		struct word value = trim(cut(&rest, is_newline));
		struct word key = cut(&value, is_blank);

		if (rest.len)
			rest = (struct word){rest.at + 1, rest.len - 1};
		if (!key.len || key.at[0] == '#' || apply(config, key, trim(value)))
			continue;
		if (!config->ignored++)
			config->first_ignored = number;
	}
}

static void apply_option(struct config *config, struct word w)
{
	if (is(w, "dry-run"))
		config->dry_run = true;
	else if (is(w, "verbose"))
		config->verbose = true;
	else if (is(w, "by-hand"))
		config->by_hand = true;
	else if (starts(&w, "next="))
		set_next(config, w);
}

/*
 * Words are ASCII: a path with other characters, or with blanks, belongs into the file. Firmware is
 * known to pass bytes of its own here, so a word with anything else in it is dropped.
 */
void config_parse_options(struct config *config, const uint16_t *text, size_t len)
{
	uint8_t bytes[CONFIG_PATH_MAX];
	struct word w = {bytes, 0};
	bool foreign = false;

	for (size_t i = 0; i <= len; i++) {
		uint16_t c = i < len ? text[i] : 0;

		if (c <= ' ') {
			if (!foreign)
				apply_option(config, w);
			w.len = 0;
			foreign = false;
		} else if (c < 0x7f && w.len < sizeof(bytes)) {
			bytes[w.len++] = (uint8_t)c;
		} else {
			foreign = true;
		}
		if (!c)
			return;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_show.c: thawctl image info and dump, as text and as JSON.
 */
#include "image.h"

#include "advice.h"
#include "json.h"
#include "thawctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One writer for both: text where json is NULL. */
struct show {
	struct json *json;
};

static void show_string(struct show *w, const char *key, const char *value)
{
	if (w->json)
		json_string(w->json, key, *value ? value : NULL);
	else if (*value)
		printf("%-16s %s\n", key, value);
}

/* What the image says of the machine it came from. */
static void show_field(struct show *w, const char *key, const char *field, size_t size)
{
	char text[sizeof(((struct native_header *)NULL)->release) + 1];

	thawctl_plain(text, field, size);
	show_string(w, key, text);
}

static void show_number(struct show *w, const char *key, uint64_t value)
{
	if (w->json)
		json_number(w->json, key, value);
	else
		printf("%-16s %" PRIu64 "\n", key, value);
}

static void show_hex(struct show *w, const char *key, uint64_t value)
{
	if (w->json)
		json_hex(w->json, key, value);
	else
		printf("%-16s 0x%" PRIx64 "\n", key, value);
}

static void show_bytes(struct show *w, const char *key, const uint8_t *bytes, size_t n)
{
	char text[65] = "";
	size_t i;

	for (i = 0; i < n && i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	show_string(w, key, text);
}

/* --- info --------------------------------------------------------------------------------- */

static void show_facts(struct show *w, const struct image_source *s)
{
	const struct thaw_facts *f = &s->image.facts;

	show_string(w, "format", f->format);
	show_number(w, "partition", (uint64_t)s->partition);
	show_number(w, "header_page", s->image.header_page);
	show_string(w, "codec", thaw_codec_name(f->codec));
	show_number(w, "data_frames", f->data_frames);
	show_number(w, "zero_frames", f->zero_frames);
	show_number(w, "runs", s->image.run_count);
	show_number(w, "stored_bytes", f->stored_pages << THAW_PAGE_SHIFT);
	show_number(w, "extents", s->image.extent_count);
	show_hex(w, "jump_va", f->jump_va);
	show_hex(w, "jump_pa", f->jump_pa);
	show_hex(w, "root_pa", f->root_pa);
	if (f->digest_kind == THAW_DIGEST_CRC32)
		show_hex(w, "map_digest", f->digest);
	if (f->has_hw_sig)
		show_hex(w, "hw_sig", f->hw_sig);
	show_hex(w, "identity", f->identity);
}

static void show_time(struct show *w, uint64_t created)
{
	char text[40] = "";
	time_t t = (time_t)created;
	struct tm tm;

	if (created && gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	show_string(w, "created", text);
}

static void show_header(struct show *w, const struct image_source *s, const struct native_header *h)
{
	static const uint8_t nobody[16];

	show_bytes(w, "uuid", h->uuid, sizeof(h->uuid));
	show_number(w, "generation", h->generation);
	show_time(w, h->created);
	if (memcmp(h->machine_id, nobody, sizeof(nobody)))
		show_bytes(w, "machine_id", h->machine_id, sizeof(h->machine_id));
	show_field(w, "release", h->release, sizeof(h->release));
	show_field(w, "kernel_version", h->kernel_version, sizeof(h->kernel_version));
	show_field(w, "hostname", h->hostname, sizeof(h->hostname));
	show_field(w, "writer", h->writer, sizeof(h->writer));
	show_number(w, "fill_frames", h->fill_frames);
	show_number(w, "spare_frames", h->spare_frames);
	show_number(w, "blocks", s->image.block_count);
	show_number(w, "map_entries", s->image.saved_map_count);
}

int image_info(struct image_source *s, const struct image_options *o)
{
	struct json json = {.out = stdout};
	struct show w = {o->json ? &json : NULL};
	struct native_header header;
	bool native = image_is_native(s);

	if (native && !image_header(s, &header)) {
		thawctl_error(advice_for(THAW_READ), "%s: the header cannot be read", o->path);
		return THAWCTL_ENVIRONMENT;
	}
	if (o->json)
		json_object(&json, NULL);
	show_facts(&w, s);
	if (native)
		show_header(&w, s, &header);
	if (o->json)
		json_end(&json);
	return THAWCTL_DONE;
}

/* --- dump --------------------------------------------------------------------------------- */

/* A row of numbers under names, begun by a word. */
struct column {
	const char *name;
	uint64_t value;
	bool hex;
};

static void show_row(struct show *w, const char *what, const char *kind,
		     const struct column *columns, size_t count)
{
	size_t i;

	if (w->json)
		json_object(w->json, NULL);
	else
		printf("%s", what);
	if (w->json && kind)
		json_string(w->json, "kind", kind);
	else if (kind)
		printf(" %s", kind);
	for (i = 0; i < count; i++) {
		if (w->json && columns[i].hex)
			json_hex(w->json, columns[i].name, columns[i].value);
		else if (w->json)
			json_number(w->json, columns[i].name, columns[i].value);
		else
			printf(columns[i].hex ? " 0x%" PRIx64 : " %" PRIu64, columns[i].value);
	}
	if (w->json)
		json_end(w->json);
	else
		putchar('\n');
}

#define SHOW(w, what, kind, ...)                                                                   \
	show_row(w, what, kind, (const struct column[]){__VA_ARGS__},                              \
		 sizeof((const struct column[]){__VA_ARGS__}) / sizeof(struct column))

/* Between begin and end the rows of one table; text says what the columns are. */
static void begin_table(struct show *w, const char *key, const char *columns)
{
	if (w->json)
		json_array(w->json, key);
	else
		printf("# %s\n", columns);
}

static void end_table(struct show *w)
{
	if (w->json)
		json_end(w->json);
}

static void dump_runs(struct show *w, const struct thaw_image *image)
{
	static const char *const kinds[] = {
		[THAW_RUN_DATA] = "data",
		[THAW_RUN_ZERO] = "zero",
		[THAW_RUN_FILL] = "fill",
	};
	size_t i;

	begin_table(w, "runs", "run kind first-frame frames fill");
	for (i = 0; i < image->run_count; i++) {
		const struct thaw_run *r = &image->runs[i];

		SHOW(w, "run", kinds[r->kind], {"first", r->first, true},
		     {"count", r->count, false}, {"fill", r->fill, true});
	}
	end_table(w);
}

static void dump_extents(struct show *w, const struct thaw_image *image)
{
	size_t i;

	begin_table(w, "extents", "extent first-page pages");
	for (i = 0; i < image->extent_count; i++)
		SHOW(w, "extent", NULL, {"first", image->extents[i].page, false},
		     {"count", image->extents[i].count, false});
	end_table(w);
}

static void dump_blocks(struct show *w, const struct thaw_image *image)
{
	size_t i;

	begin_table(w, "blocks", "block codec position stored-bytes first-page pages checksum");
	for (i = 0; i < image->block_count; i++) {
		const struct native_block *b = &image->blocks[i];

		SHOW(w, "block", b->codec == NATIVE_CODEC_LZ4 ? "lz4" : "none",
		     {"position", b->position, false}, {"stored", b->stored, false},
		     {"first_page", b->first_page, false}, {"pages", b->pages, false},
		     {"checksum", b->checksum, true});
	}
	end_table(w);
}

static void dump_map(struct show *w, const struct thaw_image *image)
{
	size_t i;

	begin_table(w, "memory_map", "memory address bytes type");
	for (i = 0; i < image->saved_map_count; i++) {
		const struct thaw_e820 *e = &image->saved_map[i];

		SHOW(w, "memory", NULL, {"address", e->addr, true}, {"bytes", e->size, true},
		     {"type", e->type, false});
	}
	end_table(w);
}

int image_dump(struct image_source *s, const struct image_options *o)
{
	struct json json = {.out = stdout};
	struct show w = {o->json ? &json : NULL};

	if (o->json)
		json_object(&json, NULL);
	dump_runs(&w, &s->image);
	dump_extents(&w, &s->image);
	dump_blocks(&w, &s->image);
	dump_map(&w, &s->image);
	if (o->json)
		json_end(&json);
	return THAWCTL_DONE;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * check_json.c: the answer for programs. Members that are not known are null or left out with their
 * object; none ever changes its meaning.
 */
#include "advice.h"
#include "check.h"
#include "json.h"
#include "thawctl.h"

static const char *verdict(const struct check *c)
{
	switch (check_exit(c)) {
	case THAWCTL_DONE:
		return "restore";
	case THAWCTL_NO_IMAGE:
		return "no-image";
	case THAWCTL_REFUSED:
		return "refuse";
	default:
		return "error";
	}
}

static void put_reason(struct json *j, const struct check *c)
{
	const struct thaw_diag *d = &c->report.diag;

	if (d->code == THAW_DRY_RUN) {
		json_null(j, "reason");
		return;
	}
	json_object(j, "reason");
	json_string(j, "name", thaw_err_name(d->code));
	json_hex(j, "code", d->code);
	json_string(j, "sentence", thaw_err_sentence(d->code));
	json_string(j, "where", d->where);
	json_hex(j, "a", d->a);
	json_hex(j, "b", d->b);
	json_string(j, "advice", advice_for(c->report.diag.code));
	json_end(j);
}

static void put_area(struct json *j, const struct check *c)
{
	if (!c->area) {
		json_null(j, "area");
		return;
	}
	json_object(j, "area");
	json_number(j, "offset", c->area->offset);
	json_number(j, "size", c->area->size);
	json_number(j, "partition", (uint64_t)c->area->partition);
	json_number(j, "header_page", c->header_page);
	json_string(j, "foreign", c->area->foreign[0] ? c->area->foreign : NULL);
	json_end(j);
}

static void put_optional_hex(struct json *j, const char *key, bool known, uint64_t value)
{
	if (known)
		json_hex(j, key, value);
	else
		json_null(j, key);
}

static void put_image(struct json *j, const struct thaw_facts *f)
{
	if (!f->mark) {
		json_null(j, "image");
		return;
	}
	json_object(j, "image");
	json_string(j, "format", f->format);
	json_string(j, "codec", thaw_codec_name(f->codec));
	json_number(j, "data_pages", f->data_frames);
	json_number(j, "zero_pages", f->zero_frames);
	json_number(j, "list_pages", f->meta_pages);
	json_number(j, "stored_pages", f->stored_pages);
	json_bool(j, "platform_mode", f->platform_mode);
	put_optional_hex(j, "checksum", f->has_checksum, f->checksum);
	put_optional_hex(j, "hw_sig", f->has_hw_sig, f->hw_sig);
	put_optional_hex(j, "map_digest", f->digest_kind == THAW_DIGEST_CRC32, f->digest);
	put_optional_hex(j, "jump_va", f->root_pa, f->jump_va);
	put_optional_hex(j, "jump_pa", f->root_pa, f->jump_pa);
	put_optional_hex(j, "root_pa", f->root_pa, f->root_pa);
	put_optional_hex(j, "identity", f->identity, f->identity);
	json_hex(j, "mark", f->mark);
	json_end(j);
}

static void put_drifts(struct json *j, const struct check *c)
{
	size_t i;

	json_array(j, "differences");
	for (i = 0; i < c->drift_count && i < HOST_DRIFTS_MAX; i++) {
		json_object(j, NULL);
		json_string(j, "what", c->drifts[i].what);
		json_hex(j, "saved", c->drifts[i].saved);
		json_hex(j, "today", c->drifts[i].today);
		json_end(j);
	}
	json_end(j);
}

static void put_plan(struct json *j, const struct check *c)
{
	const struct thaw_report *r = &c->report;

	if (!c->memmap_path || !c->map_ranges) {
		json_null(j, "firmware");
		return;
	}
	json_object(j, "firmware");
	json_number(j, "ranges", c->map_ranges);
	json_hex(j, "map_digest", c->digest_today);
	if (r->facts.digest_kind)
		json_bool(j, "digest_equal", c->map_is_saved);
	else
		json_null(j, "digest_equal");
	if (r->phase >= THAW_PHASE_LOAD) {
		json_number(j, "placed", r->placed);
		json_number(j, "staged", r->staged);
		json_number(j, "zeroed", r->zeroed);
	}
	put_drifts(j, c);
	/* Where the map moved firmware looks at them, and nobody else can. */
	json_bool(j, "tables_unseen", !c->map_is_saved);
	json_end(j);
}

static void put_load(struct json *j, const struct check *c)
{
	if (!c->levels) {
		json_null(j, "loaded");
		return;
	}
	json_object(j, "loaded");
	json_number(j, "pages", c->report.facts.stream_pages);
	json_number(j, "read_pages", c->read_pages);
	json_number(j, "processors", c->processors);
	json_number(j, "microseconds", c->report.phase_us[THAW_PHASE_LOAD]);
	json_number(j, "paging_levels", c->levels);
	json_end(j);
}

void check_print_json(const struct check *c)
{
	struct json j = {.out = stdout};

	json_object(&j, NULL);
	json_string(&j, "path", c->path);
	json_string(&j, "verdict", verdict(c));
	put_reason(&j, c);
	put_area(&j, c);
	put_image(&j, &c->report.facts);
	put_plan(&j, c);
	put_load(&j, c);
	json_end(&j);
}

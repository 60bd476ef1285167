/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * rehearse.h: an attempt without a firmware's map.
 */
#ifndef THAW_TOOLS_REHEARSE_H
#define THAW_TOOLS_REHEARSE_H

#include <thaw/loader.h>

/*
 * What thaw_restore() does in a dry run, with the same parts in the same order, but for the one
 * question that a made-up map cannot answer: whether its digest is the image's. Returns any reason
 * of err.h, THAW_DRY_RUN if the image is sound.
 */
enum thaw_err rehearse(struct thaw_machine *m, struct thaw_disk *disk, uint64_t header_page,
		       struct thaw_report *report);

#endif

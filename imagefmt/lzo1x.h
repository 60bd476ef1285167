/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lzo1x.h: decoder for raw LZO1X streams, without lzop's header and without lzo-rle's extension.
 */
#ifndef THAW_LZO1X_H
#define THAW_LZO1X_H

#include <thaw/err.h>

/*
 * Decodes the whole of src[0..src_len) into dst and stores in *ret_len how many bytes came out,
 * at most dst_cap. The end-of-stream marker must be the last thing in src. src and dst must not
 * overlap. Reads nothing outside src and writes nothing outside dst, whatever src holds; bytes of
 * dst beyond *ret_len, and all of them on failure, are undefined.
 *
 * THAW_OK, or THAW_BLOCK_DATA (then *ret_len is untouched).
 */
enum thaw_err thaw_lzo1x_decode(const void *src, size_t src_len, void *dst, size_t dst_cap,
				size_t *ret_len);

#endif

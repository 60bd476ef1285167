/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lz4.h: decoder for raw LZ4 blocks, without a frame and without a size word.
 */
#ifndef THAW_LZ4_H
#define THAW_LZ4_H

#include <thaw/err.h>

/*
 * Decodes the whole of src[0..src_len) into dst and stores in *ret_len how many bytes came out,
 * at most dst_cap. src must end with the literals of its last sequence. src and dst must not
 * overlap. Reads nothing outside src and writes nothing outside dst, whatever src holds; bytes of
 * dst beyond *ret_len, and all of them on failure, are undefined.
 *
 * THAW_OK, or THAW_BLOCK_DATA (then *ret_len is untouched).
 */
enum thaw_err thaw_lz4_decode(const void *src, size_t src_len, void *dst, size_t dst_cap,
			      size_t *ret_len);

#endif

# SPDX-License-Identifier: BSD-2-Clause-Patent
"""LZO1X and LZ4 blocks decoded, and checksums computed, by the libraries of their authors."""

import ctypes

CHUNK = 32 * 4096


class CodecError(Exception):
    pass


_lzo = ctypes.CDLL("liblzo2.so.2")
_lz4 = ctypes.CDLL("liblz4.so.1")
_xxhash = ctypes.CDLL("libxxhash.so.0")
_xxhash.XXH64.restype = ctypes.c_uint64
_out = ctypes.create_string_buffer(CHUNK)


def lzo(data):
    """One LZO1X block of at most CHUNK bytes decoded."""
    length = ctypes.c_size_t(CHUNK)
    result = _lzo.lzo1x_decompress_safe(data, ctypes.c_size_t(len(data)), _out,
                                        ctypes.byref(length), None)
    if result != 0:
        raise CodecError(f"LZO error {result}")
    return _out.raw[:length.value]


def lz4(data):
    """One LZ4 block of at most CHUNK bytes decoded."""
    length = _lz4.LZ4_decompress_safe(data, _out, len(data), CHUNK)
    if length < 0:
        raise CodecError(f"LZ4 error {length}")
    return _out.raw[:length]


def xxh64(data):
    """XXH64 with seed 0."""
    return _xxhash.XXH64(bytes(data), ctypes.c_size_t(len(data)), ctypes.c_uint64(0))

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""seeds.py FOLDER FILE:BYTE...: cuts what fuzzing begins with out of really hibernated disks (an area
begins at that byte of the file) and out of the firmware variables beside them:

  fuzz_image    the first pages of the area: header, map, record, the beginning of the stream
  fuzz_lzo1x, fuzz_lz4
                pages of the guest's memory, compressed as its kernel does it
  fuzz_record   ThawStatus, where a guest has it

tests/corpus has a few of them; "fuzz_TARGET -merge=1" says which are worth it."""

import ctypes
import hashlib
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test-images"))

import record
import swsusp

PAGES = 4           # of an area
PIECES = 8          # of memory, all over it
PIECE = 8 * swsusp.PAGE

_lzo = ctypes.CDLL("liblzo2.so.2")
_lz4 = ctypes.CDLL("liblz4.so.1")


def lzo(data):
    out, length = ctypes.create_string_buffer(2 * PIECE), ctypes.c_size_t(0)
    work = ctypes.create_string_buffer(1 << 20)
    _lzo.lzo1x_1_compress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(length), work)
    return out.raw[:length.value]


def lz4(data):
    out = ctypes.create_string_buffer(2 * PIECE)
    return out.raw[:_lz4.LZ4_compress_default(data, out, len(data), len(out))]


def keep(folder, target, data):
    path = folder / target / f"real-{hashlib.sha1(data).hexdigest()[:16]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def cut(folder, path, at):
    with open(path, "rb") as file:
        image = swsusp.Image(file, at)
        keep(folder, "fuzz_image", image.block(0, PAGES))
        pages = [bytes(page) for _, page in image.frames() if page is not None]
    for n in range(0, len(pages), len(pages) // PIECES):
        piece = b"".join(pages[n:n + PIECE // swsusp.PAGE])
        room = len(piece).to_bytes(2, "little")
        keep(folder, "fuzz_lzo1x", room + lzo(piece))
        keep(folder, "fuzz_lz4", room + lz4(piece))
    variables = pathlib.Path(path).parent / "vars.fd"
    if variables.exists() and (stored := record.stored(variables)):
        keep(folder, "fuzz_record", stored)


def main():
    folder = pathlib.Path(sys.argv[1])
    for area in sys.argv[2:]:
        path, _, at = area.rpartition(":")
        cut(folder, path, int(at))


if __name__ == "__main__":
    main()

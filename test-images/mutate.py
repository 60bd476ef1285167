# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Changes to a hibernated disk, written down as data.

A change names a part of the image (header, map, info, frames, data; swsusp.Image.places), a block
of that part (block, default 0; negative counts from the end) and a byte of the block, and either
flips a bit of it (bit) or writes a text over it (write). Some bits of a compressed stream mean
nothing (a match may copy equal bytes from elsewhere): there the next byte whose bit matters is
taken. { md5 = "computed" } makes of the restore record what Linux 4.10 to 5.12 wrote: no kernel that
can be had does; "not computed" is such a kernel without MD5 built in."""

import hashlib
import re
import struct
import zlib

import swsusp

STREAM = ("frames", "data")


def _digest(file, swap_at):
    """The checksum of the decoded stream, or None when it cannot be decoded."""
    image = swsusp.Image(file, swap_at)
    image.flags &= ~swsusp.CRC32
    try:
        for _ in image.stream():
            pass
    except (swsusp.ImageError, swsusp.codec.CodecError):
        return None
    return image.computed_crc32


def _write(file, at, data):
    file.seek(at)
    file.write(data)
    file.flush()


def _flip(file, at, bit):
    file.seek(at)
    _write(file, at, bytes([file.read(1)[0] ^ 1 << bit]))


def _flip_stream(file, at, bit, swap_at):
    good = _digest(file, swap_at)
    _flip(file, at, bit)
    while _digest(file, swap_at) == good:
        _flip(file, at, bit)
        at += 1
        _flip(file, at, bit)


# u32 count, then a first entry of RAM at 0: u64 address, u64 size, u32 type.
TABLE = re.compile(rb"(?=.[\x00\x01]\x00\x00\x00{8}..[^\x00].{5}\x01\x00\x00\x00)", re.DOTALL)
MD5_MAGIC = 0x23456789abcdef01


def _firmware_table(image):
    """The saved kernel's own e820 table: its CRC-32 is the digest in the record."""
    for _, page in image.frames():
        for match in TABLE.finditer(page or b""):
            (count,) = struct.unpack_from("<I", page, match.start())
            table = bytes(page[match.start():match.start() + 4 + 20 * count])
            if zlib.crc32(table) == image.e820_digest:
                return table
    raise swsusp.ImageError("the image does not hold its memory map")


def _to_md5(file, swap_at, at, kind):
    digest = bytes(16)
    if kind == "computed":
        digest = hashlib.md5(_firmware_table(swsusp.Image(file, swap_at))).digest()
    _write(file, at + 24, struct.pack("<Q", MD5_MAGIC) + digest)


def apply(path, swap_at, changes):
    """Applies the changes to a disk; all places are looked up before the first one is made."""
    if not changes:
        return
    with open(path, "r+b") as file:
        places = swsusp.Image(file, swap_at).places()
        for change in changes:
            block = places[change["part"]][change.get("block", 0)]
            at = swap_at + block * swsusp.PAGE + change.get("byte", 0)
            if "md5" in change:
                _to_md5(file, swap_at, at, change["md5"])
            elif "write" in change:
                _write(file, at, change["write"].encode("latin-1"))
            elif change["part"] in STREAM:
                _flip_stream(file, at, change["bit"], swap_at)
            else:
                _flip(file, at, change["bit"])


def sectors(path, swap_at, faults):
    """Faults of a disk for Machine: each names a part of the image and a block of it as above, and
    says iotype and once."""
    with open(path, "rb") as file:
        places = swsusp.Image(file, swap_at).places()
    return [{"sector": (swap_at + places[f["part"]][f.get("block", 0)] * swsusp.PAGE) // 512,
             "iotype": f["iotype"], "once": f.get("once", False)} for f in faults]

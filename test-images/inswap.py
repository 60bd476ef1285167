# SPDX-License-Identifier: BSD-2-Clause-Patent
"""An image of thaw's own form moved into swap space, with an anchor in the swap header and extents
wherever the file lies: written, as thawimage.py reads, from docs/FORMAT.md and nothing of thaw's code.
The logical space stays byte for byte what it was."""

import struct
import subprocess

import codec
import thawimage

UNIT = thawimage.UNIT
EXTENTS = (UNIT - 48) // 16    # in a segment of one unit


def blocks(place, name):
    """The units of a file on an ext4 file system, in the file's order. What is in the journal alone is
    written first: give a copy."""
    subprocess.run(["e2fsck", "-y", "-E", "journal_only", place], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    said = subprocess.run(["debugfs", "-R", f"dump_extents -l {name}", place],
                          capture_output=True, text=True, check=True).stdout
    found = []
    for line in said.splitlines()[1:]:
        numbers = [int(word) for word in line.replace("/", " ").replace("-", " ").split()
                   if word.isdigit()]
        # Level and number of levels, entry and number of entries, logical blocks, physical ones.
        _, _, _, _, logical, _, first, last = numbers[:8]
        if logical != len(found):
            raise ValueError(f"{name} has a hole at block {len(found)}")
        found += range(first, last + 1)
    return found


def _runs(units):
    """[first, count] of neighbours."""
    found = []
    for unit in units:
        if found and sum(found[-1]) == unit:
            found[-1][1] += 1
        else:
            found.append([unit, 1])
    return found


def _write_segments(put, places, runs):
    """From the last to the first, for each names the next; returns (unit, checksum) of the first."""
    following = 0, 0, 0
    for number, unit in reversed(list(enumerate(places))):
        part = runs[number * EXTENTS:(number + 1) * EXTENTS]
        data = struct.pack("<8sIIQIIQQ", b"THAWEXTS", len(part), 0, following[0], following[1], 0,
                           following[2], 0) + b"".join(struct.pack("<QQ", *run) for run in part)
        data = data.ljust(UNIT, b"\0")
        put(unit, data)
        following = unit, 1, codec.xxh64(data)
    return following[0], following[2]


def move(image, path, at, header_unit, units):
    """`image` is a thawimage.Image; the area begins at a byte of the disk, and the swap space lends
    it those units of it, in that order. Returns the number of extents."""
    runs = _runs(units[:image.logical_units])
    rest = iter(units[image.logical_units:])
    segments = [next(rest) for _ in range(-(-len(runs) // EXTENTS))]
    with open(path, "r+b") as file:
        def put(unit, data):
            file.seek(at + unit * UNIT)
            file.write(data)

        position = 0
        for first, count in runs:
            put(first, image.logical(position, count * UNIT))
            position += count * UNIT
        unit, checksum = _write_segments(put, segments, runs)
        header = bytearray(image.unit(image.header_unit))
        struct.pack_into("<QQIIQ", header, 152, len(runs), unit, 1, 0, checksum)
        place = next(rest)
        put(place, header)
        record = bytearray(struct.pack("<8sII16sQQQQ", thawimage.ANCHOR_MAGIC, 1, thawimage.SAVE,
                                       image.uuid, image.generation, header_unit, place,
                                       codec.xxh64(header)).ljust(248, b"\0"))
        record += struct.pack("<Q", codec.xxh64(record))
        file.seek(at + header_unit * UNIT)
        page = bytearray(file.read(UNIT))
        page[1280:1536] = record
        struct.pack_into("<QI10s10s", page, 4064, 0, 0, b"SWAPSPACE2", b"S1SUSPEND\0")
        put(header_unit, page)
    return len(runs)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Says what a hibernation image holds, and whether memory holds exactly that.

  oracle.py info IMAGE [--offset BYTES]
  oracle.py compare IMAGE [--offset BYTES] START:DUMP...

IMAGE is a disk, a partition or a copy of one; DUMP a file with physical memory from address START
(hexadecimal) on, as QEMU's pmemsave writes it."""

import argparse
import mmap
import sys

import disk
import swsusp

PAGE = swsusp.PAGE


class Memory:
    """Physical memory from dumps of [start, start + length)."""

    def __init__(self, dumps):
        self.ranges = []
        for start, path in dumps:
            with open(path, "rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            self.ranges.append((start // PAGE, (start + len(view)) // PAGE, view))

    def page(self, frame):
        """The page in a frame, or None where there was no RAM."""
        for first, end, view in self.ranges:
            if first <= frame < end:
                at = (frame - first) * PAGE
                return view[at:at + PAGE]
        return None


class Comparison:
    """Counts, and the frames that differ."""

    def __init__(self):
        self.frames = self.zero = 0
        self.wrong = []

    def add(self, frame, expected, found):
        self.frames += 1
        self.zero += expected is None
        if found != (expected if expected is not None else bytes(PAGE)):
            self.wrong.append(frame)

    def __str__(self):
        text = f"{self.frames} frames compared ({self.zero} of zeroes), {len(self.wrong)} wrong"
        return text + "".join(f" {frame:#x}" for frame in self.wrong[:16])


def compare_image(image, memory):
    """Every frame of the image against memory."""
    result = Comparison()
    for frame, page in image.frames():
        result.add(frame, page, memory.page(frame))
    return result


def compare_foreign(ranges, before, after):
    """Every frame of (start, end, type) ranges, before against after. Frames that are no RAM of
    the dumps are left out."""
    result = Comparison()
    for start, end, _ in ranges:
        for frame in range(start // PAGE, end // PAGE):
            page = before.page(frame)
            if page is not None:
                result.add(frame, page, after.page(frame))
    return result


def open_image(path, offset=None):
    """The image in a file; without an offset, in the first swap area that has one."""
    file = open(path, "rb")
    places = disk.swap_areas(file) if offset is None else [offset]
    for place in places:
        try:
            return swsusp.Image(file, place)
        except swsusp.ImageError:
            if place == places[-1]:
                raise
    raise swsusp.ImageError("no swap area found")


def info(image):
    """Prints the image's facts after decoding all of it."""
    frames = zero = 0
    highest = 0
    for frame, page in image.frames():
        frames, zero, highest = frames + 1, zero + (page is None), max(highest, frame)
    used, raw = image.stream_blocks_used, image.pages - 1
    print(f"offset          {image.offset}")
    print(f"flags           {image.flags:#x} {' '.join(image.flag_names())}")
    print(f"codec           {image.codec}")
    print(f"map pages       {len(image.map_blocks)}")
    print(f"pages           {image.pages} = 1 + {image.meta_pages} of frame numbers"
          f" + {image.image_pages} of data")
    print(f"frames          {frames}, {zero} of them zero, highest {highest:#x}")
    print(f"stored          {used} blocks for {raw} pages, {100 * used / raw:.1f} %")
    print(f"CRC             {image.computed_crc32:08x} computed, {image.crc32:08x} in the header")
    print(f"jump            {image.jump_address:#x} at {image.jump_address_phys:#x},"
          f" cr3 {image.cr3:#x}, magic {image.magic:#x}")
    print(f"e820 digest     {image.e820_digest:08x}")


def _dump(text):
    start, _, path = text.partition(":")
    return int(start, 16), path


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("info", "compare"):
        command = commands.add_parser(name)
        command.add_argument("image")
        command.add_argument("--offset", type=int)
    command.add_argument("dumps", nargs="+", type=_dump, metavar="START:DUMP")
    arguments = parser.parse_args()
    try:
        image = open_image(arguments.image, arguments.offset)
        if arguments.command == "info":
            return info(image)
        result = compare_image(image, Memory(arguments.dumps))
    except (swsusp.ImageError, swsusp.codec.CodecError) as error:
        sys.exit(f"oracle: {error}")
    print(f"oracle: {result}")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

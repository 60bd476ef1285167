#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Says what a hibernation image holds, and whether memory holds exactly that.

  oracle.py info IMAGE [--offset BYTES]
  oracle.py compare IMAGE [--offset BYTES] START:DUMP...
  oracle.py same IMAGE IMAGE

IMAGE is a disk, a partition or a copy of one; DUMP a file with physical memory from address START
(hexadecimal) on, as QEMU's pmemsave writes it. Both formats are read: Linux's and thaw's own."""

import argparse
import mmap
import sys

import codec
import disk
import swsusp
import thawimage

PAGE = swsusp.PAGE


class Memory:
    """Physical memory from dumps of [start, start + length)."""

    def __init__(self, dumps):
        self.dumps, self.ranges = dumps, []
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


def compare_images(one, other):
    """Every frame of one image against the same frame of another. A frame that only one of them has
    is wrong."""
    result = Comparison()
    pages = dict(other.frames())
    for frame, page in one.frames():
        found = pages.pop(frame, b"")
        result.add(frame, page, bytes(PAGE) if found is None else found)
    for frame in pages:
        result.add(frame, b"", None)
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
    """The image in a file, of either format; without an offset, in the first area that has one."""
    file = open(path, "rb")
    areas = disk.areas(file) if offset is None else [(offset, None)]
    for start, size in areas:
        for image in (lambda: swsusp.Image(file, start), lambda: thawimage.Image(file, start, size)):
            try:
                return image()
            except (swsusp.NoImage, thawimage.NoImage):
                pass
    raise swsusp.NoImage("no image found")


def info(image):
    """Prints the image's facts after decoding all of it."""
    for name, value in [("offset", image.offset), *image.facts()]:
        print(f"{name:<15} {value}")


def _dump(text):
    start, _, path = text.partition(":")
    return int(start, 16), path


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("info", "compare", "same"):
        command = commands.add_parser(name)
        command.add_argument("image")
        if name == "same":
            command.add_argument("other")
        else:
            command.add_argument("--offset", type=int)
        if name == "compare":
            command.add_argument("dumps", nargs="+", type=_dump, metavar="START:DUMP")
    arguments = parser.parse_args()
    try:
        if arguments.command == "same":
            result = compare_images(open_image(arguments.image), open_image(arguments.other))
        else:
            image = open_image(arguments.image, arguments.offset)
            if arguments.command == "info":
                return info(image)
            result = compare_image(image, Memory(arguments.dumps))
    except (swsusp.ImageError, thawimage.ImageError, codec.CodecError) as error:
        sys.exit(f"oracle: {error}")
    print(f"oracle: {result}")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Linux's hibernation image, read from the description in the kernel (kernel/power/swap.c,
snapshot.c, arch/x86/power/hibernate.c) and from nothing of thaw: the other opinion.

An image is a header page, a chain of map pages that name the blocks of the stream in order, an
info page, and the stream: a list of frame numbers, then the pages of those frames that are not
zero. Numbers are little-endian, blocks are 4 KiB and counted from the start of the swap area."""

import array
import os
import struct
import zlib

import codec

PAGE = 4096
ENTRIES = PAGE // 8 - 1
SIGNATURE = b"S1SUSPEND\0"
NOCOMPRESS, CRC32, LZ4 = 2, 4, 16
FLAG_NAMES = {1: "PLATFORM_MODE", 2: "NOCOMPRESS", 4: "CRC32", 8: "HW_SIG", 16: "LZ4"}
MAGIC = 0x23456789ABCDEF02
END_OF_FRAMES = (1 << 64) - 1
ZERO = 1 << 63
PAGES_PER_CHUNK = 32


class ImageError(Exception):
    pass


class NoImage(ImageError):
    pass


class Image:
    """An image in an open file, at a byte offset. Reading is lazy."""

    def __init__(self, file, offset):
        self.file, self.offset = file, offset
        self._read_header(self.block(0))
        self._read_map()
        self._read_info(self.block(self.info_block))

    def block(self, number, count=1):
        data = os.pread(self.file.fileno(), count * PAGE, self.offset + number * PAGE)
        if len(data) != count * PAGE:
            raise ImageError(f"block {number} is beyond the end")
        return data

    # --- metadata --------------------------------------------------------------------------------
    def _read_header(self, page):
        (self.hw_sig, self.crc32, self.first_map, self.flags, self.orig_sig,
         self.sig) = struct.unpack_from("<IIQI10s10s", page, PAGE - 40)
        if self.sig != SIGNATURE:
            raise NoImage(f"no image: signature {self.sig!r}")

    def _read_map(self):
        self.map_blocks, blocks, where = [], [], self.first_map
        while where:
            if where in self.map_blocks:
                raise ImageError("the chain of map pages has a loop")
            self.map_blocks.append(where)
            *entries, where = struct.unpack(f"<{ENTRIES + 1}Q", self.block(where))
            blocks += entries[:entries.index(0)] if 0 in entries else entries
        self.info_block, *self.stream_blocks = blocks

    def _read_info(self, page):
        (self.jump_address, self.jump_address_phys, self.cr3, self.magic,
         self.e820_digest) = struct.unpack_from("<QQQQQ", page, 0)
        (self.num_physpages, self.cpus, self.image_pages, self.pages,
         self.size) = struct.unpack_from("<Qi4xQQQ", page, 400)
        self.meta_pages = self.pages - self.image_pages - 1

    def flag_names(self):
        return [name for bit, name in FLAG_NAMES.items() if self.flags & bit]

    @property
    def codec(self):
        return "none" if self.flags & NOCOMPRESS else "lz4" if self.flags & LZ4 else "lzo"

    # --- the stream ------------------------------------------------------------------------------
    def chunks(self):
        """(blocks, stored payload) of each chunk; uncompressed, a chunk is one page."""
        blocks, at, left = self.stream_blocks, 0, self.pages - 1
        while left > 0:
            if self.flags & NOCOMPRESS:
                count, payload = 1, self.block(blocks[at])
            else:
                first = self.block(blocks[at])
                (length,) = struct.unpack_from("<Q", first)
                count = -(-(length + 8) // PAGE)
                rest = b"".join(map(self.block, blocks[at + 1:at + count]))
                payload = (first + rest)[8:8 + length]
                if len(payload) != length:
                    raise ImageError(f"the chunk at stream block {at} does not end")
            yield blocks[at:at + count], payload
            at += count
            left -= 1 if self.flags & NOCOMPRESS else PAGES_PER_CHUNK
        self.stream_blocks_used = at

    def stream(self):
        """The stream decoded, in pieces of whole pages; checks the CRC at the end."""
        decode = {"none": bytes, "lz4": codec.lz4, "lzo": codec.lzo}[self.codec]
        crc, left = 0xffffffff, self.pages - 1
        for _, payload in self.chunks():
            data = decode(payload)
            expected = PAGE if self.codec == "none" else min(left, PAGES_PER_CHUNK) * PAGE
            if len(data) != expected:
                raise ImageError(f"a chunk holds {len(data)} bytes instead of {expected}")
            left -= len(data) // PAGE
            # Linux starts at 0 and does not invert at the end; zlib does both.
            crc = zlib.crc32(data, crc)
            yield data
        self.computed_crc32 = crc ^ 0xffffffff
        if self.flags & CRC32 and self.computed_crc32 != self.crc32:
            raise ImageError(f"CRC {self.computed_crc32:08x} is not {self.crc32:08x}")

    def frames(self):
        """(frame, page) in the order of the list; page is None for a frame of zeroes."""
        pages = (view[i:i + PAGE] for view in map(memoryview, self.stream())
                 for i in range(0, len(view), PAGE))
        numbers = array.array("Q")
        for _ in range(self.meta_pages):
            numbers.frombytes(next(pages))
        for number in numbers:
            if number == END_OF_FRAMES:
                break
            if number & ZERO:
                yield number & ~ZERO, None
            else:
                yield number, next(pages)
        if any(True for _ in pages):
            raise ImageError("pages are left that belong to no frame")

    def places(self):
        """{what: [block, …]}: where each part of the image lies, in blocks of the swap area."""
        listed, data, seen = [], [], 0
        for blocks, _ in self.chunks():
            (listed if seen < self.meta_pages else data).extend(blocks)
            seen += 1 if self.flags & NOCOMPRESS else PAGES_PER_CHUNK
        return {"header": [0], "map": self.map_blocks, "info": [self.info_block],
                "frames": listed, "data": data}

    def facts(self):
        """(name, value) of what the image says of itself; all of it has been decoded then."""
        frames = zero = highest = 0
        for frame, page in self.frames():
            frames, zero, highest = frames + 1, zero + (page is None), max(highest, frame)
        used, raw = self.stream_blocks_used, self.pages - 1
        return [("flags", f"{self.flags:#x} {' '.join(self.flag_names())}"),
                ("codec", self.codec), ("map pages", len(self.map_blocks)),
                ("pages", f"{self.pages} = 1 + {self.meta_pages} of frame numbers"
                          f" + {self.image_pages} of data"),
                ("frames", f"{frames}, {zero} of them zero, highest {highest:#x}"),
                ("stored", f"{used} blocks for {raw} pages, {100 * used / raw:.1f} %"),
                ("CRC", f"{self.computed_crc32:08x} computed, {self.crc32:08x} in the header"),
                ("jump", f"{self.jump_address:#x} at {self.jump_address_phys:#x},"
                         f" cr3 {self.cr3:#x}, magic {self.magic:#x}"),
                ("e820 digest", f"{self.e820_digest:08x}")]

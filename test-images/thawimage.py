# SPDX-License-Identifier: BSD-2-Clause-Patent
"""thaw's own image format, read from docs/FORMAT.md and from nothing of thaw's code: the other
opinion. Whatever that page says a reader must check is checked here, in its order."""

import os
import struct
import zlib

import codec

UNIT = 4096
ANCHOR_MAGIC = b"\x89THAW\r\n\x1a"
SAVE, WRIT, DONE = 0x45564153, 0x54495257, 0x454E4F44
SWAP_RECORD, SIGNATURE, PLAIN = 1280, b"S1SUSPEND\0", b"SWAPSPACE2"
DATA, ZERO, FILL, SPARE = 1, 2, 3, 4
S4, HW_SIG, MAP_DIGEST = 1, 2, 4
X86_64, ARM64 = 1, 2
BLOCK_BYTES = 131072
FRAMES, BLOCKS, MAP, FIRMWARE, WATCHED, NOTES = 1, 2, 3, 4, 5, 6
ENTRY_BYTES = {FRAMES: 24, BLOCKS: 32, MAP: 24, FIRMWARE: 48, WATCHED: 96, NOTES: 1}
MOST = {MAP: 4096, FIRMWARE: 256, WATCHED: 1024, NOTES: 65536}


class ImageError(Exception):
    pass


class NoImage(ImageError):
    pass


def must(condition, what):
    if not condition:
        raise ImageError(what)


def text(field, what):
    must(field[-1] == 0, f"{what}: the text does not end")
    return field.split(b"\0")[0].decode("utf-8", "replace")


def records(layout, data):
    return list(struct.iter_unpack(layout, data))


class Units:
    """Which units are spoken for; says when one is taken twice."""

    def __init__(self, area_units):
        self.area_units, self.taken = area_units, []

    def take(self, first, count, what):
        must(count >= 1 and first + count <= self.area_units, f"{what} is outside the area")
        self.taken.append((first, first + count, what))

    def check(self):
        self.taken.sort()
        for (_, end, one), (first, _, other) in zip(self.taken, self.taken[1:]):
            must(end <= first, f"{one} and {other} share a unit")


class Image:
    """An image in the area that begins at a byte offset of an open file; `header_unit` is where the
    swap header lies when the area holds a swap file. Opening checks all metadata; data is read, and
    checked, when it is asked for."""

    def __init__(self, file, offset, area_bytes=None, header_unit=0):
        self.file, self.offset = file, offset
        rest = os.fstat(file.fileno()).st_size - offset
        self.units = Units((rest if area_bytes is None else area_bytes) // UNIT)
        self._read_anchor(header_unit)
        self._read_header()
        self._read_segments()
        self.units.check()
        self._read_tables()
        self._read_frames()
        self._read_blocks()
        self._read_map()
        self._read_lists()

    def unit(self, number, count=1):
        must(number + count <= self.units.area_units, f"unit {number} is outside the area")
        data = os.pread(self.file.fileno(), count * UNIT, self.offset + number * UNIT)
        must(len(data) == count * UNIT, f"unit {number} cannot be read")
        return data

    # --- anchor ----------------------------------------------------------------------------------
    def _record(self, page):
        """The anchor record in a page: at its beginning, or in the padding of a swap header."""
        sig, image = page[4086:4096], struct.unpack_from("<Q", page, 4064)[0]
        record = page[SWAP_RECORD:SWAP_RECORD + 256]
        if sig != SIGNATURE or image != 0 or not record.startswith(ANCHOR_MAGIC):
            if not page.startswith(ANCHOR_MAGIC) or any(page[256:]):
                raise NoImage("no anchor")
            return page[:256]
        flags, orig = struct.unpack_from("<I10s", page, 4072)
        must(flags == 0, "flags in the swap header")
        must(orig == PLAIN, "the signature to go back to is not that of a swap area")
        return record

    def _read_anchor(self, where):
        record = self._record(self.unit(where))
        must(codec.xxh64(record[:248]) == struct.unpack_from("<Q", record, 248)[0],
             "checksum of the anchor")
        (version, state, self.uuid, self.generation, anchor_unit, self.header_unit,
         self.header_checksum) = struct.unpack_from("<II16sQQQQ", record, 8)
        must(version == 1, f"version {version} of the anchor")
        if state != SAVE:
            raise NoImage({WRIT: "still being written", DONE: "restored already"}.get(
                state, f"state {state:#x} of the anchor"))
        must(anchor_unit == where, "the anchor was made for another place")
        self.units.take(anchor_unit, 1, "anchor")
        self.units.take(self.header_unit, 1, "header")
        must(self.header_unit != anchor_unit, "header and anchor share a unit")

    # --- header ----------------------------------------------------------------------------------
    def _read_header(self):
        page = self.unit(self.header_unit)
        must(codec.xxh64(page) == self.header_checksum, "checksum of the header")
        magic, version, self.page_shift = struct.unpack_from("<8sII", page, 0)
        must(magic == b"THAWHEAD" and version == 1, "magic or version of the header")
        self.features = struct.unpack_from("<QQQ", page, 16)
        must(self.features[2] == 0, "an incompatible feature")
        must(self.page_shift in (12, 14, 16), "page size")
        uuid, generation, self.created, self.machine_id = struct.unpack_from("<16sQQ16s", page, 40)
        must((uuid, generation) == (self.uuid, self.generation), "header of another image")
        (self.source, self.flags, self.hw_sig, self.map_digest) = struct.unpack_from("<IIII", page,
                                                                                     88)
        must(self.flags & ~(S4 | HW_SIG | MAP_DIGEST) == 0, "an unknown flag")
        must(self.flags & HW_SIG or self.hw_sig == 0, "a signature without its flag")
        must(self.flags & MAP_DIGEST or self.map_digest == 0, "a digest without its flag")
        self.counts = dict(zip((DATA, ZERO, FILL, SPARE), struct.unpack_from("<QQQQ", page, 104)))
        (self.data_bytes, self.logical_units, self.extent_count, self.segment, self.segment_units,
         _, self.segment_checksum) = struct.unpack_from("<QQQQIIQ", page, 136)
        self.descriptors = records("<IIQQQQ", page[192:512])
        self._read_entry(page)
        must(self.arch != X86_64 or self.page_shift == 12 and self.flags & MAP_DIGEST,
             "x86-64 with other pages or without a digest of its memory map")
        self.release, self.version = text(page[640:720], "release"), text(page[720:800], "version")
        self.writer, self.hostname = text(page[800:832], "writer"), text(page[832:896], "hostname")

    def _read_entry(self, page):
        self.arch, used = struct.unpack_from("<II", page, 512)
        must(self.arch in (X86_64, ARM64), f"architecture {self.arch}")
        must(used == {X86_64: 32, ARM64: 40}[self.arch], "size of the entry record")
        must(not any(page[520 + used:640]), "bytes after the entry record")
        if self.arch == ARM64:
            self.entry = struct.unpack_from("<QQQQQ", page, 520)
            return
        (self.jump_va, self.jump_pa, self.root_pa, self.depth) = self.entry = struct.unpack_from(
            "<QQQI", page, 520)
        must(self.root_pa % 4096 == 0 and self.depth in (0, 4, 5), "entry record")

    # --- the logical space -----------------------------------------------------------------------
    def _read_segments(self):
        """The disk runs as (first logical unit, unit, units); the chain cannot be longer than the
        area, because no unit may be used twice."""
        must(0 < self.logical_units <= self.units.area_units, "size of the logical space")
        must(self.data_bytes % UNIT == 0 and self.data_bytes <= self.logical_units * UNIT,
             "size of the data area")
        self.extents, self.segments, at = [], 0, 0
        unit, units, checksum = self.segment, self.segment_units, self.segment_checksum
        while True:
            must(1 <= units <= 256, "size of an extent segment")
            self.units.take(unit, units, "extent segment")
            self.segments += 1
            must(self.segments <= self.units.area_units, "the chain of segments has a loop")
            data = self.unit(unit, units)
            must(codec.xxh64(data) == checksum, "checksum of an extent segment")
            magic, count, _, unit, units, _, checksum = struct.unpack_from("<8sIIQIIQ", data, 0)
            must(magic == b"THAWEXTS", "magic of an extent segment")
            must(1 <= count <= (len(data) - 48) // 16, "extents in a segment")
            for first, length in records("<QQ", data[48:48 + count * 16]):
                self.units.take(first, length, "extent")
                self.extents.append((at, first, length))
                at += length
            if unit == 0:
                break
        must(units == 0 and checksum == 0, "the last segment names another")
        must(len(self.extents) == self.extent_count and at == self.logical_units,
             "sums of the extents")

    def logical(self, position, length):
        """Bytes of the logical space."""
        must(position + length <= self.logical_units * UNIT, "beyond the logical space")
        low, high = 0, len(self.extents)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.extents[middle][0] * UNIT <= position else (low,
                                                                                       middle)
        parts = []
        while length:
            at, first, units = self.extents[low]
            skip = position - at * UNIT
            take = min(length, units * UNIT - skip)
            part = os.pread(self.file.fileno(), take, self.offset + first * UNIT + skip)
            must(len(part) == take, f"extent at unit {first} cannot be read")
            parts.append(part)
            position, length, low = position + take, length - take, low + 1
        return b"".join(parts)

    # --- tables ----------------------------------------------------------------------------------
    def _read_tables(self):
        self.tables, places = {}, []
        for kind, entry, position, entries, checksum, _ in self.descriptors:
            if kind == 0:
                must((entry, position, entries, checksum) == (0, 0, 0, 0), "an unused descriptor")
                continue
            must(kind not in self.tables, f"table {kind} twice")
            must(entry == ENTRY_BYTES.get(kind, entry), f"size of the entries of table {kind}")
            must(entries <= self._most(kind, entries), f"size of table {kind}")
            size = entry * entries
            must(position % UNIT == 0 and position >= self.data_bytes, f"place of table {kind}")
            must(position + size <= self.logical_units * UNIT, f"table {kind} is too long")
            places.append((position, position + size))
            data = self.logical(position, size) if kind in ENTRY_BYTES else b""
            must(kind not in ENTRY_BYTES or codec.xxh64(data) == checksum,
                 f"checksum of table {kind}")
            self.tables[kind] = data
        must(FRAMES in self.tables and BLOCKS in self.tables, "a table is missing")
        places.sort()
        for (_, end), (first, _) in zip(places, places[1:]):
            must(end <= first, "tables overlap")

    def _most(self, kind, otherwise):
        if kind in (FRAMES, BLOCKS):
            return sum(self.counts.values()) if kind == FRAMES else self.counts[DATA]
        return MOST.get(kind, otherwise)

    def _read_frames(self):
        """Runs as (first, count, kind, fill)."""
        self.runs = records("<QIIQ", self.tables[FRAMES])
        counts, end = {DATA: 0, ZERO: 0, FILL: 0, SPARE: 0}, 0
        for first, count, kind, fill in self.runs:
            must(count >= 1 and count << self.page_shift < 1 << 44, "length of a run of frames")
            must(kind in counts, "kind of a run of frames")
            must((fill != 0) == (kind == FILL), "fill of a run of frames")
            must(first >= end, "runs of frames out of order")
            end = first + count
            must(end <= 1 << (52 - self.page_shift), "frames beyond memory")
            counts[kind] += count
        must(counts == self.counts and counts[DATA] >= 1, "numbers of frames")

    def _read_blocks(self):
        """Blocks as (position, first page, stored bytes, pages, codec, checksum)."""
        self.blocks, pages, end = [], 0, 0
        for position, first, stored, count, kind, _, checksum in records("<QQIHBBQ",
                                                                        self.tables[BLOCKS]):
            size = count << self.page_shift
            must(stored >= 1 and count >= 1 and size <= BLOCK_BYTES, "size of a block")
            must(first == pages, "pages of a block")
            must(position == 0 if first == 0 else 0 <= position - end < UNIT, "place of a block")
            must(kind in (0, 1), "codec of a block")
            if kind == 0:
                must(position % UNIT == 0 and stored == size, "an uncompressed block")
            else:
                must(position % 16 == 0 and stored < size, "a compressed block")
            pages, end = pages + count, position + stored
            self.blocks.append((position, first, stored, count, kind, checksum))
        must(pages == self.counts[DATA], "the blocks do not hold all pages")
        must(self.data_bytes == -(-end // UNIT) * UNIT, "end of the data area")

    def _read_map(self):
        """The saved memory map as (address, bytes, type)."""
        self.map = [entry[:3] for entry in records("<QQII", self.tables.get(MAP, b""))]
        end = 0
        for address, size, _ in self.map:
            must(address >= end, "memory map out of order")
            end = address + size
        if MAP in self.tables:
            packed = struct.pack("<I", len(self.map))
            packed += b"".join(struct.pack("<QQI", *entry) for entry in self.map)
            must(self.flags & MAP_DIGEST, "a memory map without its digest")
            must(zlib.crc32(packed) == self.map_digest, "digest of the memory map")

    def _read_lists(self):
        """Firmware tables as (guid, address, bytes, checksum); watched ranges as (partition,
        filesystem, offset, bytes, checksum, name); notes."""
        self.firmware = [entry[:4] for entry in
                         records("<16sQQQQ", self.tables.get(FIRMWARE, b""))]
        guids = {guid for guid, *_ in self.firmware}
        must(len(guids) == len(self.firmware), "a firmware table twice")
        self.watched = []
        for entry in records("<16s16sQIIQQ32s", self.tables.get(WATCHED, b"")):
            partition, filesystem, offset, size, _, checksum, _, name = entry
            must(offset % 512 == 0 and 1 <= size <= 1048576, "a watched range")
            self.watched.append((partition, filesystem, offset, size, checksum,
                                 text(name, "watched range")))
        self.notes = self.tables.get(NOTES, b"").decode("utf-8", "replace")

    # --- data ------------------------------------------------------------------------------------
    def decode(self, block):
        """The bytes of one block; any block can be asked for at any time."""
        position, first, stored, count, kind, checksum = block
        data = self.logical(position, stored)
        if kind == 1:
            data = codec.lz4(data)
        must(len(data) == count << self.page_shift, f"length of the block at page {first}")
        must(codec.xxh64(data) == checksum, f"checksum of the block at page {first}")
        return data

    def frames(self):
        """(frame, page) in order; page is None for a frame of zeroes."""
        size = 1 << self.page_shift
        pages = (view[i:i + size] for view in map(memoryview, map(self.decode, self.blocks))
                 for i in range(0, len(view), size))
        for first, count, kind, fill in self.runs:
            for frame in range(first, first + count):
                if kind == DATA:
                    yield frame, next(pages)
                elif kind == ZERO:
                    yield frame, None
                elif kind == FILL:
                    yield frame, struct.pack("<Q", fill) * (size // 8)

    def facts(self):
        """(name, value) of what the image says of itself; all data has been decoded then."""
        frames = sum(1 for _ in self.frames())
        stored = sum(block[2] for block in self.blocks)
        decoded = self.counts[DATA] << self.page_shift
        return [("generation", self.generation), ("kernel", self.release), ("writer", self.writer),
                ("frames", f"{frames}: {self.counts[DATA]} data, {self.counts[ZERO]} zero,"
                           f" {self.counts[FILL]} fill; {self.counts[SPARE]} spare"),
                ("blocks", len(self.blocks)), ("extents", len(self.extents)),
                ("stored", f"{stored} bytes for {decoded}, {100 * stored / decoded:.1f} %"),
                ("memory map", f"{len(self.map)} entries, digest {self.map_digest:08x}"),
                ("firmware tables", len(self.firmware)), ("watched ranges", len(self.watched)),
                ("entry", " ".join(f"{word:#x}" for word in self.entry))]

# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Disk images: partition tables written and read, an empty swap area, the runner's data."""

import hashlib
import os
import struct
import uuid
import zlib

MIB = 1 << 20
PAGE = 4096
DATA_MIB = 16
ESP_MIB = 128
TYPE_SWAP = uuid.UUID("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f")
TYPE_DATA = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
TYPE_ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
NAMES = uuid.UUID("6f2f0f4e-5d35-4a0e-9a57-8e2f3f0a1b7c")


def _guid(name):
    return uuid.uuid5(NAMES, name).bytes_le


def _mbr(entries):
    """A boot sector with (type, first sector, sectors) entries."""
    sector = bytearray(512)
    struct.pack_into("<I", sector, 440, 0x77616874)
    for i, (kind, first, count) in enumerate(entries):
        struct.pack_into("<B3sB3sII", sector, 446 + 16 * i, 0, b"\xfe\xff\xff", kind,
                         b"\xfe\xff\xff", first, min(count, 0xffffffff))
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


def _gpt_header(sector, here, other, last, entries_at, entries):
    fields = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, here, other,
                         16384 // sector + 2, last - 16384 // sector - 1, _guid("disk"),
                         entries_at, 128, 128, zlib.crc32(entries))
    return fields[:16] + struct.pack("<I", zlib.crc32(fields)) + fields[20:]


def write_gpt(file, size, sector, partitions):
    """`partitions`: (type, name, first byte, bytes)."""
    table = bytearray(16384)
    for i, (kind, name, start, length) in enumerate(partitions):
        struct.pack_into("<16s16sQQQ72s", table, 128 * i, kind.bytes_le, _guid(name),
                         start // sector, (start + length) // sector - 1, 0,
                         name.encode("utf-16-le"))
    table, last, blocks = bytes(table), size // sector - 1, 16384 // sector
    _put(file, 0, _mbr([(0xee, 1, last)]))
    _put(file, sector, _gpt_header(sector, 1, last, last, 2, table))
    _put(file, 2 * sector, table)
    _put(file, (last - blocks) * sector, table)
    _put(file, last * sector, _gpt_header(sector, last, 1, last, last - blocks, table))


def _put(file, offset, data):
    file.seek(offset)
    file.write(data)


def _swap_header(size):
    page = bytearray(PAGE)
    struct.pack_into("<III16s16s", page, 1024, 1, size // PAGE - 1, 0, _guid("swap"), b"thaw-swap")
    page[-10:] = b"SWAPSPACE2"
    return bytes(page)


def data():
    """What the guest reads back: 8 MiB that compress badly and are the same every time."""
    return b"".join(hashlib.sha256(b"thaw %d" % i).digest() for i in range(8 * MIB // 32))


class Layout:
    """Where things lie on a disk with a swap area of `swap` bytes; kind is the partition table:
    gpt, esp (GPT with an EFI system partition before the swap area), mbr or none."""

    def __init__(self, kind, swap, sector=512):
        self.kind, self.swap, self.sector = kind, swap, sector
        self.swap_at = {"none": 0, "esp": MIB + ESP_MIB * MIB}.get(kind, MIB)
        self.swap_partition = {"none": 0, "esp": 2}.get(kind, 1)
        self.esp = (MIB, ESP_MIB * MIB) if kind == "esp" else None
        self.data_at = self.swap_at + swap
        self.size = self.data_at + DATA_MIB * MIB + MIB

    def write(self, path):
        """Makes the disk: sparse, an empty swap area, the data."""
        with open(path, "wb") as file:
            file.truncate(self.size)
            if self.kind in ("gpt", "esp"):
                esp = [(TYPE_ESP, "esp", *self.esp)] if self.esp else []
                write_gpt(file, self.size, self.sector,
                          [*esp, (TYPE_SWAP, "swap", self.swap_at, self.swap),
                           (TYPE_DATA, "data", self.data_at, DATA_MIB * MIB)])
            elif self.kind == "mbr":
                _put(file, 0, _mbr([(0x82, self.swap_at // self.sector, self.swap // self.sector),
                                    (0x83, self.data_at // self.sector,
                                     DATA_MIB * MIB // self.sector)]))
            _put(file, self.swap_at, _swap_header(self.swap))
            _put(file, self.data_at, data())


# --- reading -----------------------------------------------------------------------------------
def _gpt_partitions(file, sector):
    header = _get(file, sector, 92)
    if header[:8] != b"EFI PART":
        return []
    first, count, size = struct.unpack_from("<QII", header, 72)
    found = []
    for i in range(min(count, 256)):
        entry = _get(file, first * sector + i * size, 128)
        start, last = struct.unpack_from("<QQ", entry, 32)
        if entry[:16] != bytes(16):
            found.append((uuid.UUID(bytes_le=entry[:16]), start * sector,
                          (last + 1 - start) * sector))
    return found


def _mbr_partitions(file, sector):
    boot = _get(file, 0, 512)
    if boot[510:] != b"\x55\xaa":
        return []
    entries = (struct.unpack_from("<4xB3xII", boot, 446 + 16 * i) for i in range(4))
    return [(kind, start * sector, count * sector) for kind, start, count in entries
            if kind not in (0, 0xee)]


def _get(file, offset, length):
    return os.pread(file.fileno(), length, offset)


def partitions(file):
    """(type, first byte, bytes) of each partition; sectors of 512 and of 4096 bytes are tried."""
    for sector in (512, 4096):
        found = _gpt_partitions(file, sector)
        if found:
            return found
    return [p for sector in (512, 4096) for p in _mbr_partitions(file, sector)]


def areas(file):
    """(first byte, bytes) of everything that can carry an image: the whole disk, each partition."""
    size = file.seek(0, os.SEEK_END)
    return [(0, size), *((start, length) for _, start, length in partitions(file))]

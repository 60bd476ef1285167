#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Makes the disks that thawctl_test.sh checks: thawctl_disks.py FOLDER

The image is the smallest there can be: four page tables, one page of code that begins as Linux's
restore_registers does, one page of data and two frames of zeroes. Offsets are literal, from Linux's
kernel/power/swap.c and power.h; nothing here knows how thaw reads them."""

import pathlib
import struct
import sys
import zlib

PAGE = 4096
AREA = 64                                   # pages
CODE, ROOT = 0x200, 0x300                   # frames
JUMP_VA = 0xFFFFFFFF80200000
RAM_END = 0x10000000

E820 = {"conventional": 1, "boot": 1, "acpi": 3, "nvs": 4, "runtime": 2, "reserved": 2, "mmio": 2}
MAP = [(0, 0xA0000, "conventional"), (0x100000, 0x8000000, "conventional"),
       (0x8000000, 0x8010000, "boot"), (0x8010000, 0xF000000, "conventional"),
       (0xF000000, 0xF010000, "acpi"), (0xF010000, 0xF020000, "nvs"),
       (0xF020000, 0xF100000, "runtime"), (0xF100000, RAM_END, "conventional"),
       (0xFFC00000, 0x100000000, "mmio")]


def e820(ranges):
    """The table of Linux's EFI stub."""
    table = []
    for start, end, name in ranges:
        kind = E820[name]
        if table and table[-1][1] == start and table[-1][2] == kind:
            table[-1][1] = end
        else:
            table.append([start, end, kind])
    return struct.pack("<I", len(table)) + b"".join(
        struct.pack("<QQI", start, end - start, kind) for start, end, kind in table)


def entry_page(frame, flags, index):
    page = bytearray(PAGE)
    struct.pack_into("<Q", page, index * 8, frame << 12 | flags)
    return bytes(page)


def frames(table_at):
    """Frame numbers and contents, None for zeroes, in order; the memory map lies in 0x252 and 0x253."""
    table = (bytes(table_at) + e820(MAP)).ljust(2 * PAGE, b"\0")
    return {
        0x10: b"below the first MiB".ljust(PAGE, b"."),
        CODE: bytes.fromhex("410f22d9").ljust(PAGE, b"\x90"),
        0x250: None,
        0x251: None,
        0x252: table[:PAGE],
        **({0x253: table[PAGE:]} if any(table[PAGE:]) else {}),
        ROOT: entry_page(ROOT + 1, 3, JUMP_VA >> 39 & 511),
        ROOT + 1: entry_page(ROOT + 2, 3, JUMP_VA >> 30 & 511),
        ROOT + 2: entry_page(CODE, 0x83, JUMP_VA >> 21 & 511),
    }


def header(first_map_page, flags=3, sig=b"S1SUSPEND\0"):
    page = bytearray(PAGE)
    struct.pack_into("<QI", page, 4064, first_map_page, flags)
    page[4076:4086] = b"SWAPSPACE2"
    page[4086:4096] = sig
    struct.pack_into("<II", page, 1024, 1, AREA - 1)
    return bytes(page)


def image(base=0, table_at=64):
    """An area of AREA pages; base is the page that its header has in the device."""
    content = frames(table_at)
    listed = [pfn | (1 << 63 if page is None else 0) for pfn, page in content.items()]
    stream = [struct.pack(f"<{len(listed)}Q", *listed).ljust(8 * len(listed) + 8, b"\xff")
              .ljust(PAGE, b"\0")]
    stream += [page for page in content.values() if page is not None]
    info = bytearray(PAGE)
    struct.pack_into("<QQQQQ", info, 0, JUMP_VA, CODE << 12, ROOT << 12, 0x23456789ABCDEF02,
                     zlib.crc32(e820(MAP)))
    struct.pack_into("<QQQ", info, 416, len(stream) - 1, len(stream) + 1,
                     (len(stream) + 1) * PAGE)
    chain = struct.pack(f"<{len(stream) + 1}Q", *range(base + 2, base + 3 + len(stream)))
    pages = [header(base + 1), chain.ljust(PAGE, b"\0"), bytes(info), *stream]
    return b"".join(pages).ljust(AREA * PAGE, b"\0")


def swap():
    return header(0, 0, b"SWAPSPACE2").ljust(AREA * PAGE, b"\0")


def luks():
    return (b"LUKS\xba\xbe\x00\x01" + b"aes".ljust(32, b"\0")).ljust(AREA * PAGE, b"\0")


def raid():
    """md 1.2: the superblock is 4 KiB from the beginning and says so, in sectors."""
    area = bytearray(2 << 20)               # on smaller ones libblkid does not look for it
    struct.pack_into("<II", area, 4096, 0xA92B4EFC, 1)
    struct.pack_into("<Q", area, 4096 + 144, 8)
    return bytes(area)


def bcache():
    """A backing device's superblock is 4 KiB from the beginning (Linux 6.12, bcache_ondisk.h)."""
    area = bytearray(2 << 20)
    struct.pack_into("<QQQ", area, 4096, 0, 8, 1)
    area[4096 + 24:4096 + 40] = bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")
    return bytes(area)


def zfs():
    """The uberblocks of the first label, a KiB each, from 128 KiB on (OpenZFS, vdev_impl.h)."""
    area = bytearray(64 << 20)              # on smaller ones libblkid does not look for it
    for i in range(128):
        struct.pack_into("<QQQ", area, (128 + i) << 10, 0xBAB10C, 5000, 4 + i)
    return bytes(area)


def over_image(area):
    """The first page is that of an image that lay there before."""
    return image()[:PAGE] + area[PAGE:]


def mbr(*areas):
    """A disk with a partition (type 0x82) for each area."""
    disk = bytearray(1 << 20)
    for i, area in enumerate(areas):
        struct.pack_into("<B3sB3sII", disk, 446 + 16 * i, 0, b"\xfe\xff\xff", 0x82,
                         b"\xfe\xff\xff", len(disk) // 512, len(area) // 512)
        disk += area
    disk[440:444] = b"thaw"
    disk[510:512] = b"\x55\xaa"
    return bytes(disk)


def gpt(area, sector):
    """A disk with one partition in a GPT of so many bytes to the sector; no backup table."""
    first = (1 << 20) // sector
    last = first + len(area) // sector - 1
    entry = struct.pack("<16s16sQQQ72s",
                        bytes.fromhex("6dfd5706aba4c44384e50933c84b4f4f"), bytes(range(16)),
                        first, last, 0, "swap".encode("utf-16-le"))
    entries = entry.ljust(128 * 128, b"\0")
    sectors = last + 1 + 64

    def head(checksum):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, checksum, 0, 1,
                           sectors - 1, 34, sectors - 34, bytes(range(16)), 2, 128, 128,
                           zlib.crc32(entries))

    disk = bytearray(sectors * sector)
    struct.pack_into("<B3sB3sII", disk, 446, 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, sectors - 1)
    disk[510:512] = b"\x55\xaa"
    disk[sector:sector + 92] = head(zlib.crc32(head(0)))
    disk[2 * sector:2 * sector + len(entries)] = entries
    disk[1 << 20:(1 << 20) + len(area)] = area
    return bytes(disk)


def firmware_leg(disk, sectors, metadata):
    """A member of a RAID made in firmware's setup: its metadata begins so many sectors before the end,
    behind the volume with the partition table."""
    whole = bytearray(disk) + bytes(64 * PAGE)
    at = len(whole) - 512 * sectors
    whole[at:at + len(metadata)] = metadata
    return bytes(whole)


def leg(disk, old=False):
    """Of a mirror that has the partition table in it: md's superblock 1.0 or 0.90 lies behind."""
    disk += bytes((1 << 20) + 512)
    sectors = len(disk) // 512
    at = (sectors & ~127) - 128 if old else (sectors - 16) & ~7
    disk = bytearray(disk)
    struct.pack_into("<III", disk, at * 512, 0xA92B4EFC, *((0, 90) if old else (1, 0)))
    if not old:
        struct.pack_into("<Q", disk, at * 512 + 144, at)
    return bytes(disk)


def spoilt(at, byte):
    area = bytearray(image())
    area[at] = byte
    return bytes(area)


def without_digest():
    """Of a kernel before 5.13 without MD5 built in."""
    area = bytearray(image())
    struct.pack_into("<QQQ", area, 2 * PAGE + 24, 0x23456789ABCDEF01, 0, 0)
    return bytes(area)


def map_text(ranges, prefix=""):
    return "".join(f"{prefix}{start:#x} {end:#x} {name}\n" for start, end, name in ranges).encode()


def moved():
    return [(s, e, n) if n not in ("acpi", "nvs") else
            ((s, e + 0x1000, n) if n == "acpi" else (s + 0x1000, e, n)) for s, e, n in MAP]


def log():
    """Two boots, two consoles; the second boot's map counts."""
    twice = b"".join(2 * line for line in map_text(MAP, "12.3 thaw: map ").splitlines(True))
    other = map_text(moved(), "thaw: map ")
    return (b"BdsDxe: starting\nthaw: start 0\n" + other + b"thaw: start 0\n0x1 garbage\n\0" + twice +
            b"thaw: note claims 4 4\n")


FILES = {
    "image": image,
    "swap": swap,
    "empty": lambda: bytes(AREA * PAGE),
    "short": lambda: bytes(100),
    "luks": luks,
    "raid": raid,
    "bcache": bcache,
    "zfs": zfs,
    "bcache-over-image": lambda: over_image(bcache()),
    "raid-over-image": lambda: over_image(raid()),
    "image-under-luks": lambda: luks()[:592] + image()[592:],
    "swap-file": lambda: bytes(10 * PAGE) + image(10),
    "mbr": lambda: mbr(swap(), image()),
    "mbr-two": lambda: mbr(image(), image()),
    "mbr-luks": lambda: mbr(luks()),
    "gpt-512": lambda: gpt(image(), 512),
    "gpt-4096": lambda: gpt(image(), 4096),
    "leg": lambda: leg(gpt(image(), 512)),
    "leg-4096": lambda: leg(gpt(image(), 4096)),
    "leg-intel": lambda: firmware_leg(gpt(image(), 512), 2, b"Intel Raid ISM Cfg Sig. 1.3.00"),
    "leg-ddf": lambda: firmware_leg(mbr(image()), 1, b"\xde\x11\xde\x11" + bytes(28) + b"01.02.00"),
    "leg-old": lambda: leg(mbr(swap(), image()), True),
    "without-digest": without_digest,
    "bad-flags": lambda: spoilt(4073, 0x80),
    "bad-info": lambda: spoilt(2 * PAGE + 416, 0x50),
    "bad-magic": lambda: spoilt(2 * PAGE + 24, 0x07),
    "bad-list": lambda: spoilt(3 * PAGE + 8 * 7, 0x00),
    "bad-chain": lambda: spoilt(PAGE + 9, 0xFF),
    "bad-entry": lambda: spoilt(5 * PAGE, 0x90),
    "cut": lambda: image()[:6 * PAGE],
    "map": lambda: b"# a comment\n\n" + map_text(MAP),
    "map-log": log,
    "map-moved": lambda: map_text(moved()),
    "map-grown": lambda: map_text([*MAP[:-1], (RAM_END, 2 * RAM_END, "conventional"), MAP[-1]]),
    "map-small": lambda: map_text([(0, 0x1000, "boot"), (0x100000, 0x280000, "conventional")]),
    "map-runtime": lambda: map_text([(0, 0x210000, "runtime"), (0x210000, 0x9000000, "conventional")]),
    "map-nonsense": lambda: b"hello\n",
    "map-overlap": lambda: b"0 2000 boot\n1000 3000 boot\n",
    "map-odd": lambda: b"0 1001 boot\n",
    "map-type": lambda: b"0 1000 ram\n",
    "map-none": lambda: b"",
}


def firmware_memmap(folder):
    """As in /sys/firmware/memmap."""
    names = {1: "System RAM", 2: "Reserved", 3: "ACPI Tables", 4: "ACPI Non-volatile Storage"}
    for i, (start, end, kind) in enumerate(struct.iter_unpack("<QQI", e820(MAP)[4:])):
        entry = folder / str(i)
        entry.mkdir(parents=True, exist_ok=True)
        values = {"start": f"{start:#x}", "end": f"{start + end - 1:#x}", "type": names[kind]}
        for name, value in values.items():
            (entry / name).write_text(value + "\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, make in FILES.items():
        (folder / name).write_bytes(make())
    firmware_memmap(folder / "memmap")


main()

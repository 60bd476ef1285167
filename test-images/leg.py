# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A disk becomes one leg of a mirror that has its partition table in it: what Linux's md keeps of the
mirror lies behind, at the end of the disk (Linux 6.12, include/uapi/linux/raid/md_p.h and
drivers/md/md.c: super_1_load, calc_sb_1_csum, MD_NEW_SIZE_SECTORS, calc_sb_csum)."""

import os
import struct

MAGIC = 0xA92B4EFC
SECTOR = 512
BEHIND = 2049 * SECTOR            # the disk does not end with a page
UUID = b"thaw-guest-array"
ROLES = 128
CLEAN = 1
IN_SYNC = 6                       # active, in sync: 0.90


def _sum(data):
    total = sum(struct.unpack(f"<{len(data) // 4}I", data))
    return (total & 0xffffffff) + (total >> 32) & 0xffffffff


# Of a member: the sector that it lies at, and the sectors of the array.
def _super_1_0(at, array):
    data = bytearray(256 + 2 * ROLES)
    struct.pack_into("<IIII16s32s", data, 0, MAGIC, 1, 0, 0, UUID, b"thaw:0")
    struct.pack_into("<QIIQII", data, 64, 1, 1, 0, array, 0, 2)
    struct.pack_into("<QQQ", data, 128, 0, at, at)
    data[168:184] = UUID[::-1]
    struct.pack_into("<QQQII", data, 192, 1, 1, 2**64 - 1, 0, ROLES)
    struct.pack_into(f"<{ROLES}H", data, 256, 0, 1, *[0xffff] * (ROLES - 2))
    struct.pack_into("<I", data, 216, _sum(bytes(data)))
    return bytes(data)


def _super_0_90(_, array):
    words = [0] * 1024
    uuid = struct.unpack("<4I", UUID)
    words[:12] = [MAGIC, 0, 90, 0, 0, uuid[0], 1, 1, array // 2, 2, 2, 0]
    words[13:16] = uuid[1:]
    words[32:37] = [1, CLEAN, 2, 2, 0]
    words[39] = 1                 # events
    for i in range(2):
        words[128 + 32 * i:133 + 32 * i] = [i, 0, 0, i, IN_SYNC]
    words[992:997] = words[128:133]
    words[38] = _sum(struct.pack("<1024I", *words))
    return struct.pack("<1024I", *words)


def make(path, metadata):
    """`metadata`: "1.0" or "0.90". All of the disk as it was lies in the mirror."""
    array = os.path.getsize(path) // SECTOR
    sectors = array + BEHIND // SECTOR
    at = {"1.0": (sectors - 16) & ~7, "0.90": (sectors & ~127) - 128}[metadata]
    write = {"1.0": _super_1_0, "0.90": _super_0_90}[metadata]
    with open(path, "r+b") as file:
        file.truncate(sectors * SECTOR)
        file.seek(at * SECTOR)
        file.write(write(at, array))

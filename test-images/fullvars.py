# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A variable store without room, made of OVMF's by its description (EDK2, VariableFormat.h): what is
deleted goes, as firmware itself would reclaim it, and others fill the rest."""

import shutil
import struct
import uuid

import record
import session
from session import Unexpected

STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
STORE_HEADER = 28
FILLER_GUID = uuid.UUID("f111e500-1b2d-4a55-9a3c-74686177f011").bytes_le
NON_VOLATILE_BOOT = 3
LARGEST = 4096    # bytes; firmware takes none beyond some limit


def _align(n):
    return (n + 3) & ~3


def _live(store):
    """The variables that are not deleted, one after another, each padded."""
    found, at = b"", STORE_HEADER
    while at + record.HEADER.size <= len(store):
        start, state, _, _, _, _, name, data, _ = record.HEADER.unpack_from(store, at)
        if start != 0x55aa:
            break
        end = at + _align(record.HEADER.size + name + data)
        if state == record.ADDED:
            found += store[at:end].ljust(_align(end - at), b"\xff")
        at = end
    return found


def _filler(number, length):
    """A variable that takes so many bytes of the store."""
    name = f"Filler{number:04}\0".encode("utf-16-le")
    data = length - record.HEADER.size - len(name)
    header = record.HEADER.pack(0x55aa, record.ADDED, NON_VOLATILE_BOOT, 0, bytes(16), 0,
                                len(name), data, FILLER_GUID)
    return header + name + b"f" * data


def _fillers(length):
    count = -(-length // LARGEST)
    each = length // count & ~3
    return b"".join(_filler(n, each if n else length - each * (count - 1)) for n in range(count))


def fill(path, room):
    """Leaves about so many bytes free. Returns how many were taken."""
    with open(path, "r+b") as file:
        flash = file.read()
        begin = flash.index(STORE)
        (size,) = struct.unpack_from("<I", flash, begin + 16)
        live = _live(flash[begin:begin + size])
        left = size - STORE_HEADER - len(live) - room & ~3
        content = (live + _fillers(left)).ljust(size - STORE_HEADER, b"\xff")
        file.seek(begin + STORE_HEADER)
        file.write(content)
    return left


def full(case, image, folder, watch):
    """`recorded`: a boot without an image came first, so there is a record. Then the store is full.
    `expect`, one a boot: restored, or a reason."""
    files = session.thaw_files(session.thaw_program())
    parts, before = session.prepare(image, folder, files)
    if case.get("recorded"):
        _boot_without_image(image, parts, before, watch)
    taken = fill(parts["variables"], case["room"])
    for expected in case["expect"]:
        with session.boot(image, parts, watch) as machine:
            session.expect_end(machine, image, expected)
        if expected == "restored":
            session.expect_consumed(parts["disk"], before, image.layout.swap_at)
        else:
            session.expect_untouched(parts["disk"], before)
    last = record.newest(parts["variables"])
    return f"{taken} bytes filled; record: {last.state if last else 'none'}"


def _boot_without_image(image, parts, before, watch):
    with open(parts["disk"], "r+b") as file:
        file.seek(image.layout.swap_at + 4086)
        file.write(b"SWAPSPACE2")
    with session.boot(image, parts, watch) as machine:
        session.expect_end(machine, image, "no-image")
    if record.attempts(parts["variables"]):
        raise Unexpected("an attempt where there was no image")
    shutil.copyfile(before, parts["disk"])

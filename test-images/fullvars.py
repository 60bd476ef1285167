# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A variable store without room. A program fills OVMF's before it starts thaw (tests/efi/full.c), and
what it filled goes before the next boot: with a full store OVMF comes to no program at all."""

import shutil
import struct
import uuid

import disk
import esp
import record
import session
from session import Unexpected

STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
STORE_HEADER = 28
ROOM = 700                # bytes; what the program leaves, and a variable's header that firmware counts
FILLED = r"^thaw: note variables-filled (\S+) (\S+)"
FILLER = uuid.UUID("f111e500-1b2d-4a55-9a3c-74686177f011").bytes_le


def _align(n):
    return (n + 3) & ~3


def _others(store):
    """All variables but the fillers and what is deleted, one after another, each padded."""
    found, at = b"", STORE_HEADER
    while at + record.HEADER.size <= len(store):
        start, state, _, _, _, _, name, data, guid = record.HEADER.unpack_from(store, at)
        if start != 0x55aa:
            break
        end = at + _align(record.HEADER.size + name + data)
        if state == record.ADDED and guid != FILLER:
            found += store[at:end].ljust(_align(end - at), b"\xff")
        at = end
    return found


def _make_room(path):
    """As firmware itself would reclaim it."""
    with open(path, "r+b") as file:
        flash = file.read()
        begin = flash.index(STORE)
        (size,) = struct.unpack_from("<I", flash, begin + 16)
        others = _others(flash[begin:begin + size])
        file.seek(begin + STORE_HEADER)
        file.write(others.ljust(size - STORE_HEADER, b"\xff"))


def _fill_from_now_on(parts):
    programs = {session.BOOT: session.thaw_program("full.efi"),
                "EFI/thaw/thaw.efi": session.thaw_program()}
    esp.add(parts["esp"], disk.MIB, programs)


def _expect_end(machine, image, expected):
    if expected == "restored":
        # Of all that it checks the guest fails in one thing: there is no room for its variable either.
        machine.wait("^GUEST press the power button", 180)
        machine.press_power_button()
        machine.wait("^GUEST resumed, FAILED: variable$", 60)
        machine.wait_end(60)
    else:
        session.expect_end(machine, image, expected)


def full(case, image, folder, watch):
    """`recorded`: a boot without an image came first, so there is a record. Then the store is full at
    each boot. `expect`, one a boot: restored, or a reason."""
    parts, before = session.prepare(image, folder, session.thaw_files(session.thaw_program()))
    if case.get("recorded"):
        _boot_without_image(image, parts, before, watch)
    _fill_from_now_on(parts)
    for expected in case["expect"]:
        with session.boot(image, parts, watch) as machine:
            _, _, filled = machine.wait(FILLED, 300)
            if not 0 < int(filled[2]) <= ROOM:
                raise Unexpected(filled[0])
            _expect_end(machine, image, expected)
        if expected == "restored":
            session.expect_consumed(parts["disk"], before, image.layout.swap_at)
            shutil.copyfile(parts["disk"], before)
        else:
            session.expect_untouched(parts["disk"], before)
        _make_room(parts["variables"])
    last = record.newest(parts["variables"])
    return f"{filled[2]} bytes free; record: {last.state if last else 'none'}"


def _boot_without_image(image, parts, before, watch):
    with open(parts["disk"], "r+b") as file:
        file.seek(image.layout.swap_at + 4086)
        file.write(b"SWAPSPACE2")
    with session.boot(image, parts, watch) as machine:
        session.expect_end(machine, image, "no-image")
    if record.attempts(parts["variables"]):
        raise Unexpected("an attempt where there was no image")
    shutil.copyfile(before, parts["disk"])

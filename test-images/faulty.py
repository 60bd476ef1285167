# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Cases on a disk that fails in ways QEMU's error injector cannot: see nbd.py."""

import nbd
import session
import swsusp
from session import Unexpected


def place(image, part, block=0):
    """The first byte on the disk of a block of a part of the image."""
    with open(image.disk, "rb") as file:
        blocks = swsusp.Image(file, image.layout.swap_at).places()[part]
    return image.layout.swap_at + blocks[block] * swsusp.PAGE


def _disk(case, image, path):
    kind = case["fault"]
    if kind == "vanishes":
        return nbd.Vanishing(path, place(image, *case["at"]))
    if kind == "protected":
        return nbd.Protected(path)
    if kind == "lies":
        return nbd.Lying(path)
    if kind == "changes":
        # All of the area but the page that is read back at the commit.
        start = image.layout.swap_at + swsusp.PAGE
        return nbd.Changing(path, start, image.layout.data_at, place(image, "map"))
    raise Unexpected(f"no fault {kind}")


def faulty(case, image, folder, watch):
    """thaw restores all the same, or refuses and leaves the disk as it was; `after` is what the
    next boot, on a sound disk, makes of it."""
    files = session.thaw_files(session.thaw_program(), case.get("conf", ()))
    parts, before = session.prepare(image, folder, files)
    disk = _disk(case, image, parts["disk"])
    with nbd.Server(disk, folder) as server:
        with session.boot(image, parts | {"backend": server.backend}, watch) as machine:
            session.expect_end(machine, image, case["expect"])
    if case["expect"] == "restored":
        session.expect_consumed(parts["disk"], before, image.layout.swap_at)
    else:
        session.expect_untouched(parts["disk"], before)
    note = _looked_at(case, disk)
    if "after" in case:
        with session.boot(image, parts, watch) as machine:
            session.expect_end(machine, image, case["after"])
    return note


def _looked_at(case, disk):
    """That the fault was there to be met, and what was counted."""
    if case["fault"] == "vanishes" and not disk.gone:
        raise Unexpected("the disk was never read where it was to vanish")
    if case["fault"] in ("protected", "lies") and not disk.writes:
        raise Unexpected("the disk was never written to")
    if case["fault"] == "changes":
        if disk.again or len(disk.seen) < 1000:
            raise Unexpected(f"{disk.again} of {len(disk.seen)} sectors read again")
        return f"{len(disk.seen)} sectors of the image read, none twice"
    return f"{disk.reads} reads, {disk.writes} writes, {disk.flushes} flushes"

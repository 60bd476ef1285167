# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Cases on a disk that fails in ways QEMU's error injector cannot: see nbd.py."""

import nbd
import session
import swsusp
from session import Unexpected

GIVES_UP = 600    # seconds until EDK2's driver has given up a disk on USB that is gone, and a busy host


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
    next boots, on a sound disk, make of it."""
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
    for expected in case.get("after", ()):
        with session.boot(image, parts, watch) as machine:
            session.expect_end(machine, image, expected)
    return note


def unplugged(case, image, folder, watch):
    """A USB disk is taken off the machine while its image is read; and is back at the next boot."""
    files = session.thaw_files(session.thaw_program(), case["conf"])
    parts, before = session.prepare(image, folder, files)
    disk = nbd.Telling(parts["disk"], place(image, *case["at"]))
    with nbd.Server(disk, folder) as server:
        with session.boot(image, parts | {"backend": server.backend}, watch) as machine:
            disk.tell = lambda: machine.qmp("device_del", id=_usb_disk(machine))
            machine.wait(["^thaw: not restored"], GIVES_UP)
            if _usb_disk(machine):
                raise Unexpected("the disk is still plugged in")
            session.follow_fresh(machine)
            session.expect_reason(machine, "read")
    session.expect_untouched(parts["disk"], before)
    with session.boot(image, parts, watch) as machine:
        session.expect_end(machine, image, "passed-over")
    session.expect_untouched(parts["disk"], before)
    return f"unplugged at the {disk.told_at}th of its reads; then passed over"


def _usb_disk(machine):
    """The path of the machine's USB disk in QEMU's object model, or None."""
    anonymous = "/machine/peripheral-anon"
    found = [entry["name"] for entry in machine.qmp("qom-list", path=anonymous)
             if entry["type"] == "child<usb-storage>"]
    return f"{anonymous}/{found[0]}" if found else None


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

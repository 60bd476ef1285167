# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A second system mounts the filesystem of a hibernated one, and writes to it."""

import hibernated
import record
import session
from session import Unexpected
from work import Work

MOUNT_COUNT = 1024 + 0x34         # of an ext4 (fs/ext4/ext4.h, s_mnt_count)


def _mount(work):
    """Boots the second system, with nothing of thaw on its way."""
    work.boots({session.BOOT: work.uki("mount")})
    with work.machine() as machine:
        machine.wait("^GUEST second system done", 180)
        machine.wait_end(60)


def _expect_fresh(work, reason, **changes):
    with work.machine(**changes) as machine:
        session.follow_fresh(machine)
        session.expect_reason(machine, reason)


def after_thaw(case, _, folder, watch):
    """thaw passed the image over (another machine's memory), the second system mounted: never
    restored again, and the filesystem is clean."""
    work = Work(folder, watch)
    work.hibernate()
    work.boots_thaw(work.uki("mount"))
    with work.machine(memory=768) as machine:
        machine.wait("^GUEST second system done", 180)
        session.expect_reason(machine, "memory-map")
        machine.wait_end(60)
    work.boots_thaw(session.fresh_guest())
    for _ in range(2):
        _expect_fresh(work, "passed-over")
    if not work.is_hibernated():
        raise Unexpected("the image was consumed")
    if found := work.damage():
        raise Unexpected(f"e2fsck: {found}")
    return f"record: {record.newest(work.variables).state}"


def mounted(case, _, folder, watch):
    """The second system mounted where thaw was not asked: the image's own superblock says so."""
    work = Work(folder, watch)
    work.hibernate()
    _mount(work)
    work.boots_thaw(session.fresh_guest())
    for reason in ("mounted-since", "passed-over"):
        _expect_fresh(work, reason)
    if not work.is_hibernated():
        raise Unexpected("the image was consumed")
    if found := work.damage():
        raise Unexpected(f"e2fsck: {found}")
    return f"record: {record.newest(work.variables).state}"


def clone(case, _, folder, watch):
    """A copy of the filesystem's disk hangs on USB, and was mounted elsewhere: it is told apart from
    the filesystem itself, which is as it was."""
    work = Work(folder, watch)
    copy = hibernated.copy(work.files, folder / "clone")
    work.more = ["-drive", f"if=none,id=clone,format=raw,file={copy}", "-device", "qemu-xhci,id=xhci",
                 "-device", "usb-storage,bus=xhci.0,drive=clone,bootindex=3"]
    work.hibernate()
    with open(hibernated.copy(work.files, copy), "r+b") as file:
        file.seek(MOUNT_COUNT)
        file.write(bytes([9]))
    work.boots_thaw(session.fresh_guest())
    with work.machine() as machine:
        machine.wait("^GUEST back 1$", 180)
        machine.wait("^GUEST work done", 180)
        machine.wait_end(60)
    if found := work.damage():
        raise Unexpected(f"e2fsck: {found}")


def unseen(case, _, folder, watch):
    """The same on a disk that firmware has not connected: thaw cannot know. It restores, as the
    kernel would, and the filesystem pays for it. Pinned, so that whoever changes it notices."""
    work = Work(folder, watch, seen=False)
    work.hibernate()
    _mount(work)
    if found := work.damage():
        raise Unexpected(f"e2fsck after the second system: {found}")
    work.boots_thaw(session.fresh_guest())
    with work.machine() as machine:
        index, line, _ = machine.wait(["^GUEST back 1$", "^GUEST fresh boot"], 180)
        if index == 1:
            raise Unexpected("not restored: docs/FAULTS.md and docs/SECURITY.md say otherwise")
        _, line, _ = machine.wait(["^GUEST FAILED", "^GUEST work done"], 180)
        machine.wait_end(60)
    found = work.damage()
    if not found and line.text == "GUEST work done":
        raise Unexpected("no damage: does this case still do what it says?")
    return f"restored; {line.text}; e2fsck finds {len(found.splitlines())} lines to say"

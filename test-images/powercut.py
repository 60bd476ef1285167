# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The power goes, and comes back: before the commit the image is resumed all the same, after it
there is a normal boot, and no image is ever resumed twice."""

import random
import shutil
import time

import hibernated
import machine as machines
import nbd
import record
import session
import swsusp
from session import Unexpected

# Longer than a restore takes: a cut that comes too late comes when the guest is back.
WINDOW = 6.0
# From the line before boot services end to the guest: the exit, the trampoline, the image's kernel.
JUMP, JUMP_WINDOW = "^thaw: jump", 0.6


def at_checkpoint(case, image, folder, watch):
    """The power goes at a checkpoint; then the machine is switched on again."""
    checkpoint = case["checkpoint"]
    files = session.thaw_files(session.thaw_program("thaw-test.efi"), [f"checkpoint {checkpoint}"])
    parts = image.parts(folder, files)
    with session.boot(image, parts, watch) as machine:
        session.wait_halted(machine, checkpoint)
    _expect_record(parts, checkpoint)
    switch_on(image, parts, folder, watch, case["expect"][0])


def _expect_record(parts, checkpoint):
    """The attempt is known for what it was: begun; or jumped, and never heard of."""
    attempt = record.newest(parts["variables"])
    said = (attempt.state, attempt.reason) if attempt else None
    if said != {"entry": None, "load": ("started", 0)}.get(checkpoint, ("committing", 0)):
        raise Unexpected(f"record at {checkpoint}: {said}")


def switch_on(image, parts, folder, watch, expected):
    """The next boot, with thaw as it is shipped."""
    files = session.thaw_files(session.thaw_program())
    parts = parts | hibernated.boot_from(folder, parts["disk"], image.layout, files)
    with session.boot(image, parts, watch) as machine:
        session.expect_end(machine, image, expected)


def kernel_resumes(image, parts, folder, watch):
    """What thaw will not touch again the kernel can still resume."""
    files = session.control_files(folder, image)
    parts = parts | hibernated.boot_from(folder, parts["disk"], image.layout, files)
    with session.boot(image, parts, watch) as machine:
        session.follow_resumed(machine, image)


def _signature(path, swap_at):
    with open(path, "rb") as file:
        file.seek(swap_at + swsusp.PAGE - 10)
        return file.read(10)


def _verdict(image, parts, before):
    """What the next boot must make of what the cut left: restored, or a reason."""
    if _signature(parts["disk"], image.layout.swap_at) == b"SWAPSPACE2":
        session.expect_consumed(parts["disk"], before, image.layout.swap_at)
        return "no-image"
    session.expect_untouched(parts["disk"], before)
    attempt = record.newest(parts["variables"])
    return "committed-before" if attempt and attempt.state == "committing" else "restored"


def _aftermath(image, parts, before, folder, watch, by_kernel=False):
    """Boots until the image is resumed or gone for good; returns what thaw made of it. What thaw may
    restore the kernel may too, and then there is none left."""
    verdict = _verdict(image, parts, before)
    if verdict == "restored" and by_kernel:
        kernel_resumes(image, parts, folder, watch)
        switch_on(image, parts, folder, watch, "no-image")
        return "resumed by Linux"
    switch_on(image, parts, folder, watch, verdict)
    if verdict == "committed-before":
        session.expect_untouched(parts["disk"], before)
        kernel_resumes(image, parts, folder, watch)
    if verdict == "no-image":
        _kernel_finds_none(image, parts, folder, watch)
    return verdict


def _kernel_finds_none(image, parts, folder, watch):
    """Whoever looks, the image is gone."""
    files = session.control_files(folder, image)
    parts = parts | hibernated.boot_from(folder, parts["disk"], image.layout, files)
    with session.boot(image, parts, watch) as machine:
        session.follow_fresh(machine)


def at_random(case, image, folder, watch):
    """The power goes at instants chosen by a seed: anywhere between the start of thaw and the
    restored guest, or, `late`, from the end of boot services on."""
    seed = case.get("seed") or random.SystemRandom().randrange(1 << 32)
    try:
        seen = _cuts(case, image, folder, watch, random.Random(seed))
    except (Unexpected, machines.MachineError) as error:
        raise Unexpected(f"seed {seed}: {error}") from error
    counts = ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
    return f"{case['cuts']} cuts, seed {seed}: {counts}; 0 lost, 0 resumed twice"


def _cuts(case, image, folder, watch, chance):
    """{what the next boots made of it: times}"""
    seen = {}
    begin, window = (JUMP, JUMP_WINDOW) if case.get("late") else ("^thaw: ", WINDOW)
    for number in range(case["cuts"]):
        where = folder / str(number)
        where.mkdir()
        files = session.thaw_files(session.thaw_program())
        parts, before = session.prepare(image, where, files)
        _cut(image, parts, watch, begin, chance.uniform(0, window))
        verdict = _aftermath(image, parts, before, where, watch, by_kernel=number % 2)
        if case.get("late") and verdict != "no-image":
            raise Unexpected(f"{verdict} after the commit")
        seen[verdict] = seen.get(verdict, 0) + 1
        shutil.rmtree(where)
    return seen


def _cut(image, parts, watch, begin, delay):
    with session.boot(image, parts, watch) as machine:
        _, line, _ = machine.wait(begin, 120)
        until = line.when + delay
        while time.monotonic() < until:
            machine.drain()
            if any(line.text == "GUEST resumed" for line in machine.log[-20:]):
                return
            time.sleep(0.01)


def with_cache(case, image, folder, watch):
    """The disk forgets what was not flushed."""
    checkpoint = case["checkpoint"]
    files = session.thaw_files(session.thaw_program("thaw-test.efi"), [f"checkpoint {checkpoint}"])
    parts, before = session.prepare(image, folder, files)
    disk = nbd.Volatile(parts["disk"])
    with nbd.Server(disk, folder) as server:
        with session.boot(image, parts | {"backend": server.backend}, watch) as machine:
            session.wait_halted(machine, checkpoint)
    lost = len(disk.cache)
    if bool(lost) != (case["expect"][0] == "committed-before"):
        raise Unexpected(f"{lost} sectors in the disk's cache at {checkpoint}")
    verdict = _verdict(image, parts, before)
    if verdict != case["expect"][0]:
        raise Unexpected(f"{verdict} instead of {case['expect'][0]}")
    switch_on(image, parts, folder, watch, verdict)
    return f"{disk.writes} writes, {disk.flushes} flushes, {lost} sectors lost"


def in_write(case, image, folder, watch):
    """The power goes while the disk writes the header: so many of its sectors are written."""
    files = session.thaw_files(session.thaw_program())
    parts, before = session.prepare(image, folder, files)
    disk = nbd.Torn(parts["disk"], case["sectors"])
    with nbd.Server(disk, folder) as server:
        with session.boot(image, parts | {"backend": server.backend}, watch) as machine:
            machine.wait("^thaw: ", 120)
            if not disk.torn.wait(120):
                raise Unexpected("nothing was written")
    verdict = _aftermath(image, parts, before, folder, watch)
    if verdict != case["expect"][0]:
        raise Unexpected(f"{verdict} instead of {case['expect'][0]}")
    return f"{disk.reads} reads, {disk.writes} write"

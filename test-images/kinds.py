# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The kinds of cases: each is a function (case, image, folder, watch) that raises when the case
fails. `watch` registers a machine, so that its transcript is kept when it does."""

import dataclasses
import re

import machine as machines
import mutate
import oracle
import session
import swsusp
from session import Unexpected

NOT_RESTORED = re.compile(r"thaw: not restored: ([\w-]+)")


def _boot(image, volume, parts, watch, **changes):
    config = dataclasses.replace(image.config, **changes)
    return watch(machines.Machine(config, volume, **parts))


def restore(case, image, folder, watch):
    """thaw brings the guest back, and changes ten bytes of the disk."""
    volume = session.thaw_volume(folder, session.thaw_program(), case.get("conf", ()))
    parts = image.copy(folder)
    with _boot(image, volume, parts, watch) as machine:
        session.follow_resumed(machine, image)
    session.expect_consumed(parts["disk"], image.disk, image.layout.swap_at)


def control(case, image, folder, watch):
    """The kernel's own resume of the same disk."""
    volume = session.control_volume(folder, image)
    with _boot(image, volume, image.copy(folder), watch) as machine:
        session.follow_resumed(machine, image)


def refuse(case, image, folder, watch):
    """A disk or machine that is not as it was: a reason, a normal boot, the disk untouched."""
    volume = session.thaw_volume(folder, session.thaw_program(), case.get("conf", ()))
    parts = image.copy(folder)
    mutate.apply(parts["disk"], image.layout.swap_at, case.get("change", []))
    original = folder / "original.raw"
    original.hardlink_to(parts["disk"])
    parts["disk"] = _copy(parts["disk"], folder / "booted.raw")
    for expected in case["expect"]:
        with _boot(image, volume, parts, watch, **case.get("machine", {})) as machine:
            session.follow_fresh(machine)
            _expect_reason(machine, expected)
        session.expect_untouched(parts["disk"], original)


def _copy(source, target):
    machines.subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target],
                            check=True)
    return target


def _expect_reason(machine, expected):
    """`expected` is a reason, or reasons joined by |; no-image may be said or not."""
    said = [m.group(1) for line in machine.log if (m := NOT_RESTORED.search(line.text))]
    if (said or ["no-image"])[0] not in expected.split("|"):
        raise Unexpected(f"reason {' '.join(said) or 'none'} instead of {expected}")


def exact(case, image, folder, watch):
    """Memory just before the jump, frame by frame, against an independent decoder; and what
    belongs to firmware against what it was before."""
    entry, _, _ = _memory_at("entry", image, folder, watch)
    exited, _, _ = _memory_at("exited", image, folder, watch)
    jump, log, disk = _memory_at("jump", image, folder, watch)
    with open(image.disk, "rb") as file:
        result = oracle.compare_image(swsusp.Image(file, image.layout.swap_at), jump)
    if result.wrong or not result.frames:
        raise Unexpected(f"image: {result}")
    foreign = _firmware_memory(session.memory_map(log), entry, exited, jump)
    session.expect_consumed(disk, image.disk, image.layout.swap_at)
    return f"image: {result}; firmware's: {foreign}"


def _firmware_memory(ranges, entry, exited, jump):
    """Tables and NVS must be what they were when thaw started. Until boot services end, firmware
    itself writes to runtime and reserved memory (variables; where it parks the processors); after
    that nobody may, but thaw's record of the attempt holds times, and so do the frames of
    firmware's that hold the record, which differ from one boot to the next."""
    fixed = [r for r in ranges if r[2] in ("acpi", "nvs")]
    living = [r for r in ranges if r[2] in ("runtime", "reserved")]
    tables = oracle.compare_foreign(fixed, entry, jump)
    before = oracle.compare_foreign(living, entry, exited)
    after = oracle.compare_foreign(living, exited, jump)
    after.wrong = [frame for frame in after.wrong if frame not in before.wrong]
    if tables.wrong or after.wrong or not tables.frames or not after.frames:
        raise Unexpected(f"firmware's memory: tables {tables}; runtime {after}")
    return (f"{tables.frames + after.frames} frames compared, 0 wrong "
            f"({len(before.wrong)} that firmware wrote before it left)")


def _memory_at(checkpoint, image, folder, watch):
    """(Memory, log, disk) of a machine that thaw halted at a checkpoint."""
    folder = folder / checkpoint
    folder.mkdir()
    program = session.thaw_program("thaw-test.efi")
    volume = session.thaw_volume(folder, program, [f"checkpoint {checkpoint}"])
    parts = image.copy(folder)
    with _boot(image, volume, parts, watch) as machine:
        _halted(machine, checkpoint)
        dumps = machine.dump_memory(folder)
        machine.drain()
        return oracle.Memory(dumps), machine.log, parts["disk"]


def _halted(machine, checkpoint):
    index, line, _ = machine.wait([f"^CHECKPOINT {checkpoint}$", "^GUEST "], 180)
    if index == 1:
        raise Unexpected(f"{line.text} instead of checkpoint {checkpoint}")


def powercut(case, image, folder, watch):
    """The power goes at a checkpoint; then the machine is switched on again."""
    cut = folder / "cut"
    cut.mkdir()
    volume = session.thaw_volume(cut, session.thaw_program("thaw-test.efi"),
                                 [f"checkpoint {case['checkpoint']}"])
    parts = image.copy(folder)
    with _boot(image, volume, parts, watch) as machine:
        _halted(machine, case["checkpoint"])
    volume = session.thaw_volume(folder, session.thaw_program(), case.get("conf", ()))
    with _boot(image, volume, parts, watch) as machine:
        if case["expect"] == ["restored"]:
            session.follow_resumed(machine, image)
        else:
            session.follow_fresh(machine)
            _expect_reason(machine, case["expect"][0])


KINDS = {"restore": restore, "control": control, "refuse": refuse, "oracle": exact,
         "powercut": powercut}

# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The kinds of cases: each is a function (case, image, folder, watch) that raises when the case
fails. `watch` registers a machine, so that its transcript is kept when it does."""

import copy
import dataclasses
import re
import shutil

import converted
import debian
import faulty
import firmware
import fullvars
import hang
import hibernated
import insist
import install
import leg
import mutate
import oracle
import powercut
import remnants
import screen
import second
import session
import signing
import swsusp
import traffic
import wake
import work
from session import Unexpected


def restore(case, image, folder, watch):
    """thaw brings the guest back, and changes ten bytes of the disk."""
    conf = [line.format(page=image.header_page) for line in case.get("conf", ())]
    files = session.thaw_files(session.thaw_program(), conf)
    parts, before = session.prepare(image, folder, files, case.get("change", ()))
    with session.boot(image, parts, watch, **case.get("machine", {})) as machine:
        session.follow_resumed(machine, image)
    session.expect_consumed(parts["disk"], before, image.header_at, image.living)


def control(case, image, folder, watch):
    """The kernel's own resume of the same disk."""
    parts = image.parts(folder, session.control_files(folder, image))
    with session.boot(image, parts, watch) as machine:
        session.follow_resumed(machine, image)


def lost(case, image, folder, watch):
    """What the kernel's own resume makes of an image that thaw refuses and keeps: it takes the image
    off the disk before it knows, says so in its log, and boots afresh."""
    parts, before = session.prepare(image, folder, session.control_files(folder, image),
                                    case["change"])
    with session.boot(image, parts, watch) as machine:
        session.follow_fresh(machine)
        if not any(re.search(case["expect"], line.text) for line in machine.log):
            raise Unexpected(f"no {case['expect']} in the kernel's log")
    session.expect_consumed(parts["disk"], before, image.header_at, image.living)


def changed(case, image, folder, watch):
    """The machine is another than the one that hibernated: what thaw makes of it, and, of a copy of
    the disk, the kernel itself."""
    machine_now = case.get("machine", {})
    parts, before = session.prepare(image, folder, session.thaw_files(session.thaw_program()))
    with session.boot(image, parts, watch, **machine_now) as machine:
        session.expect_end(machine, _as(image, machine_now), case["expect"])
    if case["expect"] == "restored":
        session.expect_consumed(parts["disk"], before, image.header_at)
    else:
        session.expect_untouched(parts["disk"], before)
    again = folder / "kernel"
    again.mkdir()
    parts = image.parts(again, session.control_files(again, image))
    with session.boot(image, parts, watch, **machine_now) as machine:
        index, _, _ = machine.wait(["^GUEST resumed$", "^GUEST fresh boot"], 180)
    with open(parts["disk"], "rb") as file:
        file.seek(image.header_at + 4086)
        kept = file.read(10) == b"S1SUSPEND\0"
    alone = ("resumes", "keeps the image" if kept else "loses the session")[index]
    if alone != case.get("kernel", alone):
        raise Unexpected(f"alone, the kernel {alone}")
    return f"alone, the kernel {alone}"


def _as(image, changes):
    """The image as if it had been made on the changed machine, as far as checks of the guest go."""
    same = {k: v for k, v in changes.items() if k != "tpm"}
    made = copy.copy(image)
    made.config = dataclasses.replace(image.config, **same)
    return made


def broken(case, image, folder, watch):
    """A disk that fails to read or write where the case says: thaw goes on, or refuses and leaves
    the disk as it was; `after` is what the next boots, without faults, make of it."""
    files = session.thaw_files(session.thaw_program(), case.get("conf", ()))
    parts, before = session.prepare(image, folder, files)
    faults = mutate.sectors(parts["disk"], image.layout.swap_at, case["faults"])
    with session.boot(image, parts | {"faults": faults}, watch) as machine:
        session.expect_end(machine, image, case["expect"])
    if case["expect"] != "restored":
        session.expect_untouched(parts["disk"], before)
    for expected in case.get("after", ()):
        with session.boot(image, parts, watch) as machine:
            session.expect_end(machine, image, expected)


def secure(case, image, folder, watch):
    """Secure Boot is on, and thaw and what boots next are signed: refused unread, and on."""
    files = session.thaw_files(session.thaw_program(), case.get("conf", ()))
    files = signing.signed(folder, files)
    parts, before = session.prepare(image, folder, files, case.get("change", ()))
    shutil.copyfile(firmware.variables("snakeoil"), parts["variables"])
    for expected in case["expect"]:
        with session.boot(image, parts, watch, firmware="snakeoil") as machine:
            session.follow_fresh(machine)
            session.expect_reason(machine, expected)
        session.expect_untouched(parts["disk"], before)


def _twin(case, parts, folder):
    """Another disk with the same content."""
    if not case.get("twin"):
        return {}
    twin = hibernated.copy(parts["disk"], folder / "twin.raw")
    return {"extra": ["-drive", f"if=none,id=twin,format=raw,file={twin}",
                      "-device", "virtio-blk-pci,drive=twin,bootindex=2,addr=7"]}


def refuse(case, image, folder, watch):
    """A disk or machine that is not as it was: a reason, a normal boot, the disk untouched."""
    files = session.thaw_files(session.thaw_program(), case.get("conf", ()))
    parts, before = session.prepare(image, folder, files, case.get("change", ()))
    parts |= _twin(case, parts, folder)
    for path in (parts["disk"], before) if "leg" in case else ():
        leg.make(path, case["leg"])
    for expected in case["expect"]:
        with session.boot(image, parts, watch, **case.get("machine", {})) as machine:
            session.follow_fresh(machine)
            session.expect_reason(machine, expected)
        session.expect_untouched(parts["disk"], before)


def exact(case, image, folder, watch):
    """Memory just before the jump, frame by frame, against an independent decoder; and what
    belongs to firmware against what it was before."""
    entry, _, _ = session.memory_at("entry", image, folder, watch)
    exited, _, _ = session.memory_at("exited", image, folder, watch)
    jump, log, changed = session.memory_at("jump", image, folder, watch)
    with open(image.disk, "rb") as file:
        result = oracle.compare_image(swsusp.Image(file, image.layout.swap_at), jump)
    if result.wrong or not result.frames:
        raise Unexpected(f"image: {result}")
    foreign = _firmware_memory(session.memory_map(log), entry, exited, jump)
    session.expect_consumed(*changed, image.layout.swap_at)
    return f"image: {result}; firmware's: {foreign}"


def _firmware_memory(ranges, entry, exited, jump):
    """ACPI tables must be what they were when thaw started. Until boot services end, firmware
    itself writes to its other memory (variables; the log of the TPM; where it parks the
    processors); after that nobody may. Each dump is of another boot, and thaw's record of the
    attempt holds times: the frames that firmware wrote to may differ between those."""
    fixed = [r for r in ranges if r[2] == "acpi"]
    living = [r for r in ranges if r[2] in ("nvs", "runtime", "reserved")]
    tables = oracle.compare_foreign(fixed, entry, jump)
    before = oracle.compare_foreign(living, entry, exited)
    after = oracle.compare_foreign(living, exited, jump)
    after.wrong = [frame for frame in after.wrong if frame not in before.wrong]
    if tables.wrong or after.wrong or not tables.frames or not after.frames:
        raise Unexpected(f"firmware's memory: tables {tables}; others {after}")
    return (f"{tables.frames + after.frames} frames compared, 0 wrong "
            f"({len(before.wrong)} that firmware wrote before it left)")


KINDS = {"restore": restore, "changed": changed, "converted": converted.converted,
         "control": control, "lost": lost, "refuse": refuse, "oracle": exact,
         "broken": broken, "secure": secure, "powercut": powercut.at_checkpoint,
         "powercut-random": powercut.at_random, "powercut-volatile": powercut.with_cache,
         "powercut-write": powercut.in_write, "faulty": faulty.faulty, "hang": hang.hang,
         "hang-worker": hang.worker, "unplugged": faulty.unplugged, "vars-full": fullvars.full,
         "remnants-jump": remnants.jump, "remnants-refused": remnants.fall_through,
         "second-after-thaw": second.after_thaw, "second-mounted": second.mounted,
         "second-unseen": second.unseen, "second-clone": second.clone, "soak": work.soak,
         "measured": work.measured, "seen": screen.seen, "seen-refused": screen.refused,
         "seen-kernel": screen.kernel, "insisted": insist.insisted, "installed": install.installed,
         "traffic": traffic.traffic, "wake": wake.woken,
         "debian": debian.whole, "debian-saves": debian.saves, "debian-lost": debian.lost}

# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What happens at a console: boots of a hibernated disk and what is expected of them."""

import dataclasses
import os
import pathlib
import re

import cache
import guest
import hibernated
import machine as machines
import mutate
import oracle

BOOT = "EFI/BOOT/BOOTX64.EFI"
NEXT = "EFI/Linux/guest.efi"
CONF = "EFI/thaw/thaw.conf"
CHECKS = {"processors", "ram", "counter", "disk", "variable", "log"}
# What the guest's check of its kernel log looks for, and what a stock kernel says of itself there
# after any resume of some images, its own too. Linux 6.1 resumes the interrupt router before the
# clock; where the memory this takes needs a new slab, the slab's random order asks the clock
# (irqrouter_resume … allocate_slab … crng_make_state). The image decides, so it is always or never.
LOG_FAULT = re.compile(r"\] (WARNING: .*|.*(BUG|Oops|Hardware changed|[Gg]eneral protection).*)")
KERNELS_OWN = re.compile(r"\] WARNING: .* ktime_get_seconds\+0x1b/0x30$")
NOT_RESTORED = re.compile(r"thaw: not restored: ([\w-]+)")


class Unexpected(Exception):
    """The machine did something else than it should."""


def thaw_program(name="thaw.efi"):
    path = cache.BUILD / name
    if not path.exists():
        raise Unexpected(f"build/{name} is missing")
    return path


def fresh_guest():
    """The normal boot that follows a refusal; kept in the cache."""
    recipe = guest.Recipe()
    path = cache.root() / "fresh" / hibernated.key(recipe, machines.Config())
    with cache.building(path) as scratch:
        if scratch:
            guest.fresh(scratch / "guest.efi", recipe)
    return path / "guest.efi"


def thaw_files(program, conf=(), verbose=True):
    """What boots thaw, with a normal boot as the next entry."""
    lines = [f"next \\{NEXT}".replace("/", "\\"), f"verbose {'yes' if verbose else 'no'}", *conf]
    return {BOOT: program, NEXT: fresh_guest(), CONF: "".join(f"{x}\n" for x in lines).encode()}


def control_files(folder, image, more=()):
    """What boots the guest's kernel, which is to resume by itself."""
    guest.resuming(folder / "resume.efi", image.recipe, image.config, image.header_page, more)
    return {BOOT: folder / "resume.efi"}


def prepare(image, folder, files, changes=()):
    """What the machine is made of, and a copy of its disk to compare with afterwards."""
    parts = image.parts(folder, files)
    mutate.apply(parts["disk"], image.layout.swap_at, changes)
    return parts, hibernated.copy(parts["disk"], folder / "before.raw")


def boot(image, parts, watch, **changes):
    """The image's machine, or one that differs in some fields of its Config."""
    return watch(machines.Machine(dataclasses.replace(image.config, **changes), **parts))


def is_kernels_own(machine):
    """All that is wrong with the guest's log is known to be the kernel's own."""
    faults = [line.text for line in machine.log if LOG_FAULT.search(line.text)]
    traces = sum("Call Trace:" in line.text for line in machine.log)
    return 0 < len(faults) == traces and all(KERNELS_OWN.search(text) for text in faults)


def follow_resumed(machine, image, timeout=180, then=None):
    """From the start of a machine to the end of the restored guest's examination of itself, before
    which `then` is called. Returns the first line of the restored guest."""
    index, first, _ = machine.wait(["^GUEST resumed$", "^GUEST fresh boot"], timeout)
    if index == 1:
        raise Unexpected("a fresh boot instead of the restored guest")
    if then:
        then()
    passed, nonce, processors = set(), None, None
    while True:
        index, _, match = machine.wait(
            ["^GUEST check (\\w+) ok", "^GUEST nonce (\\w*)", "^GUEST processors (\\d+)",
             "^GUEST press the power button", "^GUEST resumed all ok", "^GUEST check \\w+ FAILED",
             "^GUEST resumed, FAILED: log$"],
            timeout)
        if index == 0:
            passed.add(match.group(1))
        elif index == 1:
            nonce = match.group(1)
        elif index == 2:
            processors = int(match.group(1))
        elif index == 3:
            machine.press_power_button()
        elif index == 4:
            break
        elif index == 6:
            if not is_kernels_own(machine):
                raise Unexpected("the restored guest's kernel log")
            passed.add("log")
            break
    wanted = CHECKS | ({"tpm"} if image.config.tpm else set())
    if image.recipe.mode == "platform":
        wanted |= {"button"}
    if not wanted <= passed:
        raise Unexpected(f"checks missing: {' '.join(sorted(wanted - passed))}")
    if nonce != image.facts["nonce"]:
        raise Unexpected(f"nonce {nonce} is not {image.facts['nonce']}")
    if processors != image.config.processors:
        raise Unexpected(f"{processors} processors instead of {image.config.processors}")
    machine.wait_end(60)
    return first


def follow_fresh(machine, timeout=180):
    """From the start of a machine to the end of a normal boot."""
    index, line, _ = machine.wait(["^GUEST fresh boot", "^GUEST resumed"], timeout)
    if index == 1:
        raise Unexpected("restored instead of a fresh boot")
    machine.wait_end(60)
    return line


def expect_reason(machine, expected):
    """`expected` is a reason, or reasons joined by |; no-image may be said or not."""
    said = [m.group(1) for line in machine.log if (m := NOT_RESTORED.search(line.text))]
    if (said or ["no-image"])[0] not in expected.split("|"):
        raise Unexpected(f"reason {' '.join(said) or 'none'} instead of {expected}")


def expect_end(machine, image, expected):
    """`expected` is restored, or the reason of a normal boot."""
    if expected == "restored":
        follow_resumed(machine, image)
    else:
        follow_fresh(machine)
        expect_reason(machine, expected)


def wait_halted(machine, checkpoint):
    """Until thaw has halted the machine at a checkpoint."""
    index, line, _ = machine.wait([f"^CHECKPOINT {checkpoint}$", "^GUEST "], 120)
    if index == 1:
        raise Unexpected(f"{line.text} instead of checkpoint {checkpoint}")


def memory_at(checkpoint, image, folder, watch, conf=()):
    """(Memory, log, (disk, disk before)) of a machine that thaw halted at a checkpoint."""
    folder = folder / checkpoint
    folder.mkdir()
    conf = [f"checkpoint {checkpoint}", *conf]
    files = thaw_files(thaw_program("thaw-test.efi"), conf)
    parts, before = prepare(image, folder, files)
    with boot(image, parts, watch) as machine:
        wait_halted(machine, checkpoint)
        dumps = machine.dump_memory(folder)
        machine.drain()
        return oracle.Memory(dumps), machine.log, (parts["disk"], before)


def memory_map(log):
    """[(start, end, type)] from the lines that thaw prints when it is verbose; a test build's,
    which it copies to the debug console: a serial line may lose characters."""
    found = []
    for line in log:
        words = line.text.split()
        if line.channel == "debugcon" and words[:2] == ["thaw:", "map"] and len(words) == 5:
            found.append((int(words[2], 16), int(words[3], 16), words[4]))
    return found


def _data(file, size):
    """[(first byte, end)] of what is not a hole."""
    found, at = [], 0
    while at < size:
        try:
            start = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
        found.append((start, at))
    return found


def differences(path, original):
    """[(offset, length)] of the runs of bytes in which two files differ. Where both have a hole
    nothing is read: a disk may have terabytes of them."""
    piece = 1 << 20
    size = pathlib.Path(path).stat().st_size
    if size != pathlib.Path(original).stat().st_size:
        raise Unexpected("the disk changed its size")
    merged = []
    with open(path, "rb") as a, open(original, "rb") as b:
        pieces = {at // piece for f in (a, b) for start, end in _data(f, size)
                  for at in range(start // piece * piece, end, piece)}
        for number in sorted(pieces):
            at = number * piece
            x, y = (os.pread(f.fileno(), piece, at) for f in (a, b))
            if x == y:
                continue
            for i in (i for i in range(len(x)) if x[i] != y[i]):
                if merged and sum(merged[-1]) == at + i:
                    merged[-1] = (merged[-1][0], merged[-1][1] + 1)
                else:
                    merged.append((at + i, 1))
    return merged


def expect_untouched(path, original):
    changed = differences(path, original)
    if changed:
        raise Unexpected(f"the disk changed: {changed[:8]}")


def expect_consumed(path, original, header_at, living=None):
    """Nothing on the disk may have changed but the ten bytes of the signature; and, where the guest
    has a file system mounted, that: (first byte, bytes)."""
    with open(path, "rb") as file:
        file.seek(header_at + 4086)
        signature = file.read(10)
    if signature != b"SWAPSPACE2":
        raise Unexpected(f"the signature is {signature!r}")
    allowed = [(header_at + 4086, header_at + 4096)]
    if living:
        allowed.append((living[0], sum(living)))
    outside = [run for run in differences(path, original)
               if not any(first <= run[0] and sum(run) <= end for first, end in allowed)]
    if outside:
        raise Unexpected(f"the disk changed beyond the signature: {outside[:8]}")

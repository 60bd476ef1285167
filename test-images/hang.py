# SPDX-License-Identifier: BSD-2-Clause-Patent
"""thaw hangs: the watchdog resets the machine, and an image that did it twice is left alone."""

import faulty
import machine as machines
import nbd
import powercut
import record
import session
from session import Unexpected


class FastClock(machines.Machine):
    """A machine whose clock runs by instructions, a microsecond each, so that five minutes pass
    sooner; it has one processor and no time for the idle."""

    def command(self):
        words = ["tcg" if word == "tcg,thread=multi" else word for word in super().command()]
        return [*words, "-icount", "shift=10,sleep=off"]


def hang(case, image, folder, watch):
    """The disk never answers again where the case says. `expect`, one a boot: reset, or the reason
    of a boot with a sound disk."""
    files = session.thaw_files(session.thaw_program(), case.get("conf", ()))
    parts, before = session.prepare(image, folder, files)
    said = []
    for expected in case["expect"]:
        if expected == "reset":
            _hang_once(case, image, parts, folder, watch)
        else:
            with session.boot(image, parts, watch) as machine:
                session.expect_end(machine, image, expected)
        session.expect_untouched(parts["disk"], before)
        attempt = record.newest(parts["variables"])
        said.append(f"{expected}: {attempt.state}, try {attempt.tries}")
    return "; ".join(said)


def _hang_once(case, image, parts, folder, watch):
    disk = nbd.Silent(parts["disk"], faulty.place(image, *case["at"]), case["iotype"])
    with nbd.Server(disk, folder) as server:
        with watch(FastClock(image.config, **parts, backend=server.backend)) as machine:
            _expect_reset(machine)


def worker(case, image, folder, watch):
    """A processor that thaw started never comes back: thaw gives nothing away that it knows of and
    resets; then the image is passed over, and the kernel can still resume it."""
    files = session.thaw_files(session.thaw_program("thaw-test.efi"), ["checkpoint worker"])
    parts, before = session.prepare(image, folder, files)
    with session.boot(image, parts, watch) as machine:
        machine.wait("^CHECKPOINT worker$", 120)
        _expect_reset(machine)
    session.expect_untouched(parts["disk"], before)
    attempt = record.newest(parts["variables"])
    powercut.switch_on(image, parts, folder, watch, case["expect"])
    session.expect_untouched(parts["disk"], before)
    powercut.kernel_resumes(image, parts, folder, watch)
    return (f"reset: {attempt.state}, reason {attempt.reason:#x}; then {case['expect']}; resumed by "
            "Linux")


def _expect_reset(machine):
    if not machine.wait_reset(900) or any(line.text.startswith("GUEST") for line in machine.log):
        raise Unexpected("no reset by the watchdog")

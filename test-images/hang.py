# SPDX-License-Identifier: BSD-2-Clause-Patent
"""thaw hangs: the watchdog resets the machine, and an image that did it twice is left alone."""

import dataclasses

import faulty
import machine as machines
import nbd
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
    """The disk never answers again where the case says. `expect`, one a boot: reset, or a reason;
    the disk is whole for the last boot."""
    files = session.thaw_files(session.thaw_program(), case.get("conf", ()))
    parts, before = session.prepare(image, folder, files)
    at = faulty.place(image, *case["at"])
    said = []
    for expected in case["expect"]:
        disk = nbd.Silent(parts["disk"], at, case["iotype"])
        with nbd.Server(disk, folder) as server:
            with watch(FastClock(image.config, **parts, backend=server.backend)) as machine:
                if expected == "reset":
                    _expect_reset(machine)
                else:
                    session.expect_end(machine, image, expected)
        session.expect_untouched(parts["disk"], before)
        attempt = record.newest(parts["variables"])
        said.append(f"{attempt.state} {attempt.tries}" if attempt else "no record")
    return "; ".join(said)


def _expect_reset(machine):
    machine.wait_end(900)
    how = machine.how_it_ended()
    if how != "guest-reset" or any(line.text.startswith("GUEST") for line in machine.log):
        raise Unexpected(f"{how} instead of the watchdog's reset")

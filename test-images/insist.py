# SPDX-License-Identifier: BSD-2-Clause-Patent
"""An image that was passed over, and somebody who insists on it."""

import hibernated
import session

KEYS = [("R restores it", "r"), ("Y restores it", "y")]


def insisted(_, image, folder, watch):
    """A boot goes past the image; in the next its reason stands on the screen, and two keys restore
    it all the same, in that boot."""
    past = session.thaw_files(session.thaw_program(), ["dry-run yes"])
    parts, _ = session.prepare(image, folder, past)
    with session.boot(image, parts, watch) as machine:
        session.expect_end(machine, image, "dry-run")
    parts |= hibernated.boot_from(folder, parts["disk"], image.layout,
                                  session.thaw_files(session.thaw_program()))
    before = hibernated.copy(parts["disk"], folder / "before.raw")
    with session.boot(image, parts, watch) as machine:
        for question, key in KEYS:
            machine.wait(f"thaw: {question}", 120)
            machine.qmp("send-key", keys=[{"type": "qcode", "data": key}])
        session.expect_end(machine, image, "restored")
        session.expect_reason(machine, "passed-over")
    session.expect_consumed(parts["disk"], before, image.layout.swap_at)

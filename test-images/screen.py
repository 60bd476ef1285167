# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What a user sees: screenshots of a machine, and what thaw draws on them."""

import re
import shutil
import time

import cache
import session
from session import Unexpected

LINE = re.compile(r"Restoring \d+ MiB of a hibernated Linux: (\d+) %")
INK = (0xe0, 0xe0, 0xe0)      # efi/canvas.c, on dark
GROOVE = (0x40, 0x40, 0x40)
SLOW = 12_000_000             # bytes per second: loading takes some seconds


class Picture:
    """A screenshot: rows of pixels."""

    def __init__(self, path):
        data = path.read_bytes()
        magic, width, height, _ = data.split(maxsplit=4)[:4]
        assert magic == b"P6", path
        self.width, self.height = int(width), int(height)
        self.data = data[len(data) - 3 * self.width * self.height:]

    def row(self, y):
        line = self.data[3 * self.width * y:3 * self.width * (y + 1)]
        return [tuple(line[i:i + 3]) for i in range(0, len(line), 3)]

    def bar(self):
        """(row, first column, filled, width) of the bar; None without one."""
        for y in range(self.height):
            row = self.row(y)
            if row.count(GROOVE) + row.count(INK) >= self.width // 3 - 2:
                first = next(x for x, p in enumerate(row) if p in (INK, GROOVE))
                return y, first, row.count(INK), row.count(INK) + row.count(GROOVE)
        return None


def take(machine, path):
    """A screenshot, and how far the line on the text console was then (None: no such line)."""
    machine.qmp("screendump", filename=str(path))
    time.sleep(0.2)
    machine.drain()
    said = [int(m.group(1)) for line in machine.log if (m := LINE.search(line.text))]
    return Picture(path), said[-1] if said else None


def outside_differs(a, b, top, bottom):
    """Rows beyond the strip in which two pictures differ."""
    return [y for y in range(a.height) if not top <= y < bottom and a.row(y) != b.row(y)]


def seen(case, image, folder, watch):
    """A slow disk, so that there is something to see: the bar, over a screen that stays as it is; and
    the keys that end it (`keys`, `expect`)."""
    files = session.thaw_files(session.thaw_program(), verbose=False)
    parts, before = session.prepare(image, folder, files)
    slow = {"backend": f"format=raw,file={parts['disk']},throttling.bps-read={SLOW}"}
    with session.boot(image, parts | slow, watch) as machine:
        machine.wait(LINE.pattern, 120)
        early = take(machine, folder / "early.ppm")
        for key in case.get("keys", ()):
            machine.qmp("send-key", keys=[{"type": "qcode", "data": key}])
            time.sleep(1)
        machine.wait(session.NOT_RESTORED.pattern if "keys" in case
                     else r"hibernated Linux: [5-9]\d %", 120)
        late = take(machine, folder / "late.ppm")
        for name in ("early", "late"):
            shutil.copyfile(folder / f"{name}.ppm", cache.LOGS / f"{case['name']}-{name}.ppm")
        _expect_bar(*early)
        if "keys" in case:
            # What was said is on the first lines; where the bar was there is nothing again.
            if late[0].bar():
                raise Unexpected("the bar is still there")
        else:
            _expect_bar(*late)
            _expect_same_besides(early[0], late[0])
        session.expect_end(machine, image, case["expect"])
    if case["expect"] in ("restored", "discarded"):
        session.expect_consumed(parts["disk"], before, image.layout.swap_at)
    else:
        session.expect_untouched(parts["disk"], before)


def _expect_bar(picture, percent):
    """In the middle, and as far as the line on the text console."""
    bar = picture.bar()
    if not bar:
        raise Unexpected("no bar on the screen")
    row, left, filled, width = bar
    if abs(left * 2 + width - picture.width) > 2 or row < picture.height // 2:
        raise Unexpected(f"the bar is at {left}, {row}")
    if abs(filled / width - percent / 100) > 0.1:
        raise Unexpected(f"the bar is at {filled} of {width}, the line at {percent} %")


def _expect_same_besides(early, late):
    row, _, filled, _ = early.bar()
    if late.bar()[2] <= filled:
        raise Unexpected("the bar does not grow")
    if wrong := outside_differs(early, late, row, row + 40):
        raise Unexpected(f"the rest of the screen changed in rows {wrong[:4]}")

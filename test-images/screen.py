# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What a user sees: the screen of a machine, the line on a serial console, and the keys. The pictures
of the documents are what the screen is compared with; each run leaves its own beside its log."""

import re
import time

import cache
import picture
import session
from session import Unexpected

DOCS = cache.HERE.parent / "docs"
LINE = re.compile(r"Restoring \d+ MiB of a hibernated Linux: (\d+) %(, \d+ MiB/s, \d+ s left)?")
QUESTION = "D again discards the hibernated session for good"
STARTED = r"BdsDxe: starting Boot"
INK = (0xe0, 0xe0, 0xe0)      # efi/canvas.c, on dark
GROOVE = (0x40, 0x40, 0x40)
READ = 1.3                    # seconds for which no key is to come before an answer counts
STRIP = 40                    # rows from the bar on that belong to thaw
SLOW = 6_000_000              # bytes per second: loading takes ten seconds


def bar(screen):
    """(row, first column, filled, width) of the bar; None without one."""
    least = screen.width // 3 - 2
    for y in range(screen.height):
        if screen.raw(y).count(bytes(GROOVE)) + screen.raw(y).count(bytes(INK)) < least:
            continue
        row = screen.row(y)
        if row.count(GROOVE) + row.count(INK) >= least:
            first = next(x for x, p in enumerate(row) if p in (INK, GROOVE))
            return y, first, row.count(INK), row.count(INK) + row.count(GROOVE)
    return None


def take(machine, case, name):
    """The screen as it is; kept as a picture."""
    path = cache.LOGS / f"{case['name']}-{name}.ppm"
    machine.qmp("screendump", filename=str(path))
    screen = picture.load_ppm(path)
    picture.save_png(path.with_suffix(".png"), screen)
    path.unlink()
    return screen


def _lines(machine):
    """[(when, percent)] of the lines on the serial console that were waited for so far."""
    return [(line.when, int(m.group(1))) for line in machine.log
            if line.channel == "serial" and (m := LINE.search(line.text))]


def _take_timed(machine, case, name):
    """The screen, and between when and when it was taken."""
    began = time.monotonic()
    return take(machine, case, name), began, time.monotonic()


# --- while an image is loaded ------------------------------------------------------------------------
def _slow(image, parts):
    return parts | {"backend": f"format=raw,file={parts['disk']},throttling.bps-read={SLOW}"}


def seen(case, image, folder, watch):
    """A slow disk, so that there is something to see: the bar, over a screen that stays as it is, and
    the line on the serial console; and the keys that end it (`keys`, or one that is `held`)."""
    files = session.thaw_files(session.thaw_program(), verbose=False)
    parts, before = session.prepare(image, folder, files)
    with session.boot(image, _slow(image, parts), watch) as machine:
        _, started, _ = machine.wait(STARTED, 120)
        machine.wait(LINE.pattern, 120)
        if image.config.vga == "none":
            machine.wait(r"hibernated Linux: [7-9]\d %", 120)
        else:
            _look(machine, case)
        _expect_lines(case, machine, started.when)
        session.expect_end(machine, image, case["expect"])
        asked = any(QUESTION in line.text for line in machine.log)
    if asked != ("d" in (*case.get("keys", ()), case.get("held"))):
        raise Unexpected("asked without a D" if asked else "D asks nothing")
    if case["expect"] in ("restored", "discarded"):
        session.expect_consumed(parts["disk"], before, image.layout.swap_at)
    else:
        session.expect_untouched(parts["disk"], before)


def _look(machine, case):
    early = _take_timed(machine, case, "early")
    if "keys" in case:
        _answer(machine, case["keys"])
        # What was said is on the first lines; where the bar was there is nothing again.
        machine.wait(session.NOT_RESTORED.pattern, 120)
        late = take(machine, case, "late")
        _expect_bar(machine, *early)
        if bar(late):
            raise Unexpected("the bar is still there")
        return
    if "held" in case:
        _hold(machine, case["held"])
        _expect_bar(machine, *early)
        return
    machine.wait(r"hibernated Linux: [5-9]\d %", 120)
    late = _take_timed(machine, case, "late")
    _expect_bar(machine, *early)
    _expect_bar(machine, *late)
    _expect_same_besides(early[0], late[0])


def _press(machine, key):
    machine.qmp("send-key", keys=[{"type": "qcode", "data": key}], **{"hold-time": 20})


def _answer(machine, keys):
    """Presses the first, reads for a while what is asked, presses the next."""
    _press(machine, keys[0])
    for key in keys[1:]:
        _, asked, _ = machine.wait(QUESTION, 60)
        now = asked
        while now.when < asked.when + READ:
            _, now, _ = machine.wait(QUESTION, 60)
        _press(machine, key)


def _hold(machine, key):
    """As a keyboard does: once, and after a second again and again."""
    _press(machine, key)
    time.sleep(1)
    for _ in range(30):
        _press(machine, key)
        time.sleep(0.05)


def _expect_lines(case, machine, started):
    """Nothing in the first half second; then how far it is, what is left of it, and no step back,
    until the line is a question."""
    lines = _lines(machine)
    percents = [percent for _, percent in lines]
    if lines[0][0] - started < 0.5:
        raise Unexpected(f"a line after {lines[0][0] - started:.2f} s")
    least = 1 if "keys" in case or "held" in case else 2
    if percents != sorted(percents) or len(set(percents)) < least:
        raise Unexpected(f"lines with {percents[:8]} %")
    if not any((m := LINE.search(line.text)) and m.group(2) for line in machine.log):
        raise Unexpected("no line has the speed and the time left")


def _expect_bar(machine, screen, began, ended):
    """In the middle, and as far as the lines on the text console that came before and after."""
    found = bar(screen)
    if not found:
        raise Unexpected("no bar on the screen")
    row, left, filled, width = found
    if abs(left * 2 + width - screen.width) > 2 or row < screen.height // 2:
        raise Unexpected(f"the bar is at {left}, {row}")
    least = [percent for when, percent in _lines(machine) if when < began][-1]
    most = next((percent for when, percent in _lines(machine) if when > ended), 100)
    if not least - 2 <= 100 * filled / width <= most + 2:
        raise Unexpected(f"the bar is at {filled} of {width}, the lines at {least} and {most} %")


def _expect_same_besides(early, late):
    """It grows, and all beside it is as it was; and as the document shows it."""
    row, _, filled, _ = bar(early)
    if bar(late)[2] <= filled:
        raise Unexpected("the bar does not grow")
    _expect_picture(early, late, range(row, row + STRIP))
    shown = picture.load_png(DOCS / "restoring.png")
    if bar(shown)[:2] != bar(late)[:2]:
        raise Unexpected(f"the bar is at {bar(late)[:2]}, in the document at {bar(shown)[:2]}")
    _expect_picture(shown, late, range(row, row + STRIP))


def _expect_picture(wanted, screen, but=range(0)):
    if wrong := screen.differs(wanted, but):
        raise Unexpected(f"the screen changed in rows {wrong[:4]}")


# --- a refusal ---------------------------------------------------------------------------------------
def refused(case, image, folder, watch):
    """Its sentence stands on the screen, as the document shows it, for three seconds; and on."""
    files = session.thaw_files(session.thaw_program(), verbose=False)
    parts, before = session.prepare(image, folder, files, case["change"])
    with session.boot(image, parts, watch) as machine:
        _, said, _ = machine.wait(session.NOT_RESTORED.pattern, 120)
        first = take(machine, case, "first")
        time.sleep(max(0, said.when + 2.5 - time.monotonic()))
        _expect_picture(first, take(machine, case, "last"))
        _, on, _ = machine.wait("^EFI stub: ", 60)
        session.expect_end(machine, image, case["expect"])
    session.expect_untouched(parts["disk"], before)
    if not 2.9 < on.when - said.when < 8:
        raise Unexpected(f"the next entry after {on.when - said.when:.1f} s")
    _expect_picture(picture.load_png(DOCS / "refused.png"), first)
    return f"the next entry after {on.when - said.when:.1f} s"


# --- beside it ---------------------------------------------------------------------------------------
def kernel(case, image, folder, watch):
    """What the kernel's own resume of the same disk shows meanwhile: a boot, in which keys change
    nothing."""
    words = ["console=tty0", "ignore_loglevel"]
    parts, _ = session.prepare(image, folder, session.control_files(folder, image, words))
    with session.boot(image, _slow(image, parts), watch) as machine:
        machine.wait(STARTED, 120)
        before = take(machine, case, "before")
        machine.wait(r"Image loading progress: +[2-5]0%", 120)
        for key in ("esc", "d"):
            _press(machine, key)
        time.sleep(1)
        late = take(machine, case, "late")
        session.follow_resumed(machine, image)
    rows = late.differs(before)
    if len(rows) < late.height // 4 or bar(late):
        raise Unexpected(f"{len(rows)} rows differ from firmware's")
    _expect_kernel_log(machine)


def _expect_kernel_log(machine):
    booted = [line for line in machine.log if re.match(r"\[ +\d+\.\d+\] ", line.text)]
    if len(booted) < 100:
        raise Unexpected(f"{len(booted)} lines of a boot")

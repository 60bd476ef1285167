# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Times of a boot, read off the lines of its console."""

import re

# What happened, by the line that shows it, in the order of a boot.
MARKS = [
    ("firmware starts the boot program", r"^BdsDxe: starting "),
    ("first line of thaw", r"^thaw: start"),
    ("thaw jumps into the image", r"^thaw: jump"),
    ("first line of the kernel's EFI stub", r"^EFI stub:"),
    ("first line of the kernel", r"^\[ +\d+\.\d+\]"),
    # thawctl, which hibernated, looks into the record before it ends.
    ("first line of the resumed guest", r"^(Restored, \d|GUEST resumed$)"),
]
START, END = MARKS[0][0], MARKS[-1][0]


def timeline(machine):
    """{mark: seconds since power-on} of the first line for each mark that was seen."""
    times = {}
    for line in machine.log:
        for name, pattern in MARKS:
            if name not in times and END not in times and re.search(pattern, line.text):
                times[name] = line.when - machine.started
    return times


def phases(machine):
    """[(phase, seconds)] as thaw itself measured them."""
    found = (re.search(r"^thaw: phase ([\w-]+) (\d+)", line.text) for line in machine.log)
    return [(m.group(1), int(m.group(2)) / 1e6) for m in found if m]


def duration(times):
    """Seconds from the start of the boot program to the resumed guest's first line."""
    return times[END] - times[START]

# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The benchmark's picture: bars, as SVG, without a library."""

WIDTH, LEFT, BAR, GAP = 900, 330, 18, 6
COLOURS = {"thaw": "#2a78b8", "kernel": "#b0b0b0", "floor": "#4a9a4a"}
PHASES = ["loading thaw", "look", "plan", "load", "commit", "jump to guest"]
SHADES = ["#9ecae1", "#d9b44a", "#c0504d", "#2a78b8", "#7a5195", "#8a8a8a"]


class Picture:
    def __init__(self):
        self.parts, self.y = [], 10

    def text(self, x, y, text, anchor="start", weight="normal"):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" '
                          f'font-weight="{weight}">{text}</text>')

    def rect(self, x, width, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{self.y}" width="{max(width, 0.5):.1f}" '
                          f'height="{BAR}" fill="{colour}"/>')

    def title(self, text):
        self.y += 24
        self.text(10, self.y, text, weight="bold")
        self.y += 12

    def bar(self, label, pieces, note, scale):
        """`pieces`: (length, colour) one behind the other."""
        self.text(LEFT - 8, self.y + 14, label, "end")
        x = LEFT
        for length, colour in pieces:
            self.rect(x, length * scale, colour)
            x += length * scale
        self.text(x + 6, self.y + 14, note)
        self.y += BAR + GAP

    def legend(self, entries):
        x = LEFT
        for name, colour in entries:
            self.rect(x, 12, colour)
            self.text(x + 16, self.y + 13, name)
            x += 34 + 7 * len(name)
        self.y += BAR + GAP

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.y + 10}" '
                f'font-family="sans-serif" font-size="13">\n'
                f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(self.parts)
                + "\n</svg>\n")


def _scale(longest):
    return (WIDTH - LEFT - 130) / longest if longest else 1


def _restores(picture, rows):
    picture.title("From the start of the boot program to the resumed guest (QEMU, seconds)")
    scale = _scale(max(row["kernel"] for row in rows.values()))
    for row in rows.values():
        label = f"{row['pages']:,} pages, {row['processors']} processor(s)"
        picture.bar(f"{label}: thaw", [(row["thaw"], COLOURS["thaw"])],
                    f"{row['thaw']:.2f}   {row['kernel'] / row['thaw']:.1f} x as fast", scale)
        picture.bar("the kernel's own resume", [(row["kernel"], COLOURS["kernel"])],
                    f"{row['kernel']:.2f}", scale)


def _phases(picture, rows):
    rows = {name: row for name, row in rows.items() if row.get("phases")}
    if not rows:
        return
    picture.title("Where thaw's time goes (QEMU, seconds)")
    picture.legend(zip(PHASES, SHADES))
    scale = _scale(max(sum(row["phases"].values()) for row in rows.values()))
    for row in rows.values():
        pieces = [(row["phases"].get(p, 0), colour) for p, colour in zip(PHASES, SHADES)]
        picture.bar(f"{row['pages']:,} pages, {row['processors']} processor(s)", pieces,
                    f"{sum(length for length, _ in pieces):.2f}", scale)


def _native(picture, rows):
    bars = []
    for codec in ("lzo", "lz4"):
        if figures := rows.get(f"pipeline-{codec}"):
            mib = figures["pages"] / 256
            bars += [(f"{codec}: {label}", mib / figures[key], colour) for label, key, colour in (
                ("decoder alone", "decoder_s", COLOURS["kernel"]),
                ("pipeline, one thread", "one_s", COLOURS["thaw"]),
                ("pipeline, two threads", "two_s", COLOURS["thaw"]))]
    if bars:
        picture.title("Decoded pages on the host (MiB/s)")
        scale = _scale(max(speed for _, speed, _ in bars))
        for label, speed, colour in bars:
            picture.bar(label, [(speed, colour)], f"{speed:.0f}", scale)


def draw(results):
    picture = Picture()
    restores = results.get("qemu", {}).get("rows", {})
    if restores:
        _restores(picture, restores)
        _phases(picture, restores)
    _native(picture, results.get("native", {}).get("rows", {}))
    return picture.svg()

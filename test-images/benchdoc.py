# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What was wanted, what was measured, and what could be at most: as rows, and as the tables in
docs/BENCHMARKS.md. The text around the tables is written by hand and holds no figure of a run."""

import re
import typing

import cache
import plot

DOCS = cache.HERE.parent / "docs"
BEGIN = "<!-- from build/bench.json, by test-images/bench --docs -->\n"
END = "<!-- end -->\n"

WAYS = {"lzo": "the kernel, LZO", "lz4": "the kernel, LZ4", "thawctl": "`thawctl hibernate`"}

# what, where in the results, target, whether more is better
TARGETS = [
    ("LZO1X decoder, native, against liblzo2", "native lzo-decoder", 1.5, True),
    ("LZ4 decoder, native, against liblz4", "native lz4-decoder", 1.0, True),
    ("pipeline, native, one thread, against the decoder alone, LZO", "native lzo-one", 0.85, True),
    ("likewise, LZ4", "native lz4-one", 0.85, True),
    ("pipeline, native, two threads against one, LZO", "native lzo-two", 1.8, True),
    ("planning 1 TiB of RAM, a million runs, seconds", "native plan-s", 1.0, False),
    ("bookkeeping for it, % of RAM", "native plan-percent", 0.1, False),
    ("entry to resumed, 34,000 pages, 2 processors, against the kernel", "qemu small-2", 8, True),
    ("likewise, 340,000 pages", "qemu medium-2", 8, True),
    ("likewise, 1,000,000 pages", "qemu large-2", 8, True),
    ("entry to jump against the floor, 340,000 pages, 2 processors", "floor medium-2", 1.3, False),
    ("likewise, an image without compression", "floor raw-2", 1.3, False),
    ("thaw's own form against Linux's LZ4, 340,000 pages, 2 processors, entry to resumed", "forms 2",
     1.2, True),
    ("likewise, entry to jump", "forms jump-2", 1.2, True),
    ("thaw's own form as it is, entry to resumed", "forms stored-2", 1.2, True),
    ("firmware to resumed, saved by thawctl, against the kernel's LZO, 34,000 pages, 1 processor",
     "saved small-1-lzo", 1.5, True),
    ("likewise, 2 processors", "saved small-2-lzo", 1.5, True),
    ("likewise, 340,000 pages, 2 processors", "saved medium-2-lzo", 1.5, True),
    ("no image, device configured, milliseconds", "idle ms", 10, False),
    ("no image, any device, milliseconds", "idle any-ms", 10, False),
    ("thaw.efi, KiB", "size kib", 200, False),
]


class Row(typing.NamedTuple):
    what: str
    wanted: str
    value: float
    limit: float | None    # what nothing on this machine gets past, as measured
    good: bool


def _ratio(results, where):
    part, key = where.split(" ", 1)
    return results.get(part, {}).get("ratios", {}).get(key)


def _restore_limit(results, key):
    """Against the kernel, if thaw took no longer from entry to jump than the least there is."""
    row = results.get("qemu", {}).get("rows", {}).get(key)
    floor = results.get("floor", {}).get("rows", {}).get(key)
    if not row or not floor:
        return None
    spared = sum(row["phases"].get(p, 0) for p in ("look", "plan", "load", "commit"))
    return row["kernel"] / (row["thaw"] - spared + floor["least"])


def _saved_limit(results, key):
    """If thaw took no longer from entry to jump than the disk needs to give what is stored, or, where
    that was not measured, no time at all."""
    row = results.get("saved", {}).get("rows", {}).get(key)
    if not row:
        return None
    own = row["thawctl"]
    spared = sum(own["phases"].get(p, 0) for p in ("look", "plan", "load", "commit"))
    least = own["floor"]["open"] + own["floor"]["read"] if own.get("floor") else 0
    return row["lzo"]["restored"] / (own["restored"] - spared + least)


def _limit(results, where):
    part, key = where.split(" ", 1)
    if part == "saved":
        return _saved_limit(results, key.removesuffix("-lzo"))
    if part == "qemu":
        return _restore_limit(results, key)
    return _ratio(results, f"{part} {key.replace('-one', '')}-limit")


def judged(results):
    rows = []
    for what, where, target, more in TARGETS:
        value = _ratio(results, where)
        if value is not None:
            good = value >= target if more else value <= target
            rows.append(Row(what, f"{'>=' if more else '<='} {target}", value,
                            _limit(results, where), good))
    return rows


def _table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _targets(results):
    return _table(["what", "target", "measured", "limit", ""], [
        [row.what, row.wanted.replace(">=", "≥").replace("<=", "≤"), f"{row.value:.3g}",
         "" if row.limit is None else f"{row.limit:.3g}", "" if row.good else "missed"]
        for row in judged(results)])


def _restores(results):
    return _table(["pages", "stored", "processors", "thaw, s", "kernel, s", "ratio", "recipe"], [
        [f"{row['pages']:,}", f"{100 * row['stored']:.0f} %", str(row["processors"]),
         f"{row['thaw']:.2f}", f"{row['kernel']:.2f}", f"{row['kernel'] / row['thaw']:.1f}",
         row["recipe"]] for row in results.get("qemu", {}).get("rows", {}).values()])


def _floors(results):
    columns = ["open", "read", "write", "straight", "decode", "decode-checked", "least", "entry to jump"]
    rows = results.get("floor", {}).get("rows", {}).values()
    return _table(["pages", "codec", "processors", "open", "read", "write", "read straight",
                   "decode", "and checksum", "least", "thaw, entry to jump"],
                  [[f"{row['pages']:,}", row["codec"], str(row["processors"]),
                    *(f"{row[c]:.2f}" for c in columns)] for row in rows])


def _pipelines(results):
    rows = []
    for codec in ("lzo", "lz4", "thaw"):
        if figures := results.get("native", {}).get("rows", {}).get(f"pipeline-{codec}"):
            mib = figures["pages"] / 256
            rows.append([codec, *(f"{mib / figures[key]:.0f}" for key in (
                "decoder_s", "checked_s", "moved_s", "one_s", "two_s", "memcpy_s"))])
    return _table(["MiB/s", "decoder alone", "and its checksum", "and copying from disk, to frames",
                   "pipeline, 1 thread", "2 threads", "memcpy"], rows)


FORMS = {"lzo": "Linux, LZO", "lz4": "Linux, LZ4", "thaw": "thaw's own",
         "stored": "thaw's own, as it is"}


def _forms(results):
    columns = ["look", "plan", "load", "commit", "jump to guest"]
    return _table(["form", "processors", "pages", "MiB on disk", *columns, "entry to resumed",
                   "LZ4's of that"], [
        [FORMS[name], str(row["processors"]), f"{row['pages']:,}", f"{form['mib']:.0f}",
         *(f"{form['phases'].get(c, 0):.2f}" for c in columns), f"{form['median']:.2f}",
         f"{row['forms']['lz4']['median'] / form['median']:.2f}"]
        for row in results.get("forms", {}).get("rows", {}).values()
        for name, form in row["forms"].items() if form["median"] and row["forms"]["lz4"]["median"]])


def _converting(results):
    rows = results.get("native", {}).get("rows", {})
    if "writer" not in rows or "convert" not in rows:
        return ""
    taken, whole = rows["writer"], rows["convert"]
    mib = taken["mib"]
    return _table(["MiB/s of pages", "liblz4 alone", "the writer"], [
        ["1 thread", f"{mib / taken['liblz4_one_s']:.0f}", f"{mib / taken['writer_one_s']:.0f}"],
        [f"{taken['threads']} threads", f"{mib / taken['liblz4_all_s']:.0f}",
         f"{mib / taken['writer_all_s']:.0f}"],
        ["`thawctl image convert`, file to file", "",
         f"{whole['pages'] / 256 / whole['seconds']:.0f}"]])


def _saved(results):
    rows, lines = results.get("saved", {}).get("rows", {}), []
    for key, row in rows.items():
        for way, r in row.items():
            thaw = sum(r["phases"].get(p, 0) for p in ("look", "plan", "load", "commit"))
            lines.append([*key.split("-"), WAYS[way], f"{r['took']:.1f}", f"{r['written'] >> 20}",
                          f"{r['restored']:.2f}", f"{r['phases'].get('load', 0):.2f}", f"{thaw:.2f}",
                          f"{r['phases'].get('jump to guest', 0):.2f}"])
    table = _table(["image", "processors", "saved by", "command to off, s", "MiB written",
                    "firmware to resumed, s", "loading", "entry to jump", "after the jump"], lines)
    return ("The same guest saved by its kernel and by `thawctl hibernate`, restored by thaw:\n\n"
            f"{table}\n") if rows else ""


def _text(results):
    machine = results.get("machine", {})
    return (f"{machine.get('when', '')}: {machine.get('words', '')}.\n\n{_targets(results)}\n"
            f"Whole restores, medians:\n\n{_restores(results)}\n"
            f"The same session in four forms, seconds:\n\n{_forms(results)}\n"
            f"The floor, and what the processors need besides, in seconds:\n\n{_floors(results)}\n"
            f"{_saved(results)}"
            f"On the host:\n\n{_pipelines(results)}\n{_converting(results)}")


def write(results):
    path = DOCS / "BENCHMARKS.md"
    whole = path.read_text()
    wanted = re.escape(BEGIN) + ".*" + re.escape(END)
    path.write_text(re.sub(wanted, lambda _: f"{BEGIN}{_text(results)}{END}", whole, flags=re.S))
    (DOCS / "bench.svg").write_text(plot.draw(results))

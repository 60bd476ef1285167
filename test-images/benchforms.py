# SPDX-License-Identifier: BSD-2-Clause-Patent
"""One session in Linux's forms, LZO and LZ4, and in thaw's own, compressed and as it is: how large,
how soon restored. The last two are the second converted, page for page the same; the first is of a
guest made alike."""

import pathlib
import statistics
import subprocess
import tempfile

import benchimages
import benchqemu
import cache
import converted
import hibernated
import thawimage

PROCESSORS = (1, 2, 4)
NAMES = {"lzo": "medium", "lz4": "medium-lz4"}


class Converted(hibernated.Hibernated):
    """A hibernated disk whose image was converted, into a partition behind the EFI system
    partition."""

    def __init__(self, image, folder, *options):
        super().__init__(image.path, image.recipe, image.config)
        folder.mkdir()
        self.ended = hibernated.copy(image.disk, folder / "ended.raw")
        self.native = folder / "image.thaw"
        subprocess.run([cache.BUILD / "thawctl", "image", "convert", *options, self.ended,
                        self.native], check=True, stdout=subprocess.DEVNULL)

    @property
    def disk(self):
        return self.ended

    def parts(self, folder, files):
        parts = super().parts(folder, files)
        converted.add_partition(parts["esp"], self.native)
        return parts


def _mib(image):
    """On disk, lists and tables included."""
    if isinstance(image, Converted):
        with open(image.native, "rb") as file:
            return thawimage.Image(file, 0).logical_units / 256
    facts = benchimages.facts(image)
    return facts["pages"] * facts["stored"] / 256


def _row(forms, processors, runs):
    done = {form: [] for form in forms}
    for number in range(runs):
        for form, image in forms.items():
            seconds = benchqemu.restored_in(form, image)
            if seconds is not None:
                done[form].append(seconds)
                print(f"  {number + 1}/{runs} {form:6} {seconds:7.2f} s", flush=True)
    row = {"processors": processors, "pages": benchimages.facts(forms["lz4"])["pages"], "forms": {}}
    for form, image in forms.items():
        phases = benchqemu.phases(image)
        print(f"  {form:6} " + ", ".join(f"{k} {v:.3f}" for k, v in phases.items()), flush=True)
        row["forms"][form] = {"mib": _mib(image), "seconds": done[form], "phases": phases,
                              "median": statistics.median(done[form]) if done[form] else None,
                              "to_jump": benchqemu.to_jump(phases)}
    row["floor"] = benchqemu.attempt("floor", benchqemu.floor_of, forms["thaw"])
    if row["floor"]:
        print("  floor  " + ", ".join(f"{k} {v:.3f}" for k, v in row["floor"].items()), flush=True)
    return row


def _limits(row, processors):
    """The ratios, if thaw took no longer for its own form than the least that the emulated machine
    needs to read, decode and check it."""
    lz4, thaw = row["forms"]["lz4"], row["forms"]["thaw"]
    least = row["floor"]["least"]
    return {f"{processors}-limit": lz4["median"] / (thaw["median"] - thaw["to_jump"] + least),
            f"jump-{processors}-limit": lz4["to_jump"] / least}


def measure(arguments):
    """Ratios: N how many times as fast thaw's form is restored as Linux's LZ4 on N processors, from
    the start of the boot program to the resumed guest; stored-N likewise, without compression; jump-N
    from entry to jump."""
    rows, ratios = {}, {}
    for processors in PROCESSORS:
        print(f"\nforms, {processors} processor(s)", flush=True)
        with tempfile.TemporaryDirectory(dir=cache.folder("scratch")) as folder:
            forms = {form: benchimages.image(name, processors) for form, name in NAMES.items()}
            forms |= {"thaw": Converted(forms["lz4"], pathlib.Path(folder, "lz4")),
                      "stored": Converted(forms["lz4"], pathlib.Path(folder, "stored"), "--store")}
            row = _row(forms, processors, benchqemu.how_often(arguments, "medium-lz4", processors))
        lz4, thaw = row["forms"]["lz4"], row["forms"]["thaw"]
        rows[str(processors)] = row
        if lz4["seconds"] and thaw["seconds"]:
            ratios[str(processors)] = lz4["median"] / thaw["median"]
        if lz4["seconds"] and row["forms"]["stored"]["seconds"]:
            ratios[f"stored-{processors}"] = lz4["median"] / row["forms"]["stored"]["median"]
        if lz4["to_jump"] and thaw["to_jump"]:
            ratios[f"jump-{processors}"] = lz4["to_jump"] / thaw["to_jump"]
            if row["floor"]:
                ratios |= _limits(row, processors)
    print(f"  {ratios}", flush=True)
    return {"rows": rows, "ratios": ratios}

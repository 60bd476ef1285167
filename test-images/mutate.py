# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Changes to a hibernated disk, written down as data.

A change names a part of the image (header, map, info, frames, data; swsusp.Image.places), a block
of that part (block, default 0; negative counts from the end) and a byte of the block, and either
flips a bit of it (bit) or writes a text over it (write)."""

import swsusp


def apply(path, swap_at, changes):
    """Applies the changes to a disk; all places are looked up before the first one is made."""
    if not changes:
        return
    with open(path, "r+b") as file:
        image = swsusp.Image(file, swap_at)
        places = image.places()
        for change in changes:
            block = places[change["part"]][change.get("block", 0)]
            at = swap_at + block * swsusp.PAGE + change["byte"]
            if "write" in change:
                data = change["write"].encode("latin-1")
            else:
                file.seek(at)
                data = bytes([file.read(1)[0] ^ 1 << change["bit"]])
            file.seek(at)
            file.write(data)

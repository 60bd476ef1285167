# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Searches a machine's memory for pieces of the image in places that are not the image's."""

import subprocess

import oracle
import session
import swsusp
from session import Unexpected

PIECE = 32        # bytes: no two pages of a machine have the same by chance
PLACE = 2048      # in its page
SECRETS = 96


class Secrets:
    """Pieces of pages all over the image that do not compress, so that its stored form has them."""

    def __init__(self, image):
        self.frames, found = set(), {}
        with open(image.disk, "rb") as file:
            for frame, page in swsusp.Image(file, image.layout.swap_at).frames():
                self.frames.add(frame)
                piece = bytes(page[PLACE:PLACE + PIECE]) if page is not None else b""
                if len(set(piece)) >= PIECE - 6 and b"\n" not in piece:
                    found.setdefault(piece, frame)
        chosen = sorted(found, key=found.get)
        self.pieces = {p: found[p] for p in chosen[::max(1, len(chosen) // SECRETS)]}

    def search(self, memory):
        """(pieces that lie where they belong, [address] of what was found outside the image). What
        its own frames hold else is the oracle's business."""
        at_home, strays = 0, []
        for start, path in memory.dumps:
            for offset, piece in places(path, self.pieces):
                address = start + offset
                at_home += address == self.pieces[piece] * swsusp.PAGE + PLACE
                if address // swsusp.PAGE not in self.frames:
                    strays.append(hex(address))
        return at_home, strays


def places(path, pieces):
    """(offset, piece) of everything found in a file; by grep, which looks for all at once."""
    found = subprocess.run(["grep", "-obUaF", "-f", "-", path], input=b"\n".join(pieces),
                           capture_output=True, env={"LC_ALL": "C"})
    for line in found.stdout.split(b"\n"):
        offset, _, piece = line.partition(b":")
        if piece:
            yield int(offset), piece


def jump(case, image, folder, watch):
    """Just before the jump each piece lies where the image has it, and nowhere outside it. Before
    the trampoline there are copies: so they can be found."""
    secrets = Secrets(image)
    memory, _, _ = session.memory_at("exited", image, folder, watch)
    _, copies = secrets.search(memory)
    memory, _, _ = session.memory_at("jump", image, folder, watch)
    at_home, strays = secrets.search(memory)
    if not copies:
        raise Unexpected("no copy was found where copies are known to be")
    if strays or at_home != len(secrets.pieces):
        raise Unexpected(f"{at_home} of {len(secrets.pieces)} in place; copies: {strays[:8]}")
    return f"{at_home} pieces, {len(copies)} copies before the trampoline, 0 after it"


def fall_through(case, image, folder, watch):
    """thaw loaded the image, refused it, and found no next program: none of it is in memory."""
    secrets = Secrets(image)
    files = session.thaw_files(session.thaw_program(), case.get("conf", ()))
    del files[session.NEXT]
    parts, _ = session.prepare(image, folder, files, case.get("change", ()))
    with session.boot(image, parts, watch) as machine:
        machine.wait("thaw: .*next cannot be loaded", 180)
        session.expect_reason(machine, case["expect"])
        memory = oracle.Memory(machine.dump_memory(folder))
    at_home, strays = secrets.search(memory)
    if at_home or strays:
        raise Unexpected(f"{at_home} in place, copies: {strays[:8]}")
    return f"{len(secrets.pieces)} pieces, none in memory"

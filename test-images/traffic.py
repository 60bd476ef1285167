# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A network card that receives all the while: thaw is itself loaded over the network, so the
firmware's driver is at work, and frames are thrown at the card until the guest is back."""

import contextlib
import socket
import threading
import time

import oracle
import remnants
import session
import swsusp
from session import Unexpected

BROADCAST = b"\xff" * 6 + b"\x52\x54\x00\x12\x34\x99" + b"\x88\xb5"     # IEEE's local experiments
WORDS = b"thaw must not see this "
FRAME = BROADCAST + WORDS * 60
PAUSE = 0.0005
STARTED = ["NBP file downloaded", r"thaw\.efi\.\.\..* ok"]   # EDK2's words, and iPXE's
SECONDS = 3       # of the restored guest in which the card could still write


class Flood:
    """Throws frames at a port that QEMU takes them from, until it is left."""

    def __init__(self):
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.out.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.to = free.getsockname()
        self.stop, self.sent = threading.Event(), 0

    def options(self, folder, card):
        """A hub with firmware's server (DHCP, TFTP), the frames and the card."""
        here = self.out.getsockname()[1]
        words = [f"user,id=server,tftp={folder},bootfile=thaw.efi",
                 f"socket,id=flood,udp=127.0.0.1:{here},localaddr=127.0.0.1:{self.to[1]}",
                 *(f"hubport,hubid=1,id=port-{name},netdev={name}" for name in ("server", "flood")),
                 "hubport,hubid=1,id=port-card"]
        return [*(word for option in words for word in ("-netdev", option)),
                "-device", f"{card},netdev=port-card,bootindex=0,addr=8"]

    def __enter__(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self):
        while not self.stop.wait(PAUSE):
            with contextlib.suppress(OSError):
                self.sent += self.out.sendto(FRAME, self.to) > 0

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.out.close()


def _search(machine, owned, folder):
    """(frames of the image with something received in them, places elsewhere). Nobody but the card
    writes what is received: the guest has no driver for it, and stands still meanwhile."""
    memory = oracle.Memory(machine.dump_memory(folder))
    found = [(start + offset) // swsusp.PAGE for start, path in memory.dumps
             for offset, _ in remnants.places(path, [WORDS])]
    machine.qmp("cont")
    return sorted({frame for frame in found if frame in owned}), len(found)


def traffic(case, image, folder, watch):
    """The guest comes back, as if nothing had been received: nothing of it is in its memory, a while
    after it came back, though firmware's buffers were full of it when thaw was started."""
    parts, before = session.prepare(image, folder, {})
    del parts["esp"]
    (folder / "thaw.efi").write_bytes(session.thaw_program().read_bytes())
    owned, found = remnants.Secrets(image).frames, []
    with Flood() as flood:
        parts["extra"] = flood.options(folder, case["card"])
        with session.boot(image, parts, watch) as machine:
            machine.wait(STARTED, 300)
            _, received = _search(machine, owned, folder)
            def look():
                time.sleep(SECONDS)
                found.extend(_search(machine, owned, folder))
            session.follow_resumed(machine, image, 300, look)
    session.expect_consumed(parts["disk"], before, image.layout.swap_at)
    wrong, left = found
    if wrong or not received or flood.sent < 1000:
        raise Unexpected(f"{flood.sent} frames sent, {received} found, in the image: {wrong[:8]}")
    return (f"{flood.sent} frames of {len(FRAME)} bytes; received ones at {received} places of memory "
            f"when thaw was started, at {left} in the guest, none of them in its image")

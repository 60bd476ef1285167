# SPDX-License-Identifier: BSD-2-Clause-Patent
"""thaw's record of earlier attempts, read from OVMF's variable store by its description (EDK2,
VariableFormat.h; include/thaw/record.h) and from nothing of thaw's."""

import dataclasses
import struct
import uuid

GUID = uuid.UUID("7e2a3d1c-54b8-4c0e-9d5f-2b6a91c7e043")
NAME = "ThawStatus\0".encode("utf-16-le")
HEADER = struct.Struct("<HBxIQ16sIII16s")
ADDED, IN_DELETED_TRANSITION = 0x3f, 0x3e
ATTEMPT = struct.Struct("<QQQIHBBB")
STATES = ["empty", "started", "passed-over", "committing", "returned"]


@dataclasses.dataclass
class Attempt:
    identity: int
    mark: int
    when: int
    serial: int
    reason: int
    state: str
    phase: int
    tries: int


def stored(path):
    """The variable's bytes, or None."""
    with open(path, "rb") as file:
        store = file.read()
    found, at = {}, store.find(NAME)
    while at >= 0:
        start, state, _, _, _, _, name, length, guid = HEADER.unpack_from(
            store, max(0, at - HEADER.size))
        if start == 0x55aa and name == len(NAME) and guid == GUID.bytes_le:
            found[state] = store[at + name:at + name + length]
        at = store.find(NAME, at + 1)
    return found.get(ADDED, found.get(IN_DELETED_TRANSITION))


def attempts(path):
    """All attempts of the record in a variable store, the newest first."""
    data = stored(path)
    if not data:
        return []
    (count,) = struct.unpack_from("<H", data, 6)
    fields = (ATTEMPT.unpack_from(data, 16 + 64 * i) for i in range(count))
    found = [Attempt(*f[:5], STATES[f[5]], *f[6:]) for f in fields]
    return sorted((a for a in found if a.state != "empty"), key=lambda a: -a.serial)


def newest(path):
    """The newest attempt, or None."""
    return next(iter(attempts(path)), None)

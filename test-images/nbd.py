# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A disk whose faults are ours to choose: a server of QEMU's network block device protocol over a
file (fixed newstyle, simple replies; doc/proto.md of the NBD project). What it does besides reading
and writing says a Disk, of which the others here are kinds."""

import os
import socket
import struct
import threading
import time

OPTION_MAGIC, REPLY_MAGIC = 0x49484156454F5054, 0x3E889045565A9
REQUEST_MAGIC, SIMPLE_REPLY_MAGIC = 0x25609513, 0x67446698
OPTION_EXPORT_NAME, OPTION_ABORT, OPTION_GO = 1, 2, 7
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, 0x80000001
FIXED_NEWSTYLE = NO_ZEROES = 3        # bits 0 and 1: both are offered and wanted
FLAGS = 1 | 4                         # there are flags; it can be flushed
READ, WRITE, DISCONNECT, FLUSH = range(4)
EIO, EPERM = 5, 1
SECTOR, PAGE = 512, 4096


class Fault(Exception):
    """Answered as an error number."""


class Silence(Exception):
    """Never answered."""


class Disk:
    """A disk that does what it is told, and counts."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR)
        self.size = os.fstat(self.file).st_size
        self.reads = self.writes = self.flushes = 0

    def read(self, at, length):
        self.reads += 1
        return os.pread(self.file, length, at)

    def write(self, at, data):
        self.writes += 1
        os.pwrite(self.file, data, at)

    def flush(self):
        self.flushes += 1

    def close(self):
        os.close(self.file)


class Volatile(Disk):
    """Keeps what is written in a cache that only a flush brings to the file."""

    def __init__(self, path):
        super().__init__(path)
        self.cache = {}

    def read(self, at, length):
        data = bytearray(super().read(at, length))
        for start, sector in self.cache.items():
            if at <= start < at + length:
                data[start - at:start - at + SECTOR] = sector
        return bytes(data)

    def write(self, at, data):
        self.writes += 1
        for offset in range(0, len(data), SECTOR):
            self.cache[at + offset] = data[offset:offset + SECTOR]

    def flush(self):
        super().flush()
        for at, sector in self.cache.items():
            os.pwrite(self.file, sector, at)
        self.cache.clear()


class Vanishing(Disk):
    """Answers nothing but errors from the first read of a certain byte on."""

    def __init__(self, path, at):
        super().__init__(path)
        self.at, self.gone = at, False

    def _check(self, at=0, length=0):
        self.gone = self.gone or at <= self.at < at + length
        if self.gone:
            raise Fault(EIO)

    def read(self, at, length):
        self._check(at, length)
        return super().read(at, length)

    def write(self, at, data):
        self._check()
        super().write(at, data)

    def flush(self):
        self._check()
        super().flush()


class Telling(Disk):
    """Calls `tell`, in a thread of its own, when a certain byte is read, and answers a moment later."""

    def __init__(self, path, at):
        super().__init__(path)
        self.at, self.tell, self.told_at = at, None, 0

    def read(self, at, length):
        if at <= self.at < at + length and not self.told_at:
            self.told_at = self.reads + 1
            threading.Thread(target=self.tell, daemon=True).start()
            time.sleep(0.5)
        return super().read(at, length)


class Silent(Disk):
    """Never answers again once a certain byte is read, or written."""

    def __init__(self, path, at, iotype="read"):
        super().__init__(path)
        self.at, self.iotype = at, iotype

    def _check(self, iotype, at, length):
        if iotype == self.iotype and at <= self.at < at + length:
            raise Silence

    def read(self, at, length):
        self._check("read", at, length)
        return super().read(at, length)

    def write(self, at, data):
        self._check("write", at, len(data))
        super().write(at, data)


class Protected(Disk):
    """Says that it can be written to, until somebody does."""

    def write(self, at, data):
        self.writes += 1
        raise Fault(EPERM)


class Lying(Disk):
    """Says that it wrote, and did not."""

    def write(self, at, data):
        self.writes += 1


class Stuck(Disk):
    """Stores what is written until certain bytes are among it, and nothing after that."""

    def __init__(self, path, last):
        super().__init__(path)
        self.last, self.stuck = last, False

    def write(self, at, data):
        if self.stuck:
            raise Fault(EIO)
        super().write(at, data)
        self.stuck = self.last in data

    def flush(self):
        if self.stuck:
            raise Fault(EIO)
        super().flush()


class Changing(Disk):
    """What was read once from [start, end) is something else from then on. Begins with the first
    read of the byte `since`: firmware looks here and there for file systems before."""

    def __init__(self, path, start, end, since):
        super().__init__(path)
        self.start, self.end, self.since = start, end, since
        self.began, self.seen, self.again = False, set(), 0

    def read(self, at, length):
        data = bytearray(super().read(at, length))
        self.began = self.began or at <= self.since < at + length
        for offset in range(0, length if self.began else 0, SECTOR):
            if not self.start <= at + offset < self.end:
                continue
            if at + offset in self.seen:
                self.again += 1
                data[offset] ^= 0x55
            self.seen.add(at + offset)
        return bytes(data)


class Torn(Disk):
    """Loses power in the first write: some of its sectors reach the disk, and it never answers."""

    def __init__(self, path, sectors):
        super().__init__(path)
        self.sectors, self.torn = sectors, threading.Event()

    def write(self, at, data):
        super().write(at, data[:self.sectors * SECTOR])
        self.torn.set()
        raise Silence


class Server:
    """Serves a Disk on a socket while it is used as a context manager."""

    def __init__(self, disk, folder):
        self.disk, self.path = disk, folder / "nbd"

    @property
    def backend(self):
        """What Machine tells QEMU."""
        return (f"driver=raw,file.driver=nbd,file.server.type=unix,file.server.path={self.path},"
                "discard=ignore")

    def __enter__(self):
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(1)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        # Its machine is gone, and so is the connection; if there never was one, this wakes accept.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(timeout=10)
        self.disk.close()

    def _run(self):
        try:
            self.connection, _ = self.listener.accept()
            with self.connection:
                if self._agree():
                    self._serve()
        except OSError:
            pass

    def _take(self, length):
        data = bytearray()
        while len(data) < length:
            piece = self.connection.recv(length - len(data))
            if not piece:
                raise OSError("the other side is gone")
            data += piece
        return bytes(data)

    def _agree(self):
        """The handshake; False when there is nothing to serve."""
        self.connection.sendall(b"NBDMAGIC" + struct.pack(">QH", OPTION_MAGIC, FIXED_NEWSTYLE))
        no_zeroes = struct.unpack(">I", self._take(4))[0] & 2
        while True:
            _, option, length = struct.unpack(">QII", self._take(16))
            self._take(length)
            if option == OPTION_EXPORT_NAME:
                self.connection.sendall(struct.pack(">QH", self.disk.size, FLAGS)
                                        + bytes(0 if no_zeroes else 124))
                return True
            if option == OPTION_GO:
                self._answer(option, REPLY_INFO, struct.pack(">HQH", 0, self.disk.size, FLAGS))
                self._answer(option, REPLY_ACK)
                return True
            self._answer(option, REPLY_ACK if option == OPTION_ABORT else REPLY_UNSUPPORTED)
            if option == OPTION_ABORT:
                return False

    def _answer(self, option, kind, data=b""):
        self.connection.sendall(struct.pack(">QIII", REPLY_MAGIC, option, kind, len(data)) + data)

    def _serve(self):
        while True:
            _, _, kind, handle, at, length = struct.unpack(">IHHQQI", self._take(28))
            data = self._take(length) if kind == WRITE else b""
            if kind == DISCONNECT:
                return
            error, answer = 0, b""
            try:
                answer = self._do(kind, at, length, data)
            except Fault as fault:
                error = fault.args[0]
            except Silence:
                continue
            self.connection.sendall(struct.pack(">IIQ", SIMPLE_REPLY_MAGIC, error, handle) + answer)

    def _do(self, kind, at, length, data):
        if kind == READ:
            return self.disk.read(at, length)
        if kind == WRITE:
            self.disk.write(at, data)
        elif kind == FLUSH:
            self.disk.flush()
        else:
            raise Fault(EPERM)
        return b""

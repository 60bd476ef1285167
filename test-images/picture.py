# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Pictures of a screen: what QEMU dumps (PPM), and what the documents show (PNG)."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Picture:
    """Rows of pixels, three bytes each."""

    def __init__(self, width, height, data):
        assert len(data) == 3 * width * height
        self.width, self.height, self.data = width, height, data

    def __eq__(self, other):
        return (self.width, self.data) == (other.width, other.data)

    def raw(self, y):
        return self.data[3 * self.width * y:3 * self.width * (y + 1)]

    def row(self, y):
        line = self.raw(y)
        return [tuple(line[i:i + 3]) for i in range(0, len(line), 3)]

    def written(self):
        """The rows that have more than one color."""
        return [y for y in range(self.height) if self.raw(y) != self.raw(y)[:3] * self.width]

    def differs(self, other, but=range(0)):
        """Rows that are not the other picture's, some left out."""
        return [y for y in range(self.height) if y not in but and self.raw(y) != other.raw(y)]


def load_ppm(path):
    data = path.read_bytes()
    magic, width, height, _ = data.split(maxsplit=4)[:4]
    assert magic == b"P6", path
    width, height = int(width), int(height)
    return Picture(width, height, data[len(data) - 3 * width * height:])


def _chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def save_png(path, picture):
    """Unfiltered, so that load_png() reads it."""
    rows = b"".join(b"\0" + picture.raw(y) for y in range(picture.height))
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 2, 0, 0, 0)
    path.write_bytes(SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9))
                     + _chunk(b"IEND", b""))


def load_png(path):
    """One that save_png() wrote."""
    data, at, packed = path.read_bytes(), len(SIGNATURE), b""
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4:at + 8], data[at + 8:at + 8 + length]
        if name == b"IHDR":
            width, height, *form = struct.unpack(">IIBBBBB", body)
            assert form == [8, 2, 0, 0, 0], path
        packed += body if name == b"IDAT" else b""
        at += length + 12
    rows, stride = zlib.decompress(packed), 3 * width + 1
    assert not any(rows[y * stride] for y in range(height)), path
    return Picture(width, height, b"".join(rows[y * stride + 1:(y + 1) * stride]
                                           for y in range(height)))

# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A unified kernel image: systemd's stub with kernel, initramfs and command line as sections."""

import struct
import subprocess
import tempfile
import pathlib

import package

ALIGN = 0x1000


def _stub():
    return package.unpacked("systemd-boot-efi") / "usr/lib/systemd/boot/efi/linuxx64.efi.stub"


def _end_of_image(pe):
    """SizeOfImage of a PE file: where the first new section may lie."""
    (header,) = struct.unpack_from("<I", pe, 0x3c)
    return struct.unpack_from("<I", pe, header + 24 + 56)[0]


def build(path, vmlinuz, initramfs, cmdline):
    """Writes the image to `path`."""
    stub = _stub()
    address = _end_of_image(stub.read_bytes())
    command = ["objcopy"]
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in ((".osrel", b"ID=thaw-guest\n"), (".cmdline", cmdline.encode() + b"\0"),
                           (".linux", vmlinuz), (".initrd", initramfs)):
            file = pathlib.Path(scratch, name)
            file.write_bytes(data)
            address += -address % ALIGN
            command += ["--add-section", f"{name}={file}",
                        "--set-section-flags", f"{name}=data,readonly",
                        "--change-section-vma", f"{name}={address:#x}"]
            address += len(data)
        subprocess.run([*command, stub, path], check=True)

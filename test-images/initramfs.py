# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The guest's initramfs: busybox, the kernel's modules and the script `init`."""

import cache
import package

APPLETS = """sh basename cat cut dd dmesg free grep head hexdump insmod kill mount mv nproc poweroff
    printf seq sha256sum sleep swapon sync tail usleep""".split()

# What reaches a disk, by the name the cases use.
DISK_MODULES = {
    "virtio": ["virtio_pci", "virtio_blk"],
    "nvme": ["nvme"],
    "ahci": ["ahci", "sd_mod"],
    "scsi": ["virtio_pci", "virtio_scsi", "sd_mod"],
    "usb": ["xhci_pci", "usb_storage", "sd_mod"],
    "sd": ["sdhci_pci", "mmc_block"],
}
USED_MODULES = ["efivarfs", "button", "evdev"]
LZ4_MODULES = ["lz4"]


def cpio(entries):
    """A newc archive of (name, mode, bytes)."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out += b"070701" + b"".join(b"%08x" % f for f in fields) + path
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def _directory(name):
    return (name, 0o040755, b"")


def _file(name, data, mode=0o644):
    return (name, 0o100000 | mode, data)


def busybox():
    folder = package.unpacked("busybox-static")
    return (folder / "bin/busybox").read_bytes()


def content(kernel, size):
    """Module files of the kernel, at most `size` bytes together."""
    files, left = [], size
    for name in sorted(kernel.names) if size else ():
        data = kernel.module(name)
        if len(data) <= min(left, size // 8):
            files.append(_file(f"content/{name}", data))
            left -= len(data)
        if left < size // 64:
            break
    return files


def _base():
    folders = ["bin", "dev", "proc", "sys", "mem", "modules", "content"]
    links = [(f"bin/{applet}", 0o120777, b"busybox") for applet in APPLETS]
    return [*map(_directory, folders), _file("bin/busybox", busybox(), 0o755), *links,
            _file("init", (cache.HERE / "init").read_bytes(), 0o755)]


def initramfs(kernel, modules, content_bytes=0):
    """The archive; `modules` in the order wanted, dependencies are added."""
    loaded = kernel.with_dependencies(modules)
    order = "".join(f"{name}\n" for name in loaded).encode()
    files = [_file(f"modules/{name}.ko", data) for name, data in loaded.items()]
    return cpio([*_base(), *files, _file("modules/order", order),
                 *content(kernel, content_bytes)])

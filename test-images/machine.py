# SPDX-License-Identifier: BSD-2-Clause-Patent
"""One QEMU machine with OVMF: started, watched line by line, and never left behind."""

import dataclasses
import json
import os
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import firmware

# A guest that says this will not get any further.
TROUBLE = re.compile(r"^GUEST FAILED|^GUEST.* FAILED:|\] (watchdog: )?BUG: |\] Oops|Kernel panic")
# Whatever ends this program ends its machines too.
LEASH = ["setpriv", "--pdeathsig", "KILL"]
ESCAPE = re.compile(rb"\x1b(\[[0-9;=?]*[A-Za-z]|[()][0-9A-Z]|[=>c78])")


class MachineError(Exception):
    """The machine did not do what was waited for; says what, and how it ended."""


@dataclasses.dataclass
class Config:
    """What firmware and guest see; equal configurations make equal firmware memory maps."""
    memory: int = 512             # MiB
    processors: int = 1
    cpu: str = "max,la57=off"
    chipset: str = "q35"          # q35 or pc
    disk: str = "virtio"          # a name of DISKS
    sector: int = 512
    physical: int = 0             # what the disk says its own sectors are; 0: the same
    bootindex: bool = False       # whether firmware is told to connect the disk, not only the ESP
    tpm: bool = False
    rng: bool = False             # virtio-rng, which firmware and the EFI stub draw a seed from
    firmware: str = "ovmf"        # one of firmware.BUILDS
    vga: str = "none"             # none, std or virtio

    @property
    def low_memory(self):
        """Bytes of RAM below 4 GiB, as QEMU places them."""
        size = self.memory << 20
        most, less = {"q35": (0xb0000000, 0x80000000), "pc": (0xe0000000, 0xc0000000)}[self.chipset]
        return min(size, less if size >= most else most)

    @property
    def memory_ranges(self):
        """(physical address, bytes) of RAM."""
        high = (self.memory << 20) - self.low_memory
        return [(0, self.low_memory)] + ([(1 << 32, high)] if high else [])


@dataclasses.dataclass
class Line:
    when: float       # monotonic seconds of the host
    channel: str      # serial or debugcon
    text: str


class Channel(threading.Thread):
    """Turns what QEMU writes to a pipe into lines with a time.

    Firmware gives up the rest of a line when one character takes 0.2 ms (EDK2's terminal driver), and
    QEMU takes none while nobody reads and there is no room: in a pipe there is for 64 KiB, in a socket
    for less than 300 characters."""

    def __init__(self, path, name, lines):
        super().__init__(daemon=True)
        self.path, self.channel, self.lines = path, name, lines
        os.mkfifo(path)
        self.start()

    def run(self):
        with open(self.path, "rb", buffering=0) as pipe:
            self._read(pipe)

    def _read(self, pipe):
        rest, since = b"", None
        while chunk := pipe.read(65536):
            now = time.monotonic()
            *whole, rest_new = re.split(rb"[\r\n]+", rest + chunk)
            for line in whole:
                self._emit(since or now, line)
                since = None
            since = (since or now) if rest_new else None
            rest = rest_new
        self._emit(since or time.monotonic(), rest)
        self.lines.put(None)

    def _emit(self, when, raw):
        text = ESCAPE.sub(b"", raw).decode("ascii", "replace").strip()
        if text:
            self.lines.put(Line(when, self.channel, text))


# What the disk is to QEMU, by the name a case uses.
DISKS = {
    "virtio": ["virtio-blk-pci,addr=5,{disk},{blocks}"],
    "nvme": ["nvme,serial=thaw,addr=5,{disk},{blocks}"],
    "ahci": ["ich9-ahci,id=ahci,addr=5", "ide-hd,bus=ahci.0,{disk}"],
    "scsi": ["virtio-scsi-pci,addr=5", "scsi-hd,{disk},{blocks}"],
    "usb": ["qemu-xhci,id=xhci,addr=5", "usb-storage,bus=xhci.0,removable=on,{disk}"],
    "sd": ["sdhci-pci,addr=5", "sd-card,drive=disk"],
}


class Machine:
    """A running QEMU. Use as a context manager; leaving it ends the process. Without a disk for
    the EFI system partition (esp), the partition is on the disk itself. `backend` is what QEMU is
    told instead of the disk's file."""

    def __init__(self, config, disk, variables, esp=None, tpm_state=None, extra=(), faults=(),
                 backend=""):
        self.config, self.esp, self.disk, self.variables = config, esp, disk, variables
        self.tpm_state, self.extra, self.faults = tpm_state, list(extra), list(faults)
        self.backend = backend
        self.lines = "file"       # to QEMU; see Channel
        self.log = []
        self._folder = pathlib.Path()
        self._lines, self._ended = queue.Queue(), 0
        self._processes = []

    def __enter__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-machine."))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- starting --------------------------------------------------------------------------------
    def _start(self):
        if self.config.tpm:
            self._start_tpm()
        for name in ("serial", "debugcon"):
            Channel(self._folder / name, name, self._lines)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._folder / "qmp"))
        listener.listen(1)
        listener.settimeout(30)
        self.errors = open(self._folder / "errors", "w+")
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                        stdout=self.errors, stderr=subprocess.STDOUT)
        self._processes.append(self.process)
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            raise self._trouble("QEMU did not start") from None
        self._qmp = connection.makefile("rw")
        self._qmp_socket = connection
        json.loads(self._qmp.readline())
        self.qmp("qmp_capabilities")

    def _start_tpm(self):
        """It tells of every disconnection: into a file, that the runner's lines stay whole."""
        with open(self._folder / "tpm.log", "wb") as log:
            process = subprocess.Popen(
                [*LEASH, "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.tpm_state}", "--ctrl",
                 f"type=unixio,path={self._folder}/tpm", "--terminate"], stderr=log)
        self._processes.append(process)
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            if (self._folder / "tpm").exists():
                return
            time.sleep(0.05)
        said = (self._folder / "tpm.log").read_text()
        raise MachineError(f"swtpm did not start: {said.strip()}")

    def command(self):
        c, folder = self.config, self._folder
        command = [*LEASH, "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                   "-machine", c.chipset, "-accel", "tcg,thread=multi", "-cpu", c.cpu,
                   "-smp", str(c.processors), "-m", str(c.memory), "-vga", c.vga, "-no-reboot",
                   *firmware.options(c.firmware), "-drive",
                   f"if=pflash,unit=0,format=raw,readonly=on,file={firmware.code(c.firmware)}",
                   "-drive", f"if=pflash,unit=1,format=raw,file={self.variables}"]
        for name, kind in (("serial", self.lines), ("debugcon", self.lines), ("qmp", "socket")):
            command += ["-chardev", f"{kind},id={name},path={folder}/{name}"]
        command += ["-serial", "chardev:serial", "-mon", "chardev=qmp,mode=control",
                    "-device", "isa-debugcon,iobase=0x402,chardev=debugcon",
                    "-drive", f"if=none,id=disk,{self._disk_backend()}", *self._disk_devices()]
        if self.esp:
            command += ["-drive", f"if=none,id=esp,format=raw,file={self.esp}",
                        "-device", "virtio-blk-pci,drive=esp,bootindex=0,addr=4"]
        if c.tpm:
            command += ["-chardev", f"socket,id=tpm,path={folder}/tpm",
                        "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                        "-device", "tpm-crb,tpmdev=tpm0"]
        if c.rng:
            command += ["-device", "virtio-rng-pci,addr=6"]
        return command + self.extra

    def _disk_backend(self):
        """The disk's file; behind QEMU's error injector when it is to have faults, each a dict of
        sector (of 512 bytes), iotype (read or write) and once; or what QEMU is told instead."""
        if self.backend:
            return self.backend
        if not self.faults:
            return f"format=raw,file={self.disk}"
        words = ["driver=raw", "file.driver=blkdebug", "file.image.driver=file",
                 f"file.image.filename={self.disk}"]
        for number, fault in enumerate(self.faults):
            rule = f"file.inject-error.{number}"
            words += [f"{rule}.event=none", f"{rule}.errno=5", f"{rule}.iotype={fault['iotype']}",
                      f"{rule}.sector={fault['sector']}",
                      f"{rule}.once={'on' if fault['once'] else 'off'}"]
        return ",".join(words)

    def _disk_devices(self):
        sector = self.config.sector
        # With a boot order OVMF connects the devices in it and no others.
        words = {"disk": "drive=disk" + (",bootindex=1" if self.config.bootindex else ""),
                 "blocks": f"logical_block_size={sector},"
                           f"physical_block_size={self.config.physical or sector}"}
        return [word for device in DISKS[self.config.disk]
                for word in ("-device", device.format_map(words))]

    # --- watching --------------------------------------------------------------------------------
    def wait(self, patterns, timeout):
        """The first line that matches one of the patterns (as (index, Line, match)); a guest in
        TROUBLE and the end of the machine are errors. Keeps every line in log."""
        patterns = [re.compile(p) for p in ([patterns] if isinstance(patterns, str) else patterns)]
        until = time.monotonic() + timeout
        while True:
            line = self._next(until, f"no line {' or '.join(p.pattern for p in patterns)} "
                                     f"in {timeout} s")
            if line is None:
                raise self._trouble("the machine ended before a line "
                                    + " or ".join(p.pattern for p in patterns))
            for index, pattern in enumerate(patterns):
                if match := pattern.search(line.text):
                    return index, line, match
            if TROUBLE.search(line.text):
                time.sleep(3)      # for the rest of what the guest has to say
                raise self._trouble(line.text)

    def wait_end(self, timeout):
        """Waits until the machine powered itself off."""
        until = time.monotonic() + timeout
        while self._next(until, f"still running after {timeout} s") is not None:
            pass
        self.process.wait(timeout=30)

    def _next(self, until, complaint):
        while self._ended < 2:
            try:
                line = self._lines.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                raise self._trouble(complaint) from None
            if line is not None:
                self.log.append(line)
                return line
            self._ended += 1
        return None

    def _trouble(self, what):
        self.errors.seek(0)
        said = self.errors.read().strip()
        return MachineError(what + (f"; QEMU: {said}" if said else ""))

    def drain(self):
        """Takes the lines that have arrived into log without waiting."""
        try:
            while True:
                line = self._lines.get_nowait()
                if line is None:
                    self._ended += 1
                else:
                    self.log.append(line)
        except queue.Empty:
            pass

    def transcript(self):
        self.drain()
        return "".join(f"{line.when - self.started:9.3f} {line.channel:8} {line.text}\n"
                       for line in self.log)

    # --- steering --------------------------------------------------------------------------------
    def qmp(self, command, timeout=120, **arguments):
        """Runs a QMP command and returns its result."""
        self._qmp_socket.settimeout(timeout)
        request = {"execute": command} | ({"arguments": arguments} if arguments else {})
        self._qmp.write(json.dumps(request) + "\n")
        self._qmp.flush()
        while True:
            answer = json.loads(self._qmp.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise MachineError(f"QMP {command}: {answer['error']['desc']}")

    def wait_reset(self, timeout):
        """Waits until the machine is reset, which ends it. QEMU's process may live on: it waits for
        a disk that does not answer."""
        self._qmp_socket.settimeout(timeout)
        try:
            for line in self._qmp:
                event = json.loads(line)
                if event.get("event") == "SHUTDOWN":
                    self.drain()
                    return event["data"]["reason"] == "guest-reset"
        except TimeoutError:
            raise self._trouble(f"no reset in {timeout} s") from None
        raise self._trouble("the machine ended without a word")

    def press_power_button(self):
        self.qmp("system_powerdown")

    def dump_memory(self, folder):
        """Stops the machine and writes its RAM; returns [(physical address, file)]."""
        self.qmp("stop")
        files = []
        for start, length in self.config.memory_ranges:
            path = pathlib.Path(folder, f"ram-{start:x}")
            self.qmp("pmemsave", timeout=300, val=start, size=length, filename=str(path))
            files.append((start, path))
        return files

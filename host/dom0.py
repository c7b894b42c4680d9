"""A domain 0 to start guests in: the machine's own where `xl` works, else real Xen in QEMU. The Python API of tests and bench.

    from host.dom0 import Dom0

    with Dom0() as d:
        with d.start_guest("build/echo", memory=16) as guest:
            port = guest.forward(7)         # 127.0.0.1:port is the guest's port 7
            ...
            guest.xl("shutdown")
            assert guest.wait(30) == End("poweroff", 0)

host/README.md has it all on one page.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Sequence

from host import elf, paths, ports
from host.errors import Problem
from host.guest import End, Guest, TooLate
from host.qemu import Machine, Qemu
from host.shell import LocalShell, Result, Shell, Stream
from host.snapshot import restored
from host.xlconfig import BRIDGE, Config, command_line

__all__ = ["Dom0", "End", "Guest", "Machine", "Problem", "Result", "TooLate"]

# What a QEMU machine of a size leaves for guests, in MB; measured by `xl info`'s free_memory, with room for Xen's own.
GUEST_MEMORY = {768: 416, 2048: 1656}
IMAGES_BYTES = 32 << 20
PROGRAMS = paths.BUILD / "programs"     # of this machine, for domain 0
TREE, TREE_OPTIONS = "/mnt/source", "ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose"
ADDRESSES = 14      # how many different MACs QEMU's DHCP server gives addresses to is 16


def xl_works() -> bool:
    """Is this machine a Xen domain 0 that this user may use?"""
    if not shutil.which("xl") or not Path("/proc/xen").exists():
        return False
    return subprocess.run(["xl", "info"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def machine_for(memory: int, icount: bool = False) -> Machine:
    """The smallest machine that has room for guests of so many MB in all."""
    for size, room in GUEST_MEMORY.items():
        if memory <= room:
            return Machine(size, icount)
    raise Problem(f"guests of {memory} MB do not fit the Xen host in QEMU, which has room for {max(GUEST_MEMORY.values())} MB; "
                  "give less --memory, or use a Xen host of your own")


class XlHost:
    """The machine this runs on is domain 0."""

    local = True

    def __init__(self) -> None:
        self.shell: Shell = LocalShell()
        self._relays: list[ports.Relay] = []
        self._files = ""
        self._numbers = itertools.count(1)

    def place(self, image: Path) -> str:
        """The image's path in domain 0."""
        return str(image.resolve())

    def place_bytes(self, data: bytes, name: str) -> str:
        """A file of these bytes in domain 0, which goes with this object."""
        if not self._files:
            self._files = tempfile.mkdtemp(prefix="stardust-")
        path = Path(self._files) / f"{next(self._numbers)}-{name}"
        path.write_bytes(data)
        return str(path)

    def tidy(self, wanted: set[str]) -> None:
        """The images are the user's own files."""

    def mac(self) -> str:
        """Kept over reboots, so that the guest keeps its address."""
        return "00:16:3e:%02x:%02x:%02x" % tuple(random.randbytes(3))

    def forward(self, address: str, port: int, protocol: str, host_port: int | None) -> int:
        relay = ports.Relay(protocol, host_port or 0, (address, port))
        self._relays.append(relay)
        return relay.port

    def stop_forwarding(self) -> None:
        """After a reboot, when the guest may be elsewhere."""
        while self._relays:
            self._relays.pop().close()

    def close(self) -> None:
        self.stop_forwarding()
        if self._files:
            shutil.rmtree(self._files, ignore_errors=True)


class QemuHost:
    """Real Xen in QEMU, for this process alone."""

    local = False

    def __init__(self, machine: Machine, arguments: Sequence[str]):
        self.machine = machine
        self.qemu, self.shell = restored(machine, arguments)
        self._placed: dict[str, int] = {}   # path: bytes
        self._macs = itertools.cycle(range(ADDRESSES))
        self._forwards: list[str] = []
        self._lock = threading.Lock()

    def place(self, image: Path) -> str:
        """Copies the image into domain 0."""
        return self.place_bytes(image.read_bytes(), image.name)

    def place_bytes(self, data: bytes, name: str) -> str:
        path = f"/tmp/images/{hashlib.sha256(data).hexdigest()[:16]}-{name}"
        with self._lock:
            if path not in self._placed:
                self.shell.put(data, path)
                self._placed[path] = len(data)
        return path

    def tidy(self, wanted: set[str]) -> None:
        """Domain 0 has its files in memory: takes images away that are not wanted any more, once they are many."""
        with self._lock:
            old = [path for path in self._placed if path not in wanted]
            if sum(self._placed.values()) > IMAGES_BYTES and old:
                self.shell.run(f"rm {' '.join(map(shlex.quote, old))}")
                for path in old:
                    del self._placed[path]

    def mac(self) -> str:
        """One of a few, in turn: QEMU's DHCP server remembers every MAC it has seen, and 16 at most."""
        return f"00:16:3e:5d:00:{next(self._macs):02x}"

    def forward(self, address: str, port: int, protocol: str, host_port: int | None) -> int:
        for _ in range(5):      # somebody may take the free port before QEMU does
            here = host_port or ports.free(protocol)
            with self._lock:
                said = self.qemu.monitor(f"hostfwd_add {protocol}:{ports.HERE}:{here}-{address}:{port}")
            if not said:
                self._forwards.append(f"{protocol}:{ports.HERE}:{here}")
                return here
            if host_port:
                break
        raise Problem(f"cannot forward {protocol} port {here} of {ports.HERE} to the guest: {said}")

    def stop_forwarding(self) -> None:
        with self._lock:
            while self._forwards:
                self.qemu.monitor(f"hostfwd_remove {self._forwards.pop()}")

    def wait_for_debugger(self, port: int) -> None:
        """Open QEMU's gdb stub, and return once a debugger has attached, which stops the machine, and continued it."""
        with self._lock:
            said = self.qemu.monitor(f"gdbserver tcp:{ports.HERE}:{port}")
            before = len(self.qemu.events)
        if "Waiting" not in said:
            raise Problem(f"QEMU cannot listen for gdb at port {port}: {said}")
        while "RESUME" not in self.qemu.events[before:]:    # events, for a quick debugger's stop falls between two looks
            time.sleep(0.1)
            with self._lock:
                self.qemu.qmp("query-status")

    def close(self) -> None:
        self.qemu.kill()


class Dom0:
    """A domain 0. Use it in `with`, or call close(). Start it in a thread that lives as long: QEMU ends with that thread."""

    def __init__(self, memory: int = 256, icount: bool = False, qemu: bool = False, arguments: Sequence[str] = ()):
        """Room for guests of `memory` MB in all. `icount`: virtual time counts instructions. `qemu`: not the machine's own Xen.
        `arguments` are QEMU's, on top."""
        self._guests: list[Guest] = []
        self._starting = threading.Lock()
        self._host: XlHost | QemuHost
        self._host = XlHost() if not (icount or qemu) and xl_works() else QemuHost(machine_for(memory, icount), arguments)
        self.shell = self._host.shell

    @property
    def local(self) -> bool:
        """Is it this machine's own Xen?"""
        return self._host.local

    def sh(self, command: str, input: bytes = b"", timeout: float | None = 120) -> tuple[int, str]:
        """Run a command line as root in domain 0; its status and what it printed on both outputs."""
        result = self.shell.run(f"{{ {command}\n}} 2>&1", input, timeout)
        return result.status, result.out

    def check(self, command: str, input: bytes = b"", timeout: float | None = 120) -> str:
        """The same where only success will do: the output, or Problem."""
        status, out = self.sh(command, input, timeout)
        if status:
            raise Problem(f"in domain 0, `{command}` ended with {status}: {out.strip()[-500:]}")
        return out

    @property
    def qemu(self) -> Qemu:
        """The machine that it is in, where that is not this one."""
        assert isinstance(self._host, QemuHost)
        return self._host.qemu

    def wait_for_debugger(self, port: int) -> None:
        """Until gdb has attached to the whole machine at 127.0.0.1:port, and let it go on."""
        if not isinstance(self._host, QemuHost):
            raise Problem("--gdb is QEMU's stub, which a Xen host of your own has not; use gdbsx there")
        self._host.wait_for_debugger(port)

    def spawn(self, command: str, terminal: bool = False) -> Stream:
        """Start a command line in domain 0 and hold a stream to it: read(), write(), close_input(), kill(), wait()."""
        return self.shell.spawn(command, terminal)

    def push(self, source: Path | str | bytes, path: str, mode: int = 0o644) -> None:
        """Put a file, or bytes, into domain 0."""
        self.shell.put(source if isinstance(source, bytes) else Path(source).read_bytes(), path, mode)

    def push_program(self, name: str) -> str:
        """A program of this machine, with the libraries that it is linked with; the words that call it there."""
        path = shutil.which(name)
        if not path:
            raise Problem(f"there is no {name} on this machine to be brought into domain 0; install its package")
        if self.local:
            return path
        said = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        files = [Path(file) for file in [path, *re.findall(r"(?:=> |^\s*)(/\S+)", said, re.M)]]
        for file in files:
            _copy_once(file, PROGRAMS / file.name)
        there = self.in_tree(PROGRAMS)
        loader = next(file.name for file in files if file.name.startswith("ld-linux"))
        return f"{there}/{loader} --library-path {there} {there}/{files[0].name}"

    def in_tree(self, path: Path) -> str:
        """Where domain 0 has something of the source tree, which is shared with it: nothing is copied, and what is read is no memory lost."""
        if self.local:
            return str(path)
        self.check(f"mkdir -p {TREE} && {{ grep -q ' {TREE} ' /proc/mounts || mount -t 9p -o {TREE_OPTIONS} source {TREE}; }}")
        return f"{TREE}/{path.relative_to(paths.ROOT)}"

    def pull(self, path: str) -> bytes:
        """A file of domain 0."""
        return self.shell.get(path)

    def start_guest(self, image: Path | str, *, name: str = "", kernel_options: list[str] | None = None,
                    arguments: list[str] | None = None, extra: str | None = None, memory: int = 16, vcpus: int = 1,
                    type: str = "pv", vif: list[str] | None = None, bridge: str = BRIDGE, paused: bool = False,
                    ramdisk: Path | bytes | None = None,
                    on_console: Callable[[bytes], None] | None = None, on_serving: Callable[[], None] | None = None,
                    keep_console: int | None = None, **options: Any) -> Guest:
        """Start a guest from an image here (copied into domain 0 where need be).

        `vif=[]` for no network; by default one interface with an address of its own. `extra` is the whole command line, instead
        of `kernel_options` and `arguments`. `ramdisk` is a file here, or its bytes. `options` are further xl options (disk, …) with
        paths in domain 0; see push().
        """
        image = Path(image)
        if vif is None:
            vif = [f"mac={self._host.mac()},bridge={bridge}"]
        with self._starting:    # one at a time: what one has placed, another does not tidy away
            self._host.tidy({path for guest in self._guests if guest.domid is not None and not guest.ended
                             for path in (guest.config.kernel, guest.config.ramdisk)})
            line = extra if extra is not None else command_line(kernel_options or [], arguments or [])
            config = Config(name or f"{image.name}-{len(self._guests) + 1}", self._host.place(image), line, memory, vcpus, type, vif, options,
                            self._place_ramdisk(ramdisk))
            nobody = not self.local or self.shell.domid(config.name) is None
            try:
                guest = Guest(self.shell, config, paused=paused, on_console=on_console, on_serving=on_serving,
                              forwarder=self._host.forward, keep_console=keep_console, hint=_memory_hint(image, memory))
            except BaseException:
                if self.local and nobody:   # what was half made must not stay; in QEMU it goes with domain 0
                    self.shell.run(f"xl destroy {config.name} 2>/dev/null")
                raise
            self._guests.append(guest)
            return guest

    def _place_ramdisk(self, ramdisk: Path | bytes | None) -> str:
        if ramdisk is None:
            return ""
        return self._host.place_bytes(ramdisk, "ramdisk") if isinstance(ramdisk, bytes) else self._host.place(ramdisk)

    def stop_forwarding(self) -> None:
        """Take all forwards away."""
        self._host.stop_forwarding()

    def log(self) -> str:
        """What Xen says: a guest that it killed is in there."""
        return self.sh("xl dmesg")[1]

    def close(self) -> None:
        """Destroy the guests, and domain 0 if it was started for us."""
        if self.local:
            for guest in self._guests:
                guest.destroy()
        self._host.close()

    def __enter__(self) -> "Dom0":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _copy_once(source: Path, target: Path) -> None:
    """Unless it is there; others may do the same at the same time."""
    if target.exists() and os.path.getmtime(target) == os.path.getmtime(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        os.replace(shutil.copy2(source, Path(work) / source.name), target)


def _memory_hint(image: Path, memory: int) -> str:
    try:
        least = elf.read(image).least_memory()
    except Problem:     # a Linux kernel, say
        return ""
    return f"{memory} MB may be too little: give --memory {least} or more" if memory < least else ""

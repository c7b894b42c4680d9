"""What bench needs besides our own images: Xen's tracer and the client in domain 0, and the Linux guest.

Linux is the very kernel that domain 0 runs, Debian's, with an initramfs of busybox and linux/serve.c. Archives are fetched and
unpacked in the cache, never installed.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable

from host import cpio, debian, dom0image, packages, paths
from host.dom0 import Dom0, Guest, TooLate
from host.errors import Problem
from host.progress import say, step
from host.xlconfig import BRIDGE

BUILD = paths.BUILD / "bench"
XENTRACE, CLIENT, LOAD, FIRST_LINE = (f"/tmp/bench/{name}" for name in ("xentrace", "client", "load", "first_line.py"))
RAMDISK = "/tmp/bench/linux.cpio"
LINUX_MEMORY = 128
LINUX_ADDRESS = "10.0.2.90"     # below what QEMU's DHCP server gives
LINUX_VIF = [f"bridge={BRIDGE},mac=00:16:3e:5d:01:00"]     # always the same, so that the address is where domain 0 remembers it

TSC_MODE = "native"
HOW = ["Linux as PVH has `tsc_mode=\"native\"`, without which it does not start in the emulator; Stardust has Xen's default as either "
       "type, by which Xen takes part whenever a guest reads the clock"]

LIFE_INIT = b"""#!/bin/busybox sh
/bin/busybox echo hello
exec /bin/busybox poweroff -f
"""
NETWORK = f"""#!/bin/busybox sh
/bin/busybox insmod /xen-netfront.ko
until /bin/busybox ifconfig eth0 {LINUX_ADDRESS} netmask 255.255.255.0 up 2>/dev/null; do :; done
/bin/busybox ifconfig lo 127.0.0.1 up
"""
SERVE_INIT = f"{NETWORK}exec /serve\n".encode()
SERVER_INIT = NETWORK + """/bin/busybox mkdir -p /proc /sys /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox ln -sf /proc/self/fd/1 /dev/stdout
/bin/busybox ln -sf /proc/self/fd/2 /dev/stderr
{call} </dev/null &
until /bin/busybox grep -q ":{port:04X} 0*:0000 0A" /proc/net/tcp /proc/net/tcp6; do :; done
echo serving
wait
"""


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of the packages that domain 0 is made of."""
    lines = (dom0image.ready() / "versions").read_text().split("\n")
    return dict(line.split() for line in lines if line)


def linux_package() -> str:
    return next(name for name in versions() if name.startswith("linux-image-"))


@lru_cache(maxsize=1)
def unpacked() -> Path:
    """A directory with xentrace, busybox and xen-netfront.ko, made now if it is not there."""
    wanted = {name: versions()[name] for name in (linux_package(), "busybox-static", f"xen-utils-{packages.XEN}")}
    directory = paths.cache() / f"bench-{'-'.join(wanted.values()).replace('/', '_').replace(':', '_')}"
    if not directory.exists():
        with step("fetching the Linux peer (75 MB; nothing of it is installed)"), \
                tempfile.TemporaryDirectory(dir=paths.cache(), prefix="making-") as name:
            work = Path(name)
            for part in ("debs", "root", "done"):
                (work / part).mkdir()
            debian.unpack(debian.download(wanted, work / "debs"), work / "root")
            for pattern in ("bin/busybox", f"usr/lib/xen-{packages.XEN}/bin/xentrace",
                            "lib/modules/*/kernel/drivers/net/xen-netfront.ko"):
                shutil.copy(next((work / "root").glob(pattern)), work / "done")
            try:
                os.rename(work / "done", directory)
            except OSError:     # another run was first
                pass
    return directory


def compile_static(source: Path) -> Path:
    """A static program for the Linux side."""
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / source.stem
    result = subprocess.run(["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-static-pie", "-o", program, source],
                            capture_output=True, text=True)
    if result.returncode:
        raise Problem(f"cannot compile {source}: {result.stderr.strip()}")
    return program


def said(*command: object, **options: Any) -> str:
    """What a command prints; it must not fail."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **{"cwd": paths.ROOT, **options})
    if result.returncode:
        raise Problem(f"{command[0]} failed: {result.stderr.strip()[-500:]}")
    return result.stdout


def initramfs(init: bytes, programs: dict[str, Path] = {}) -> bytes:
    """What Linux has for files."""
    file = io.BytesIO()
    archive = cpio.Archive(file)
    archive.directory("dev")
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3)
    archive.file("bin/busybox", unpacked() / "busybox", 0o755)
    archive.file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\n")
    archive.file("init", init, 0o755)
    for name, program in programs.items():
        archive.file(name, program, 0o755)
    archive.file("serve", compile_static(paths.ROOT / "bench/linux/serve.c"), 0o755)
    archive.file("xen-netfront.ko", unpacked() / "xen-netfront.ko")
    archive.close()
    return file.getvalue()


def equip(dom0: Dom0) -> None:
    """Put the tools into domain 0."""
    dom0.push(unpacked() / "xentrace", XENTRACE, 0o755)
    dom0.push(compile_static(paths.ROOT / "bench/dom0/client.c"), CLIENT, 0o755)
    dom0.push(compile_static(paths.ROOT / "bench/dom0/load.c"), LOAD, 0o755)
    dom0.push(paths.ROOT / "bench/dom0/first_line.py", FIRST_LINE)


def linux_options(dom0: Dom0, type: str, quiet: bool = True, native: bool = False) -> dict[str, Any]:
    """xl's options for a Linux guest. The kernel, which domain 0 in QEMU has no room for, stays on this machine and is read
    through the share that the tree is mounted by."""
    BUILD.mkdir(parents=True, exist_ok=True)
    kernel = BUILD / "vmlinux"
    if not kernel.exists() or kernel.stat().st_size != (dom0image.ready() / "vmlinux").stat().st_size:
        shutil.copy(dom0image.ready() / "vmlinux", kernel)
    options = {"kernel": dom0.in_tree(kernel), "extra": f"console=hvc0 rdinit=/init{' quiet' if quiet else ''}"}
    return options | ({"tsc_mode": TSC_MODE} if native or type == "pvh" else {})


def start_linux(dom0: Dom0, type: str, init: bytes, vif: list[str], programs: dict[str, Path] = {}, files: bytes = b"",
                native: bool = False, memory: int = LINUX_MEMORY) -> Guest:
    """A Linux guest with that script as its first process, and these programs and an archive's files in its root. `native`: it reads
    the time-stamp counter without Xen."""
    return dom0.start_guest(os.devnull, name="linux", memory=memory, type=type, vif=vif, ramdisk=initramfs(init, programs) + files,
                            **linux_options(dom0, type, native=native))


def serving_linux(dom0: Dom0, type: str) -> Guest:
    """A Linux guest whose servers (linux/serve.c) are up."""
    return _serving(dom0, type, SERVE_INIT)


def linux_with_server(dom0: Dom0, type: str, call: str, port: int, programs: dict[str, Path], files: bytes = b"", native: bool = True,
                      memory: int = LINUX_MEMORY) -> Guest:
    """A Linux guest in which that command line serves at a TCP port."""
    return _serving(dom0, type, SERVER_INIT.format(call=call, port=port).encode(), programs=programs, files=files, native=native, memory=memory)


def _serving(dom0: Dom0, type: str, init: bytes, **options: Any) -> Guest:
    """`options` are start_linux's."""
    def start() -> Guest:
        guest = start_linux(dom0, type, init, LINUX_VIF, **options)
        try:
            guest.expect(r"^serving\r?$", 300)
        except BaseException:
            guest.destroy()
            raise
        return guest
    return retried(start)


def retried(work: Callable[[], Any]) -> Any:
    """Linux's user space crashes now and then under QEMU's emulation: that is not what is measured here."""
    for left in reversed(range(3)):
        try:
            return work()
        except (Problem, TooLate) as error:
            if not left:
                raise
            say(f"bench: the Linux guest is tried again: {str(error).splitlines()[0]}")

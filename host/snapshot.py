"""A booted domain 0, kept as a file: made once per kind of machine, restored by every run in a fraction of a second."""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
import threading
import time
from pathlib import Path
from typing import Sequence

from host import dom0image, paths, qemu
from host.errors import Problem
from host.progress import step
from host.qemu import DOM0_COMMAND_LINE, XEN_COMMAND_LINE, Machine, Qemu
from host.remote import RemoteShell

BOOT_SECONDS = 600      # 20 on a machine that has nothing else to do
UNUSED_DAYS = 7
SHARES = {"source": paths.ROOT}     # the tree, for `host shell`


def restored(machine: Machine, arguments: Sequence[str] = ()) -> tuple[Qemu, RemoteShell]:
    """A running domain 0. The caller kills the QEMU, which gets these arguments on top: nothing that changes the machine."""
    directory = dom0image.ready()
    overlay = dom0image.overlay()
    file = directory / f"snapshot-{_key(machine, overlay)}"
    if not file.exists():
        with dom0image.locked(directory / "snapshot.lock", "another run to boot domain 0"):
            if not file.exists():
                _make(machine, directory, overlay, file)
    os.utime(file)
    process = Qemu(machine, SHARES, ["-S", "-incoming", "defer", *arguments])
    try:
        process.qmp("migrate-incoming", uri=f"exec:exec cat {shlex.quote(str(file))}")
        _until_migrated(process, "restoring domain 0")
        process.qmp("cont")
        shell = RemoteShell(process.agent)
        if not machine.icount:      # a bench wants the same instructions every time
            shell.set_clock()
    except BaseException:
        process.kill()
        raise
    return process, shell


def _key(machine: Machine, overlay: bytes) -> str:
    """A snapshot is good only for the scripts in it, and for the machine and the very QEMU that made it."""
    program = os.stat(qemu.program())
    everything = repr((program.st_size, program.st_mtime_ns, _boot_arguments(machine, Path("/")), machine.arguments())).encode()
    digest = hashlib.sha256(everything + overlay + (paths.HOST / "qemu.py").read_bytes()).hexdigest()[:12]
    return f"{machine.memory}{'-icount' if machine.icount else ''}-{digest}"


def _boot_arguments(machine: Machine, directory: Path) -> list[str]:
    """QEMU's arguments to boot Xen and domain 0 from the files in a directory."""
    kernel, archive = (str(directory / name).replace(",", ",,") for name in ("vmlinux", "dom0.cpio"))
    return ["-kernel", str(directory / "xen"), "-append", XEN_COMMAND_LINE % ("none" if machine.icount else "all"),
            "-initrd", f"{kernel} {DOM0_COMMAND_LINE},{archive}"]


def _make(machine: Machine, directory: Path, overlay: bytes, file: Path) -> None:
    """Boot domain 0, wait until its agent answers, and write the machine's state."""
    with (step("booting domain 0, once (half a minute)"), tempfile.TemporaryDirectory(dir=directory) as name):
        work = Path(name)
        for part in ("xen", "vmlinux"):
            os.link(directory / part, work / part)
        (work / "dom0.cpio").write_bytes((directory / "base.cpio").read_bytes() + overlay)
        process = Qemu(machine, SHARES, _boot_arguments(machine, work))
        try:
            _wait_for_agent(process)
            process.qmp("stop")
            process.qmp("migrate", uri=f"exec:exec cat > {shlex.quote(str(work / 'state'))}")
            _until_migrated(process, "saving domain 0")
        finally:
            process.kill()
        os.rename(work / "state", file)
    for old in directory.glob("snapshot-*-*"):
        if old.stat().st_mtime < time.time() - UNUSED_DAYS * 86400:
            old.unlink()


def _wait_for_agent(process: Qemu) -> None:
    """Return once domain 0 answers. The question waits in the channel until there is somebody to read it."""
    shell = RemoteShell(process.agent)
    answered = threading.Event()

    def ask() -> None:
        shell.run("xl list")
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    deadline = time.monotonic() + BOOT_SECONDS
    while not answered.wait(0.2):
        if not process.alive() or time.monotonic() > deadline:
            said = process.log()[-300:] if process.alive() else "nothing"
            raise Problem(f"domain 0 does not come up in QEMU; it last said: {said}")


def _until_migrated(process: Qemu, what: str) -> None:
    """Poll until the machine's state is written or read."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        status = process.qmp("query-migrate").get("status")
        if status == "completed":
            return
        if status in ("failed", "cancelled"):
            break
        time.sleep(0.01)
    raise Problem(f"{what} failed in QEMU; `bin/stardust host clean` and try again")

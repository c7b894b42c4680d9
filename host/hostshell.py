"""`bin/stardust host`: a root shell in the domain 0 in QEMU, with the source tree in it at its own path."""

from __future__ import annotations

import fcntl
import io
import os
import py_compile
import shlex
import shutil
import signal
import struct
import sys
import tarfile
import tempfile
import termios
import threading
import tty
from pathlib import Path
from types import FrameType

from host import paths
from host.dom0 import Dom0, xl_works
from host.progress import say
from host.shell import Stream

MOUNT = "mkdir -p {0} && mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro,cache=loose source {0}"


def shell(memory: int) -> int:
    """A shell, interactive if standard input is a terminal; its exit status."""
    with Dom0(memory, qemu=True) as dom0:
        tree = shlex.quote(str(paths.ROOT))
        dom0.check(MOUNT.format(tree))
        dom0.check("mkdir -p ~/.cache/stardust && tar -x -C ~/.cache/stardust", input=_byte_code())
        terminal = os.isatty(0)
        if terminal:
            say(f"domain 0 of Xen in QEMU; the source tree is at {paths.ROOT}; `exit` ends it")
        stream = dom0.spawn(f"cd {tree} && exec /bin/sh {'-l' if terminal else ''}", terminal)
        return _interactive(stream) if terminal else _carry(stream)


def _byte_code() -> bytes:
    """A tar archive of this package compiled, for `bin/stardust` in domain 0: compiling it there would take half a minute.

    It is taken there only if the interpreter here is of the same version, and each file only if its source's time is the same.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar, tempfile.TemporaryDirectory() as work:
        for source in sorted(paths.HOST.glob("*.py")):
            compiled = py_compile.compile(str(source), cfile=f"{work}/{source.stem}.pyc", dfile=str(source), doraise=True)
            place = Path("pycache", *source.parent.parts[1:], f"{source.stem}.{sys.implementation.cache_tag}.pyc")
            tar.add(compiled, str(place))
    return archive.getvalue()


def prepare(memory: int) -> int:
    """Make what the first run would make: domain 0's files, and its snapshot."""
    if not xl_works():
        Dom0(memory).close()
    return 0


def clean() -> int:
    """Drop what is cached of the Xen host; the next run makes it anew."""
    for path in [*paths.cache().glob("dom0-*"), *paths.cache().glob("making-*")]:
        shutil.rmtree(path, ignore_errors=True)
    return 0


def _interactive(stream: Stream) -> int:
    before = termios.tcgetattr(0)

    def resized(*_: int | FrameType | None) -> None:
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
        stream.resize(rows, columns)

    signal.signal(signal.SIGWINCH, resized)
    resized()
    tty.setraw(0)
    try:
        return _carry(stream)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _carry(stream: Stream) -> int:
    """Bytes both ways until the shell ends; its status."""
    threading.Thread(target=_send_input, args=(stream,), daemon=True).start()
    while data := stream.read():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return min(stream.wait(), 255)


def _send_input(stream: Stream) -> None:
    try:
        while data := os.read(0, 4096):
            stream.write(data)
    except OSError:
        pass
    stream.close_input()

"""A shell in domain 0, on the machine this runs on.

`Shell` is everything the rest of the runner asks of a domain 0: run a command, hold a stream to a command or a console, move a
file, and look at a domain's console ring and memory. `LocalShell` does it here: on a machine where `xl` works, and inside the
domain 0 in QEMU, where agent.py serves it to remote.py, which has the same methods on the other end of the channel.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import tty
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from host import xenctrl, xenstore

CHUNK = 65536


class Result(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


class Stream(Protocol):
    """Bytes both ways: a command's standard input and output, or a guest's console."""

    def read(self) -> bytes: ...          # the next bytes, as soon as there are any; b"" at the end
    def write(self, data: bytes) -> None: ...  # returns once they are taken
    def close_input(self) -> None: ...    # nothing more will be written; may be called twice
    def resize(self, rows: int, columns: int) -> None: ...
    def kill(self) -> None: ...           # end it from this side; a blocked read returns
    def wait(self) -> int: ...            # the command's exit status, once read() has returned b""
    def close(self) -> None: ...          # give back what it holds, once nobody reads or writes any more


class Shell(Protocol):
    """What the runner asks of a domain 0."""

    def run(self, command: str, input: bytes = b"", timeout: float | None = None) -> Result: ...
    def spawn(self, command: str, terminal: bool = False) -> Stream: ...
    def open_console(self, path: str) -> Stream: ...
    def watch(self, paths: list[str]) -> Stream: ...
    def xenstore(self, path: str) -> str | None: ...
    def domid(self, name: str) -> int | None: ...
    def put(self, data: bytes, path: str, mode: int = 0o644) -> None: ...
    def get(self, path: str) -> bytes: ...
    def console_total(self, domid: int, ring: int) -> int | None: ...
    def read_memory(self, domid: int, address: int, length: int) -> bytes: ...
    def domain_info(self, domid: int) -> dict[str, int] | None: ...


def shell_argv(command: str) -> list[str]:
    """The argument vector that runs a command line."""
    return ["/bin/sh", "-c", command]


class LocalStream:
    """A stream over file descriptors of this process, with a child behind it or none."""

    def __init__(self, reader: int, writer: int, child: subprocess.Popen[bytes] | None = None):
        self._reader, self._writer, self._child = reader, writer, child
        self._wake_read, self._wake_write = os.pipe()
        self._input_open = True
        os.set_blocking(writer, False)      # a terminal takes a part and would wait with the rest

    def read(self) -> bytes:
        while True:
            ready, _, _ = select.select([self._reader, self._wake_read], [], [])
            if self._reader not in ready:
                return b""
            try:
                return os.read(self._reader, CHUNK)
            except BlockingIOError:
                continue
            except OSError:     # EIO: the other end of a terminal is closed
                return b""

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            killed, ready, _ = select.select([self._wake_read], [self._writer], [])
            if killed and not ready:
                return
            try:
                view = view[os.write(self._writer, view):]
            except BlockingIOError:
                continue
            except OSError:
                return

    def close_input(self) -> None:
        if not self._input_open:
            return
        self._input_open = False
        if self._writer != self._reader:
            os.close(self._writer)
        elif self._child and self._child.poll() is None:
            os.write(self._writer, b"\x04")     # a terminal has no half-close, only Ctrl-D

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._reader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self) -> None:
        if self._child and self._child.poll() is None:
            with suppress(ProcessLookupError):      # another thread has just learnt of its end
                os.killpg(self._child.pid, signal.SIGKILL)
        os.write(self._wake_write, b"x")

    def wait(self) -> int:
        return self._child.wait() if self._child else 0

    def close(self) -> None:
        self.close_input()
        for descriptor in (self._reader, self._wake_read, self._wake_write):
            os.close(descriptor)


class LocalShell:
    """Domain 0 is the machine this runs on."""

    def run(self, command: str, input: bytes = b"", timeout: float | None = None) -> Result:
        child = subprocess.Popen(shell_argv(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 start_new_session=True)
        try:
            out, err = child.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            return Result(124, out.decode(errors="replace"), err.decode(errors="replace"))
        except BaseException:       # we are to end, but not in the middle of what xl does
            child.communicate()
            raise
        return Result(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def spawn(self, command: str, terminal: bool = False) -> Stream:
        if terminal:
            return self._spawn_in_terminal(command)
        input_end, writer = os.pipe()
        reader, output_end = os.pipe()
        child = subprocess.Popen(shell_argv(command), stdin=input_end, stdout=output_end, stderr=output_end,
                                 start_new_session=True)
        os.close(input_end)
        os.close(output_end)
        return LocalStream(reader, writer, child)

    @staticmethod
    def _spawn_in_terminal(command: str) -> Stream:
        ours, theirs = pty.openpty()

        def take_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        child = subprocess.Popen(shell_argv(command), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                                 preexec_fn=take_terminal)
        os.close(theirs)
        return LocalStream(ours, ours, child)

    def open_console(self, path: str) -> Stream:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(descriptor, termios.TCSANOW)     # the default would throw away what is there already
        return LocalStream(descriptor, descriptor)

    def watch(self, paths: list[str]) -> Stream:
        return xenstore.Watch(paths)

    def xenstore(self, path: str) -> str | None:
        return xenstore.read(path)

    def domid(self, name: str) -> int | None:
        return xenstore.domid(name)

    def put(self, data: bytes, path: str, mode: int = 0o644) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
        os.chmod(path, mode)

    def get(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def console_total(self, domid: int, ring: int) -> int | None:
        return xenctrl.console_total(domid, ring)

    def read_memory(self, domid: int, address: int, length: int) -> bytes:
        return xenctrl.read_memory(domid, address, length)

    def domain_info(self, domid: int) -> dict[str, int] | None:
        return xenctrl.domain_info(domid)

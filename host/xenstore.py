"""A small client of xenstored: read and watch. A tool started for every read would cost a quarter of a second in emulation.

The protocol is xen/io/xs_wire.h, spoken over xenstored's socket, or the kernel's device where there is no socket.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from pathlib import Path

XS_DIRECTORY, XS_READ, XS_WATCH, XS_WATCH_EVENT, XS_ERROR = 1, 2, 4, 15, 16
HEADER = struct.Struct("<IIII")     # type, request, transaction, length
SOCKETS = ["/run/xenstored/socket", "/var/run/xenstored/socket"]
DEVICES = ["/dev/xen/xenbus", "/proc/xen/xenbus"]


class _Connection:
    """One connection to xenstored."""

    def __init__(self) -> None:
        self._descriptor = _connect()
        self.events: list[str] = []     # paths of watches that fired between replies

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        """Also ends the connection's watches."""
        os.close(self._descriptor)

    def ask(self, kind: int, *words: str) -> bytes | None:
        """One request; None if xenstored answers with an error."""
        body = b"".join(word.encode() + b"\0" for word in words)
        os.write(self._descriptor, HEADER.pack(kind, 0, 0, len(body)) + body)
        while True:
            answer, payload = self.receive()
            if answer == XS_ERROR:
                return None
            if answer == kind:
                return payload

    def receive(self) -> tuple[int, bytes]:
        """The next message; a watch that fired is noted in `events`."""
        kind, _, _, length = HEADER.unpack(self._exactly(HEADER.size))
        payload = self._exactly(length)
        if kind == XS_WATCH_EVENT:
            self.events.append(payload.split(b"\0")[0].decode())
        return kind, payload

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            chunk = os.read(self._descriptor, length - len(data))
            if not chunk:
                raise EOFError("xenstored ended")
            data += chunk
        return data


def _connect() -> int:
    for path in SOCKETS:
        if Path(path).exists():
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            return client.detach()
    for path in DEVICES:
        if Path(path).exists():
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    raise OSError("there is no xenstored to talk to")


def read(path: str) -> str | None:
    """The value at an absolute path; None if there is none."""
    connection = _Connection()
    try:
        value = connection.ask(XS_READ, path)
        return None if value is None else value.decode(errors="replace")
    finally:
        connection.close()


def domid(name: str) -> int | None:
    """The newest domain of that name; None if there is none. (What `xl domid` does, in a hundredth of its time.)"""
    connection = _Connection()
    try:
        listed = (connection.ask(XS_DIRECTORY, "/local/domain") or b"").decode().split("\0")
        for number in sorted((int(word) for word in listed if word.isdigit()), reverse=True):
            if connection.ask(XS_READ, f"/local/domain/{number}/name") == name.encode():
                return number
        return None
    finally:
        connection.close()


class Watch:
    """Watches as a stream of lines, a changed path each. Every watch fires once at the start, so nothing is missed."""

    def __init__(self, paths: list[str]):
        self._connection = _Connection()
        self._wake_read, self._wake_write = os.pipe()
        for path in paths:
            self._connection.ask(XS_WATCH, path, "")

    def read(self) -> bytes:
        while not self._connection.events:
            ready, _, _ = select.select([self._connection, self._wake_read], [], [])
            if self._wake_read in ready:
                return b""
            self._connection.receive()
        paths, self._connection.events = self._connection.events, []
        return "".join(f"{path}\n" for path in paths).encode()

    def write(self, data: bytes) -> None:
        """A watch takes no input."""

    def close_input(self) -> None:
        """A watch takes no input."""

    def resize(self, rows: int, columns: int) -> None:
        """A watch has no window."""

    def kill(self) -> None:
        os.write(self._wake_write, b"x")

    def wait(self) -> int:
        return 0

    def close(self) -> None:
        self._connection.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

"""The runner's end of the channel: a Shell whose domain 0 is at the other end of a socket. agent.py answers."""

from __future__ import annotations

import itertools
import queue
import socket
import struct
import threading
import time
from typing import Any

from host.errors import Problem
from host.shell import Result
from host.wire import WINDOW, Kind, Wire, pack, unpack

PUT_CHUNK = 1 << 20


LOST = "the domain 0 in QEMU has ended"


class ChannelLost(Problem):
    """Domain 0 is gone: QEMU ended, or was ended."""


class RemoteStream:
    """One open stream."""

    def __init__(self, wire: Wire, number: int):
        self._wire, self._number = wire, number
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._unacknowledged = 0
        self._ended = False
        self.lost = True        # until the result is there
        self.result: tuple[dict[str, Any], bytes] = ({}, b"")

    # Called by the receiving thread.

    def arrived(self, kind: Kind, payload: bytes) -> None:
        """A frame for this stream."""
        if kind is Kind.DATA:
            self._chunks.put(payload)
        elif kind is Kind.ACK:
            with self._room:
                self._unacknowledged -= struct.unpack("<I", payload)[0]
                self._room.notify_all()
        elif kind is Kind.END:
            self.result, self.lost = unpack(payload), False
            self.ended()

    def ended(self) -> None:
        """No frame will come any more."""
        with self._room:
            self._ended = True
            self._room.notify_all()
        self._chunks.put(b"")

    # The Stream protocol.

    def read(self) -> bytes:
        data = self._chunks.get()
        if not data:
            self._chunks.put(b"")
        return data

    def write(self, data: bytes) -> None:
        for at in range(0, len(data), WINDOW // 4):
            piece = data[at:at + WINDOW // 4]
            with self._room:
                while self._unacknowledged + len(piece) > WINDOW and not self._ended:
                    self._room.wait()
                if self._ended:
                    return
                self._unacknowledged += len(piece)
            self._send(Kind.DATA, piece)

    def close_input(self) -> None:
        self._send(Kind.EOF)

    def resize(self, rows: int, columns: int) -> None:
        self._send(Kind.CONTROL, pack({"resize": [rows, columns]}))

    def kill(self) -> None:
        self._send(Kind.CONTROL, pack({"kill": True}))

    def wait(self) -> int:
        while self.read():
            pass
        return int(self.result[0].get("status", 255))

    def close(self) -> None:
        """Nothing is held on this side."""

    def _send(self, kind: Kind, payload: bytes = b"") -> None:
        try:
            self._wire.send(self._number, kind, payload)
        except OSError:
            self.ended()


class RemoteShell:
    """Domain 0 behind a socket that the agent serves."""

    def __init__(self, channel: socket.socket):
        self._channel = channel
        self._wire = Wire(channel.fileno())
        self._numbers = itertools.count(1)
        self._streams: dict[int, RemoteStream] = {}
        self._lock = threading.Lock()
        self._lost = False
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        try:
            while True:
                number, kind, payload = self._wire.receive()
                stream = self._streams.get(number)
                if stream:
                    stream.arrived(kind, payload)
                if kind is Kind.END:
                    self._streams.pop(number, None)
        except Exception:       # whatever it is, a frame of nonsense too: who waits must learn that nothing comes any more
            with self._lock:
                self._lost = True
                left = list(self._streams.values())
            for stream in left:
                stream.ended()

    def _open(self, message: dict[str, Any], blob: bytes = b"") -> RemoteStream:
        number = next(self._numbers)
        stream = RemoteStream(self._wire, number)
        with self._lock:
            if self._lost:
                raise ChannelLost(LOST)
            self._streams[number] = stream
        try:
            self._wire.send(number, Kind.OPEN, pack(message, blob))
        except OSError:
            raise ChannelLost(LOST) from None
        return stream

    def _call(self, message: dict[str, Any], blob: bytes = b"") -> tuple[dict[str, Any], bytes]:
        stream = self._open(message, blob)
        while stream.read():
            pass
        if stream.lost:
            raise ChannelLost(LOST)
        if "error" in stream.result[0]:
            raise Problem(f"domain 0 in QEMU: {stream.result[0]['error']}")
        return stream.result

    # The Shell protocol.

    def run(self, command: str, input: bytes = b"", timeout: float | None = None) -> Result:
        message, out = self._call({"op": "run", "command": command, "timeout": timeout}, input)
        return Result(message["status"], out.decode(errors="replace"), message["err"])

    def spawn(self, command: str, terminal: bool = False) -> RemoteStream:
        return self._open({"op": "spawn", "command": command, "terminal": terminal})

    def open_console(self, path: str) -> RemoteStream:
        return self._open({"op": "console", "path": path})

    def watch(self, paths: list[str]) -> RemoteStream:
        return self._open({"op": "watch", "paths": paths})

    def xenstore(self, path: str) -> str | None:
        return self._call({"op": "xenstore", "path": path})[0]["value"]

    def domid(self, name: str) -> int | None:
        return self._call({"op": "domid", "name": name})[0]["value"]

    def put(self, data: bytes, path: str, mode: int = 0o644) -> None:
        for at in range(0, max(len(data), 1), PUT_CHUNK):
            self._call({"op": "put", "path": path, "mode": mode, "append": at > 0}, data[at:at + PUT_CHUNK])

    def get(self, path: str) -> bytes:
        return self._call({"op": "get", "path": path})[1]

    def console_total(self, domid: int, ring: int) -> int | None:
        return self._call({"op": "console_total", "domid": domid, "ring": ring})[0]["value"]

    def read_memory(self, domid: int, address: int, length: int) -> bytes:
        return self._call({"op": "read_memory", "domid": domid, "address": address, "length": length})[1]

    def domain_info(self, domid: int) -> dict[str, int] | None:
        return self._call({"op": "domain_info", "domid": domid})[0]["value"]

    def set_clock(self) -> None:
        """Domain 0's wall clock, and with it Xen's, stood still in the snapshot: set it to now."""
        self._call({"op": "set_clock", "now": time.time()})

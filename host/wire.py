"""The channel between the runner and the agent in domain 0: frames over one byte stream (a virtio-serial port).

A frame is a header (stream number, kind, payload length; little-endian) and its payload. One stream is one call. The runner
opens it; DATA and EOF go both ways; END from the agent closes it. What the runner sends as DATA is acknowledged once it has been
taken, so that a guest that does not read its console holds its writer back instead of filling domain 0's memory.
"""

from __future__ import annotations

import json
import os
import struct
import threading
from enum import IntEnum
from typing import Any

HEADER = struct.Struct("<IBI")
WINDOW = 65536      # bytes of DATA towards the agent that may be unacknowledged, per stream


class Kind(IntEnum):
    """What a frame is."""

    OPEN = 0        # runner → agent: a message, the operation
    DATA = 1        # both ways: bytes
    EOF = 2         # runner → agent: no more DATA
    END = 3         # agent → runner: a message, the result
    CONTROL = 4     # runner → agent: a message, {"kill": true} or {"resize": [rows, columns]}
    ACK = 5         # agent → runner: four bytes, how many bytes of DATA were taken


def pack(message: dict[str, Any], blob: bytes = b"") -> bytes:
    """A message with bytes attached."""
    return json.dumps(message).encode() + b"\n" + blob


def unpack(payload: bytes) -> tuple[dict[str, Any], bytes]:
    """The message and its attached bytes."""
    text, _, blob = payload.partition(b"\n")
    return json.loads(text), blob


class Wire:
    """Frames over a file descriptor. Any thread may send; one thread receives."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self._sending = threading.Lock()

    def send(self, stream: int, kind: Kind, payload: bytes = b"") -> None:
        """One whole frame. Raises OSError when the other end is gone."""
        frame = memoryview(HEADER.pack(stream, kind, len(payload)) + payload)
        with self._sending:
            while frame:
                frame = frame[os.write(self._descriptor, frame):]

    def receive(self) -> tuple[int, Kind, bytes]:
        """The next frame. Raises EOFError when the other end is gone."""
        stream, kind, length = HEADER.unpack(self._exactly(HEADER.size))
        return stream, Kind(kind), self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            chunk = os.read(self._descriptor, min(length - len(data), 1 << 20))
            if not chunk:
                raise EOFError
            data += chunk
        return bytes(data)

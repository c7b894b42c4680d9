"""The agent in the domain 0 in QEMU: serves LocalShell's methods over the channel. remote.py is the other end.

Runs from the initramfs (`python3 -m host.agent /dev/vport…`) and is part of the snapshot, so that a restored domain 0 answers
at once. A thread per open stream; the main thread only receives and hands out.
"""

from __future__ import annotations

import os
import queue
import struct
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Any, Callable

from host.shell import LocalShell, Stream
from host.wire import Kind, Wire, pack, unpack


class Call:
    """One open stream: an operation under way."""

    def __init__(self, wire: Wire, number: int, message: dict[str, Any], blob: bytes):
        self._wire, self._number = wire, number
        self._message, self._blob = message, blob
        self._stream: Stream | None = None
        self._input: queue.Queue[bytes | None] = queue.Queue()
        self._opened = threading.Event()
        self._closing = threading.Lock()    # the stream ends by itself, while it is told something

    def start(self, done: Callable[[], object]) -> None:
        """Do it, in a thread of its own; `done` is called at the end."""
        def work() -> None:
            self._work()
            done()

        threading.Thread(target=work, daemon=True).start()

    def feed(self, data: bytes | None) -> None:
        """Bytes for the stream; None for the end of its input."""
        self._input.put(data)

    def control(self, message: dict[str, Any]) -> None:
        """Kill or resize. Waits until the stream is open."""
        self._opened.wait()
        with self._closing:
            if not self._stream:
                return
            if "resize" in message:
                with suppress(OSError):     # it is no terminal
                    self._stream.resize(*message["resize"])
            if "kill" in message:
                self._stream.kill()

    def _work(self) -> None:
        try:
            self._end(*self._perform(LocalShell()))
        except Exception as error:      # whatever it is, the runner must learn of it rather than wait
            self._end({"error": f"{type(error).__name__}: {error}"})
        finally:
            self._opened.set()

    def _end(self, message: dict[str, Any], blob: bytes = b"") -> None:
        self._wire.send(self._number, Kind.END, pack(message, blob))

    def _perform(self, shell: LocalShell) -> tuple[dict[str, Any], bytes]:
        message = self._message
        match message["op"]:
            case "run":
                status, out, err = shell.run(message["command"], self._blob, message["timeout"])
                return {"status": status, "err": err}, out.encode()
            case "put":
                with open_for_put(message) as file:
                    file.write(self._blob)
                return {}, b""
            case "get":
                return {}, shell.get(message["path"])
            case "console_total":
                return {"value": shell.console_total(message["domid"], message["ring"])}, b""
            case "read_memory":
                return {}, shell.read_memory(message["domid"], message["address"], message["length"])
            case "domain_info":
                return {"value": shell.domain_info(message["domid"])}, b""
            case "xenstore":
                return {"value": shell.xenstore(message["path"])}, b""
            case "domid":
                return {"value": shell.domid(message["name"])}, b""
            case "set_clock":
                time.clock_settime(time.CLOCK_REALTIME, message["now"])
                return {}, b""
            case "spawn":
                return self._follow(shell.spawn(message["command"], message["terminal"]))
            case "watch":
                return self._follow(shell.watch(message["paths"]))
            case "console":
                return self._follow(shell.open_console(message["path"]))
        raise ValueError(f"no such operation: {message['op']}")

    def _follow(self, stream: Stream) -> tuple[dict[str, Any], bytes]:
        """Carry the stream's output until it ends."""
        self._stream = stream
        self._opened.set()
        carrier = threading.Thread(target=self._carry_input, args=(stream,), daemon=True)
        carrier.start()
        while data := stream.read():
            self._wire.send(self._number, Kind.DATA, data)
        status = stream.wait()
        stream.kill()       # a write that still waits for room returns
        self._input.put(None)
        carrier.join()
        with self._closing:
            self._stream = None
            stream.close()
        return {"status": status}, b""

    def _carry_input(self, stream: Stream) -> None:
        while (data := self._input.get()) is not None:
            stream.write(data)
            self._wire.send(self._number, Kind.ACK, struct.pack("<I", len(data)))
        stream.close_input()


def open_for_put(message: dict[str, Any]) -> Any:
    """The file a piece of an upload goes to: anew for the first piece, then appended."""
    path = message["path"]
    os.makedirs(os.path.dirname(path) or "/", exist_ok=True)
    file = open(path, "ab" if message["append"] else "wb")
    os.fchmod(file.fileno(), message["mode"])
    return file


def serve(descriptor: int) -> None:
    """Receive frames for ever."""
    wire = Wire(descriptor)
    calls: dict[int, Call] = {}
    while True:
        number, kind, payload = wire.receive()
        if kind is Kind.OPEN:
            calls[number] = Call(wire, number, *unpack(payload))
            calls[number].start(partial(calls.pop, number))
            continue
        call = calls.get(number)
        if not call:        # it has ended meanwhile
            continue
        if kind is Kind.DATA:
            call.feed(payload)
        elif kind is Kind.EOF:
            call.feed(None)
        elif kind is Kind.CONTROL:
            call.control(unpack(payload)[0])


if __name__ == "__main__":
    serve(os.open(sys.argv[1], os.O_RDWR))

"""Ports of the user's machine: which are free, and a relay for hosts where nothing else forwards."""

from __future__ import annotations

import socket
import threading
import time

from host.errors import Problem

HERE = "127.0.0.1"
CHUNK = 65536
DATAGRAM_IDLE_SECONDS = 60
PAUSE_SECONDS = 0.1

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def free(protocol: str) -> int:
    """A port that nobody uses now."""
    with socket.socket(socket.AF_INET, KINDS[protocol]) as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def check_free(port: int, protocol: str) -> None:
    """Problem if somebody uses the port, or this user must not."""
    with socket.socket(socket.AF_INET, KINDS[protocol]) as probe:
        if protocol == "tcp":       # as QEMU does; without it, a port in TIME_WAIT would seem in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except PermissionError:
            raise Problem(f"this user must not listen on port {port}; choose one from 1024 up") from None
        except OSError:
            raise Problem(f"{protocol} port {port} of {HERE} is in use; stop what uses it or choose another") from None


class Relay:
    """Carries connections, or datagrams, between a port of 127.0.0.1 and an address that this machine reaches."""

    def __init__(self, protocol: str, port: int, target: tuple[str, int]):
        self._target = target
        self._listener = socket.socket(socket.AF_INET, KINDS[protocol])
        if protocol == "tcp":
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((HERE, port))
        self.port: int = self._listener.getsockname()[1]
        if protocol == "tcp":
            self._listener.listen(128)
        work = self._accept if protocol == "tcp" else self._datagrams
        threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        """Listen no more; connections under way end with the process."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                if self._listener.fileno() < 0:
                    return
                time.sleep(PAUSE_SECONDS)   # too many files open, say; or it is just being closed
                continue
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client:
            try:
                guest = socket.create_connection(self._target)
            except OSError:
                return
            with guest:
                back = threading.Thread(target=_carry, args=(guest, client), daemon=True)
                back.start()
                _carry(client, guest)
                back.join()

    def _datagrams(self) -> None:
        """A socket of its own towards the guest for each client, so that answers find their way back."""
        clients: dict[tuple[str, int], socket.socket] = {}
        while True:
            try:
                data, client = self._listener.recvfrom(CHUNK)
            except OSError:
                return
            guest = clients.get(client)
            if not guest or guest.fileno() < 0:
                guest = clients[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                guest.settimeout(DATAGRAM_IDLE_SECONDS)
                guest.connect(self._target)
                threading.Thread(target=self._answers, args=(guest, client), daemon=True).start()
            try:
                guest.send(data)
            except OSError:
                pass

    def _answers(self, guest: socket.socket, client: tuple[str, int]) -> None:
        with guest:
            try:
                while True:
                    self._listener.sendto(guest.recv(CHUNK), client)
            except OSError:     # idle for long, or refused
                return


def _carry(source: socket.socket, sink: socket.socket) -> None:
    """One direction of a connection, with its half-close."""
    try:
        while data := source.recv(CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

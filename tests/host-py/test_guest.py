"""A guest's life, with a domain 0 of which only that is there."""

import queue
import time

from host.claims import equal
from host.guest import QUIET_SECONDS, End, Guest
from host.shell import Result
from host.xlconfig import Config


class Stream:
    """What comes of a console, or of watches."""

    def __init__(self, *pieces: bytes):
        self._pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for piece in pieces:
            self._pieces.put(piece)

    def read(self) -> bytes:
        return self._pieces.get()

    def kill(self) -> None:
        self._pieces.put(b"")


class Shell:
    """A domain 0 with a guest that has printed something and powered off."""

    def __init__(self, *printed: bytes):
        self._printed = printed

    def put(self, data: bytes, path: str, mode: int) -> None:
        """Nobody reads it."""

    def run(self, command: str) -> Result:
        return Result(0, "", "")

    def domid(self, name: str) -> int:
        return 1

    def open_console(self, path: str) -> Stream:
        return Stream(*self._printed)

    def watch(self, paths: list[str]) -> Stream:
        return Stream(b"@releaseDomain\n")

    def xenstore(self, path: str) -> str | None:
        return {"tty": "/dev/pts/0", "ring-ref": "1", "status": "7"}.get(path.split("/")[-1])

    def domain_info(self, domid: int) -> dict[str, int]:
        return {"dying": 0, "shutdown": 1, "reason": 0}

    def console_total(self, domid: int, ring: int) -> int:
        return sum(map(len, self._printed))


def test_the_end_is_told_once_all_that_was_printed_has_been_taken():
    for seconds in (0.1, QUIET_SECONDS + 0.5):      # of one who is slow, as where `run` writes into a pipe that is full
        taken = []

        def take(data: bytes) -> None:
            time.sleep(seconds)
            taken.append(data)

        with Guest(Shell(b"one\n", b"two\n"), Config("name", "/image"), on_console=take) as guest:      # type: ignore[arg-type]
            equal(guest.wait(30), End("poweroff", 7))
            equal(taken, [b"one\n", b"two\n"], f"a piece in {seconds} s")

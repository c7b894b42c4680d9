"""What a domain 0 keeps of the images that were put into it."""

import threading
from typing import Any

from host import dom0
from host.claims import equal
from host.shell import Result


class Shell:
    """A domain 0 of which only the files are there."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.puts = 0

    def put(self, data: bytes, path: str, *_: Any) -> None:
        self.files[path] = data
        self.puts += 1

    def run(self, command: str) -> Result:
        for path in command.split()[1:]:
            del self.files[path]
        return Result(0, "", "")


def _host() -> dom0.QemuHost:
    host = object.__new__(dom0.QemuHost)
    host.shell, host._placed, host._lock = Shell(), {}, threading.Lock()     # type: ignore[assignment]
    return host


def test_an_image_is_put_there_once():
    host = _host()
    equal(host.place_bytes(b"image", "a"), host.place_bytes(b"image", "a"))
    equal(host.shell.puts, 1)


def test_images_that_nobody_runs_go_once_they_are_many():
    host = _host()
    runs = host.place_bytes(b"runs", "a")
    ended = host.place_bytes(b"ended", "b")
    host.tidy({runs})
    equal(set(host.shell.files), {runs, ended}, "they are few")
    large = host.place_bytes(bytes(dom0.IMAGES_BYTES), "c")
    host.tidy({runs, large})
    equal(set(host.shell.files), {runs, large})
    equal(host.place_bytes(b"ended", "b"), ended, "and can be put there again")
    equal(set(host.shell.files), {runs, large, ended})

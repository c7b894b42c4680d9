"""apps/http, the example to copy: asked by curl and by hand."""

import hashlib
import socket
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator

from host import paths
from host.claims import equal, timeout, true
from tests.e2e.lab import LONG, PATIENCE, Running, program

PAGE = (paths.APPS / "http/root/www/index.html").read_bytes()
STYLE = (paths.APPS / "http/root/www/style.css").read_bytes()


@contextmanager
def server(*words: object) -> Iterator[int]:
    """Its port at 127.0.0.1."""
    run = Running("run", "http", *words)
    yield run.port()
    true(run.process.poll() is None, f"it serves on: {run.out}{run.err}")


def curl(port: int, *words: str) -> bytes:
    """Words that begin with `/` are pages of the server's."""
    words = tuple(f"http://127.0.0.1:{port}{word}" if word.startswith("/") else word for word in words)
    command = ["curl", "-sS", "--path-as-is", "--max-time", str(PATIENCE), *words]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def by_hand(port: int, request: bytes) -> bytes:
    """All that comes until the server closes; a reset, too, if there was more than it has read."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(request)
        said = b""
        with suppress(ConnectionResetError):
            while piece := client.recv(65536):
                said += piece
        return said


def test_pages_of_the_ramdisk_and_an_answer_of_its_own():
    with server() as port:
        equal(curl(port, "/"), PAGE)
        equal(curl(port, "/style.css?v=1"), STYLE)
        equal(curl(port, "/hello"), b"Hello from Stardust\n")
        equal(curl(port, "--head", "/style.css").splitlines()[:3],
              [b"HTTP/1.1 200 OK", b"Content-Type: text/css", b"Content-Length: %d" % len(STYLE)])


def test_connection_is_kept_for_the_next_request():
    with server() as port:
        said = curl(port, "-w", "%{num_connects} ", "/hello", "/nothing", "/")
        equal(said, b"Hello from Stardust\n1 There is no such page.\n0 " + PAGE + b"0 ")
        said = by_hand(port, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")
        equal((said.count(b"HTTP/1.1 200 OK"), said.count(b"keep-alive"), said.count(b"close")), (2, 1, 1))
        true(said.endswith(b"\r\n\r\nHello from Stardust\n") and PAGE not in said, "of HEAD there is no body")


def test_what_cannot_be_answered_says_so():
    with server() as port:
        for request, status in ((b"GET /nothing HTTP/1.0\r\n\r\n", b"404"), (b"GET /../etc HTTP/1.0\r\n\r\n", b"404"),
                                (b"GET /. HTTP/1.0\r\n\r\n", b"404"), (b"DELETE / HTTP/1.1\r\n\r\n", b"501"),
                                (b"hello\r\n", b"400"), (b"GET a HTTP/1.1\r\n", b"400"), (b"GET /" + b"a" * 1010 + b"\r\n", b"400")):
            said = by_hand(port, request)
            true(said.startswith(b"HTTP/1.1 " + status), f"{request[:30]!r}: {said!r}")
        equal(by_hand(port, b"GET / HTTP/1.1\r\nX: " + b"a" * 2000 + b"\r\n\r\n"), b"")
        equal(curl(port, "/"), PAGE)


@timeout(LONG)
def test_files_of_the_user_s_come_whole():
    with tempfile.TemporaryDirectory() as directory:
        data = hashlib.shake_128(b"http").digest(3_000_001)
        (Path(directory) / "www").mkdir()
        (Path(directory) / "www/large").write_bytes(data)
        with server("--root", directory) as port:
            true(curl(port, "/large") == data, "a large file comes whole")


@timeout(LONG)
def test_many_clients_at_once_are_all_answered():
    """In domain 0: QEMU's user network resets what it cannot take in at once."""
    with program("http", memory=16) as lab:
        lab.guest.serving(PATIENCE)
        url = f"http://{lab.guest.address}/hello?[1-2000]"
        said = lab.dom0.check(f"{lab.dom0.push_program('curl')} -Z --parallel-max 100 '{url}' 2>/dev/null", timeout=LONG)
        equal((len(said.splitlines()), set(said.splitlines())), (2000, {"Hello from Stardust"}))

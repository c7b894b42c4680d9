"""memcached 1.6 as its authors build it, with its four threads."""

import hashlib
import re
import socket
import subprocess
from contextlib import contextmanager
from typing import Iterator

from host.claims import equal, timeout, true
from tests.e2e.lab import LONG, PATIENCE, Running

CLIENTS = 12    # three a thread


@contextmanager
def memcached(*words: object) -> Iterator[int]:
    """Its port at 127.0.0.1."""
    run = Running("run", "memcached", *words)
    yield run.port()
    true(run.process.poll() is None, f"it serves on: {run.out}{run.err}")


class Client:
    """A connection, by the text protocol."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def lines(self, end: bytes) -> list[bytes]:
        """Up to a line that begins like that."""
        found = [self.file.readline()]
        while found[-1] and not found[-1].startswith(end):
            found.append(self.file.readline())
        return found

    def stats(self, what: bytes = b"") -> dict[str, str]:
        """What `stats` says."""
        self.send(b"stats " + what + b"\r\n" if what else b"stats\r\n")
        words = [line.decode().split() for line in self.lines(b"END")[:-1]]
        return {word[1]: word[2] for word in words}


@timeout(LONG)
def test_memccapable_finds_both_protocols_complete():
    with memcached() as port:
        done = subprocess.run(["memccapable", "-h", "127.0.0.1", "-p", str(port), "-t", str(PATIENCE)], capture_output=True, text=True,
                              timeout=LONG)
        said = done.stdout + done.stderr
        equal((done.returncode, said.count("[FAIL]"), "All tests passed" in said), (0, 0, True), said)
        true(said.count("[pass]") >= 50, said)


@timeout(LONG)
def test_memcaslap_gets_back_what_it_sets():
    with memcached() as port:
        done = subprocess.run(["memcaslap", "-s", f"127.0.0.1:{port}", "-T", "2", "-c", "16", "-x", "4000", "-v", "1"], capture_output=True,
                              text=True, timeout=LONG)
        said = done.stdout + done.stderr
        found = {name: int(value) for name, value in re.findall(r"(?m)^(\w+): (\d+)$", said)}
        equal(done.returncode, 0, said)
        true(found.get("cmd_get", 0) + found.get("cmd_set", 0) >= 4000, said)
        equal([found.get(name) for name in ("get_misses", "verify_misses", "verify_failed")], [0, 0, 0], said)


def test_clients_of_all_four_threads_see_each_other_s_values():
    with memcached() as port:
        clients = [Client(port) for _ in range(CLIENTS)]
        equal(clients[0].stats()["threads"], "4")
        values = [hashlib.shake_128(b"%d" % i).hexdigest(20000).encode() for i in range(CLIENTS)]
        for i, client in enumerate(clients):    # all before the first answer
            client.send(b"set key%d %d 0 %d\r\n%s\r\n" % (i, i, len(values[i]), values[i]))
        equal([client.file.readline() for client in clients], [b"STORED\r\n"] * CLIENTS)
        for i, client in enumerate(clients):
            client.send(b"get key%d\r\n" % ((i + 1) % CLIENTS))
        for i, client in enumerate(clients):
            other = (i + 1) % CLIENTS
            equal(client.lines(b"END"), [b"VALUE key%d %d 40000\r\n" % (other, other), values[other] + b"\r\n", b"END\r\n"])
        equal([clients[0].stats()[name] for name in ("curr_items", "get_hits", "get_misses")], [str(CLIENTS), str(CLIENTS), "0"])


def test_full_cache_forgets_the_oldest_and_serves_on():
    with memcached("--memory", 32, "--", "-u", "root", "-m", "4", "-t", "4") as port:
        client = Client(port)
        for i in range(40):
            client.send(b"set key%d 0 0 200000\r\n" % i + b"x" * 200000 + b"\r\n")
            equal(client.file.readline(), b"STORED\r\n")
        client.send(b"get key0\r\n")
        equal(client.lines(b"END"), [b"END\r\n"])
        client.send(b"get key39\r\n")
        equal(client.lines(b"END")[1:], [b"x" * 200000 + b"\r\n", b"END\r\n"])
        true(int(client.stats()["evictions"]) > 0, "it says that it did")

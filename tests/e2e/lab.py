"""What the end-to-end claims share: an echo guest with a client beside it in domain 0, and the user's command as a process.

The client (tests/e2e/client) runs in domain 0 because nothing between domain 0 and the guest changes packets there; QEMU's user
network, which carries the ports of 127.0.0.1, ends and begins connections of its own.
"""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, ContextManager, Iterator, NamedTuple

from host import claims, paths, ramdisk
from host.claims import equal, true
from host.cli import own_words, split
from host.dom0 import Dom0, Guest, TooLate
from host.qemu import die_with
from host.remote import LOST
from host.run import own_root
from host.shell import Stream

LONG = 1800     # time-outs, in seconds: for a test that takes a minute on an idle machine …
PATIENCE = 200  # … and for what takes a second there
STATE_SECONDS = 30      # for what hangs to tell where
BRIDGE_ADDRESS = "10.0.2.100"
CLIENT = "/tmp/e2e-client"


class Memory(NamedTuple):
    """What echo says when it is sent a line."""

    connections: int
    heap_bytes: int
    heap_blocks: int
    pages_free: int


class Lab:
    """A domain 0 and one guest in it."""

    def __init__(self, dom0: Dom0, guest: Guest):
        self.dom0, self.guest = dom0, guest

    def command(self, mode: str, *words: object, address: str = "", port: int = 7) -> str:
        """The client's command line."""
        return f"{CLIENT} {mode} {address or self.guest.address} {port} {' '.join(map(str, words))}"

    def client(self, mode: str, *words: object, address: str = "", timeout: float = LONG) -> str:
        """Run the client; what it said. It must find everything right."""
        status, out = self.dom0.sh(self.command(mode, *words, address=address), b"\n", timeout)
        good = status == 0 and out.splitlines()[-1].startswith("ok ")
        true(good, f"{mode} {words}: status {status}, {out.strip()!r}{self.ended()}")
        return out

    def start_client(self, mode: str, *words: object) -> "Talk":
        """Start the client and go on."""
        return Talk(self.dom0.spawn(self.command(mode, *words)))

    def memory(self) -> Memory:
        """What is in use in an echo guest now."""
        start = len(self.guest.console())
        self.guest.send(b"\n")
        found = self.guest.expect(r"echo: (\d+) connections, heap (\d+) bytes in (\d+) blocks, (\d+) pages free", PATIENCE, start)
        return Memory(*map(int, found.groups()))

    def slow_client(self, port: int, request: bytes) -> tuple[list[bytes], bytes]:
        """A client that sends a byte a second, and another after each of them: what those were answered, and what it was at last."""
        self.dom0.push(paths.ROOT / "tests/e2e/client/slow.py", "/tmp/slow.py")
        said = self.dom0.check(f"python3 /tmp/slow.py {self.guest.address} {port}", request, LONG)
        *fast, slow = map(ast.literal_eval, said.splitlines())
        return fast, slow

    def pings(self, address: str, options: str = "") -> str:
        """Three pings from domain 0, all of which must be answered."""
        status, out = self.dom0.sh(f"ping -c 3 -W 5 {options} {address}")
        true(status == 0 and " 0% packet loss" in out, f"ping {address}: status {status}, {out.strip()!r}{self.ended()}")
        return out

    def router_heard(self, start: int = 0) -> None:
        """Wait for net0's address of the router's IPv6 network: it comes seconds after DHCP's, takes memory, and is the last to."""
        self.guest.expect("net0: (?i:fec0::)", PATIENCE, start)

    def ended(self) -> str:
        """For a failure's text: the guest's end, if it has ended, and the end of its console."""
        if not self.guest.ended:
            return ""
        return f"; the guest has ended by {self.guest.wait(0).reason}: {self.guest.console()[-1500:].decode(errors='replace')}"


def banner(memory: int = 16) -> str:
    """The first line on the console of a guest of the type that is claimed for."""
    return f"Stardust on Xen, {claims.guest_type.upper()}, {memory} MiB\n"


def start(dom0: Dom0, name: str, **options: object) -> Guest:
    """Start an image of build/ as the type that is claimed for."""
    chosen = {"type": claims.guest_type} if claims.guest_type else {}
    return dom0.start_guest(paths.BUILD / name, **chosen, **options)


def app(dom0: Dom0, name: str, **options: object) -> Guest:
    """Start an app as `bin/stardust run` does: with its own memory, arguments and files."""
    own, arguments = split(own_words(name))
    memory = {"memory": int(own[own.index("--memory") + 1])} if "--memory" in own else {}
    root = own_root(name, paths.BUILD / name)
    return start(dom0, name, **{**memory, "arguments": arguments, "ramdisk": ramdisk.pack(root) if root else None, **options})


@contextmanager
def _serving(name: str, prepare: str, options: dict) -> Iterator[Lab]:
    with Dom0() as dom0:
        dom0.check(prepare or ":")
        dom0.push(paths.BUILD / "e2e-client", CLIENT, 0o755)
        guest = start(dom0, name, **options)
        equal(sorted(guest.serving(PATIENCE, ports=2)), [("tcp", 7), ("udp", 7)], "served ports")
        yield Lab(dom0, guest)


def echo(prepare: str = "", **options: object) -> ContextManager[Lab]:
    """A guest with programs/raw, an echo server on the kernel's own interface that says what is in use, and the client beside it.
    `prepare` is done in domain 0 before; `options` are start_guest's."""
    return _serving("e2e-raw", prepare, options)


def server(**options: object) -> ContextManager[Lab]:
    """The same with apps/echo, a server on sockets, whose ports are told by listen and bind."""
    return _serving("echo", "", options)


@contextmanager
def program(name: str, **options: object) -> Iterator[Lab]:
    """A guest with an image of build/."""
    with Dom0() as dom0:
        yield Lab(dom0, start(dom0, name, **options))


class Talk:
    """A command in domain 0 that says lines and is told to go on."""

    def __init__(self, stream: Stream):
        self._stream, self._said = stream, b""

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until what it has said matches."""
        while not (found := re.search(pattern, self._said.decode())):
            piece = self._stream.read()
            true(piece, f"the client says {pattern!r}; it has ended with {self.ended()} and said {self._said.decode()!r}")
            self._said += piece
        return found

    def say(self, line: str) -> None:
        """On its standard input."""
        self._stream.write(line.encode() + b"\n")

    def go_on(self) -> None:
        """The same, without a word."""
        self.say("")

    def kill(self) -> None:
        """End it."""
        self._stream.kill()

    def ended(self) -> str:
        """How it has ended, for a failure's text."""
        return LOST if getattr(self._stream, "lost", False) else f"status {self._stream.wait()}"

    def ok(self) -> None:
        """It ends, and has found everything right."""
        self.until(r"(?m)^ok ")
        equal(self._stream.wait(), 0, "the client's status")


def until(what: str | Callable[[], str], condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something holds. `what` is for the failure's text; a function, if it tells how things are by then."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TooLate(f"not so after {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(0.2)


class Outcome(NamedTuple):
    """How a command of the user's ended."""

    status: int
    out: str
    err: str


class Running:
    """`bin/stardust WORDS` as a user would start it: a process of its own, its output gathered while it runs. What `run` runs is
    of the type that is claimed for."""

    def __init__(self, command: str, *words: object):
        chosen = ["--type", claims.guest_type] if command == "run" and claims.guest_type else []
        claim = os.getpid()
        self.process = subprocess.Popen([paths.ROOT / "bin/stardust", command, *chosen, *map(str, words)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                        preexec_fn=lambda: die_with(claim))     # a claim that fails leaves nothing behind
        self._said = {"out": b"", "err": b""}
        self._readers = [threading.Thread(target=self._gather, args=(name,), daemon=True) for name in self._said]
        for reader in self._readers:
            reader.start()

    def _gather(self, name: str) -> None:
        stream = self.process.stdout if name == "out" else self.process.stderr
        assert stream
        while piece := stream.read1():      # type: ignore[attr-defined]
            self._said[name] += piece

    @property
    def bytes(self) -> bytes:
        """Its standard output as it is."""
        return self._said["out"]

    @property
    def out(self) -> str:
        return self.bytes.decode(errors="replace")

    @property
    def err(self) -> str:
        return self._said["err"].decode(errors="replace")

    def expect(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Wait until standard output matches."""
        try:
            until(f"{pattern!r} is printed", lambda: re.search(pattern, self.out) or self.process.poll() is not None, seconds)
        except TooLate as late:
            self.signal(signal.SIGQUIT)     # it tells where it is, or where its guest is
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STATE_SECONDS)
            raise TooLate(f"{late}; there is {self._said}") from None
        found = re.search(pattern, self.out)
        true(found, f"{pattern!r} is printed; there is {self._said}")
        assert found
        return found

    def port(self) -> int:
        """Where the guest's echo service is at 127.0.0.1, once it is ready."""
        return int(self.expect(r"ready: tcp://127\.0\.0\.1:(\d+)\n")[1])

    def type(self, data: bytes) -> None:
        """To its standard input."""
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def children(self) -> list[int]:
        """The processes below it, QEMU among them."""
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):     # it ended meanwhile
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        family = {self.process.pid}
        while more := {child for child, parent in parents.items() if parent in family} - family:
            family |= more
        return sorted(family - {self.process.pid})

    def end(self, seconds: float = PATIENCE) -> Outcome:
        """Wait for its end."""
        assert self.process.stdin
        status = self.process.wait(seconds)
        for reader in self._readers:
            reader.join()
        self.process.stdin.close()
        return Outcome(status, self.out, self.err)


def stardust(*words: object, seconds: float = PATIENCE) -> Outcome:
    """Run `bin/stardust WORDS` to its end."""
    return Running(*words).end(seconds)

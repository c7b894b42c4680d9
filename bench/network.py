"""Round trips and bulk TCP, beside a static C server in the Linux guest. The client in domain 0 is the same for both."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, Iterator

from bench import peers
from bench.peers import CLIENT
from bench.table import Row, Sample, ratio
from host import paths
from host.dom0 import Dom0, Guest
from host.errors import Problem
from host.progress import step
from host.shell import Stream

EXACT_TIMES, REAL_TIMES = 3, 5
MIB = 4                 # a transfer under -icount, whose results differ by a thousandth
REAL_MIB = 8
TRIPS = 300
IDLE, IDLE_MEMORY, LINUX_IDLE_MEMORY = 10_000, 128, 512     # Linux has as many files as its memory allows
OVER, TURNS = 64, 10    # connections that are asked in turn, and how often each
PORTS = {"in": 9, "out": 19, "both": 7}
NAMES = {"in": "bulk TCP in", "out": "bulk TCP out", "both": "echo, both ways"}
HOW = [
    f"echo round trip: the median of {TRIPS} round trips of one byte over one TCP connection, from domain 0; virtual time",
    f"CPU per MiB: the guest's CPU time over transfers of {MIB} MiB (in: to a program that forgets them; out: from one that makes "
    "them; both ways: echo), Xen's work for it included; virtual time, so instructions",
    f"guest CPU per round trip, in turn by {OVER} connections: of one byte, {TURNS} by each; beside no others, and beside {IDLE:,} that idle, each "
    f"of which was served once; apps/echo on both sides, ours in {IDLE_MEMORY} MB, Linux in {LINUX_IDLE_MEMORY} MB; virtual time, so instructions",
    f"echo round trip, with {IDLE:,} idle connections: the latency of one connection more, before and after they came; and the ratio of the two",
    f"wall clock: transfers of {REAL_MIB} MiB, the Stardust guest and the Linux guest by turns in a Xen whose clock is real; the "
    "times themselves are those of an emulator, most of them spent in domain 0, and only their ratio is shown",
]


@dataclass
class Peers:
    """The guests that serve, and where."""

    dom0: Dom0
    echo: Guest
    bulk: Guest
    linux: Guest

    @classmethod
    def start(cls, dom0: Dom0, type: str) -> "Peers":
        echo, bulk = (dom0.start_guest(paths.BUILD / image, type=type) for image in ("echo", "bench-bulk"))
        for guest in (echo, bulk):
            if not guest.serving():
                raise Problem(f"{guest.name} does not serve")
        return cls(dom0, echo, bulk, peers.serving_linux(dom0, type))

    def ours(self, kind: str) -> tuple[Guest, str]:
        guest = self.echo if kind in ("both", "rtt") else self.bulk
        return guest, guest.address

    def theirs(self, _: str) -> tuple[Guest, str]:
        return self.linux, peers.LINUX_ADDRESS

    def destroy(self) -> None:
        for guest in (self.echo, self.bulk, self.linux):
            guest.destroy()


def _trip_ns(dom0: Dom0, address: str) -> float:
    shown = dom0.check(f"{CLIENT} rtt {address} 7 1 {TRIPS}")
    return Sample([int(line) for line in shown.split()]).median


def _transfer(dom0: Dom0, kind: str, target: tuple[Guest, str], mib: int) -> tuple[float, float]:
    """CPU nanoseconds per MiB, and nanoseconds in all."""
    guest, address = target
    before = guest.cpu_time_ns()
    took = int(dom0.check(f"{CLIENT} {kind} {address} {PORTS[kind]} {mib}", timeout=300))
    return (guest.cpu_time_ns() - before) / mib, took


def _by_turns(ours: Callable[[], float], theirs: Callable[[], float], times: int) -> tuple[Sample, Sample]:
    """Both, one after the other, some times; a first turn does not count."""
    turns = [(ours(), theirs()) for _ in range(times + 1)][1:]
    return Sample([turn[0] for turn in turns]), Sample([turn[1] for turn in turns])


def _row(what: str, ours: Sample, linux: Sample, unit: str, scale: float, digits: int) -> Row:
    return Row(what, ours.shown(unit, scale, digits), linux.shown(unit, scale, digits), ratio(ours.median, linux.median),
               "≤ Linux's", ours.median <= linux.median)


def _exact_rows(serving: Peers) -> list[Row]:
    dom0 = serving.dom0
    rows = [_row("echo round trip", *_by_turns(lambda: _trip_ns(dom0, serving.echo.address),
                                               lambda: _trip_ns(dom0, peers.LINUX_ADDRESS), EXACT_TIMES), "µs", 1000, 1)]
    for kind, name in NAMES.items():
        samples = _by_turns(lambda: _transfer(dom0, kind, serving.ours(kind), MIB)[0],
                            lambda: _transfer(dom0, kind, serving.theirs(kind), MIB)[0], EXACT_TIMES)
        rows.append(_row(f"{name}: guest CPU per MiB", *samples, "µs", 1000, 0))
    return rows


def _real_row(what: str, ours: Sample, linux: Sample) -> Row:
    """The ratio of throughputs: above 1 is faster than Linux."""
    ratios = Sample([theirs / mine for mine, theirs in zip(ours.values, linux.values)])
    return Row(what, ratios.shown("× Linux's", 1, 2), "1")


def _real_rows(serving: Peers) -> list[Row]:
    dom0 = serving.dom0
    rows = [_real_row("wall clock: round trips a second", *_by_turns(lambda: _trip_ns(dom0, serving.echo.address),
                                                                     lambda: _trip_ns(dom0, peers.LINUX_ADDRESS), REAL_TIMES))]
    for kind, name in NAMES.items():
        samples = _by_turns(lambda: _transfer(dom0, kind, serving.ours(kind), REAL_MIB)[1],
                            lambda: _transfer(dom0, kind, serving.theirs(kind), REAL_MIB)[1], REAL_TIMES)
        rows.append(_real_row(f"wall clock: {name}, throughput", *samples))
    return rows


def _measure(dom0: Dom0, type: str, rows: Callable[[Peers], list[Row]], clock: str) -> list[Row]:
    with step(f"bench: starting the servers for {clock} time, {type.upper()}"):
        serving = Peers.start(dom0, type)
    try:
        with step(f"bench: round trips and transfers in {clock} time, {type.upper()}"):
            return rows(serving)
    finally:
        serving.destroy()


def measure(dom0: Dom0, type: str) -> list[Row]:
    return _measure(dom0, type, _exact_rows, "virtual")


def measure_throughput(dom0: Dom0, type: str) -> list[Row]:
    return _measure(dom0, type, _real_rows, "real")


def _wait_for(holder: Stream, word: bytes) -> None:
    said = b""
    while word not in said:
        piece = holder.read()
        if not piece:
            raise Problem(f"the client that holds connections has ended: {said.decode()}")
        said += piece


@contextmanager
def _held(dom0: Dom0, address: str, count: int) -> Iterator[Stream]:
    """The client that holds so many connections, and goes round by some of them when it is told."""
    holder = dom0.spawn(f"exec {CLIENT} hold {address} 7 {count} {OVER} {OVER * TURNS} 2>&1")
    _wait_for(holder, b"held\n")
    yield holder
    holder.kill()
    holder.wait()


def _go_round(guest: Guest, holder: Stream) -> Sample:
    """CPU nanoseconds for a round trip. A first turn does not count."""
    values = []
    for _ in range(EXACT_TIMES + 1):
        before = guest.cpu_time_ns()
        holder.write(b"\n")
        _wait_for(holder, b"done\n")
        values.append((guest.cpu_time_ns() - before) / (OVER * TURNS))
    return Sample(values[1:])


def _crowded_linux(dom0: Dom0, type: str) -> Iterator[Sample]:
    """Beside no others, and beside many."""
    programs = {"echo": peers.compile_static(paths.APPS / "echo/echo.c")}
    with step(f"bench: round trips beside {IDLE:,} connections on Linux, {type.upper()}"), \
            peers.linux_with_server(dom0, type, "/echo", 7, programs, native=False, memory=LINUX_IDLE_MEMORY) as linux:
        for count in (OVER, IDLE):
            with _held(dom0, peers.LINUX_ADDRESS, count) as holder:
                yield _go_round(linux, holder)


def measure_crowded(dom0: Dom0, type: str) -> list[Row]:
    """What a packet costs where there are many connections."""
    def trip() -> Sample:
        return Sample([_trip_ns(dom0, echo.address) for _ in range(EXACT_TIMES + 1)][1:])

    with step(f"bench: round trips beside {IDLE:,} connections, {type.upper()}"), \
            dom0.start_guest(paths.BUILD / "echo", type=type, memory=IDLE_MEMORY) as echo:
        if not echo.serving():
            raise Problem(f"{echo.name} does not serve")
        alone = trip()
        with _held(dom0, echo.address, OVER) as holder:
            few = _go_round(echo, holder)
        with _held(dom0, echo.address, IDLE) as holder:
            many, crowded = _go_round(echo, holder), trip()
    linux_few, linux_many = _crowded_linux(dom0, type)
    return [_row(f"guest CPU per round trip, in turn by {OVER} connections", few, linux_few, "µs", 1000, 1),
            _row(f"the same beside {IDLE:,} idle connections", many, linux_many, "µs", 1000, 1),
            Row(f"echo round trip, with {IDLE:,} idle connections", crowded.shown("µs", 1000, 1), ratio=f"{crowded.median / alone.median:.2f} of without")]

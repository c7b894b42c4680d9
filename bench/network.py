"""Round trips and bulk TCP, beside a static C server in the Linux guest. The client in domain 0 is the same for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from bench import peers
from bench.peers import CLIENT
from bench.table import Row, Sample, ratio
from host import paths
from host.dom0 import Dom0, Guest
from host.errors import Problem
from host.progress import step

EXACT_TIMES, REAL_TIMES = 3, 5
MIB = 4                 # a transfer under -icount, whose results differ by a thousandth
REAL_MIB = 8
TRIPS = 300
PORTS = {"in": 9, "out": 19, "both": 7}
NAMES = {"in": "bulk TCP in", "out": "bulk TCP out", "both": "echo, both ways"}
HOW = [
    f"echo round trip: the median of {TRIPS} round trips of one byte over one TCP connection, from domain 0; virtual time",
    f"CPU per MiB: the guest's CPU time over transfers of {MIB} MiB (in: to a program that forgets them; out: from one that makes "
    "them; both ways: echo), Xen's work for it included; virtual time, so instructions",
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

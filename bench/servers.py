"""Redis, nginx, memcached and iperf3, as guests and as processes of the Linux guest: the same source, recipe, musl and configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable, Collection, Iterator, Mapping, Protocol, Sequence

from bench import libc, peers
from bench.table import Row, Sample, ratio
from host import debian, paths, ramdisk
from host.cli import own_words, split
from host.dom0 import Dom0, Guest, TooLate
from host.errors import Problem
from host.progress import step
from host.run import own_root

READY = 300
PATIENCE = 600
SOON = 60
DEFAULT_MEMORY, TOO_LITTLE, PLENTY = 16, 3, 32
EXACT_TIMES, REAL_TIMES = 2, 3
CONNECTIONS, PIPELINE = 20, 16
MIB = 64
IPERF3 = "iperf3"           # which is no server of a service's: what it is measured for is its throughput
HOW = [
    f"Redis, nginx, memcached: the same source, recipe, flags, musl and configuration on both sides, Linux with {peers.LINUX_MEMORY} MB and "
    f"Stardust as apps/*/run says; bench/dom0/load asks, in domain 0, by {CONNECTIONS} connections, and compares every answer; a request to "
    "Redis or memcached is a value of 33 bytes, nginx's page has 615; the guest's CPU time for one, Xen's work for it included; virtual "
    "time, so instructions",
    f"the servers and their Linux have `tsc_mode=\"{peers.TSC_MODE}\"`, which is what Xen's default comes to on a processor whose time-stamp "
    "counter is invariant, as all servers' are; the emulator's does not say so, and Xen would read the counter for the guests",
    "latency: from a request (or the connection for it) until the whole answer is there, by those connections at once, domain 0's part "
    "included: the median and the 99th percentile, virtual time",
    f"iperf3: {MIB} MiB by one connection, from or to Debian's iperf3 in domain 0",
    "stripped file: the same for both types, its configuration and pages not in it",
    "wall clock of the servers: requests or MiB a second in a Xen whose clock is real, ours by Linux's, by turns",
    "least memory of a server: the smallest `memory=` in which it serves, and answers the requests of the rows above; by halves",
]


@dataclass(frozen=True)
class Measured:
    """What one load found."""

    cpu_ns: float       # of the guest's CPU time, for one request or MiB
    took_ns: float      # in all
    units: float        # requests or MiB
    median_ns: float = 0
    late_ns: float = 0


class Load(Protocol):
    """One way to ask a server."""

    what: str
    unit: str
    most: float     # what part of Linux's CPU time it may take

    def ask(self, dom0: Dom0, guest: Guest, address: str, patience: float = PATIENCE) -> Measured: ...


@dataclass(frozen=True)
class Requests:
    """By bench/dom0/load."""

    what: str
    protocol: str
    port: int
    requests: int
    most: float
    pipeline: int = 1
    path: str = ""
    unit: str = "request"

    def ask(self, dom0: Dom0, guest: Guest, address: str, patience: float = PATIENCE) -> Measured:
        before = guest.cpu_time_ns()
        words = dom0.check(f"{peers.LOAD} {self.protocol} {address} {self.port} {CONNECTIONS} {self.pipeline} {self.requests} {self.path}",
                           timeout=patience).split()
        requests, took, median, late = map(int, words)
        return Measured((guest.cpu_time_ns() - before) / requests, took, requests, median, late)


@lru_cache(maxsize=1)
def _iperf3(dom0: Dom0) -> str:
    return dom0.push_program("iperf3")


@dataclass(frozen=True)
class Bulk:
    """By iperf3's own client."""

    what: str
    words: str
    most: float
    unit: str = "MiB"

    def ask(self, dom0: Dom0, guest: Guest, address: str, patience: float = PATIENCE) -> Measured:
        before = guest.cpu_time_ns()
        end = json.loads(dom0.check(f"{_iperf3(dom0)} -J -c {address} -n {MIB}M {self.words}", timeout=patience))["end"]
        used = guest.cpu_time_ns() - before
        received = end["sum_received"]
        units = received["bytes"] / (1 << 20)
        return Measured(used / units, received["seconds"] * 1e9, units)


@dataclass(frozen=True)
class Server:
    """A program of apps/."""

    name: str
    program: str            # what its recipe makes
    port: int
    loads: Sequence[Load]
    largest: int = 0        # bytes that its image may have, if that is said
    least: Mapping[str, int] = field(default_factory=dict)      # MB that it is to serve in, by type, if that is said

    @property
    def _words(self) -> tuple[list[str], list[str]]:
        """Options and arguments, as `bin/stardust run` has them."""
        return split(own_words(self.name))

    @property
    def _files(self) -> bytes:
        root = own_root(self.name, paths.BUILD / self.name)
        return ramdisk.pack(root) if root else b""

    def start(self, dom0: Dom0, type: str, memory: int = 0, patience: float = READY) -> Guest:
        """Our guest, when it serves."""
        options, arguments = self._words
        own = int(options[options.index("--memory") + 1]) if "--memory" in options else DEFAULT_MEMORY
        guest = dom0.start_guest(paths.BUILD / self.name, type=type, memory=memory or own, arguments=arguments,
                                 ramdisk=self._files or None, tsc_mode=peers.TSC_MODE)
        try:
            if ("tcp", self.port) not in guest.serving(patience):
                raise Problem(f"{self.name} does not serve")
        except BaseException:
            guest.destroy()
            raise
        return guest

    def start_linux(self, dom0: Dom0, type: str) -> Guest:
        """The Linux guest with the same program and files, when it serves."""
        call = " ".join([f"/{self.name}", *self._words[1]])
        return peers.linux_with_server(dom0, type, call, self.port, {self.name: linux_program(self.name)}, self._files)


# What part of Linux's CPU time each may take.
REDIS_MOST, NGINX_MOST, MEMCACHED_MOST, IPERF3_MOST = 1 / 1.8, 1 / 2, 1.0, 1 / 1.5
SERVERS = {server.name: server for server in [
    Server("redis", "src/redis-server", 6379, [
        Requests("Redis SET", "redis-set", 6379, 2000, REDIS_MOST), Requests("Redis GET", "redis-get", 6379, 2000, REDIS_MOST),
        Requests(f"Redis SET, {PIPELINE} at once", "redis-set", 6379, 6400, REDIS_MOST, PIPELINE),
        Requests(f"Redis GET, {PIPELINE} at once", "redis-get", 6379, 6400, REDIS_MOST, PIPELINE)], least={"pv": 24, "pvh": 10}),
    Server("nginx", "objs/nginx", 80, [
        Requests("nginx, connections kept", "http", 80, 1000, NGINX_MOST, path="/index.html"),
        Requests("nginx, a connection each", "http-close", 80, 500, NGINX_MOST, path="/index.html")], 1_200_000, {"pv": 8, "pvh": 8}),
    Server("memcached", "memcached", 11211, [
        Requests("memcached set", "memcached-set", 11211, 2000, MEMCACHED_MOST),
        Requests("memcached get", "memcached-get", 11211, 2000, MEMCACHED_MOST)]),
    Server(IPERF3, "src/iperf3", 5201, [Bulk("iperf3 in", "", IPERF3_MOST), Bulk("iperf3 out", "-R", IPERF3_MOST)]),
]}


SERVICES = [name for name in SERVERS if name != IPERF3]


# ---- the programs for Linux ----

@lru_cache(maxsize=None)
def linux_program(name: str) -> Path:
    """By the commands of apps/NAME/build.sh, for another host, in a directory of its own."""
    top = peers.BUILD / "apps" / name
    work = top / "work"
    work.mkdir(parents=True, exist_ok=True)
    recipe = f"""set -e
        export host=x86_64-linux-musl sources={paths.BUILD}/deps/src source={paths.BUILD}/deps/src/{name}
        export build={top} app={paths.APPS}/{name} CC={libc.linux_gcc()}
        image() {{ :; }}
        copy() {{ [ -e .copied ] || cp -R "$source/." .; touch .copied; }}
        . {paths.APPS}/{name}/build.sh"""
    with step(f"bench: building {name} for the Linux peer"):
        peers.said("sh", "-c", recipe, cwd=work)
    return work / SERVERS[name].program


def wanted(parts: Collection[str]) -> list[str]:
    """The servers that these parts measure."""
    alone = SERVICES if {"images", "memory"} & set(parts) else []
    return [name for name in SERVERS if name in alone or name in _beside_linux(parts)]


def _beside_linux(parts: Collection[str]) -> list[str]:
    return [name for name in SERVERS if {f"{name}-cpu", f"{name}-throughput"} & set(parts)]


def clients(names: Collection[str]) -> list[str]:
    """The packages that these servers are asked by."""
    return ["iperf3"] * (IPERF3 in names)


def prepare(parts: Collection[str]) -> None:
    """Build what Linux runs, before there is a domain 0 that takes processor time."""
    debian.install(clients(wanted(parts)))
    for name in _beside_linux(parts):
        linux_program(name)


# ---- measuring ----

def _by_turns(load: Load, dom0: Dom0, ours: Guest, linux: Guest, times: int) -> list[tuple[Measured, Measured]]:
    """A first turn does not count."""
    return [(load.ask(dom0, ours, ours.address), load.ask(dom0, linux, peers.LINUX_ADDRESS)) for _ in range(times + 1)][1:]


def _row(what: str, unit: str, pairs: Sequence[tuple[float, float]], most: float | None, target: str) -> Row:
    ours, linux = (Sample([pair[side] for pair in pairs]) for side in (0, 1))
    met = ours.median <= most * linux.median if most else None
    return Row(what, ours.shown(unit, 1000, 1), linux.shown(unit, 1000, 1), ratio(ours.median, linux.median), target, met)


def _exact_rows(load: Load, turns: list[tuple[Measured, Measured]]) -> Iterator[Row]:
    yield _row(f"{load.what}: guest CPU per {load.unit}", "µs", [(a.cpu_ns, b.cpu_ns) for a, b in turns], load.most,
               f"≤ {'' if load.most == 1 else f'1/{1 / load.most:g} of '}Linux's")
    if turns[0][0].median_ns:
        yield _row(f"{load.what}: latency, median", "µs", [(a.median_ns, b.median_ns) for a, b in turns], 1, "≤ Linux's")
        yield _row(f"{load.what}: latency, 99%", "µs", [(a.late_ns, b.late_ns) for a, b in turns], 1, "≤ Linux's")


def _real_rows(load: Load, turns: list[tuple[Measured, Measured]]) -> Iterator[Row]:
    ratios = Sample([b.took_ns / a.took_ns for a, b in turns])
    yield Row(f"wall clock: {load.what}, throughput", ratios.shown("× Linux's", 1, 2), "1", target="≥ Linux's", met=ratios.median >= 1)


def _measure(server: Server, rows: Callable[..., Iterator[Row]], times: int, dom0: Dom0, type: str) -> list[Row]:
    with step(f"bench: starting {server.name}, {type.upper()}"):
        ours, linux = server.start(dom0, type), server.start_linux(dom0, type)
    try:
        with step(f"bench: {server.name} at work, {type.upper()}"):
            return [row for load in server.loads for row in rows(load, _by_turns(load, dom0, ours, linux, times))]
    finally:
        ours.destroy()
        linux.destroy()


def _serves_in(server: Server, dom0: Dom0, type: str, memory: int) -> bool:
    try:
        with step(f"bench: {server.name} in {memory} MB, {type.upper()}"), server.start(dom0, type, memory, SOON) as guest:
            for load in server.loads:
                load.ask(dom0, guest, guest.address, SOON)
        return True
    except (Problem, TooLate):      # this was too little
        return False


def _least(server: Server, dom0: Dom0, type: str) -> Row:
    too_little, enough = TOO_LITTLE, PLENTY
    if not _serves_in(server, dom0, type, enough):
        raise Problem(f"{server.name} does not serve in {enough} MB, which should be plenty")
    while enough - too_little > 1:
        memory = (too_little + enough) // 2
        if _serves_in(server, dom0, type, memory):
            enough = memory
        else:
            too_little = memory
    target = server.least.get(type)
    return Row(f"{server.name}: least memory", f"{enough} MB", target=f"≤ {target} MB" if target else "",
               met=enough <= target if target else None)


def measure_memory(dom0: Dom0, type: str) -> list[Row]:
    return [_least(SERVERS[name], dom0, type) for name in SERVICES]


def _image(server: Server, type: str) -> Row:
    what = f"{server.name}: stripped file"
    if type != "pv":
        return Row(what, "the same file")
    size = (paths.BUILD / server.name).stat().st_size
    return Row(what, f"{size:,} B", target=f"≤ {server.largest / 1e6:g} MB" if server.largest else "",
               met=size <= server.largest if server.largest else None)


def measure_images(_: Dom0, type: str) -> list[Row]:
    return [_image(SERVERS[name], type) for name in SERVICES]


PARTS: dict[str, Callable[[Dom0, str], list[Row]]] = {}
for _name, _server in SERVERS.items():
    PARTS[f"{_name}-cpu"] = partial(_measure, _server, _exact_rows, EXACT_TIMES)
    PARTS[f"{_name}-throughput"] = partial(_measure, _server, _real_rows, REAL_TIMES)
PARTS["images"] = measure_images
PARTS["memory"] = measure_memory
REAL_TIME = {name for name in PARTS if not name.endswith("-cpu")}

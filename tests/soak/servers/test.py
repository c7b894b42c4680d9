"""Servers under mixed load for as long as is asked for: nothing is answered wrongly, nothing leaks, nobody hangs.

Each turn asks five guests in one domain 0 for honest work, over a link that is poor in every other turn, and lets clients in that stall,
reset and crowd. The first turns fill caches and tables; after every later one no more is in use than after those: connections, blocks of the
kernel's heap where a guest tells them, and all pages of Redis's guest, which it takes for its resident set.
"""

import os
import re
import time
from contextlib import contextmanager
from typing import Callable, Iterator

from host import paths
from host.claims import equal, needs, timeout, true
from host.dom0 import Dom0
from tests.e2e.lab import CLIENT, LONG, PATIENCE, Lab, app, start, until

MINUTES = float(os.environ.get("STARDUST_SOAK_MINUTES", "30"))
FIRST_TURNS = 3
POOR = "loss 1% duplicate 1% reorder 5% delay 3ms 1ms"
PAGES_SPARE = 64    # by which a guest may have grown at the end, however many turns there were: the program's heap is in it
APPS, PROGRAMS = ("redis", "nginx", "memcached"), ("e2e-raw", "echo")
# What is in use by a server's own word: a question, its port, and where the answer has it. The connection that asks is in it.
ASK = {
    "redis": ("printf 'info clients\\r\\nquit\\r\\n'", 6379, r"connected_clients:(\d+)"),
    "nginx": ("printf 'GET /status HTTP/1.0\\r\\n\\r\\n'", 80, r"Active connections: (\d+)"),
    "memcached": ("printf 'stats\\r\\nquit\\r\\n'", 11211, r"curr_connections (\d+)"),
    "redis pages": ("printf 'info memory\\r\\nquit\\r\\n'", 6379, r"used_memory_rss:(\d+)"),
}


class Servers:
    """The guests, and what is done to them in a turn."""

    def __init__(self, dom0: Dom0):
        self.dom0 = dom0
        self.guests = {name: app(dom0, name) for name in APPS} | {name: start(dom0, name) for name in PROGRAMS}
        for guest in self.guests.values():
            guest.serving(PATIENCE)
        self.programs = {name: dom0.push_program(name) for name in ("redis-benchmark", "curl")}
        self.page = (paths.BUILD / "nginx.root/www/index.html").read_bytes()

    def lab(self, name: str) -> Lab:
        return Lab(self.dom0, self.guests[name])

    @contextmanager
    def link(self, poor: bool) -> Iterator[None]:
        """Towards all guests."""
        devices = [f"vif{guest.domid}.0" for guest in self.guests.values()]
        if poor:
            self.dom0.check("; ".join(f"/usr/sbin/tc qdisc add dev {device} root netem {POOR}" for device in devices))
        yield
        if poor:
            self.dom0.check("; ".join(f"/usr/sbin/tc qdisc del dev {device} root" for device in devices))

    def redis(self) -> None:
        said = self.dom0.check(f"{self.programs['redis-benchmark']} -h {self.guests['redis'].address} -n 500 -c 20 -P 4 -t set,get,lpush,lpop,incr "
                               "-q", timeout=LONG)
        true(said.count("requests per second") >= 5 and "rror" not in said, said)

    def nginx(self) -> None:
        said = self.dom0.check(f"{self.programs['curl']} -sS -Z --parallel-max 20 'http://{self.guests['nginx'].address}/index.html?[1-100]' 2>/dev/null",
                               timeout=LONG)
        equal(said.encode(), self.page * 100, "a hundred pages")

    def memcached(self) -> None:
        asked = "".join(f"set key{i} 0 0 {len(str(i)) * 100}\\r\\n{str(i) * 100}\\r\\nget key{i}\\r\\n" for i in range(100))
        said = self.dom0.check(f"printf '{asked}quit\\r\\n' | busybox nc {self.guests['memcached'].address} 11211", timeout=LONG)
        equal((said.count("STORED"), [line for line in said.splitlines() if line.isdigit()]), (100, [str(i) * 100 for i in range(100)]))

    def echo(self) -> None:
        for name in ("e2e-raw", "echo"):
            lab = self.lab(name)
            crowd = lab.start_client("crowd", 100)
            stalled = lab.start_client("stall", 3, 400_000)
            lab.client("stream", 500_000, 5)
            lab.client("serial", 20, 3000)
            lab.client("reset", 20)
            lab.client("udp", 1, 1000, 1472)
            for talk, sign in ((stalled, r"stalled \d+\n"), (crowd, r"connected \d+\n")):
                talk.until(sign)
                talk.go_on()
                talk.ok()

    def in_use(self, name: str) -> int:
        """What is in use by the server's word: blocks or pages of memory, or connections."""
        if name == "e2e-raw":
            return self.lab(name).memory().heap_blocks
        question, port, pattern = ASK[name]
        found = re.search(pattern, self.dom0.check(f"{question} | busybox nc {self.guests[name.split()[0]].address} {port}", timeout=LONG))
        true(found, f"{name}: what is in use is told")
        assert found
        return int(found[1]) // (4096 if name == "redis pages" else 1)

    def all_in_use(self) -> dict[str, int]:
        return {name: self.in_use(name) for name in (*ASK, "e2e-raw")}

    def settle(self, most: dict[str, int]) -> None:
        """Wait until no more is in use."""
        for name, count in most.items():
            until(lambda name=name, count=count: f"{name}: {self.in_use(name)} in use, more than {count}",
                  lambda name=name, count=count: self.in_use(name) <= count)

    def turn(self, number: int) -> None:
        works: list[Callable[[], None]] = [self.redis, self.nginx, self.memcached, self.echo]
        with self.link(poor=number % 2 == 1):
            for work in works:
                work()
        for name, guest in self.guests.items():
            true(not guest.ended, f"{name} lives after turn {number}: {guest.console()[-1000:]!r}")


@timeout(LONG + 60 * MINUTES)
@needs("redis", "nginx", "memcached")
def test_servers_answer_rightly_and_leak_nothing_under_load_faults_and_crowds():
    with Dom0() as dom0:
        dom0.push(paths.BUILD / "e2e-client", CLIENT, 0o755)
        servers = Servers(dom0)
        end = time.monotonic() + 60 * MINUTES
        turns, most = 0, {}
        while turns <= FIRST_TURNS or time.monotonic() < end:
            servers.turn(turns)
            turns += 1
            if turns == FIRST_TURNS:
                until("idle servers are asked by one", lambda: servers.in_use("redis") == servers.in_use("nginx") == 1)
                most = servers.all_in_use()
                most["redis pages"] += PAGES_SPARE
            if turns > FIRST_TURNS:
                servers.settle(most)
        print(f"{turns} turns; in use: {servers.all_in_use()}, at most {most}")

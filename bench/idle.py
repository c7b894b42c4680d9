"""How often an idle guest wakes up."""

from __future__ import annotations

from bench import peers, trace
from bench.table import Row
from bench.trace import Trace
from host import paths
from host.dom0 import Dom0
from host.progress import step

SECONDS, SETTLE = 60, 60
HOW = [f"wake-ups: how often the vCPU left its block in {SECONDS} s, counted in Xen's trace, {SETTLE} s after echo had its lease and "
       "served; Linux idles beside it with its three listeners and a static address. Domain 0's bridge ports do not speak IPv6 "
       "meanwhile (their router solicitations, and the answers, are packets for every guest)"]

# Interfaces that are nothing but a bridge's ports ask for IPv6 routers all the same; every guest hears that, and the answer.
QUIET_PORTS = "for port in /proc/sys/net/ipv6/conf/eth0 /proc/sys/net/ipv6/conf/vif*; do echo 1 >$port/disable_ipv6; done"


def measure(dom0: Dom0, type: str) -> list[Row]:
    with (step(f"bench: a minute without work, {type.upper()}"), dom0.start_guest(paths.BUILD / "echo", type=type) as echo,
          peers.serving_linux(dom0, type) as linux):
        echo.serving()
        if not dom0.local:
            dom0.check(QUIET_PORTS)
        dom0.check(f"sleep {SETTLE}", timeout=300)
        before = echo.cpu_time_ns()
        with Trace(dom0, trace.RUNSTATE_CLASS) as tracing:
            dom0.check(f"sleep {SECONDS}", timeout=300)
        used = echo.cpu_time_ns() - before
        records = tracing.read()
        ours, theirs = (trace.wake_ups(records, guest.domid or 0) for guest in (echo, linux))
    return [Row(f"idle echo: wake-ups in {SECONDS} s, CPU time", f"{ours}, {used:,} ns", f"{theirs}", target="0",
                met=ours == 0)]

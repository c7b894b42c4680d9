"""From the guest's first instruction to main, and hello's whole life, beside Linux's."""

from __future__ import annotations

from bench import peers, trace
from bench.table import Row, Sample, ratio
from bench.trace import Record, Trace
from host import paths
from host.dom0 import Dom0, End
from host.errors import Problem
from host.progress import step
from host.xlconfig import Config

TIMES = 3
SMALL, LARGE = 16, 1024
TARGET_NS, TARGET_GROWTH, TARGET_RATIO = 100_000, 0.10, 50
CONTINUED = 1 << 31     # MMU_UPDATE_PREEMPTED, xen/xen.h: Xen goes on with a call that it had put off
XEN_VERSION = 17        # __HYPERVISOR_xen_version, by which bench/guest/boot marks main

HOW = [
    "first instruction to `main`: the time-stamp counter at entry and Xen's time in `main` (bench/guest/boot), W^X and the start "
    "line on the console included",
    "hypercalls: counted in Xen's own trace, up to one that marks `main`; returns from upcalls (`iret`) count; calls inside a multicall "
    "stand in brackets",
    "whole life: the domain's CPU time when it has powered off; Linux with `quiet`, and busybox as its init that prints a line and "
    "powers off",
    "unpause to first line: from the hypercall in domain 0 until the line can be read at the console's terminal there; Linux without "
    "`quiet`",
]


def _boot_ns(dom0: Dom0, memory: int) -> int:
    with dom0.start_guest(paths.BUILD / "bench-boot", memory=memory, vif=[]) as guest:
        found = guest.expect(r"boot_ns (\d+)\n")
        guest.wait(30)
    return int(found[1])


def _traced(dom0: Dom0, image: str, memory: int) -> list[Record]:
    """What a guest did, in order."""
    with Trace(dom0, trace.RUNSTATE_CLASS, trace.PV_CLASS) as tracing:
        with dom0.start_guest(paths.BUILD / image, memory=memory, vif=[]) as guest:
            guest.wait(60)
            domid = guest.domid or 0
    return list(trace.of_domain(tracing.read(), domid))


def _hypercalls_to_main(records: list[Record]) -> str:
    calls = inner = 0
    for record in records:
        event = record.event & ~trace.PV_64
        number = record.words[0] & 0xFFFFF if record.words else 0
        if event == trace.HYPERCALL and number == XEN_VERSION:
            return f"{calls} ({inner})"
        calls += event == trace.HYPERCALL and not any(word & CONTINUED for word in record.words[1:])
        inner += event == trace.SUBCALL
    raise Problem("the trace of the boot has no mark of main")


def _life(dom0: Dom0) -> int:
    with dom0.start_guest(paths.BUILD / "hello", memory=SMALL, vif=[]) as guest:
        if guest.wait(30) != End("poweroff", 0):
            raise Problem("hello did not end well")
        return guest.cpu_time_ns()


def _linux_life(dom0: Dom0) -> int:
    def live() -> int:
        with peers.start_linux(dom0, peers.LIFE_INIT, vif=[]) as guest:
            if guest.wait(300) != End("poweroff", 0) or b"hello" not in guest.console():
                raise Problem("the Linux guest did not end well")
            return guest.cpu_time_ns()
    return peers.retried(live)


def _first_line(dom0: Dom0, config: Config) -> int:
    """Nanoseconds; by hand, since a Guest would read the console itself."""
    file = "/tmp/bench/first-line.cfg"
    dom0.push(config.text().encode(), file)
    dom0.check(f"xl create -p -q -e {file}", timeout=300)
    try:
        domid = dom0.check(f"xl domid {config.name}").strip()
        terminal = dom0.check(f"until xenstore-read /local/domain/{domid}/console/tty 2>/dev/null; do sleep 0.1; done").strip()
        return int(dom0.check(f"python3 -S -s {peers.FIRST_LINE} {domid} {terminal}", timeout=300).split()[0])
    finally:
        dom0.check(f"xl destroy {config.name}")


def _first_lines(dom0: Dom0) -> tuple[Sample, Sample]:
    dom0.push(paths.BUILD / "hello", "/tmp/bench/hello")
    ours = Config("first-line", "/tmp/bench/hello", memory=SMALL, vif=[])
    options = peers.linux_options(dom0, peers.LIFE_INIT, quiet=False)
    linux = Config("first-line", options.pop("kernel"), options.pop("extra"), peers.LINUX_MEMORY, vif=[], options=options)
    return Sample([_first_line(dom0, ours) for _ in range(TIMES)]), Sample([peers.retried(lambda: _first_line(dom0, linux))])


def _to_main(dom0: Dom0) -> list[Row]:
    small = Sample([_boot_ns(dom0, SMALL) for _ in range(TIMES)])
    large = Sample([_boot_ns(dom0, LARGE) for _ in range(TIMES)])
    growth = large.median / small.median - 1
    calls = {memory: _hypercalls_to_main(_traced(dom0, "bench-boot", memory)) for memory in (SMALL, LARGE)}
    return [
        Row(f"first instruction to main, {SMALL} MB", small.shown("ns"), target=f"≤ {TARGET_NS:,} ns",
            met=small.median <= TARGET_NS),
        Row(f"first instruction to main, {LARGE} MB", large.shown("ns"), ratio=f"{growth:+.1%}",
            target=f"within {TARGET_GROWTH:.0%}", met=abs(growth) <= TARGET_GROWTH),
        *(Row(f"hypercalls to main (in multicalls), {memory} MB", count) for memory, count in calls.items())]


def measure(dom0: Dom0) -> list[Row]:
    with step("bench: from the first instruction to main"):
        rows = _to_main(dom0)
    with step("bench: whole lives of hello and of Linux"):
        life, linux_life = Sample([_life(dom0) for _ in range(TIMES)]), _linux_life(dom0)
    with step("bench: first lines of hello and of Linux"):
        ours, linux = _first_lines(dom0)
    return [
        *rows,
        Row("whole life of hello, CPU time", life.shown("µs", 1000, 1), f"{linux_life / 1000:,.1f} µs",
            ratio(life.median, linux_life)),
        Row("unpause to first line", ours.shown("µs", 1000), linux.shown("µs", 1000), ratio(ours.median, linux.median),
            f"≤ 1/{TARGET_RATIO}", ours.median * TARGET_RATIO <= linux.median)]


HYPERCALLS = {0: "set_trap_table", 1: "mmu_update", 12: "memory_op", 13: "multicall", 14: "update_va_mapping", 15: "set_timer_op",
              17: "xen_version (main)", 18: "console_io", 20: "grant_table_op", 23: "iret", 24: "vcpu_op", 25: "set_segment_base",
              26: "mmuext_op", 29: "sched_op", 30: "callback_op", 32: "event_channel_op"}
PV_EVENTS = 0x00200000      # the class TRC_PV
EVENTS = {trace.TRAP: "trap", trace.PAGE_FAULT: "page fault", trace.PRIVILEGED: "privileged instruction (rdtsc)"}


def profile(dom0: Dom0) -> str:
    """Hello's life as Xen saw it: virtual ns since the start, ns until what comes next, and what it was. Tracing itself costs
    about 400 ns an entry."""
    records = _traced(dom0, "bench-boot", SMALL)
    times = [record for record in records if record.ticks and (record.state_change() or record.event & PV_EVENTS)]
    lines = ["     at ns    takes  what\n"]
    for record, following in zip(times, [*times[1:], times[-1]]):
        event, change = record.event & ~trace.PV_64, record.state_change()
        number = record.words[0] & 0xFFFFF if record.words else 0
        if change:
            what = "runs" if change[2] == trace.RUNNING else "ready" if change[2] == trace.RUNNABLE else "does not run"
        elif event in (trace.HYPERCALL, trace.SUBCALL):
            again = ", going on" if any(word & CONTINUED for word in record.words[1:]) else ""
            what = f"{'' if event == trace.HYPERCALL else '  '}{HYPERCALLS.get(number, number)}{again}"
        else:
            what = EVENTS.get(event, hex(event))
        lines.append(f"{record.ticks - times[0].ticks:10,} {following.ticks - record.ticks:8,}  {what}\n")
    return "".join(lines)

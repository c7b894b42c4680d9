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
TARGET_NS, TARGET_GROWTH, TARGET_RATIO = {"pv": 100_000, "pvh": 150_000}, 0.10, 50
CALLS = (trace.HYPERCALL, trace.HVM_HYPERCALL)
CONTINUED = 1 << 31     # MMU_UPDATE_PREEMPTED, xen/xen.h: Xen goes on with a call that it had put off
XEN_VERSION = 17        # __HYPERVISOR_xen_version, by which bench/guest/boot marks main

HOW = [
    "first instruction to `main`: the time-stamp counter at entry and Xen's time in `main` (bench/guest/boot), W^X and the start "
    "line on the console included",
    "hypercalls: counted in Xen's own trace, up to one that marks `main`; returns from upcalls (`iret`) count; calls inside a multicall "
    "stand in brackets; VM exits are how often a PVH guest was left, whatever for, its hypercalls among them",
    "whole life: the domain's CPU time when it has powered off; Linux with `quiet`, and busybox as its init that prints a line and "
    "powers off",
    "unpause to first line: from the hypercall in domain 0 until the line can be read at the console's terminal there; Linux without "
    "`quiet`",
    "an event's way: from the hypercall that sends it to oneself until its handler has run and the sender goes on; the best mean of "
    "40 times 250 (bench/guest/event)",
]


def _told(dom0: Dom0, type: str, image: str, what: str, memory: int = SMALL) -> int:
    """The number that one of bench/guest says."""
    with dom0.start_guest(paths.BUILD / image, memory=memory, vif=[], type=type) as guest:
        found = guest.expect(rf"{what} (\d+)\n")
        guest.wait(30)
    return int(found[1])


def _traced(dom0: Dom0, type: str, memory: int) -> list[Record]:
    """What a guest did, in order."""
    with Trace(dom0, trace.RUNSTATE_CLASS, trace.PV_CLASS, trace.HVM_CLASS) as tracing:
        with dom0.start_guest(paths.BUILD / "bench-boot", memory=memory, vif=[], type=type) as guest:
            guest.wait(60)
            domid = guest.domid or 0
    return list(trace.of_domain(tracing.read(), domid))


def _to_mark(records: list[Record]) -> list[Record]:
    """What came before main."""
    for at, record in enumerate(records):
        if record.kind() in CALLS and record.words[0] & 0xFFFFF == XEN_VERSION:
            return records[:at]
    raise Problem("the trace of the boot has no mark of main")


def _hypercalls(records: list[Record]) -> str:
    calls = sum(record.kind() in CALLS and not any(word & CONTINUED for word in record.words[1:]) for record in records)
    return f"{calls} ({sum(record.kind() == trace.SUBCALL for record in records)})"


def _exits(records: list[Record]) -> int:
    """Without the one that is the mark."""
    return sum(record.kind() == trace.VM_EXIT for record in records) - 1


def _life(dom0: Dom0, type: str) -> int:
    with dom0.start_guest(paths.BUILD / "hello", memory=SMALL, vif=[], type=type) as guest:
        if guest.wait(30) != End("poweroff", 0):
            raise Problem("hello did not end well")
        return guest.cpu_time_ns()


def _linux_life(dom0: Dom0, type: str) -> int:
    def live() -> int:
        with peers.start_linux(dom0, type, peers.LIFE_INIT, vif=[]) as guest:
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


def _first_lines(dom0: Dom0, type: str) -> tuple[Sample, Sample]:
    dom0.push(paths.BUILD / "hello", "/tmp/bench/hello")
    ours = Config("first-line", "/tmp/bench/hello", memory=SMALL, type=type, vif=[])
    options = peers.linux_options(dom0, type, quiet=False)
    dom0.push(peers.initramfs(peers.LIFE_INIT), peers.RAMDISK)
    linux = Config("first-line", options.pop("kernel"), options.pop("extra"), peers.LINUX_MEMORY, type=type, vif=[], options=options,
                   ramdisk=peers.RAMDISK)
    return Sample([_first_line(dom0, ours) for _ in range(TIMES)]), Sample([peers.retried(lambda: _first_line(dom0, linux))])


def _to_main(dom0: Dom0, type: str) -> list[Row]:
    small, large = (Sample([_told(dom0, type, "bench-boot", "boot_ns", memory) for _ in range(TIMES)]) for memory in (SMALL, LARGE))
    growth = large.median / small.median - 1
    before = {memory: _to_mark(_traced(dom0, type, memory)) for memory in (SMALL, LARGE)}
    return [
        Row(f"first instruction to main, {SMALL} MB", small.shown("ns"), target=f"≤ {TARGET_NS[type]:,} ns",
            met=small.median <= TARGET_NS[type]),
        Row(f"first instruction to main, {LARGE} MB", large.shown("ns"), ratio=f"{growth:+.1%}",
            target=f"within {TARGET_GROWTH:.0%}", met=abs(growth) <= TARGET_GROWTH),
        *(Row(f"hypercalls to main (in multicalls), {memory} MB", _hypercalls(records)) for memory, records in before.items()),
        *(Row(f"VM exits to main, {memory} MB", f"{_exits(records)}" if type == "pvh" else "") for memory, records in before.items())]


def measure(dom0: Dom0, type: str) -> list[Row]:
    with step(f"bench: from the first instruction to main, {type.upper()}"):
        rows = _to_main(dom0, type)
    with step(f"bench: whole lives of hello and of Linux, {type.upper()}"):
        life, linux_life = Sample([_life(dom0, type) for _ in range(TIMES)]), _linux_life(dom0, type)
    with step(f"bench: first lines of hello and of Linux, {type.upper()}"):
        ours, linux = _first_lines(dom0, type)
    events = Sample([_told(dom0, type, "bench-event", "event_ns") for _ in range(TIMES)])
    return [
        *rows,
        Row("whole life of hello, CPU time", life.shown("µs", 1000, 1), f"{linux_life / 1000:,.1f} µs",
            ratio(life.median, linux_life)),
        Row("unpause to first line", ours.shown("µs", 1000), linux.shown("µs", 1000), ratio(ours.median, linux.median),
            f"≤ 1/{TARGET_RATIO}", ours.median * TARGET_RATIO <= linux.median),
        Row("an event's way: sent to oneself, until handled", events.shown("ns"))]


HYPERCALLS = {0: "set_trap_table", 1: "mmu_update", 12: "memory_op", 13: "multicall", 14: "update_va_mapping", 15: "set_timer_op",
              17: "xen_version (main)", 18: "console_io", 20: "grant_table_op", 23: "iret", 24: "vcpu_op", 25: "set_segment_base",
              26: "mmuext_op", 29: "sched_op", 30: "callback_op", 32: "event_channel_op", 34: "hvm_op"}
GUEST_EVENTS = 0x00280000       # the classes TRC_PV and TRC_HVM
EVENTS = {trace.TRAP: "trap", trace.PAGE_FAULT: "page fault", trace.PRIVILEGED: "privileged instruction (rdtsc)",
          trace.VM_ENTRY: "in the guest", trace.VM_EXIT: "VM exit", 0x82004: "interrupt", 0x82008: "control register read",
          0x82009: "control register written", 0x8200C: "MSR read", 0x8200D: "MSR written", 0x8200E: "cpuid", 0x82013: "hlt",
          0x8201A: "rdtsc", 0x82020: "interrupt window"}


def _what(record: Record) -> str:
    kind, change = record.kind(), record.state_change()
    number = record.words[0] & 0xFFFFF if record.words else 0
    if change:
        return "runs" if change[2] == trace.RUNNING else "ready" if change[2] == trace.RUNNABLE else "does not run"
    if kind in (*CALLS, trace.SUBCALL):
        again = ", going on" if any(word & CONTINUED for word in record.words[1:]) else ""
        return f"{'  ' if kind == trace.SUBCALL else ''}{HYPERCALLS.get(number, number)}{again}"
    return EVENTS.get(kind, hex(kind))


def profile(dom0: Dom0, type: str) -> str:
    """Hello's life as Xen saw it: virtual ns since the start, ns until what comes next, and what it was. Tracing itself costs
    about 400 ns an entry."""
    seen = [record for record in _traced(dom0, type, SMALL) if record.state_change() or record.event & GUEST_EVENTS]
    times = [at for at, record in enumerate(seen) if record.ticks]
    lines = [f"     at ns    takes  what ({type.upper()})\n"]
    for at, following in zip(times, [*times[1:], times[-1]]):
        within = ", ".join(_what(record) for record in seen[at:following] if not record.ticks)      # has no time of its own
        lines.append(f"{seen[at].ticks - seen[times[0]].ticks:10,} {seen[following].ticks - seen[at].ticks:8,}  "
                     f"{_what(seen[at])}{': ' if within else ''}{within}\n")
    return "".join(lines)

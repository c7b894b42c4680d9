"""`bin/stardust bench [PART…]`: measures, prints one table, and writes it to bench/results/; `bench profile` shows a boot in detail.

Each part below measures one thing, for each type of guest, and says how; with some chosen (size, boot, network, …)
nothing is written. Instruction-exact numbers come from a Xen in QEMU whose clock counts instructions (-icount): one nanosecond of virtual
time is one instruction, Xen's own on the guest's behalf included. Real times are good only as ratios, and are given as such.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

if __name__ == "__main__":      # started as a file: `bench` is the package, not this file
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import boot, idle, libc, network, peers, size
from bench.table import TYPES, Row, render
from host import build, packages, paths
from host.dom0 import Dom0, TooLate
from host.errors import EXIT_BAD, Problem
from host.progress import say

# In the table's order. Those in real time are measured first, and their domain 0 has ended when the others begin: a machine whose
# clock counts instructions never rests, and would take its share of the processor.
Part = Callable[[Dom0, str], list[Row]]
PARTS: dict[str, Part] = {
    "size": size.measure, "boot": boot.measure, "network": network.measure, "throughput": network.measure_throughput,
    "idle": idle.measure, "calls": libc.measure, "sqlite": libc.measure_sqlite,
    "sdk": libc.measure_sdk}
REAL_TIME = {"size", "throughput", "sdk"}
EXACT_MEMORY = 1400     # MB for guests: one of 1 GB, a Linux peer, and some small ones
RESULTS = paths.ROOT / "bench/results"


def main(arguments: list[str]) -> int:
    """Measure. 0 even where a target is not met, which the table says; 1 where something could not be measured."""
    parser = argparse.ArgumentParser(prog="stardust bench", description="Measure, and print the table.")
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help=f"measure only this ({', '.join(PARTS)}); or `profile`: what hello's life consists of, from Xen's trace")
    options = parser.parse_args(arguments)
    profiling = options.parts == ["profile"]
    chosen = {name: part for name, part in PARTS.items() if not options.parts or any(word in name for word in options.parts)}
    if not chosen and not profiling:
        raise Problem(f"there is no part {options.parts[0]} (there are: {', '.join(PARTS)}, profile)")
    build.make("hello", "echo", "build/e2e-libc-hello", "bench-images", *["sqlite"] * ("sqlite" in chosen))
    if {"calls", "sqlite"} & set(chosen) and not profiling:
        libc.prepare(chosen)
    if profiling:
        with _domain0(exact=True) as dom0:
            print(*(boot.profile(dom0, type) for type in TYPES), sep="\n", end="")
        return 0
    measured = _measure(chosen, exact=False) | _measure(chosen, exact=True)
    rows = {type: [row for name in chosen for row in measured[name, type] or [Row(name, "could not be measured")]]
            for type in TYPES}
    failed = not all(measured.values())
    print(render(rows), end="")
    if len(chosen) == len(PARTS) and not failed:
        _write(rows)
    return int(failed)


def _domain0(exact: bool) -> Dom0:
    """`exact`: its clock counts instructions."""
    dom0 = Dom0(memory=EXACT_MEMORY, icount=True) if exact else Dom0()
    peers.equip(dom0)
    return dom0


def _measure(chosen: dict[str, Part], exact: bool) -> dict[tuple[str, str], list[Row]]:
    """The rows of each part that wants this kind of clock and each type; none where they could not be measured."""
    rows: dict[tuple[str, str], list[Row]] = {}
    mine = {name: part for name, part in chosen.items() if exact == (name not in REAL_TIME)}
    if not mine:
        return rows
    with _domain0(exact) as dom0:
        for name, type in itertools.product(mine, TYPES):
            start = time.monotonic()
            try:
                rows[name, type] = mine[name](dom0, type)
            except (Problem, TooLate) as problem:
                say(f"bench: {name}, {type.upper()}: {problem}")
                rows[name, type] = []
            say(f"bench: {name}, {type.upper()}, took {time.monotonic() - start:.0f} s")
    return rows


def _said(*command: str) -> str:
    lines = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True).stdout.splitlines()
    return lines[0] if lines else "unknown"


def _write(rows: dict[str, list[Row]]) -> None:
    versions, linux = peers.versions(), peers.linux_package()
    text = f"""# What Stardust costs

Written by `bin/stardust bench` on {datetime.date.today()}, at {_said("git", "describe", "--always", "--dirty")}. Everything is
measured in the same run, on Xen {versions[f"xen-hypervisor-{packages.XEN}-amd64"]} in
{_said("qemu-system-x86_64", "--version")}, beside Debian's {linux} {versions[linux]}
with {peers.LINUX_MEMORY} MB; Stardust guests have 16 MB unless a row says otherwise, and are compiled by
{_said("gcc", "--version")}. PV and PVH are one and the same image, started with one `type=` or the other,
each beside a Linux of that type. The emulator does not rank the types as hardware does: its SVM does not tell Xen where the next
instruction is, so that Xen reads each that left a PVH guest through the guest's page tables. That makes 6,000 ns of an exit
without work, where a PV guest's hypercall takes 350.

{render(rows)}
Where values differ from one repetition to the next the median stands first, and the least and the greatest in brackets.

"""
    text += "\n".join(f"- {line}" for module in (size, boot, peers, network, idle, libc) for line in module.HOW) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "table.md").write_text(text)
    say(f"bench: the table is in {(RESULTS / 'table.md').relative_to(paths.ROOT)}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        print(f"stardust: {problem}", file=sys.stderr)
        sys.exit(EXIT_BAD)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)

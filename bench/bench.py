"""`bin/stardust bench [PART…]`: measures, and prints one table; `bench profile` shows a boot in detail, or where a server's time goes.

Each part below measures one thing, for each type of guest, and says how. A group of them (kernel, servers) has a table in
bench/results/, which is written when all of the group was measured, and so never by a part alone. Instruction-exact numbers come from a Xen in QEMU whose clock counts instructions (-icount): one nanosecond of virtual
time is one instruction, Xen's own on the guest's behalf included. Real times are good only as ratios, and are given as such.
"""

from __future__ import annotations

import argparse
import datetime
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Sequence

if __name__ == "__main__":      # started as a file: `bench` is the package, not this file
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import boot, idle, libc, network, peers, profile, servers, size
from bench.table import TYPES, Row, render
from host import build, debian, packages, paths
from host.dom0 import Dom0, TooLate
from host.errors import EXIT_BAD, Problem
from host.progress import say

# In the table's order. Those in real time are measured first, and their domain 0 has ended when the others begin: a machine whose
# clock counts instructions never rests, and would take its share of the processor.
Part = Callable[[Dom0, str], list[Row]]
PARTS: dict[str, Part] = {
    "size": size.measure, "boot": boot.measure, "network": network.measure, "crowded": network.measure_crowded,
    "throughput": network.measure_throughput,
    "idle": idle.measure, "calls": libc.measure, "sqlite": libc.measure_sqlite,
    "sdk": libc.measure_sdk}
GROUPS = {"kernel": list(PARTS), "servers": list(servers.PARTS)}    # a group is measured in one run, and has a table of its own
PARTS |= servers.PARTS
REAL_TIME = {"size", "throughput", "sdk"} | servers.REAL_TIME
EXACT_MEMORY = 1400     # MB for guests: one of 1 GB, a Linux peer, and some small ones
RESULTS = paths.ROOT / "bench/results"


def main(arguments: list[str]) -> int:
    """Measure. 0 even where a target is not met, which the table says; 1 where something could not be measured."""
    parser = argparse.ArgumentParser(prog="stardust bench", description="Measure, and print the table.")
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help=f"measure only this ({', '.join([*GROUPS, *PARTS])}); or `profile`: what hello's life consists of, from Xen's trace; "
                             f"or `profile` and {', '.join(servers.SERVERS)}: what a request of these costs, by function")
    options = parser.parse_args(arguments)
    if options.parts[:1] == ["profile"]:
        return _profile(options.parts[1:])
    chosen = _chosen(options.parts)
    build.make("hello", "echo", "build/e2e-libc-hello", "bench-images", *["sqlite"] * ("sqlite" in chosen),
               *servers.wanted(chosen))
    if {"calls", "sqlite"} & set(chosen):
        libc.prepare(chosen)
    servers.prepare(chosen)
    measured = _measure(chosen, exact=False) | _measure(chosen, exact=True)
    rows = {type: [row for name in chosen for row in measured[name, type] or [Row(name, "could not be measured")]]
            for type in TYPES}
    failed = not all(measured.values())
    print(render(rows), end="")
    for group, names in GROUPS.items():
        if set(names) <= set(chosen) and not failed:
            _write(group, {type: [row for name in names for row in measured[name, type]] for type in TYPES})
    return int(failed)


def _chosen(words: list[str]) -> dict[str, Part]:
    """The parts that have one of the words in their name, or are of the group that it names; all if there are no words."""
    names = set(PARTS) if not words else set()
    for word in words:
        found = GROUPS.get(word) or [name for name in PARTS if word in name]
        if not found:
            raise Problem(f"there is no part {word} (there are: {', '.join([*GROUPS, *PARTS])}, profile)")
        names |= set(found)
    return {name: part for name, part in PARTS.items() if name in names}


def _profile(names: list[str]) -> int:
    unknown = set(names) - set(servers.SERVERS)
    if unknown:
        raise Problem(f"there is no server {min(unknown)} to profile (there are: {', '.join(servers.SERVERS)})")
    build.make(*(names or ["hello"]))
    debian.install(servers.clients(names))
    if not names:
        with _domain0(exact=True) as dom0:
            print(*(boot.profile(dom0, type) for type in TYPES), sep="\n", end="")
    for server in (servers.SERVERS[name] for name in names):
        with _domain0(exact=True, arguments=profile.watching(server)) as dom0:
            print(profile.profile(dom0, server))
    return 0


def _domain0(exact: bool, arguments: Sequence[str] = ()) -> Dom0:
    """`exact`: its clock counts instructions. `arguments` are QEMU's, on top."""
    dom0 = Dom0(memory=EXACT_MEMORY, icount=True, arguments=arguments) if exact else Dom0()
    peers.equip(dom0)
    return dom0


def _measure(chosen: dict[str, Part], exact: bool) -> dict[tuple[str, str], list[Row]]:
    """The rows of each part that wants this kind of clock and each type; none where they could not be measured."""
    rows: dict[tuple[str, str], list[Row]] = {}
    mine = {name: part for name, part in chosen.items() if exact == (name not in REAL_TIME)}
    for name, part in mine.items():
        with _domain0(exact) as dom0:       # each in one of its own: it has its files, a Linux with each server, in memory
            for type in TYPES:
                start = time.monotonic()
                try:
                    rows[name, type] = part(dom0, type)
                except (Problem, TooLate) as problem:
                    say(f"bench: {name}, {type.upper()}: {problem}")
                    rows[name, type] = []
                say(f"bench: {name}, {type.upper()}, took {time.monotonic() - start:.0f} s")
    return rows


def _said(*command: str) -> str:
    lines = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True).stdout.splitlines()
    return lines[0] if lines else "unknown"


def _write(group: str, rows: dict[str, list[Row]]) -> None:
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
    hows = {"kernel": (size, boot, peers, network, idle, libc), "servers": (servers,)}[group]
    text += "\n".join(f"- {line}" for module in hows for line in module.HOW) + "\n"
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{group}.md"
    file.write_text(text)
    say(f"bench: the table is in {file.relative_to(paths.ROOT)}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        print(f"stardust: {problem}", file=sys.stderr)
        sys.exit(EXIT_BAD)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)

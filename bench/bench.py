"""`bin/stardust bench [FILTER…] [--profile]`: measures, prints one table, and writes it to bench/results/.

Each part below measures one thing and says how; FILTER chooses parts by their names (size, boot, network, idle), and then nothing
is written. Instruction-exact numbers come from a Xen in QEMU whose clock counts instructions (-icount): one nanosecond of virtual
time is one instruction, Xen's own on the guest's behalf included. Real times are good only as ratios, and are given as such.
"""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

if __name__ == "__main__":      # started as a file: `bench` is the package, not this file
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import boot, idle, network, peers, size
from bench.hosts import Hosts
from bench.table import Row, render
from host import build, paths
from host.dom0 import TooLate
from host.errors import EXIT_BAD, Problem
from host.progress import say

PARTS: dict[str, Callable[[Hosts], list[Row]]] = {
    "size": size.measure, "boot": boot.measure, "network": network.measure, "idle": idle.measure}
RESULTS = paths.ROOT / "bench/results"


def main(arguments: list[str]) -> int:
    """Measure. 0 even where a target is not met, which the table says; 1 where something could not be measured."""
    parser = argparse.ArgumentParser(prog="stardust bench", description="Measure, and print the table.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"measure only this ({', '.join(PARTS)})")
    parser.add_argument("--profile", action="store_true", help="only show what hello's life consists of, from Xen's trace")
    options = parser.parse_args(arguments)
    chosen = {name: part for name, part in PARTS.items() if not options.parts or any(word in name for word in options.parts)}
    if not chosen:
        raise Problem(f"there is no part {options.parts[0]} (there are: {', '.join(PARTS)})")
    build.make("hello", "echo", "bench-images")
    with Hosts() as hosts:
        if options.profile:
            print(boot.profile(hosts), end="")
            return 0
        rows, failed = _measure(chosen, hosts)
    print(render(rows), end="")
    if len(chosen) == len(PARTS) and not failed:
        _write(rows)
    return int(failed)


def _measure(chosen: dict[str, Callable[[Hosts], list[Row]]], hosts: Hosts) -> tuple[list[Row], bool]:
    """The rows, and whether a part could not be measured; the others are all the same."""
    rows: list[Row] = []
    failed = False
    for name, part in chosen.items():
        start = time.monotonic()
        try:
            rows += part(hosts)
        except (Problem, TooLate) as problem:
            say(f"bench: {name}: {problem}")
            rows.append(Row(name, "could not be measured"))
            failed = True
        say(f"bench: {name} took {time.monotonic() - start:.0f} s")
    return rows, failed


def _said(*command: str) -> str:
    lines = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True).stdout.splitlines()
    return lines[0] if lines else "unknown"


def _write(rows: list[Row]) -> None:
    versions = peers.versions()
    text = f"""# What Stardust costs

Written by `bin/stardust bench` on {datetime.date.today()}, at {_said("git", "describe", "--always", "--dirty")}. Everything
is measured in the same run, on Xen {versions[f"xen-hypervisor-{peers.packages.XEN}-amd64"]} in {_said("qemu-system-x86_64", "--version")},
beside Debian's {peers.linux_package()} {versions[peers.linux_package()]} with {peers.LINUX_MEMORY} MB; Stardust guests have 16 MB unless a row says
otherwise, and are compiled by {_said("gcc", "--version")}.

{render(rows)}
Where values differ from one repetition to the next the median stands first, and the least and the greatest in brackets.

"""
    text += "\n".join(f"- {line}" for module in (size, boot, network, idle) for line in module.HOW) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "table.md").write_text(text)
    say(f"bench: the table is in {(RESULTS / 'table.md').relative_to(paths.ROOT)}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        print(f"stardust: {problem}", file=sys.stderr)
        sys.exit(EXIT_BAD)

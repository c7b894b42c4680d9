"""How big the images are, and the least memory that they do their work in."""

from __future__ import annotations

from typing import Callable

from bench.peers import CLIENT
from bench.table import Row
from host import elf, paths
from host.dom0 import Dom0, End, TooLate
from host.errors import Problem
from host.progress import step

KIB = 1024
MEMORY = range(2, 17)
HOW = ["least memory: `memory=` of 2, 3, 4, … MB until hello prints its line and powers off, and echo has a lease from DHCP and "
       "sends back what it gets"]


def _size(app: str, target: int) -> Row:
    image = paths.BUILD / app
    size = image.stat().st_size
    bss = sum(memory - file for _, file, memory in elf.read(image).segments)
    return Row(f"{app}: stripped file, and bss", f"{size:,} B, {bss:,} B", target=f"≤ {target} KiB", met=size <= target * KIB)


def _hello_works(dom0: Dom0, memory: int) -> bool:
    with dom0.start_guest(paths.BUILD / "hello", memory=memory, vif=[]) as guest:
        return guest.wait(20) == End("poweroff", 0) and b"Hello from Stardust\n" in guest.console()


def _echo_works(dom0: Dom0, memory: int) -> bool:
    with dom0.start_guest(paths.BUILD / "echo", memory=memory) as guest:
        if ("tcp", 7) not in guest.serving():
            return False
        return dom0.sh(f"{CLIENT} rtt {guest.address} 7 1000 10 && {CLIENT} both {guest.address} 7 1", timeout=30)[0] == 0


def _least(app: str, works: Callable[[Dom0, int], bool], dom0: Dom0, target: int) -> Row:
    for memory in MEMORY:
        try:
            with step(f"bench: {app} in {memory} MB"):
                if works(dom0, memory):
                    return Row(f"{app}: least memory", f"{memory} MB", target=f"≤ {target} MB", met=memory <= target)
        except (Problem, TooLate):      # this was too little
            pass
    return Row(f"{app}: least memory", f"more than {MEMORY[-1]} MB", target=f"≤ {target} MB", met=False)


def measure(dom0: Dom0) -> list[Row]:
    return [_size("hello", 48), _size("echo", 256),
            _least("hello", _hello_works, dom0, 2), _least("echo", _echo_works, dom0, 4)]

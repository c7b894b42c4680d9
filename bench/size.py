"""How big the images are, and the least memory that they do their work in."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Callable

from bench import peers
from bench.peers import CLIENT
from bench.table import Row
from host import elf, paths
from host.dom0 import Dom0, End, TooLate
from host.errors import Problem
from host.progress import step

KIB = 1024
MEMORY = range(2, 17)
GROWTH = 12
PVH_NOTE = 20       # an ELF note with "Xen" and four bytes
PVH_OBJECTS = paths.BUILD / "obj/xen/src/x86_64/pvh"
HOW = ["the stripped file is the same for both types; what PVH adds is its difference to hello linked without the objects of the PVH "
       "room (xen/src/x86_64/pvh), and the note of the PVH entry and all code that asks for the type (door.c) besides; what common code "
       "has become longer by is not in it",
       "least memory: `memory=` of 2, 3, 4, … MB until hello prints its line and powers off, and echo has a lease from DHCP and "
       "sends back what it gets"]


PRINTF = {"printf hello": "e2e-libc-hello"}      # rows' names of images, where it is not the image's own


def _image(app: str) -> Path:
    return paths.BUILD / PRINTF.get(app, app)


def _size(app: str, type: str, target: int) -> Row:
    if type != "pv":
        return Row(f"{app}: stripped file, and bss", "the same file")
    image = _image(app)
    size = image.stat().st_size
    bss = sum(memory - file for _, file, memory in elf.read(image).segments)
    return Row(f"{app}: stripped file, and bss", f"{size:,} B, {bss:,} B", target=f"≤ {target} KiB", met=size <= target * KIB)


def _without_pvh() -> Path:
    """hello, linked by the Makefile's own command, but without the PVH room: what the rest asks of it is somewhere else."""
    target = (paths.BUILD / "hello.elf").relative_to(paths.ROOT)
    link = next(line for line in peers.said("make", "-n", "-W", "xen/image.lds", target).splitlines() if f" -o {target} " in line)
    symbols = peers.said("nm", "-g", "--defined-only", "-j", *PVH_OBJECTS.glob("*.o")).split()
    room = [f"-Wl,--defsym,{symbol}=xen_pv_entry" for symbol in symbols if not symbol.endswith(":")]
    elf_file, stripped = peers.BUILD / "hello-pv.elf", peers.BUILD / "hello-pv"
    peers.BUILD.mkdir(parents=True, exist_ok=True)
    peers.said(*(str(elf_file) if word == str(target) else word for word in shlex.split(link)), *room)
    peers.said("objcopy", "--strip-all", elf_file, stripped)
    return stripped


def _growth(type: str) -> Row:
    what = "hello: bytes of the file that PVH adds"
    if type != "pvh":
        return Row(what, "")
    sizes = peers.said("nm", "-S", "--defined-only", "-l", paths.BUILD / "hello.elf").splitlines()
    door = sum(int(line.split()[1], 16) for line in sizes if "x86_64/door.c" in line)
    grown = (paths.BUILD / "hello").stat().st_size - _without_pvh().stat().st_size + door + PVH_NOTE
    return Row(what, f"{grown:,} B", target=f"≤ {GROWTH} KiB", met=grown <= GROWTH * KIB)


def _hello_works(dom0: Dom0, type: str, memory: int) -> bool:
    with dom0.start_guest(paths.BUILD / "hello", memory=memory, vif=[], type=type) as guest:
        return guest.wait(20) == End("poweroff", 0) and b"Hello from Stardust\n" in guest.console()


def _printf_works(dom0: Dom0, type: str, memory: int) -> bool:
    with dom0.start_guest(_image("printf hello"), memory=memory, vif=[], type=type) as guest:
        return guest.wait(20) == End("poweroff", 0) and b"Hello from the C library\n" in guest.console()


def _echo_works(dom0: Dom0, type: str, memory: int) -> bool:
    with dom0.start_guest(paths.BUILD / "echo", memory=memory, type=type) as guest:
        if ("tcp", 7) not in guest.serving():
            return False
        return dom0.sh(f"{CLIENT} rtt {guest.address} 7 1000 10 && {CLIENT} both {guest.address} 7 1", timeout=30)[0] == 0


def _least(app: str, works: Callable[[Dom0, str, int], bool], dom0: Dom0, type: str, target: int) -> Row:
    for memory in MEMORY:
        try:
            with step(f"bench: {app} in {memory} MB, {type.upper()}"):
                if works(dom0, type, memory):
                    return Row(f"{app}: least memory", f"{memory} MB", target=f"≤ {target} MB", met=memory <= target)
        except (Problem, TooLate):      # this was too little
            pass
    return Row(f"{app}: least memory", f"more than {MEMORY[-1]} MB", target=f"≤ {target} MB", met=False)


def measure(dom0: Dom0, type: str) -> list[Row]:
    return [_size("hello", type, 48), _size("printf hello", type, 64), _size("echo", type, 256), _growth(type),
            _least("hello", _hello_works, dom0, type, 2), _least("printf hello", _printf_works, dom0, type, 2),
            _least("echo", _echo_works, dom0, type, 4)]

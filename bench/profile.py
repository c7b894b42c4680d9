"""`bin/stardust bench profile SERVER…`: what each request costs, in instructions of each function.

QEMU tells of every block of instructions that it begins, and how the processor stands; only a PVH guest's run in guest mode. So nothing is
sampled, and what is left of the guest's CPU time is Xen's. A PV guest runs the same code, as domain 0's processes run theirs.
"""

from __future__ import annotations

import bisect
import os
import re
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bench import peers
from bench.servers import Load, Measured, Server
from host import paths, symbolize
from host.dom0 import Dom0, Guest
from host.progress import step

LIBRARIES = paths.BUILD / "sdk/x86_64-stardust-linux-musl/lib/stardust"
ORIGINS = {"the kernel": ["runtime", "stardust", "posix"], "xen": ["xen"], "lwIP": ["lwip"], "musl": ["c", "cstr"]}
SHOWN = 45
ENDS_BLOCK = re.compile(r"(bnd )?(j\w+|call|ret|syscall|hlt|vmcall|vmmcall|iretq?|rep\w*|int3?|sti|ud2|pause)\b")
IN_GUEST = 1 << 21          # of the flags in QEMU's log: HF_GUEST_MASK
END = b"end\n"
COUNT = 0x1FF               # of its cflags: no more instructions than that, if not 0


class Block(NamedTuple):
    """Instructions that are run one after another."""

    function: str
    instructions: int
    begins: bool            # the function


class Image:
    """An image's functions, the archives that they are from, and its instructions."""

    def __init__(self, image: Path):
        file = symbolize.unstripped(image)
        found = sorted((address, name) for address, kind, name in _functions(file) if kind in "tTwW")
        self._starts, self._names = [address for address, _ in found], [name for _, name in found]
        self.first, self.last = self._starts[0], self._starts[-1] + 4096
        self._origin = {name: part for part, archives in ORIGINS.items() for archive in archives
                        for _, _, name in _functions(LIBRARIES / f"lib{archive}.a")}
        listing = re.findall(r"(?m)^ +([0-9a-f]+):\t(.*)$", peers.said("objdump", "-d", "--no-show-raw-insn", file))
        self._places = [int(address, 16) for address, _ in listing]
        self._ends = [bool(ENDS_BLOCK.match(text)) for _, text in listing]

    def origin(self, function: str) -> str:
        """Which part of the image a function is of."""
        return self._origin.get(function, "the program")

    def block(self, address: int, most: int) -> Block:
        """What QEMU runs as one from there: up to a branch or the page's end, or so many (0: any number)."""
        at = bisect.bisect_right(self._starts, address) - 1
        first = last = bisect.bisect_left(self._places, address)
        while last + 1 < len(self._places) and not self._ends[last] and self._places[last + 1] >> 12 == address >> 12:
            last += 1
        count = last + 1 - first
        return Block(self._names[at], min(count, most or count), self._starts[at] == address)


def _functions(file: Path) -> list[tuple[int, str, str]]:
    lines = (line.split() for line in peers.said("nm", "--defined-only", file).splitlines())
    return [(int(words[0], 16), words[1], words[2]) for words in lines if len(words) == 3]


def _watched(dom0: Dom0, guest: Guest, load: Load) -> tuple[Measured, Counter[bytes]]:
    """What the load found, and how often each block was begun meanwhile, by `PC/flags/cflags` in hexadecimal."""
    counts: Counter[bytes] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        os.mkfifo(log)

        def read() -> None:
            with open(log, "rb") as lines:
                for line in lines:      # Trace 0: HOST [CS/PC/flags/cflags] …
                    if line == END:
                        return
                    if line.startswith(b"Trace"):
                        at = line.find(b"[") + 18
                        counts[line[at:at + 34]] += 1
        reader = threading.Thread(target=read)
        reader.start()
        dom0.qemu.monitor(f"logfile {log}")
        dom0.qemu.monitor("log exec,nochain")
        try:
            measured = load.ask(dom0, guest, guest.address)
        finally:
            dom0.qemu.monitor("log none")
            log.open("ab").write(END)       # QEMU may keep it open
            reader.join()
    return measured, counts


def _shown(load: Load, measured: Measured, counts: Counter[bytes], image: Image) -> str:
    functions: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for key, times in counts.items():
        address, flags, limits = (int(word, 16) for word in key.split(b"/"))
        if flags & IN_GUEST and image.first <= address < image.last:
            block = image.block(address, limits & COUNT)
            functions[block.function] += times * block.instructions
            calls[block.function] += times * block.begins
    units, total = measured.units, measured.cpu_ns * measured.units     # an instruction takes a nanosecond
    origins: Counter[str] = Counter({"Xen": max(0, round(total - functions.total()))})
    for function, count in functions.items():
        origins[image.origin(function)] += count
    parts = ", ".join(f"{name} {count / units:,.0f}" for name, count in origins.most_common())
    lines = [f"{count / units:11,.1f}  {calls[function] / units:9,.1f} calls  {function}" for function, count in functions.most_common(SHOWN)]
    return "\n".join([f"{load.what}, PVH: {total / units:,.0f} instructions a {load.unit}: {parts}", *lines, ""])


def watching(server: Server) -> list[str]:
    """QEMU's arguments for it to tell of nothing else."""
    image = Image(paths.BUILD / server.name)
    return ["-dfilter", f"{image.first:#x}..{image.last:#x}"]


def profile(dom0: Dom0, server: Server) -> str:
    """A table for each of its loads."""
    image = Image(paths.BUILD / server.name)
    texts = []
    with server.start(dom0, "pvh") as guest:
        for load in server.loads:
            with step(f"bench: counting {load.what}"):
                load.ask(dom0, guest, guest.address)
                texts.append(_shown(load, *_watched(dom0, guest, load), image))
    return "\n".join(texts)

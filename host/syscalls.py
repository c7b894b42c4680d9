"""`bin/stardust syscalls`: which services of the kernel's an image has inside, and which it can ask for that nobody offers.

Every system call of the C library is the call of a function sd_sys_NAME that the linker brought in, so the names in the file with
symbols tell. A call that is not offered is a weak function that returns ENOSYS, in the file only where something refers to it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from host import elf, symbolize
from host.errors import Problem

PREFIX = "sd_sys_"
SYMBOL = re.compile(r"^([0-9a-f]+) (?:([0-9a-f]+) )?([TtWwRrDd]) (\S+)$", re.M)
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
# It names some for programs with the rights of another user, which no guest is.
STARTS = ("__libc_start_main", "__init_libc", "libc_start_main_stage2")


@dataclass
class Services:
    """Of one image: the size in bytes of each service inside, and the names of those that are missing and can be reached."""

    sizes: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    by_number: bool = False     # syscall(2) is inside, which reaches any


def with_symbols(image: Path) -> Path:
    """The file to read: the image itself if it has symbols, else the unstripped one of the same build."""
    parsed = elf.read(image)
    if parsed.has_symbols:
        return image
    beside = symbolize.unstripped(image)
    if beside.exists() and elf.read(beside).build_id == parsed.build_id:
        return beside
    found = symbolize.by_build_id(parsed.build_id) if parsed.build_id else None
    if not found:
        raise Problem(f"{image} is stripped, and no file with its build-id and with symbols is beside it ({beside.name}) or in build/; "
                      "give the unstripped one")
    return found


def _tool(*command: str | Path) -> str:
    if not shutil.which(str(command[0])):
        raise Problem(f"there is no {command[0]} here; install binutils")
    return subprocess.run(command, capture_output=True, text=True).stdout


def symbols(path: Path) -> list[tuple[int, int, str, str]]:
    """Address, size, kind and name of each."""
    return [(int(m[1], 16), int(m[2] or "0", 16), m[3], m[4]) for m in SYMBOL.finditer(_tool("nm", "-S", path))]


def references(disassembly: str, addresses: dict[int, str]) -> set[str]:
    """Which of the names some function outside the C library's start calls, or takes the address of."""
    numbers = {f"{address:x}": name for address, name in addresses.items()}
    found, inside = set(), ""
    for line in disassembly.splitlines():
        if head := FUNCTION.match(line):
            inside = head[1]
            continue
        for number in re.findall(r"\b(?:0x)?([0-9a-f]{5,})\b", line.partition("\t")[2]):
            name = numbers.get(number)
            if name and inside != name and not inside.startswith(STARTS):
                found.add(name)
    return found


def read(image: Path) -> Services:
    """What the image has inside."""
    path = with_symbols(image)
    services, weak = Services(), {}
    for address, size, kind, name in symbols(path):
        if name == "sd_services":
            services.by_number = True
        if not name.startswith(PREFIX):
            continue
        if kind in "Ww":
            weak[address] = name
        else:
            services.sizes[name.removeprefix(PREFIX)] = size
    if weak:
        used = references(_tool("objdump", "-d", "--no-show-raw-insn", path), weak)
        services.missing = sorted(name.removeprefix(PREFIX) for name in used)
    return services


def main(image: Path) -> int:
    """Print the table."""
    services = read(image)
    if not services.sizes and not services.missing:
        print("no services: nothing in this image calls any through the C library")
        return 0
    for name, size in sorted(services.sizes.items()):
        print(f"{name:<24}{size:>8}")
    for name in services.missing:
        print(f"{name:<24}{'ENOSYS':>8}")
    print(f"{len(services.sizes)} services, {sum(services.sizes.values()):,} bytes"
          + (f"; {len(services.missing)} more can be reached and are not offered (ENOSYS)" if services.missing else "")
          + ("; and by number, with syscall(2), any" if services.by_number else ""))
    sys.stdout.flush()
    return 0

"""Names in a crash report: function, file and line for every address, from the unstripped file beside the image.

The report's format is docs/guest-contract.md's. The unstripped file is used only if its build-id is the report's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterable

from host import elf, paths
from host.errors import Problem

FIRST = re.compile(r"^\*\*\* stardust crash: (.*)$", re.M)
LAST = "*** end of report"
FRAME = re.compile(r"^(\*\*\*   0x([0-9a-f]{16}))\s*$")
BUILD_ID = re.compile(r"^\*\*\* build-id ([0-9a-f]+)\s*$", re.M)
ADDR2LINE = "addr2line"


def find_report(console: str) -> str | None:
    """The last report on a console, from its first line to its last one (or to the end, if that was cut off)."""
    text = console.replace("\r\n", "\n")
    starts = [match.start() for match in FIRST.finditer(text)]
    if not starts:
        return None
    report = text[starts[-1]:]
    end = report.find(LAST)
    if end >= 0:
        return report[:end + len(LAST)] + "\n"
    return "".join(line for line in report.splitlines(keepends=True) if line.startswith("***"))


def reason(report: str) -> str:
    """What the report's first line says."""
    found = FIRST.search(report)
    return found[1].strip() if found else "for no reason that it gave"


def unstripped(image: Path) -> Path:
    """The file with names: an image of stardust-cc's is one itself, for others the build leaves it beside."""
    beside = image.with_name(image.name + ".elf")
    if image.suffix == ".elf" or (not beside.exists() and image.exists() and elf.read(image).has_symbols):
        return image
    return beside


def by_build_id(build_id: str, directory: Path = paths.BUILD) -> Path | None:
    """The unstripped file of a build, among those in a directory."""
    for candidate in sorted(directory.glob("*.elf")):
        try:
            if elf.read(candidate).build_id == build_id:
                return candidate
        except Problem:
            continue
    return None


def symbolized(report: str, image: Path | None = None) -> str:
    """The report with names added; without them, and with one more line saying why, where they cannot be had."""
    report = report.replace("\r\n", "\n")
    named = BUILD_ID.search(report)
    build_id = named[1] if named else ""
    try:
        binary = _choose(build_id, image)
        names = _look_up(binary, _lookup_addresses(report))
    except Problem as problem:
        return report + f"*** no names: {problem}\n"
    return "".join(_named_line(line, names) for line in report.splitlines(keepends=True))


def _choose(build_id: str, image: Path | None) -> Path:
    """The unstripped file that belongs to the report."""
    if image:
        binary = unstripped(image)
        if not binary.exists():
            raise Problem(f"there is no {binary}, the unstripped file beside the image; build it again")
        if not build_id or elf.read(binary).build_id == build_id:
            return binary
        raise Problem(f"{binary} is another build (build-id {elf.read(binary).build_id}) than the one that crashed ({build_id})")
    if not build_id:
        raise Problem("the report has no build-id; name the image")
    found = by_build_id(build_id)
    if not found:
        raise Problem(f"no file in {paths.BUILD} has build-id {build_id}; name the image")
    return found


def _frames(report: str) -> list[int]:
    return [int(match[2], 16) for line in report.splitlines() if (match := FRAME.match(line))]


def _lookup_addresses(report: str) -> dict[int, int]:
    """For each address in the backtrace, the one to look up: all but the first are return addresses, behind their call."""
    frames = _frames(report)
    return {address: address if index == 0 else address - 1 for index, address in reversed(list(enumerate(frames)))}


def _look_up(binary: Path, addresses: dict[int, int]) -> dict[int, list[str]]:
    """The names of each address: several where functions were inlined, innermost first."""
    if not shutil.which(ADDR2LINE):
        raise Problem(f"there is no {ADDR2LINE} here; paste the report into `bin/stardust symbolize` where the image was built")
    if not addresses:
        return {}
    # -a prints each address before its names, which tells where the next begins.
    result = subprocess.run([ADDR2LINE, "-a", "-f", "-i", "-C", "-e", binary, *(hex(a) for a in addresses.values())],
                            capture_output=True, text=True)
    if result.returncode != 0:
        raise Problem(f"{ADDR2LINE} cannot read {binary}: {result.stderr.strip()}")
    return dict(zip(addresses, _parse(result.stdout.splitlines())))


def _parse(lines: Iterable[str]) -> list[list[str]]:
    found: list[list[str]] = []
    function = None
    for line in lines:
        if line.startswith("0x"):
            found.append([])
            function = None
        elif function is None:
            function = line
        else:
            if function != "??":
                found[-1].append(f"{function} at {_short(line)}")
            function = None
    return found


def _short(place: str) -> str:
    """A place in the source, relative to the tree, without addr2line's remarks."""
    place = re.sub(r" \(discriminator \d+\)", "", place)
    if place.startswith("??"):
        return "an unknown line"
    return place.removeprefix(f"{paths.ROOT}/").removeprefix("./")


def _named_line(line: str, names: dict[int, list[str]]) -> str:
    match = FRAME.match(line)
    if not match:
        return line
    places = names.get(int(match[2], 16)) or ["not in the image"]
    return "".join(f"{match[1]}  {place}{' (inlined)' if index < len(places) - 1 else ''}\n" for index, place in enumerate(places))


def main(image: Path | None) -> int:
    """`bin/stardust symbolize`: a report from standard input to standard output, with names."""
    text = sys.stdin.read()
    if not FIRST.search(text):
        raise Problem("there is no crash report on standard input; paste one, from `*** stardust crash: …` to `*** end of report`")
    if image and not image.exists() and not unstripped(image).exists():
        raise Problem(f"there is no image {image}; check the path")
    sys.stdout.write(symbolized(text, image))
    return 0

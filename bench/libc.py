"""Programs for the C library: the same source built for a Stardust guest, and with the same musl, unpatched and static, for Linux."""

from __future__ import annotations

import re
import resource
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Collection

from bench import peers
from bench.table import Row, ratio
from host import build, paths, pool
from host.dom0 import Dom0, End
from host.errors import Problem
from host.progress import step

SOURCES = paths.ROOT / "bench/guest-libc"
BATCHES = {     # program: row, and what part of Linux's it may be
    "write": ("write of one byte to /dev/null", 10),
    "switch": ("switch of threads (futex ping-pong)", 4),
}
HELLO = "int main(void)\n{\n    puts(\"Hello\");\n}\n"
BUILDS = 5
TARGET_SECONDS = 1.0
GUEST_SECONDS = LINUX_SECONDS = 1800
SPEEDTEST = ["--memdb", "--size", "5"]
SPEEDTEST_MEMORY, SPEEDTEST_TARGET = 64, 1.03

HOW = [
    "write, switch: bench/guest-libc, built by stardust-cc for the guest and by gcc with a musl the same tarball for Linux; "
    "the best of 40 batches of 1,000 calls and 500 switches, in virtual time; a switch is FUTEX_WAKE, FUTEX_WAIT and the change of "
    "threads, on one vCPU",
    f"SQLite: speedtest1 {' '.join(SPEEDTEST)}, the same configuration and flags on both sides, its own total in virtual time; the guest "
    f"has {SPEEDTEST_MEMORY} MB",
    f"building hello: `stardust-cc` with the SDK as `make install` puts it somewhere; the shortest of {BUILDS} times on this machine, and its "
    "CPU time",
]


@lru_cache(maxsize=1)
def linux_gcc() -> Path:
    """The compiler for Linux, with the C library that the guests have: built from their tarball, as upstream builds it. Its
    programs are static, and not position-independent, which a guest's are not either."""
    source, prefix = paths.BUILD / "deps/src/musl", peers.BUILD / "musl"
    stamp, pin = prefix / "pin", (source / ".pin").read_text()
    if not stamp.exists() or stamp.read_text() != pin:
        with step("bench: building musl for the Linux peer"), tempfile.TemporaryDirectory(dir=paths.BUILD) as work:
            script = f"{source}/configure --prefix={prefix} --disable-shared && make -j{pool.processors()} install"
            result = subprocess.run(["sh", "-c", script], cwd=work, capture_output=True, text=True)
            if result.returncode:
                raise Problem(f"musl cannot be built for Linux: {result.stderr.strip()[-500:]}")
        stamp.write_text(pin)
    compiler = prefix / "bin/linux-gcc"
    compiler.write_text(f'#!/bin/sh\nexec {prefix}/bin/musl-gcc -static -fno-pie -no-pie "$@"\n')
    compiler.chmod(0o755)
    return compiler


def linux_program(name: str) -> Path:
    """One of bench/guest-libc, or SQLite's own benchmark, as a static program for Linux."""
    if name == "speedtest1":
        return _linux_speedtest1()
    program = peers.BUILD / f"linux-{name}"
    peers.said(linux_gcc(), "-std=gnu17", "-O2", "-o", program, *sorted((SOURCES / name).glob("*.c")))
    return program


def _linux_speedtest1() -> Path:
    """By the commands of apps/sqlite/build.sh, for another host: there make links the program itself, and nothing is left to link."""
    work = peers.BUILD / "sqlite"
    work.mkdir(parents=True, exist_ok=True)
    recipe = f"""set -e
        export source={paths.BUILD}/deps/src/sqlite host=x86_64-linux-musl CC={linux_gcc()}
        image() {{ :; }}
        make() {{ command make speedtest1; CC=true; }}
        . {paths.APPS}/sqlite/build.sh"""
    with step("bench: building SQLite for the Linux peer"):
        peers.said("sh", "-c", recipe, cwd=work)
    return work / "speedtest1"


def _number(text: str, name: str) -> float:
    """Nanoseconds for one, of what a program says."""
    found = re.search(rf"^{name}: (\d+) ns for (\d+)", text, re.M)
    if not found:
        raise Problem(f"{name} said nothing that can be read: {text[-300:]!r}")
    return int(found[1]) / int(found[2])


def _said_by(dom0: Dom0, type: str, image: str, memory: int, arguments: list[str]) -> str:
    with dom0.start_guest(paths.BUILD / image, vif=[], type=type, memory=memory, arguments=arguments) as guest:
        end, text = guest.wait(GUEST_SECONDS), guest.console().decode(errors="replace")
        if end != End("poweroff", 0):
            raise Problem(f"{image} ended by {end}: {text[-300:]!r}")
        return text.replace("\r", "")


def _ours(dom0: Dom0, type: str, name: str) -> float:
    return _number(_said_by(dom0, type, f"bench-libc-{name}", 16, []), name)


def _total(text: str) -> float:
    """Seconds that speedtest1 says it took."""
    found = re.search(r"TOTAL\.* +([0-9.]+)s", text)
    if not found:
        raise Problem(f"speedtest1 did not come to its end: {text[-300:]!r}")
    return float(found[1])


def _linux(dom0: Dom0, type: str, commands: dict[str, list[str]]) -> str:
    """What some programs say on Linux, one after another."""
    lines = ["#!/bin/busybox sh", *(" ".join([f"/{name}", *words]) for name, words in commands.items()), "exec /bin/busybox poweroff -f", ""]
    programs = {name: linux_program(name) for name in commands}

    def live() -> str:
        with peers.start_linux(dom0, type, "\n".join(lines).encode(), vif=[], programs=programs) as guest:
            if guest.wait(LINUX_SECONDS) != End("poweroff", 0):
                raise Problem("the Linux guest did not end well")
            text = guest.console().decode(errors="replace").replace("\r", "")
            for name in commands:
                (_total(text) if name == "speedtest1" else _number(text, name))     # Problem where one has crashed
            return text
    return peers.retried(live)


def prepare(parts: Collection[str]) -> None:
    """Build what Linux runs, before there is a domain 0 that takes processor time: one whose clock counts instructions never rests."""
    for name in [*BATCHES] * ("calls" in parts) + ["speedtest1"] * ("sqlite" in parts):
        linux_program(name)


def measure(dom0: Dom0, type: str) -> list[Row]:
    with step(f"bench: calls and switches on Linux, {type.upper()}"):
        text = _linux(dom0, type, {name: [] for name in BATCHES})
    rows = []
    for name, (what, target) in BATCHES.items():
        with step(f"bench: {name}, {type.upper()}"):
            ours, linux = _ours(dom0, type, name), _number(text, name)
        rows.append(Row(what, f"{ours:,.1f} ns", f"{linux:,.1f} ns", ratio(ours, linux), f"≤ 1/{target}", ours * target <= linux))
    return rows


def measure_sqlite(dom0: Dom0, type: str) -> list[Row]:
    with step(f"bench: SQLite on Linux, {type.upper()}"):
        linux = _total(_linux(dom0, type, {"speedtest1": SPEEDTEST}))
    with step(f"bench: SQLite, {type.upper()}"):
        ours = _total(_said_by(dom0, type, "sqlite-speedtest1", SPEEDTEST_MEMORY, SPEEDTEST))
    return [Row("SQLite's speedtest1 in memory", f"{ours * 1000:,.0f} ms", f"{linux * 1000:,.0f} ms", f"{ours / linux:.3f}",
                f"≤ {SPEEDTEST_TARGET:g} × Linux's", ours <= SPEEDTEST_TARGET * linux)]


def measure_sdk(_: Dom0, type: str) -> list[Row]:
    """Once: the same image is for both types."""
    what = "building hello with an installed SDK"
    if type != "pv":
        return [Row(what, "the same file")]
    build.make("sdk")
    with tempfile.TemporaryDirectory() as name, step("bench: building hello"):
        peers.said("make", "-C", paths.ROOT, "install", f"PREFIX={name}/sdk")
        source = Path(name) / "hello.c"
        source.write_text(f"#include <stdio.h>\n\n{HELLO}")
        took = []
        for _time in range(BUILDS):
            start, before = time.monotonic(), _cpu_seconds()
            peers.said(f"{name}/sdk/bin/stardust-cc", source, "-o", f"{name}/hello")
            took.append((time.monotonic() - start, _cpu_seconds() - before))
    least, cpu = min(took)
    return [Row(what, f"{least:.2f} s, CPU {cpu:.2f} s", target=f"< {TARGET_SECONDS:g} s", met=least < TARGET_SECONDS)]


def _cpu_seconds() -> float:
    """What ended child processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

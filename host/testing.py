"""`bin/stardust test`: the three tiers, a line for each test, and the verdict as the very last line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

from host import build, claims, crash, elf, packages, paths, symbolize, tap
from host.dom0 import Dom0
from host.errors import Problem
from host.guest import End, Guest, TooLate
from host.progress import say, step
from host.tap import Case

TIERS = ("host", "guest", "e2e")
PROGRAM_SECONDS = 300       # a host test program, all of its tests
FUZZ_RUNS = 1000
STUCK_SECONDS = 60          # without a word from the test image
GUEST_MEMORY = 64
CLAIMS = paths.ROOT / "tests/e2e"
OUR_UNIT_TESTS = paths.ROOT / "tests/host-py"


@dataclass
class Tally:
    """What has come of the tests so far. Prints each as it comes."""

    pattern: str
    counts: dict[str, int] = field(default_factory=lambda: {"ok": 0, "FAILED": 0, "skipped": 0})

    def wanted(self, name: str) -> bool:
        """Does the filter let it through?"""
        return self.pattern in name

    def add(self, tier: str, case: Case) -> None:
        """One result."""
        self.counts[case.outcome] += 1
        why = f" ({case.details[0]})" if case.outcome == "skipped" else ""
        print(f"{case.outcome} {tier}: {case.name}{why}", flush=True)
        if case.outcome == "FAILED":
            for line in case.details:
                print(f"    {line}", flush=True)

    def verdict(self) -> int:
        """The last line; the exit status."""
        counts = self.counts
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        if not any(counts.values()):
            say(f"no test has {self.pattern!r} in its name" if self.pattern else "there are no tests")
        print(f"{counts['ok']} passed, {counts['FAILED']} failed{skipped}", flush=True)
        return 0 if counts["ok"] and not counts["FAILED"] else 1


def main(words: list[str]) -> int:
    """[TIER] [FILTER]"""
    tiers: tuple[str, ...] = TIERS
    if words and words[0] in TIERS:
        tiers, words = (words[0],), words[1:]
    if len(words) > 1:
        raise Problem(f"test takes a tier ({', '.join(TIERS)}) and one filter, not {' '.join(words)!r}")
    tally = Tally(words[0] if words else "")
    for tier in tiers:
        try:
            for case in {"host": host_tier, "guest": guest_tier, "e2e": e2e_tier}[tier](tally):
                tally.add(tier, case)
        except Problem as problem:
            if tiers == (tier,):
                raise
            tally.add(tier, Case(f"the {tier} tests can be run", "FAILED", [str(problem)]))
    return tally.verdict()


def run_program(command: list[str | Path], seconds: float) -> tuple[int | None, str]:
    """A program's status (None: it took too long and was killed, with all it started) and what it printed."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace", start_new_session=True, cwd=paths.ROOT,
                             env={**os.environ, "PYTHONPATH": str(paths.ROOT)})
    try:
        out, _ = child.communicate(timeout=seconds)
        return child.returncode, out
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return None, child.communicate()[0]
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise


def how_it_ended(status: int | None, seconds: float) -> str:
    """A program's end in words."""
    if status is None:
        return f"still running after {seconds:g} s, and killed"
    return f"ended by signal {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def shown(function: str) -> str:
    """A test function's name as it is printed, and filtered by."""
    return function.removeprefix("test_")


# The tiers. Each yields its results.

def host_tier(tally: Tally) -> Iterator[Case]:
    """Pure logic on this machine: the C test programs, and the unit tests of this directory."""
    build.make("host-tests", "fuzz", also=packages.TEST)
    for program in sorted((paths.BUILD / "host-tests").iterdir()):
        if program.is_file() and os.access(program, os.X_OK):
            yield from _host_program(tally, program)
    yield from _fuzzers(tally)
    yield from _unit_tests(tally)


def _host_program(tally: Tally, program: Path) -> Iterator[Case]:
    status, output = run_program([program], PROGRAM_SECONDS)
    report = tap.parse(output)
    for case in report.cases:
        if tally.wanted(case.name) or tally.wanted(program.name):
            yield case
    if status == 0 and report.complete:
        return
    if status == 1 and report.complete and any(case.outcome == "FAILED" for case in report.cases):
        return
    ended = how_it_ended(status, PROGRAM_SECONDS)
    ran = f"{len(report.cases)} of {report.planned if report.planned is not None else 'an unknown number of'} tests done"
    yield Case(report.under_way or f"{program.name} runs to its end", "FAILED", [f"{ended}, {ran}", *report.loose[-60:]])


def _fuzzers(tally: Tally) -> Iterator[Case]:
    """A look with each libFuzzer target, the same one each time; for a hunt, run build/fuzz/NAME yourself."""
    for program in sorted((paths.BUILD / "fuzz").iterdir()):
        name = f"fuzz_{program.name}_finds_nothing_in_{FUZZ_RUNS}_runs"
        if not os.access(program, os.X_OK) or program.is_dir() or not tally.wanted(name):
            continue
        with tempfile.TemporaryDirectory() as found:
            command = [program, f"-runs={FUZZ_RUNS}", "-seed=1", "-max_len=600", "-len_control=0", f"-artifact_prefix={found}/"]
            status, output = run_program(command, PROGRAM_SECONDS)
        if status == 0:
            yield Case(name, "ok", [])
        else:
            yield Case(name, "FAILED", [how_it_ended(status, PROGRAM_SECONDS), *output.splitlines()[-60:]])


def _unit_tests(tally: Tally) -> Iterator[Case]:
    for file in sorted(OUR_UNIT_TESTS.glob("test_*.py")):
        for name in claims.tests_of(claims.load(file)):
            if tally.wanted(shown(name)):
                yield Claim(file, name, shown(name)).make()


def guest_tier(tally: Tally) -> Iterator[Case]:
    """The test image on real Xen, as a guest of each type."""
    build.make("test-image")
    with Dom0(GUEST_MEMORY) as dom0:
        for type in claims.TYPES:
            pattern = guest_pattern(tally.pattern, type)
            if pattern is None:
                continue
            for case in _guest_tests(dom0, type, pattern):
                case.name = f"{type}.{case.name}"
                if case.outcome == "FAILED" or tally.wanted(case.name):
                    yield case


def guest_pattern(pattern: str, type: str) -> str | None:
    """What the test image is told, so that it runs all tests whose printed names have the filter in them. None: this type has none."""
    prefix = f"{type}."
    if pattern in prefix:
        return ""
    if any(pattern.startswith(f"{other}.") for other in claims.TYPES if other != type):
        return None
    overlap = next((prefix[at:] for at in range(len(prefix)) if pattern.startswith(prefix[at:])), "")
    return pattern.removeprefix(overlap)


def _guest_tests(dom0: Dom0, type: str, pattern: str) -> Iterator[Case]:
    """One boot; again from the next test on each time that one took the guest down."""
    done = 0
    while True:
        try:
            boot = Boot(dom0, paths.BUILD / "test", type, pattern, done)
        except Problem as problem:
            yield Case("the test image can be started", "FAILED", [str(problem)])
            return
        yield from boot.report.cases
        done += len(boot.report.cases)
        if not boot.trouble:
            return
        yield Case(boot.report.under_way or "the test image runs to its end", "FAILED", boot.trouble)
        done += 1
        if not boot.report.under_way or done >= (boot.report.planned or 0):
            return


class Boot:
    """One boot of the test image: its `report`, and the `trouble`, if it did not come to its end."""

    def __init__(self, dom0: Dom0, image: Path, type: str, pattern: str, skip: int):
        self.trouble: list[str] = []
        options = [f"test={pattern}"] * bool(pattern) + [f"test.skip={skip}"] * bool(skip)
        with dom0.start_guest(image, kernel_options=options, memory=GUEST_MEMORY, type=type) as guest:
            end = self._wait(guest)
            console = guest.console().decode(errors="replace")
            self.report = tap.parse(console)
            if not end:
                self.trouble = [f"no sign of progress for {STUCK_SECONDS} s; destroyed", *console.splitlines()[-20:]]
            elif end.reason != "poweroff":
                self.trouble = [f"the guest ended by {end.reason}", *self._why(dom0, guest, image, console, end)]
            elif skip + len(self.report.cases) != self.report.planned:
                self.trouble = [f"powered off after {skip + len(self.report.cases)} of {self.report.planned} tests"]
            elif end.status != int(any(case.outcome == "FAILED" for case in self.report.cases)):
                self.trouble = [f"the guest's status is {end.status}, which is not what its tests say"]

    @staticmethod
    def _wait(guest: Guest) -> End | None:
        """The guest's end; None if it prints nothing for long."""
        while True:
            before = len(guest.console())
            try:
                return guest.wait(STUCK_SECONDS)
            except TooLate:
                if len(guest.console()) == before:
                    return None

    @staticmethod
    def _why(dom0: Dom0, guest: Guest, image: Path, console: str, end: End) -> list[str]:
        """The crash report with names, the guest's own or else one made from outside."""
        text = symbolize.find_report(console)
        if not text and guest.domid is not None:
            text = crash.report(dom0.shell, guest.domid, elf.read_guest(image).build_id, end.reason)
        return symbolize.symbolized(text, image).splitlines() if text else console.splitlines()[-20:]


def e2e_tier(tally: Tally) -> Iterator[Case]:
    """Real clients against guests: every claim in a process of its own."""
    wanted = [claim for claim in e2e_claims() if tally.wanted(claim.printed)]
    if not wanted:
        return
    build.make("all", "e2e")
    with step("preparing the Xen host"):
        Dom0().close()
    for claim in wanted:
        yield claim.make()


def e2e_claims() -> list[Claim]:
    """All of them: one directory after another, and in each one type after another, so that a type that fails whole is soon seen."""
    found = []
    for file in sorted({*CLAIMS.glob("*/test.py"), *CLAIMS.glob("*/test_*.py")}):
        tests = claims.tests_of(claims.load(file))
        for type in ("", *claims.TYPES):
            prefix = f"{type}." * bool(type) + f"{file.parent.name}."
            found += [Claim(file, name, prefix + shown(name), type, getattr(function, "timeout", claims.DEFAULT_TIMEOUT))
                      for name, function in tests.items() if type in claims.types_of(function)]
    return found


@dataclass(frozen=True)
class Claim:
    """A test function for a process of its own, with the type of guest that it is to start."""

    file: Path
    function: str
    printed: str
    type: str = ""
    seconds: float = claims.DEFAULT_TIMEOUT

    def make(self) -> Case:
        """What comes of it."""
        status, output = run_program([sys.executable, "-m", "host.claims", self.file, self.function, self.type], self.seconds)
        lines = output.strip().splitlines()
        if status == claims.PASSED:
            return Case(self.printed, "ok")
        if status == claims.SKIPPED:
            return Case(self.printed, "skipped", lines[-1:] or ["no reason given"])
        ended = [] if status == claims.FAILED else [how_it_ended(status, self.seconds)]
        return Case(self.printed, "FAILED", ended + lines[-80:])

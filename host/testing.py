"""`bin/stardust test`: the three tiers, a line for each test, and the verdict as the very last line.

All tiers run at once, several tests at a time (pool.py): images are built while domain 0 is made, and each test begins once there
is what it needs. So the lines come in the order in which the tests end.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable, Iterable, Iterator

from host import build, claims, crash, debian, elf, packages, paths, pool, symbolize, tap
from host.dom0 import Dom0, xl_works
from host.errors import Problem
from host.guest import End, Guest, TooLate
from host.pool import run_program
from host.progress import say
from host.run import DEFAULT_APP
from host.tap import Case

TIERS = ("host", "guest", "e2e")
SOAK, SOAK_MINUTES = "soak", 30     # a tier that runs only when it is named
PROGRAM_SECONDS = 300       # a host test program, all of its tests
FUZZ_RUNS = 1000
STUCK_SECONDS = 120         # without a word from the test image
GUEST_MEMORY = 64
CLAIM_TRIES = 2
CLAIMS = {"e2e": paths.ROOT / "tests/e2e", SOAK: paths.ROOT / "tests/soak"}
Job = tuple[Callable[[], Iterable[Case]], float]     # and how many seconds it may take
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
    """[TIER] [FILTER], or soak [MINUTES]"""
    tiers: tuple[str, ...] = TIERS
    if words and words[0] == SOAK:
        os.environ["STARDUST_SOAK_MINUTES"] = str(_minutes(words[1:]))
        tiers, words = (SOAK,), []
    elif words and words[0] in TIERS:
        tiers, words = (words[0],), words[1:]
    if len(words) > 1:
        raise Problem(f"test takes a tier ({', '.join(TIERS)}) and one filter, not {' '.join(words)!r}")
    tally = Tally(words[0] if words else "")
    _install(tiers)
    run = Run(tally, tiers)
    try:
        for tier, result in run.results():
            if isinstance(result, Case):
                tally.add(tier, result)
            elif len(tiers) == 1:
                raise result
            else:
                tally.add(tier, Case(f"the {tier} tests can be run", "FAILED", [str(result)]))
    finally:
        run.stop()
    return tally.verdict()


def _minutes(words: list[str]) -> float:
    try:
        minutes = float(words[0]) if words else SOAK_MINUTES
    except ValueError:
        minutes = 0
    if len(words) > 1 or not 0 < minutes < 1e6:
        raise Problem(f"test {SOAK} takes a number of minutes, not {' '.join(words)!r}")
    return minutes


def _install(tiers: tuple[str, ...]) -> None:
    """All that the tiers want, at once and first: apt must not be interrupted, nor run twice at a time."""
    wanted = packages.BUILD + packages.TEST * ("host" in tiers) + packages.PROJECTS * ("e2e" in tiers) + \
        packages.CLIENTS * bool({"e2e", SOAK} & set(tiers))
    debian.install(wanted if tiers == ("host",) or xl_works() else wanted + packages.QEMU)


def how_it_ended(status: int | None, seconds: float) -> str:
    """A program's end in words."""
    if status is None:
        return f"still running after {seconds:.0f} s, and killed"
    return f"ended by signal {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def shown(function: str) -> str:
    """A test function's name as it is printed, and filtered by."""
    return function.removeprefix("test_")


class Run:
    """The tiers under way."""

    def __init__(self, tally: Tally, tiers: tuple[str, ...]):
        self._tally = tally
        local = tiers != ("host",) and xl_works()
        self._pool = pool.Pool(1 if local else pool.width())    # domains of one Xen host would have each other's names
        self._dom0 = threading.Event()      # it can be restored, or else there is …
        self._no_dom0 = ""                  # … why it cannot
        self._claims = [claim for tier in tiers if tier in CLAIMS for claim in e2e_claims(CLAIMS[tier]) if tally.wanted(claim.printed)]
        if not local and (self._claims or "guest" in tiers):
            self._pool.stage(self._prepare_dom0)
        else:
            self._dom0.set()
        self._pool.stage(partial(self._build, [tier for tier in ("guest", "e2e", SOAK, "host") if tier in tiers]))

    def results(self) -> Iterator[tuple[str, Case | Problem]]:
        """Each result with its tier; instead of a tier's results the reason why it cannot be run."""
        return self._pool.results()

    def stop(self) -> None:
        """Leave nothing running."""
        self._pool.stop()

    def _prepare_dom0(self) -> Iterator[tuple[str, Case]]:
        """In a process of its own, which takes away what is half made when it is stopped."""
        status, said = run_program([paths.ROOT / "bin/stardust", "host", "prepare"], None, stderr=None)
        if status != 0:
            self._no_dom0 = f"the Xen host cannot be prepared ({how_it_ended(status, 0)}); why is above"
        self._dom0.set()
        yield from ()

    def _build(self, tiers: list[str]) -> Iterator[tuple[str, Problem]]:
        """What each tier needs, one after another, and its jobs to the pool."""
        for tier in tiers:
            try:
                if tier != "host":
                    build.make(DEFAULT_APP)     # by itself first, as `run` does on a new machine: nobody else's rules help it there
                if tier == "host":
                    build.make("host-tests", "fuzz", also=packages.TEST)
                    self._add("host", host_jobs(self._tally))
                elif tier == "guest":
                    build.make("test-image")
                    self._pool.stage(partial(self._with_dom0, "guest"))
                elif self._claims:
                    named = {claim.file.parent.name for claim in self._claims} & set(build.apps())
                    build.make("all", "e2e", *sorted(named.union(*(claim.needs for claim in self._claims))))
                    self._pool.stage(partial(self._with_dom0, tier))
            except Problem as problem:
                yield tier, problem

    def _with_dom0(self, tier: str) -> Iterator[tuple[str, Problem]]:
        """The jobs of a tier that needs domain 0, once that is there."""
        self._dom0.wait()
        if self._no_dom0:
            yield tier, Problem(self._no_dom0)
        elif tier == "guest":
            types = {type: guest_pattern(self._tally.pattern, type) for type in claims.TYPES}
            self._add(tier, [(partial(self._guest_job, type, pattern), PROGRAM_SECONDS)
                             for type, pattern in types.items() if pattern is not None])
        else:
            self._add(tier, [(lambda claim=claim: [claim.make()], claim.seconds) for claim in self._claims])

    def _add(self, tier: str, jobs: list[Job]) -> None:
        for job, seconds in jobs:
            self._pool.add(partial(_labelled, tier, job), seconds)

    def _guest_job(self, type: str, pattern: str) -> Iterator[Case]:
        """The test image on real Xen, as a guest of this type."""
        with Dom0(GUEST_MEMORY) as dom0, self._pool.closing(dom0.close):
            for case in _guest_tests(dom0, type, pattern):
                case.name = f"{type}.{case.name}"
                if case.outcome == "FAILED" or self._tally.wanted(case.name):
                    yield case


def _labelled(tier: str, job: Callable[[], Iterable[Case]]) -> Iterator[tuple[str, Case | Problem]]:
    try:
        for case in job():
            yield tier, case
    except Problem as problem:
        yield tier, problem


def host_jobs(tally: Tally) -> list[Job]:
    """Pure logic on this machine: the C test programs, the fuzz targets, and the unit tests of this directory."""
    jobs: list[Job] = []
    for program in _programs("host-tests"):
        jobs.append((partial(_host_program, tally, program), PROGRAM_SECONDS))
    for program in _programs("fuzz"):
        name = f"fuzz_{program.name}_finds_nothing_in_{FUZZ_RUNS}_runs"
        if tally.wanted(name):
            jobs.append((partial(_fuzz, program, name), PROGRAM_SECONDS))
    for file in sorted(OUR_UNIT_TESTS.glob("test_*.py")):
        for name in claims.tests_of(claims.load(file)):
            if tally.wanted(shown(name)):
                jobs.append((lambda claim=Claim(file, name, shown(name)): [claim.make()], PROGRAM_SECONDS))
    return jobs


def _programs(directory: str) -> list[Path]:
    """The programs of a directory of build/."""
    return [path for path in sorted((paths.BUILD / directory).iterdir()) if path.is_file() and os.access(path, os.X_OK)]


def _host_program(tally: Tally, program: Path) -> Iterator[Case]:
    seconds = PROGRAM_SECONDS * pool.slowness()
    status, output = run_program([program], seconds)
    report = tap.parse(output)
    for case in report.cases:
        if tally.wanted(case.name) or tally.wanted(program.name):
            yield case
    if status == 0 and report.complete:
        return
    if status == 1 and report.complete and any(case.outcome == "FAILED" for case in report.cases):
        return
    ended = how_it_ended(status, seconds)
    ran = f"{len(report.cases)} of {report.planned if report.planned is not None else 'an unknown number of'} tests done"
    yield Case(report.under_way or f"{program.name} runs to its end", "FAILED", [f"{ended}, {ran}", *report.loose[-60:]])


def _fuzz(program: Path, name: str) -> Iterator[Case]:
    """A look with a libFuzzer target, the same one each time; for a hunt, run build/fuzz/NAME yourself."""
    seconds = PROGRAM_SECONDS * pool.slowness()
    with tempfile.TemporaryDirectory() as found:
        command = [program, f"-runs={FUZZ_RUNS}", "-seed=1", "-max_len=600", "-len_control=0", f"-artifact_prefix={found}/"]
        status, output = run_program(command, seconds)
    if status == 0:
        yield Case(name, "ok", [])
    else:
        yield Case(name, "FAILED", [how_it_ended(status, seconds), *output.splitlines()[-60:]])


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


def e2e_claims(directory: Path) -> list[Claim]:
    """All of them: one directory after another, and in each one type after another, so that a type that fails whole is soon seen."""
    found = []
    for file in sorted({*directory.glob("*/test.py"), *directory.glob("*/test_*.py")}):
        tests = claims.tests_of(claims.load(file))
        for type in ("", *claims.TYPES):
            prefix = f"{type}." * bool(type) + f"{file.parent.name}."
            found += [Claim(file, name, prefix + shown(name), type, getattr(function, "timeout", claims.DEFAULT_TIMEOUT),
                            claims.needs_of(function))
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
    needs: tuple[str, ...] = ()

    def make(self) -> Case:
        """What comes of it."""
        for left in reversed(range(CLAIM_TRIES)):
            seconds = self.seconds * pool.slowness()
            status, output = run_program([sys.executable, "-m", "host.claims", self.file, self.function, self.type], seconds,
                                         env={**os.environ, "PYTHONPATH": str(paths.ROOT)})
            if status != claims.BROKEN or not left:
                break
            say(f"{self.printed}: domain 0 crashed, which it does now and then where QEMU emulates the machine; trying again")
        lines = output.strip().splitlines()
        if status == claims.PASSED:
            return Case(self.printed, "ok")
        if status == claims.SKIPPED:
            return Case(self.printed, "skipped", lines[-1:] or ["no reason given"])
        ended = [] if status in (claims.FAILED, claims.BROKEN) else [how_it_ended(status, seconds)]
        return Case(self.printed, "FAILED", ended + lines[-80:])

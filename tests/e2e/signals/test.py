"""Signals: a program that checks itself, how signals end a guest, and reading the console while they come."""

import re

from host import paths
from host.claims import equal, only, timeout, true
from tests.e2e.lab import LONG, Outcome, Running, stardust

PROGRAM = paths.BUILD / "e2e-signals"


def end_by(mode: str) -> Outcome:
    """Run the program so that it ends that way."""
    return stardust("run", PROGRAM, "--", mode, seconds=LONG)


@timeout(LONG)
def test_signals_do_what_linux_does():
    run = stardust("run", PROGRAM, seconds=LONG)
    true(run.status == 0 and re.search(r"(?m)^1\.\.6\d$", run.out), f"status {run.status}, all claims: {run.out}{run.err}")


def test_signals_without_a_handler_end_the_program_with_their_status():
    for mode, number in (("term", 15), ("kill", 9), ("alarm", 14), ("pipe", 13)):
        run = end_by(mode)
        true(f"status {128 + number} is given as" in run.err, f"{mode}: its status is {128 + number}: {run.status}, {run.err}")
        true(f"the program ended itself by signal {number}" in run.out, f"{mode}: it says so: {run.out}")


def crash(mode: str, reason: str, function: str) -> None:
    """The program ends so, with a report of where it stood."""
    run = end_by(mode)
    equal(run.status, 134, f"{mode}: {run.out}{run.err}")
    true(re.search(rf"\*\*\* stardust crash: {reason}", run.err), f"{mode}: the reason is {reason!r}: {run.err}")
    frames = re.findall(r"(?m)^\*\*\*   0x[0-9a-f]{16}  (\w+) at (\S+):\d+", run.err)
    true(any(name == function for name, _ in frames), f"{mode}: {function} is in the backtrace: {run.err}")
    true(any(name == "main" for name, _ in frames) or mode == "broken-frame", f"{mode}: main is: {run.err}")


def test_abort_reports_the_program_s_line():
    crash("abort", "the program ended itself by signal 6", "end_by_abort")


def test_faults_without_a_handler_are_reported_where_they_happened():
    crash("fault", "page fault: write of 0x0000000000000010, which is not mapped", "end_by_fault")
    crash("blocked-fault", "page fault: write of 0x0000000000000010", "end_by_fault_while_blocked")


def test_handlers_without_a_stack_end_with_a_report():
    crash("no-stack", "there is no stack for the handler of signal 10", "end_without_a_stack_for_the_handler")


def test_broken_frame_ends_with_a_report():
    crash("broken-frame", "the frame to return from a handler by is broken: signal 11", "__restore_rt")


@only("pvh")
def test_stack_overflow_reaches_its_handler_on_the_alternate_stack():
    run = end_by("overflow")
    true("overflowed twice\n" in run.out, f"it does: {run.out}{run.err}")


def test_read_of_the_console_is_interrupted_and_made_again():
    guest = Running("run", PROGRAM, "--", "read")
    guest.expect("without restart: -1, errno 4, handled 1\n", LONG)
    guest.expect("type\n", LONG)
    guest.expect("alarm came\n", LONG)
    guest.type(b"typed\n")
    end = guest.end(LONG)
    true("with restart: typed\n6 bytes, handled 1\n" in end.out, f"it read on: {end.out}{end.err}")

"""Pipes, FIFOs, counters, timers and sockets as descriptors, and waiting for them: a program that checks itself. Compiled for
Linux it must find the same, so that the claims are Linux's behaviour and not ours."""

import re
import subprocess
import tempfile

from host import paths
from host.claims import equal, once, true
from tests.e2e.lab import stardust

SOURCE = paths.ROOT / "tests/e2e/programs/events"


def complete(out: str) -> None:
    """All claims were run and hold."""
    plan = re.search(r"(?m)^1\.\.(\d+)$", out)
    true(plan and int(plan[1]) >= 15 and len(re.findall(r"(?m)^ok \d+ - ", out)) == int(plan[1]), f"all claims hold: {out}")


def test_descriptors_and_waiting_for_them_are_as_on_linux():
    run = stardust("run", paths.BUILD / "e2e-events")
    equal(run.status, 0, run.out)
    complete(run.out)


def test_a_program_that_knows_of_no_signal_is_ended_by_writing_where_nobody_reads():
    for where in ("pipe", "socket"):
        run = stardust("run", paths.BUILD / "e2e-broken", "--", where)
        true(run.status == 123 and "status 141" in run.err, f"{where}: {run.status} {run.err}")
        true("about to write" in run.out and "went on" not in run.out, f"{where}: it ended there: {run.out}")


@once
def test_linux_itself_makes_the_same_claims_true():
    with tempfile.TemporaryDirectory() as directory:
        program = f"{directory}/events"
        subprocess.run(["gcc", "-std=gnu17", "-O2", "-w", "-o", program, *sorted(SOURCE.glob("*.c")), "-lpthread"], check=True)
        run = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    equal(run.returncode, 0, run.stdout)
    complete(run.stdout)

"""Threads of C-library programs: tests/e2e/programs/threads checks itself, and its end is looked at from outside."""

import re

from host import paths
from host.claims import equal, true
from tests.e2e.lab import banner, stardust

PROGRAM = paths.BUILD / "e2e-threads"


def test_threads_locks_and_cancellation_are_posix_s():
    run = stardust("run", PROGRAM, "--memory", 96)
    true(run.status == 0 and re.search(r"(?m)^1\.\.37$", run.out), f"status {run.status}, all claims: {run.out}{run.err}")


def test_memory_for_threads_ends_with_eagain():
    run = stardust("run", PROGRAM, "--memory", 8, "--", "exhaust")
    true(run.status == 0 and re.search(r"(?m)^\d+ threads, then EAGAIN$", run.out), f"status {run.status}: {run.out}{run.err}")


def test_any_thread_ends_the_process_while_another_computes():
    run = stardust("run", PROGRAM, "--", "exit")
    equal((run.status, run.out), (5, banner()))

"""SQLite 3.40 as its authors build it: the shell over databases in files, and the library's benchmark."""

import re
from pathlib import Path

from host import paths
from host.claims import equal, once, timeout, true
from tests.e2e.lab import LONG, PATIENCE, Running, banner, stardust

HERE = Path(__file__).parent


def test_shell_makes_databases_in_files_and_prints_what_linux_s_does():
    run = Running("run", "sqlite", "--memory", 32)
    run.type((HERE / "suite.sql").read_bytes())
    assert run.process.stdin
    run.process.stdin.close()
    run.process.wait(LONG)
    outcome = run.end()
    equal(outcome.out.removeprefix(banner(32)), (HERE / "suite.expected").read_text(), outcome.err)
    equal(outcome.status, 1, "errors in the script are the shell's status")


@once
def test_image_carries_no_network_for_a_user_s_home_directory():
    run = stardust("syscalls", paths.BUILD / "sqlite.elf")
    true(run.status == 0 and "openat" in run.out and "socket" not in run.out, f"no socket among its services: {run.out}{run.err}")


def test_statement_as_argument_and_its_error():
    run = stardust("run", "sqlite", "--", ":memory:", "select sqlite_version(), 1 + 1;", seconds=PATIENCE)
    equal((run.status, run.out), (0, banner() + "3.40.1|2\n"), run.err)
    run = stardust("run", "sqlite", "--", ":memory:", "select absent;", seconds=PATIENCE)
    true(run.status == 1 and "no such column: absent" in run.out, f"{run.status}: {run.out}")


@timeout(LONG)
def test_speedtest1_in_memory_computes_what_linux_s_does():
    run = stardust("run", "sqlite-speedtest1", "--memory", 48, "--", "--memdb", "--size", 2, "--verify", seconds=LONG)
    equal(run.status, 0, run.out + run.err)
    found = re.search(r"Verification Hash: (.*)", run.out)
    equal(found and found[1], "244592 28e6676ac610b0067f7b48634a7665a3ccf4f1ef8d7fd374")

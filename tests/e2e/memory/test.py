"""Memory of programs for the C library: what is mapped, what is touched, and what happens when there is no more."""

import re
import tempfile
from pathlib import Path

from host import paths
from host.claims import equal, only, true
from tests.e2e.lab import stardust

PROGRAM = paths.BUILD / "e2e-memory"


def claims(*words: str | int) -> None:
    """Run the program; all of its claims hold."""
    run = stardust("run", PROGRAM, *words)
    true(run.status == 0 and re.search(r"(?m)^1\.\.\d\d$", run.out), f"status {run.status}, all claims: {run.out}{run.err}")


def test_mmap_and_its_family_do_what_linux_does_in_16_mb():
    claims()


def test_malloc_until_there_is_no_more_leaves_a_guest_of_2_mb_alive():
    run = stardust("run", PROGRAM, "--memory", 2, "--", "malloc_until_there_is_no_more_and_on_again")
    true(run.status == 0 and "\nok 1 - malloc_until" in run.out, f"status {run.status}: {run.out}{run.err}")


def test_memory_that_was_promised_and_is_not_there_ends_the_guest_with_a_report():
    run = stardust("run", PROGRAM, "--", "overcommit")
    equal(run.status, 134, run.err)
    true("crash: out of memory: no page is left for 0x" in run.err, f"it says what was lacking: {run.err}")
    true(re.search(r"(?m)^\*\*\*   0x[0-9a-f]{16}  touch_all at tests/e2e/programs/memory/main.c:\d+", run.err), f"and where: {run.err}")


def test_block_that_is_freed_twice_ends_the_guest_with_a_report():
    run = stardust("run", PROGRAM, "--", "double-free")
    equal(run.status, 134, run.err)
    true("crash: general protection fault" in run.err, f"it says what musl does then: {run.err}")
    true(re.search(r"(?m)^\*\*\*   0x[0-9a-f]{16}  main at tests/e2e/programs/memory/main.c:\d+", run.err), f"and where: {run.err}")


@only("pvh")
def test_thread_has_a_stack_larger_than_the_guest():
    run = stardust("run", PROGRAM, "--", "a_thread_has_a_stack_of_64_mib")
    true(run.status == 0 and "\nok 1 - a_thread_has" in run.out, f"status {run.status}: {run.out}{run.err}")


def test_shared_mapping_of_a_ramdisk_s_file_is_the_file():
    with tempfile.TemporaryDirectory() as root:
        Path(root, "borrowed").write_text("b" * 5000)
        run = stardust("run", PROGRAM, "--root", root, "--", "a_file_of_the_ramdisk_is_copied_at_the_first_touch")
    true(run.status == 0 and "\nok 1 - a_file_of" in run.out, f"status {run.status}: {run.out}{run.err}")


def test_program_is_called_by_its_image_s_name():
    run = stardust("run", PROGRAM, "--", "name")
    equal((run.status, run.out.splitlines()[-1]), (0, "e2e-memory"), run.err)

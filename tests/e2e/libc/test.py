"""Programs for the C library: their start and end, the services behind it, their size, and what the link says."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from host import paths
from host.claims import equal, once, true
from tests.e2e.lab import banner, stardust

NOTHING = "int main(void) { return 0; }\n"


def compile_(source: str, *words: str, name: str = "program.c") -> tuple[subprocess.CompletedProcess, bytes]:
    """Run stardust-cc over a text from a folder of its own: how it ended, and the image."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / name).write_text(source)
        command = [paths.ROOT / "sdk/stardust-cc", "-O2", name, "-o", "program", *words]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, env=os.environ | {"STARDUST_BUILD": str(paths.BUILD)})
        image = Path(directory) / "program"
        return done, image.read_bytes() if image.exists() else b""


def test_printf_prints_and_its_status_is_the_program_s():
    run = stardust("run", "printf", "--kernel-option", "env=A=1", "--kernel-option", "env=B=x=y", "--", "two words", "status=7")
    equal(run.status, 7)
    lines = run.out.splitlines()
    wanted = ["Hello from printf", "argument 1: two words", "argument 2: status=7", "environment: A=1", "environment: B=x=y"]
    equal(lines[:6], [banner().strip(), *wanted])
    found = re.fullmatch(r"the year is (\d+), pi is about 3\.14159", lines[6])
    true(found and int(found.group(1)) >= 2023, f"the clock is set: {lines[6]!r}")


def test_services_do_what_linux_does():
    run = stardust("run", paths.BUILD / "e2e-posix")
    true(run.status == 0 and re.search(r"(?m)^1\.\.2\d$", run.out), f"status {run.status}, all claims: {run.out}")


def test_printf_hello_is_64_kib_and_boots_in_2_mb():
    image = paths.BUILD / "e2e-libc-hello"
    true(image.stat().st_size <= 65536, f"{image.stat().st_size} bytes")
    run = stardust("run", image, "--memory", 2)
    equal((run.status, run.out), (0, banner(2) + "Hello from the C library\n"))


def test_abort_ends_the_guest_with_a_report():
    run = stardust("run", paths.BUILD / "e2e-posix", "--", "abort")
    true(run.status != 0, f"status {run.status}")
    true("the program ended itself by signal 6" in run.out + run.err and "abort" in run.out + run.err, f"it says so: {run.out}{run.err}")


@once
def test_link_names_what_the_program_reaches_and_is_not_offered():
    done, image = compile_("#include <unistd.h>\nint main(void) { return chroot(\"/\"); }\n")
    equal((done.returncode, bool(image)), (0, True), done.stderr)
    equal(done.stderr, "stardust-cc: note: program can reach services that are not offered (ENOSYS): chroot\n")
    done, image = compile_(NOTHING)
    equal((done.returncode, done.stderr, bool(image)), (0, "", True))


@once
def test_flags_that_do_not_fit_a_guest_are_refused_or_do_no_harm():
    done, image = compile_(NOTHING, "-pie", "-fPIE", "-mred-zone", "-pthread", "-lm", "-lpthread")
    equal((done.returncode, done.stderr), (0, ""))
    true(image[16:18] == b"\2\0", "it is no PIE")
    for words, name, part in ((["-shared"], "program.c", "-shared"), ([], "program.cpp", "C++")):
        done, image = compile_(NOTHING, *words, name=name)
        true(done.returncode == 1 and not image and part in done.stderr and done.stderr.count("\n") == 1, f"{words}: {done.stderr!r}")
    dumped = subprocess.run([paths.ROOT / "sdk/stardust-cc", "-dumpmachine"], capture_output=True, text=True)
    equal(dumped.stdout, "x86_64-stardust-linux-musl\n")

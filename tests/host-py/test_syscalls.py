"""The services inside an image: read from its symbols, and those that are missing from what refers to them."""

import contextlib
import io
import shutil
import subprocess
import tempfile
from pathlib import Path

from host import syscalls
from host.claims import equal, skip, true
from host.errors import Problem

SOURCE = """
long sd_sys_write(int a, long b) { return a + b; }
__attribute__((weak, noinline)) long sd_sys_fork(void) { __asm__(""); return -38; }
__attribute__((weak, noinline)) long sd_sys_poll(void) { __asm__(""); return -38; }
__attribute__((weak, noinline)) long sd_sys_pause(void) { __asm__(""); return -38; }
__attribute__((noinline)) long __libc_start_main(void) { return sd_sys_poll(); }
long give(long (*service)(void)) { return service(); }
int _start(void) { return sd_sys_write(1, 2) + sd_sys_fork() + __libc_start_main() + give(sd_sys_pause); }
"""


@contextlib.contextmanager
def image(*flags: str):
    """A linked file that looks like an image to what is tested."""
    if not shutil.which("gcc"):
        skip("there is no gcc")
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "it.c", Path(folder) / "it"
        source.write_text(SOURCE)
        subprocess.run(["gcc", "-O1", "-fno-pie", "-no-pie", "-static", "-nostdlib", "-Wl,--build-id=sha1", *flags, "-o", made, source],
                       check=True)
        yield made


def test_services_and_those_that_are_missing_are_told_apart() -> None:
    with image() as made:
        services = syscalls.read(made)
        equal(list(services.sizes), ["write"])
        true(services.sizes["write"] > 0, "its size")
        equal(services.missing, ["fork", "pause"], "called, and handed on as an address; not what only the C library's start calls")
        equal(services.by_number, False)


def test_of_a_stripped_image_the_file_with_symbols_beside_it_is_read() -> None:
    with image() as made:
        shutil.copy(made, made.with_name("it.elf"))
        subprocess.run(["strip", made], check=True)
        equal(syscalls.read(made).missing, ["fork", "pause"])


def test_a_stripped_image_alone_is_refused_with_a_sentence() -> None:
    with image("-s") as made:
        try:
            syscalls.read(made)
        except Problem as problem:
            true("is stripped" in str(problem), str(problem))
        else:
            raise AssertionError("it was read")


def test_the_file_beside_an_image_is_not_believed_if_it_is_of_another_build() -> None:
    with image() as made, image("-DOTHER", "-Wl,--build-id=0x00ff") as other:
        shutil.copy(other, made.with_name("it.elf"))
        subprocess.run(["strip", made], check=True)
        try:
            syscalls.read(made)
        except Problem:
            return
        raise AssertionError("it was read")


def test_a_line_is_printed_for_each() -> None:
    with image() as made:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            equal(syscalls.main(made), 0)
        lines = said.getvalue().splitlines()
        equal([line.split()[0] for line in lines[:3]], ["write", "fork", "pause"])
        equal(lines[1].split()[1], "ENOSYS")
        true(lines[3].startswith("1 services, "), lines[3])

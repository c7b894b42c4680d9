"""Started by something other than Xen, an image says so on the first serial port and stops."""

import subprocess
import tempfile
import time
from pathlib import Path

from host import paths, qemu
from host.claims import equal, once, true
from tests.e2e.lab import until

ASIDE = 3       # seconds in which a machine that resets would have done so


def says_that_it_needs_xen(*machine: str) -> None:
    """Boot hello there, without Xen; it prints one sentence, and the CPU waits from then on."""
    with tempfile.TemporaryDirectory() as directory:
        serial, log = Path(directory) / "serial", Path(directory) / "log"
        words = ["-accel", "tcg", "-kernel", paths.BUILD / "hello", "-serial", "stdio", "-display", "none", "-no-reboot",
                 "-monitor", "none", "-d", "cpu_reset", "-D", log]
        with open(serial, "wb") as said:
            process = subprocess.Popen([qemu.program(), *machine, *words], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            until("it says something", lambda: b"\n" in serial.read_bytes() or process.poll() is not None)
            time.sleep(ASIDE)
            status = process.poll()
        finally:
            process.kill()
            process.wait()
        lines = serial.read_text(errors="replace").splitlines()
        equal(status, None, f"QEMU's status while it should still run, for nothing has reset ({lines})")
        equal(len(lines), 1, f"lines ({lines})")
        true("needs Xen" in lines[0], f"it names what it needs: {lines}")
        true("Triple fault" not in log.read_text(), "there was no triple fault")


@once
def test_on_a_pc_of_qemu_s_an_image_says_that_it_needs_xen_and_stops():
    says_that_it_needs_xen()


@once
def test_on_a_q35_an_image_says_that_it_needs_xen_and_stops():
    says_that_it_needs_xen("-M", "q35")


@once
def test_on_a_microvm_an_image_says_that_it_needs_xen_and_stops():
    says_that_it_needs_xen("-M", "microvm")

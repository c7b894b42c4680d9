"""Crash reports: found on a console, given names, or made from a dead domain's registers and stack."""

import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from host import crash, elf, symbolize
from host.claims import equal, skip, true
from host.errors import Problem
from host.guest import Guest
from host.shell import Result
from host.xlconfig import Config

REPORT = """*** stardust crash: page fault: read of 0x0000000000000000, which is not mapped
*** rip 0x0000000000201a2f  rsp 0x000000000021ff80  rflags 0x0000000000010246
*** backtrace
***   0x0000000000201a2f
***   0x0000000000201b00
*** build-id 00ff
*** end of report
"""

SOURCE = """
static inline __attribute__((always_inline)) int inner(volatile int *p) { return *p; }
__attribute__((noinline)) int outer(volatile int *p) { return inner(p) + 1; }
int _start(volatile int *p) { return outer(p) + 1; }
"""


def test_the_last_report_is_cut_out_of_the_console() -> None:
    console = "hello\n" + REPORT.replace("page fault", "first") + "between\n" + REPORT + "after\n"
    equal(symbolize.find_report(console), REPORT)
    equal(symbolize.find_report(console.replace("\n", "\r\n")), REPORT)
    equal(symbolize.find_report("*** not one\nhello\n"), None)
    equal(symbolize.reason(REPORT), "page fault: read of 0x0000000000000000, which is not mapped")


def test_a_report_that_was_cut_off_is_still_one() -> None:
    cut = REPORT[:REPORT.index("*** build-id")]
    equal(symbolize.find_report(cut + "something else\n"), cut)


def test_only_the_first_address_is_looked_up_as_it_is() -> None:
    equal(symbolize._lookup_addresses(REPORT), {0x201b00: 0x201aff, 0x201a2f: 0x201a2f})


def build(directory: Path) -> Path:
    """An image and its unstripped file, with an inlined function in it."""
    if not shutil.which("gcc") or not shutil.which("addr2line"):
        skip("no gcc or addr2line here")
    (directory / "a.c").write_text(SOURCE)
    subprocess.run(["gcc", "-g", "-O2", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-nostdlib", "-static", "-no-pie",
                    "-Wl,--build-id=sha1", "-o", "a.elf", "a.c"], cwd=directory, check=True)
    subprocess.run(["objcopy", "--strip-all", "a.elf", "a"], cwd=directory, check=True)
    return directory / "a"


def address_of(image: Path, function: str) -> int:
    shown = subprocess.run(["nm", f"{image}.elf"], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0], 16) for line in shown.splitlines() if line.endswith(f" {function}"))


def test_names_lines_and_inlined_functions_are_added() -> None:
    with tempfile.TemporaryDirectory() as name:
        image = build(Path(name))
        report = REPORT.replace("00ff", elf.read(image).build_id).replace("0000000000201a2f", f"{address_of(image, 'outer'):016x}")
        # The end of _start is outside it: only the byte before a return address belongs to the caller.
        text = symbolize.symbolized(report.replace("0000000000201b00", f"{address_of(image, '_start') + 1:016x}"), image)
        true("outer at " in text and "a.c:3" in text, f"the function and its line are in {text}")
        true("_start at " in text and "a.c:4" in text, f"the caller and its line are in {text}")
        true(text.endswith("*** end of report\n"), "the rest is as it was")


def test_another_build_gives_no_names() -> None:
    with tempfile.TemporaryDirectory() as name:
        image = build(Path(name))
        text = symbolize.symbolized(REPORT, image)
        true("another build" in text and " at " not in text, f"no name is made up in {text}")


def test_an_image_is_found_by_its_build_id() -> None:
    with tempfile.TemporaryDirectory() as name:
        image = build(Path(name))
        equal(symbolize.by_build_id(elf.read(image).build_id, Path(name)), Path(f"{image}.elf"))
        equal(symbolize.by_build_id("0123", Path(name)), None)


XENCTX = """rip: 00000000002000bf foo+0x3
flags: 00010206 i nz p
rsp: 0000000000201fa0
rax: 0000000000000000\trcx: 00000000002006c7\trdx: 0000000000000002
rbp: 0000000000202020\t r8: 0000000000000008\t r9: 0000000000000009
r10: 000000000000000a\tr15: 000000000000000f
 cs: e033\t ss: e02b
"""


class DeadDomain:
    """A domain 0 with one dead domain: xenctx's listing, and memory from `base` on."""

    def __init__(self, base: int, memory: bytes):
        self.base, self.memory = base, memory

    def run(self, command: str) -> Result:
        return Result(0, XENCTX, "")

    def read_memory(self, domid: int, address: int, length: int) -> bytes:
        at = address - self.base
        return self.memory[at:at + length] if 0 <= at < len(self.memory) else b""


class Log:
    """A domain 0 whose Xen has said something."""

    def __init__(self, text: str):
        self.text = text

    def run(self, command: str) -> Result:
        return Result(0, self.text, "")


def stack(frames: dict[int, tuple[int, int]], base: int = 0x202000) -> DeadDomain:
    memory = bytearray(0x1000)
    for at, frame in frames.items():
        struct.pack_into("<QQ", memory, at - base, *frame)
    return DeadDomain(base, bytes(memory))


def test_registers_are_read_from_xenctx() -> None:
    got = crash.read_registers(XENCTX)
    equal((got["rip"], got["flags"], got["rsp"], got["rbp"], got["r8"], got["r15"]), (0x2000bf, 0x10206, 0x201fa0, 0x202020, 8, 15))
    got = crash.read_registers("cs:eip: 0010:0020000a\nflags: 00000002 nz\nss:esp: 0018:00202000\n"
                               "eax: 00000001\tebx: 12345678\n ds:     0018\n")
    equal(got, {"rip": 0x20000a, "flags": 2, "rsp": 0x202000, "rax": 1, "rbx": 0x12345678})


def test_a_stack_overflow_is_reported_from_outside() -> None:
    domain = stack({0x202020: (0x202040, 0x2000d1), 0x202040: (0, 0x2006d7)})
    text = crash.report(domain, 1, "00ff", "crash") or ""     # type: ignore[arg-type]
    true(text.startswith("*** stardust crash: stack overflow: "), text)
    equal(symbolize._frames(text), [0x2000bf, 0x2000d1, 0x2006d7])
    equal(symbolize.find_report(text), text)


def test_a_triple_fault_is_a_crash_and_no_reboot() -> None:
    log = "(XEN) d5v0 Triple fault - invoking HVM shutdown action 1\n(d6) (XEN) d6v0 Triple fault\n"
    for domid, type, wanted in ((5, "pvh", True), (6, "pvh", False), (55, "pvh", False), (5, "pv", False)):
        guest = Guest.__new__(Guest)
        guest.domid, guest.config, guest._shell = domid, Config("x", "/x", type=type), Log(log)     # type: ignore[assignment]
        equal(guest._triple_faulted(), wanted, f"domain {domid}, {type}")


def test_a_stack_pointer_in_mapped_memory_is_no_overflow() -> None:
    memory = DeadDomain(0x200000, bytes(0x3000))
    text = crash.report(memory, 1, "", "crash") or ""         # type: ignore[arg-type]
    true("overflow" not in text and "no report from the guest" in text, text)


def test_frame_pointers_that_lead_nowhere_end_the_walk() -> None:
    loops = stack({0x202020: (0x202020, 0x2000d1)})
    equal(crash.walk(loops, 1, 0x202020, 0x201fa0), [0x2000d1])     # type: ignore[arg-type]
    down = stack({0x202040: (0x202020, 0x2000d1), 0x202020: (0x202040, 0x2000d2)})
    equal(crash.walk(down, 1, 0x202040, 0x201fa0), [0x2000d1])      # type: ignore[arg-type]
    for rbp in (0, 7, 0x202021, 0x7fff00000000, (1 << 64) - 16):
        equal(crash.walk(loops, 1, rbp, 0x201fa0), [])              # type: ignore[arg-type]


def test_a_deep_recursion_shows_both_its_ends() -> None:
    deep = stack({0x202020 + 32 * n: (0x202040 + 32 * n, 0x2000d0 + n) for n in range(100)})
    frames = crash.walk(deep, 1, 0x202020, 0x201fa0)                # type: ignore[arg-type]
    equal(len(frames), 100)
    lines = crash.shortened(frames).splitlines()
    equal((len(lines), lines[0], lines[-1]), (25, "***   0x00000000002000d0", "***   0x0000000000200133"))
    equal(lines[12], "***   (76 more)")


def test_a_missing_unstripped_file_is_said_and_not_fatal() -> None:
    text = symbolize.symbolized(REPORT, Path("/nonexistent/image"))
    true(text.startswith(REPORT) and "*** no names: " in text, text)
    try:
        symbolize._choose("", None)
        true(False, "a report without a build-id needs an image")
    except Problem:
        pass

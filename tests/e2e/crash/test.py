"""A crash is reported with functions, files and lines, and ends with status 134."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from host import paths
from host.claims import equal, once, only, true
from tests.e2e.lab import stardust

SOURCE = (paths.ROOT / "apps/crash/crash.c").read_text().splitlines()
FRAME = re.compile(r"^\*\*\*   0x[0-9a-f]{16}  (\w+) at (\S+):(\d+)", re.M)


def frames(text: str) -> list[tuple[str, str, str]]:
    """Function, file, and the line of the source that a report names, innermost first."""
    found = FRAME.findall(text)
    true(found, f"the report names functions: {text}")
    return [(name, file, SOURCE[int(line) - 1] if file == "apps/crash/crash.c" else "") for name, file, line in found]


def crash(fault: str, reason: str) -> tuple[str, list[tuple[str, str, str]]]:
    """Crash that way; the report, and its frames."""
    run = stardust("run", "crash", "--", fault)
    equal(run.status, 134, run.err)
    reports = run.err.split("*** stardust crash: ")[1:]
    equal(len(reports), 1, f"reports on standard error ({run.err})")
    true(re.match(reason, reports[0]), f"the reason is {reason!r}: {run.err}")
    true(re.search(r"\*\*\* rip 0x[0-9a-f]{16}", run.err) or fault == "panic", "there are registers")
    last = run.err.splitlines()[-1]
    true(last.startswith("stardust: the guest crashed: ") and re.match(reason, last.removeprefix("stardust: the guest crashed: ")),
         f"the last line says it in short: {last}")
    return run.err, frames(run.err)


def in_main(found: list[tuple[str, str, str]]) -> None:
    true(any(name == "main" and file == "apps/crash/crash.c" for name, file, _ in found), f"main is in the backtrace: {found}")
    in_boot(found)


def in_boot(found: list[tuple[str, ...]]) -> None:
    true(any(frame[0] == "xen_main" for frame in found), f"it leads to the boot: {found}")


def place(found: list[tuple[str, str, str]], function: str, text: str) -> None:
    """The innermost frame."""
    name, file, line = found[0]
    equal((name, file), (function, "apps/crash/crash.c"))
    true(text in line, f"{text!r} is the line that is named: {line!r}")


def test_null_read_is_reported_where_it_happened():
    _, found = crash("null", "page fault: read of 0x0000000000000000, which is not mapped")
    place(found, "null_read", "*nowhere")
    in_main(found)


def test_null_write_is_reported_where_it_happened():
    _, found = crash("null-write", "page fault: write of 0x0000000000000000, which is not mapped")
    place(found, "null_write", "*nowhere = 1")
    in_main(found)


def test_call_of_null_is_reported_with_its_caller():
    _, found = crash("null-call", "page fault: execution of 0x0000000000000000, which is not mapped")
    in_main(found)


def test_write_to_text_is_caught_and_reported_where_it_happened():
    _, found = crash("text-write", "page fault: write of 0x[0-9a-f]{16}, which is not allowed")
    place(found, "text_write", "*text = 0")
    in_main(found)


def test_jump_to_data_is_caught_and_reported():
    _, found = crash("data-jump", "page fault: execution of 0x[0-9a-f]{16}, which is not allowed")
    in_main(found)


def test_divide_error_is_reported_where_it_happened():
    _, found = crash("divide", "divide error")
    place(found, "divide", "7 / zero")
    in_main(found)


def test_invalid_opcode_is_reported_where_it_happened():
    _, found = crash("invalid-opcode", "invalid opcode")
    place(found, "invalid_opcode", "ud2")
    in_main(found)


def test_panic_is_reported_with_its_backtrace():
    _, found = crash("panic", "panic: asked for")
    place(found, "panic", "xen_platform_panic")
    in_main(found)


def overflow() -> tuple[str, list[tuple[str, str, str]]]:
    """Overflow the stack; the report, and its frames."""
    report, found = crash("stack", "stack overflow: nothing is mapped below rsp 0x[0-9a-f]{16}")
    place(found, "overflow_at", "frame[0]")
    true(sum(name == "overflow_at" for name, _, _ in found) > 10, f"its calls are in the backtrace: {found}")
    return report, found


@only("pv")
def test_stack_overflow_that_the_guest_cannot_report_is_reported_from_outside():
    report, found = overflow()
    in_main(found)
    true("taken from outside" in report, "it says who made it")


@only("pvh")
def test_stack_overflow_is_reported_by_the_guest():
    report, found = overflow()
    in_main(found)
    true("taken from outside" not in report, "the guest made it")


@only("pvh")
def test_double_fault_is_reported_by_the_guest():
    report, found = crash("double-fault", "double fault")
    place(found, "double_fault", "push")
    in_boot(found)
    true("taken from outside" not in report, "the guest made it")


def offset_of(image: Path, function: str) -> int:
    """Where a function's code is in a file with names."""
    def said(*command: str) -> str:
        return subprocess.run([*command, image], capture_output=True, text=True, check=True).stdout

    found = re.search(rf"(?m)^(\w+) \w {function}$", said("nm"))
    true(found, f"{image} has {function}")
    address = int(found[1], 16)
    listed = re.findall(r"LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+)", said("readelf", "-lW"))
    segments = [[int(number, 16) for number in segment] for segment in listed]
    return next(offset + address - start for offset, start, size in segments if start <= address < start + size)


# lidt (%rsp), of no length, and ud2: neither the invalid opcode nor what comes of it can be handled.
TRIPLE_FAULT = bytes.fromhex("6a00 6a00 0f011c24 0f0b")


@only("pvh")
def test_triple_fault_is_a_crash_that_is_reported_from_outside():
    with tempfile.TemporaryDirectory() as directory:
        image = Path(shutil.copy(paths.BUILD / "hello.elf", directory))
        with open(image, "r+b") as file:
            file.seek(offset_of(image, "main"))
            file.write(TRIPLE_FAULT)
        run = stardust("run", image)
    equal(run.status, 134, run.err)
    true("taken from outside" in run.err, f"the runner made a report: {run.err}")
    found = FRAME.findall(run.err)
    equal(found[0][:2], ("main", "apps/hello/hello.c"), run.err)
    in_boot(found)


@once
def test_pasted_report_gets_its_names_from_stardust_symbolize():
    report, found = crash("null", "page fault")
    plain = re.sub(r"^(\*\*\*   0x[0-9a-f]{16}).*", r"\1", report[report.index("***"):], flags=re.M)
    named = subprocess.run([paths.ROOT / "bin/stardust", "symbolize"], input="login: \n" + plain, capture_output=True, text=True)
    equal((named.returncode, frames(named.stdout)), (0, found), named.stderr)


@once
def test_unknown_fault_is_the_program_s_own_failure():
    run = stardust("run", "crash", "--", "nonsense")
    equal(run.status, 1)
    true("no fault is named 'nonsense'" in run.out, f"it says so: {run.out}")

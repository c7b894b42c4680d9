"""The main thread's stack: its size, its growth, and what is beyond its end."""

import re

from host import claims, paths
from host.claims import equal, only, true
from tests.e2e.lab import stardust

PROGRAM = paths.BUILD / "e2e-stack"
MIB = 1 << 20
OF_16_MB = (16 * 256 // 10) << 12   # a PV guest's, in bytes


def run(*words: str | int):
    """Run the program with options of the run before `--`."""
    return stardust("run", PROGRAM, *words)


def limit(*words: str | int) -> int:
    """What RLIMIT_STACK says in such a guest; nothing warns."""
    done = run(*words, "--", "limit")
    true(done.status == 0 and "stack=" not in done.out, f"status {done.status}: {done.out}{done.err}")
    found = re.search(r"(?m)^limit (\d+)$", done.out)
    true(found, f"it says so: {done.out}")
    return int(found[1])


def test_stack_holds_what_its_limit_says_and_says_where_it_is():
    done = run()
    true(done.status == 0 and "\n1..6\n" in done.out, f"status {done.status}, all claims: {done.out}{done.err}")


def test_stack_is_linux_s_or_a_tenth_of_a_pv_guest_s_memory():
    pv = claims.guest_type == "pv"
    for memory, size in ((2, 51 << 12), (16, OF_16_MB), (96, 8 * MIB)):
        equal(limit("--memory", memory), size if pv else 8 * MIB, f"of {memory} MB")


def test_stack_may_have_another_size():
    for text, size in (("128K", MIB // 8), ("4M", 4 * MIB)):
        equal(limit("--kernel-option", f"stack={text}"), size)
    done = run("--kernel-option", "stack=6M", "--", "deep")
    frames = re.search(r"(?m)^(\d+) frames$", done.out)
    true(done.status == 0 and frames and int(frames[1]) > 5 * MIB // 1100, f"all of it is there: {done.out}{done.err}")


def test_nonsense_as_size_is_refused_with_a_sentence():
    usual = OF_16_MB if claims.guest_type == "pv" else 8 * MIB
    for text in ("0K", "64", "4MB", "-1M", "127K", "1025M", "99999999999999999999M", "M"):
        done = run("--kernel-option", f"stack={text}", "--", "limit")
        sentence = f"stack={text[:15]} is no size from 128K to 1G for the main thread's stack: it has {usual >> 10} KiB"
        true(done.status == 0 and sentence in done.out, f"{text}: it says so: {done.out}{done.err}")
        true(f"\nlimit {usual}\n" in done.out, f"{text}: and has the usual: {done.out}")


@only("pv")
def test_pv_stack_of_more_than_half_of_the_memory_is_refused():
    done = run("--kernel-option", "stack=16M", "--", "limit")
    true(done.status == 0 and "stack=16M is more than half of the memory" in done.out, f"it says so: {done.out}{done.err}")
    true(f"\nlimit {OF_16_MB}\n" in done.out, f"and has the usual: {done.out}")


def overflow(*words: str | int) -> str:
    """The report of it, which names the line and leads to main."""
    done = run(*words, "--", "overflow")
    equal(done.status, 134, done.err)
    frames = re.findall(r"(?m)^\*\*\*   0x[0-9a-f]{16}  (\w+) at tests/e2e/programs/stack/main.c:\d+", done.err)
    true(frames and frames[0] == "descend" and frames[-1] == "main", f"it names both ends: {done.err}")
    return done.err


def test_overflow_is_reported_with_the_program_s_line():
    true("crash: stack overflow: nothing is mapped below rsp 0x" in overflow(), "as what it is")


@only("pvh")
def test_stack_that_finds_no_memory_is_reported_with_the_program_s_line():
    true("crash: out of memory: no page is left for 0x" in overflow("--memory", 4), "as what it is")


@only("pvh")
def test_stack_grows_as_far_as_the_limit_is_raised():
    done = run("--memory", 32, "--", "raise", 16 * MIB)
    true(done.status == 0 and f"limit {8 * MIB}, at most -1\n" in done.out, f"{done.out}{done.err}")
    frames = re.search(rf"(?m)^(\d+) frames in {16 * MIB} bytes$", done.out)
    true(frames and int(frames[1]) > 15 * MIB // 1100, f"it does: {done.out}{done.err}")


@only("pv")
def test_stack_cannot_grow_and_says_so():
    done = run("--", "raise", 4 * MIB)
    true(f"limit {OF_16_MB}, at most {OF_16_MB}\n" in done.out, f"{done.out}{done.err}")
    true(done.status == 1 and "setrlimit: Operation not permitted" in done.out, f"status {done.status}: {done.out}{done.err}")

"""libuv 1.44 as its authors build it: its own suite, all in one guest. What is left out, and why, is in apps/libuv/left-out."""

import re

from host import paths
from host.claims import equal, timeout, true
from tests.e2e.lab import LONG, stardust

LEAST = 195     # tests that are run: none is left out by mistake


@timeout(LONG)
def test_own_suite_holds_as_far_as_it_needs_neither_network_nor_processes():
    run = stardust("run", "libuv", "--kernel-option", "tty=80x24", seconds=LONG)
    equal(run.status, 0, run.out[-5000:] + run.err)
    out = run.out.replace("\r\n", "\n")
    tests = re.findall(r"(?<!not )ok \d+ - (\w+)(?: # SKIP (.+))?\n", out)     # behind what a test has printed without an end
    plan = re.search(r"(?m)^1\.\.(\d+)$", out)
    true(plan and int(plan[1]) == len(tests) and "not ok " not in out, f"all tests were run and hold: {out[-5000:]}")
    ran = [name for name, why in tests if not why]
    true(len(ran) >= LEAST, f"{len(ran)} tests were run")
    listed = (paths.BUILD / "libuv.root/left-out").read_text()
    unlisted = {why for _, why in tests if why and f" {why}\n" not in listed}
    equal(unlisted, {"it says so itself"}, "reasons")

"""A QEMU's control channel, with a script in QEMU's place."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from host.claims import equal, true
from host.errors import Problem
from host.qemu import PROGRAM, Machine, Qemu

SCRIPT = """#!/usr/bin/env python3
import json, os, re, sys
qmp = int(re.search(r"id=qmp,fd=([0-9]+)", " ".join(sys.argv))[1])
os.write(qmp, b'{"QMP": {}}\\n')
for line in os.fdopen(os.dup(qmp)):
    command = json.loads(line)["execute"]
    if command == "warn":
        os.write(2, b"a warning\\n" * 20000)
    if command == "fail":
        sys.exit("the reason")
    os.write(qmp, b'{"return": {}}\\n')
"""


@contextmanager
def _machine() -> Iterator[Qemu]:
    before = os.environ["PATH"]
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / PROGRAM
        script.write_text(SCRIPT)
        script.chmod(0o755)
        os.environ["PATH"] = f"{directory}:{before}"
        try:
            machine = Qemu(Machine(), {}, [])
            try:
                yield machine
            finally:
                machine.kill()
        finally:
            os.environ["PATH"] = before


def test_a_machine_that_warns_a_lot_goes_on() -> None:
    with _machine() as machine:
        equal(machine.qmp("warn"), {})
        equal(machine.qmp("query-status"), {})


def test_a_machine_that_ends_says_why() -> None:
    for _ in range(5):
        with _machine() as machine:
            try:
                machine.qmp("fail")
                true(False, "it has ended")
            except Problem as problem:
                true("the reason" in str(problem), str(problem))

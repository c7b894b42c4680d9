"""Signals at the command line, and whose words count there."""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from host import cli, paths
from host.claims import equal, true

DROPPED = """
import os, signal, time
from host import cli

class Drops:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

def work(_):
    Drops()
    time.sleep(60)
    return 0

cli._main = work
cli.main([])
"""


def test_an_interrupt_that_python_drops_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", DROPPED], cwd=paths.ROOT, capture_output=True, text=True, timeout=50)
    equal(done.returncode, 130, done.stderr)


def options(*words: str) -> tuple[int, str | None, list[str]]:
    """What `run` of an app with a file `run` of its own is told."""
    seen: list[tuple[int, str | None, list[str]]] = []

    def work(found: argparse.Namespace) -> int:
        seen.append((found.memory, found.type, found.arguments))
        return 0

    with tempfile.TemporaryDirectory() as directory, patch.object(paths, "APPS", Path(directory)), patch.object(cli, "_run", work):
        (Path(directory) / "app").mkdir()
        (Path(directory) / "app/run").write_text("# why\n--memory 64 -- -u 'two words'\n")
        equal(cli._main(["run", *words]), 0)
    return seen[0]


def test_an_app_s_own_words_hold_where_the_user_gives_none() -> None:
    equal(options("app"), (64, None, ["-u", "two words"]))
    equal(options("--type", "pv", "app", "--memory", "8"), (8, "pv", ["-u", "two words"]))
    equal(options("app", "--", "-x"), (64, None, ["-x"]))
    equal(options("app", "--"), (64, None, []))
    equal(options("other"), (16, None, []))
    equal(options("./app", "--", "-x"), (16, None, ["-x"]))


def test_interrupt_while_python_starts_ends_the_command() -> None:
    """Python forgets a SIGINT that comes at some moments of its own start, a few microseconds long: so often, all through it."""
    for start in range(150):
        command = subprocess.Popen([paths.ROOT / "bin/stardust", "symbolize"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(0.0004 * start)
        command.send_signal(signal.SIGINT)
        true(command.wait(60) != 0, f"interrupted after {0.4 * start:.1f} ms it does not end by itself")

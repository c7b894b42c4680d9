"""Signals at the command line."""

import subprocess
import sys

from host import paths
from host.claims import equal

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

"""Progress lines: what takes longer than about two seconds says so, on standard error, with or without a terminal."""

import sys
import threading
from contextlib import contextmanager
from typing import Iterator

QUIET_SECONDS = 1.5
REPEAT_SECONDS = 10


def say(text: str) -> None:
    """One line from the runner itself, on standard error."""
    print(f"stardust: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce `what` if the block takes long, and again every ten seconds."""
    done = threading.Event()

    def announce() -> None:
        if done.wait(QUIET_SECONDS):
            return
        say(f"{what} …")
        while not done.wait(REPEAT_SECONDS):
            say(f"still {what} …")

    thread = threading.Thread(target=announce, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()



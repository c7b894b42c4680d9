"""The user's terminal, while a guest's console is on it.

It stays as it is, with its own echo and ^C, until the guest says that it has a line discipline of its own
(data/stardust/terminal, docs/guest-contract.md); from then on it is raw, and ^] ends the run.
"""

from __future__ import annotations

import os
import termios
import threading
import tty

ESCAPE = 0x1D       # ^], as with `xl console`


def is_ours() -> bool:
    """Is there a person at both ends?"""
    return os.isatty(0) and os.isatty(1)


def kernel_options() -> list[str]:
    """What the guest is told of the terminal; nothing where there is none."""
    if not is_ours():
        return []
    size = os.get_terminal_size(1)
    name = os.environ.get("TERM")
    return [f"tty={size.columns}x{size.lines}"] + ([f"env=TERM={name}"] if name else [])


class Terminal:
    """Standard input's terminal; raw from make_raw() until the end of the `with`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: list | None = None
        self._over = False

    @property
    def is_raw(self) -> bool:
        return self._before is not None

    def make_raw(self) -> None:
        """May be called more than once, and too late."""
        with self._lock:
            if self._over or self.is_raw or not is_ours():
                return
            self._before = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSADRAIN)

    def restore(self) -> None:
        """As it was, for good."""
        with self._lock:
            self._over = True
            if self._before is not None:
                termios.tcsetattr(0, termios.TCSADRAIN, self._before)
                self._before = None

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()

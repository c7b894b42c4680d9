"""For the end-to-end tests: what a claim imports, and the process that a claim runs in.

A claim is a directory of tests/e2e with a test.py (or test_*.py) in it. Each function of it that is named for what it claims,
`def test_echo_is_byte_exact():`, is one test: it fails if it raises, and is skipped if it calls skip("why"). It runs in a
process of its own, so that nothing of it outlives it, and once for each type of guest: `guest_type` is what it is to start.
Decorators: `@once` where the type cannot matter, `@only("pvh")` where one type is claimed for, `@timeout(900)` for its seconds,
`@needs("redis")` for upstream programs that it starts; a directory of claims that is named for one needs that.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, NoReturn, TypeVar

from host.errors import Problem
from host.guest import TooLate
from host.remote import LOST

PASSED, FAILED, SKIPPED, BROKEN = 0, 1, 77, 78      # BROKEN: the emulated domain 0 ended, so the test could not be made
DEFAULT_TIMEOUT = 300

TYPES = ("pv", "pvh")
guest_type = ""     # what this process's claim is to start; nothing for one that runs once: the default, whatever that is

T = TypeVar("T", bound=Callable[..., Any])


class Skip(Exception):
    """The test cannot be made here; the text says why."""


def skip(why: str) -> NoReturn:
    """Leave the test, which neither passed nor failed."""
    raise Skip(why)


def timeout(seconds: float) -> Callable[[T], T]:
    """Decorates a test that needs another time-out than five minutes."""
    def mark(function: T) -> T:
        function.timeout = seconds      # type: ignore[attr-defined]
        return function
    return mark


def needs(*apps: str) -> Callable[[T], T]:
    """Decorates a test that starts upstream programs, which are built for it."""
    def mark(function: T) -> T:
        function.needs = apps           # type: ignore[attr-defined]
        return function
    return mark


def only(*types: str) -> Callable[[T], T]:
    """Decorates a test of what holds for these types of guest."""
    def mark(function: T) -> T:
        function.types = types          # type: ignore[attr-defined]
        return function
    return mark


once = only("")     # decorates a test where the type of guest cannot matter


def types_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The types of guest that a test runs with; one empty name for a test that runs once."""
    return getattr(function, "types", TYPES)


def needs_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The upstream programs that a test starts."""
    return getattr(function, "needs", ())


def equal(got: Any, wanted: Any, what: str = "") -> None:
    """Fail unless both are the same; says both (large bytes: where they differ)."""
    if got == wanted:
        return
    prefix = f"{what}: " if what else ""
    if isinstance(got, bytes) and isinstance(wanted, bytes) and max(len(got), len(wanted)) > 200:
        at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
        raise AssertionError(f"{prefix}{len(got)} bytes, wanted {len(wanted)}; they differ from byte {at}: "
                             f"{got[at:at + 16]!r}, wanted {wanted[at:at + 16]!r}")
    raise AssertionError(f"{prefix}got {got!r}, wanted {wanted!r}")


def true(value: object, what: str) -> None:
    """Fail unless it holds; says what should have."""
    if not value:
        raise AssertionError(f"not so: {what}")


def load(path: Path) -> ModuleType:
    """A claim's module."""
    spec = importlib.util.spec_from_file_location(f"claim_{path.parent.name}_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    return module


def tests_of(module: ModuleType) -> dict[str, Callable[[], None]]:
    """The module's own tests, in the order in which they stand."""
    return {name: value for name, value in vars(module).items() if name.startswith("test_") and callable(value)}


def run(path: Path, name: str, type: str = "") -> int:
    """Make the test; the process's exit status, and on standard output why it is not PASSED."""
    global guest_type
    guest_type = type
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            tests_of(load(path))[name]()
        return PASSED
    except Skip as reason:
        print(reason)
        return SKIPPED
    except (AssertionError, Problem, TooLate) as failure:
        print(said.getvalue(), end="")
        where = traceback.extract_tb(failure.__traceback__)
        here = [frame for frame in where if Path(frame.filename) == path] or where
        print(f"{here[-1].filename}:{here[-1].lineno}: {failure or here[-1].line}")
        return BROKEN if LOST in str(failure) else FAILED
    except Exception:
        print(said.getvalue(), end="")
        traceback.print_exc(file=sys.stdout)
        return FAILED


if __name__ == "__main__":
    from host import claims     # the module that the test imports from, which this one, __main__, is not
    status = claims.run(Path(sys.argv[1]), *sys.argv[2:])
    sys.stdout.flush()
    os._exit(status)

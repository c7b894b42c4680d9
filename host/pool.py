"""Work side by side: as many jobs at once as the machine bears, what comes of them as it comes, and nothing left when it is stopped.

A job is a function that yields results. It runs in a thread, and what takes time in it is a program of its own (`run_program`),
which stop() ends. Jobs that may take long are begun first, so that at the end no processor waits for the last of them.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

from host import paths

MEMORY_MB = 1200        # what a job may need: QEMU with a domain 0 and guests in it takes less than half of that after a minute
STOP_SECONDS = 20


class Stopped(BaseException):
    """Raised where a program would be started after the end of it all."""


_lock = threading.Lock()        # guards the two
_running: set[subprocess.Popen[str]] = set()
_stopping = False


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def width() -> int:
    """How many jobs at once: half as many again as there are processors, because some wait for time to pass, and 2 at least;
    no more than there is memory for."""
    wanted = max(2, processors() * 3 // 2)
    return max(1, min(wanted, _free_mb() // MEMORY_MB))


def _free_mb() -> int:
    """Memory for the taking: the machine's, or what the container may have of it."""
    found = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(found["MemAvailable"].split()[0]) >> 10
    with suppress(OSError, ValueError):     # no such control group, or "max"
        free = min(free, int(Path("/sys/fs/cgroup/memory.max").read_text()) >> 20)
    return free


def slowness() -> float:
    """By what to multiply a time-out that is meant for a machine that has nothing else to do."""
    return max(1.0, width() / processors(), os.getloadavg()[0] / processors())


def run_program(command: list[Any], seconds: float | None, **options: Any) -> tuple[int | None, str]:
    """A program's status (None: it took too long and was killed, with all it started) and what it printed."""
    with _lock:
        if _stopping:
            raise Stopped
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace",
                                 start_new_session=True, **{"stderr": subprocess.STDOUT, "cwd": paths.ROOT, **options})
        _running.add(child)
    try:
        out, _ = child.communicate(timeout=seconds)
        return child.returncode, out
    except subprocess.TimeoutExpired:
        _signal(child, signal.SIGKILL)
        return None, child.communicate()[0]
    except BaseException:
        _signal(child, signal.SIGKILL)
        raise
    finally:
        with _lock:
            _running.discard(child)


def _signal(child: subprocess.Popen[str], number: signal.Signals) -> None:
    """To all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def stop() -> None:
    """End every program that runs, and let none start any more. They are asked first: they may have something to take away."""
    global _stopping
    with _lock:
        _stopping = True
        running = list(_running)
    for child in running:
        _signal(child, signal.SIGTERM)
    for child in running:
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
        _signal(child, signal.SIGKILL)


class Pool:
    """Jobs, and what comes of them."""

    def __init__(self, width: int):
        """`width`: how many jobs at once."""
        self._results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._jobs: queue.PriorityQueue[tuple[float, int, Callable[[], Iterable[Any]]]] = queue.PriorityQueue()
        self._count = 0         # of jobs, ever
        self._open = 0          # jobs and stages that have not ended
        self._counts = threading.Lock()
        self._closers: list[Callable[[], None]] = []
        for _ in range(width):
            threading.Thread(target=self._work, daemon=True).start()

    def add(self, job: Callable[[], Iterable[Any]], seconds: float = 0) -> None:
        """Do it when there is room; `seconds` it may take."""
        with self._counts:
            self._count += 1
            self._open += 1
            self._jobs.put((-seconds, self._count, job))

    def stage(self, job: Callable[[], Iterable[Any]]) -> None:
        """Do it now, whatever else runs: it prepares for jobs, and adds them."""
        with self._counts:
            self._open += 1
        threading.Thread(target=self._make, args=(job,), daemon=True).start()

    def results(self) -> Iterator[Any]:
        """What comes of the jobs, until all have ended. What one raises is raised here."""
        while True:
            with self._counts:
                if not self._open and self._results.empty():
                    return
            result, error = self._results.get()
            if error:
                raise error
            if result is not None:
                yield result

    @contextmanager
    def closing(self, close: Callable[[], None]) -> Iterator[None]:
        """What stop() is to call while the block runs."""
        self._closers.append(close)
        try:
            yield
        finally:
            self._closers.remove(close)

    def stop(self) -> None:
        """End all of it."""
        stop()
        for close in list(self._closers):
            with suppress(Exception):
                close()

    def _work(self) -> None:
        while True:
            self._make(self._jobs.get()[2])

    def _make(self, job: Callable[[], Iterable[Any]]) -> None:
        error: BaseException | None = None
        try:
            for result in job():
                self._results.put((result, None))
        except Stopped:
            pass
        except BaseException as raised:
            error = raised
        with self._counts:
            self._open -= 1
            self._results.put((None, error))

"""Xen's own trace of what guests do (xentrace; the format is xen/trace.h's): hypercalls and changes of a vCPU's state, counted
by the hypervisor and not by the guest."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Iterator

from bench.peers import XENTRACE
from host.dom0 import Dom0
from host.errors import Problem

# xen/trace.h. Bit 8 of an event of a guest's says that it is a 64-bit one.
RUNSTATE_CLASS, PV_CLASS, HVM_CLASS = 0x00021000, 0x0020F000, 0x0008F000
FROM_64 = 0x100
HYPERCALL, SUBCALL, TRAP, PAGE_FAULT, PRIVILEGED = 0x0020100D, 0x0020200E, 0x00201003, 0x00201004, 0x00201006
# Of a PVH guest. The entry and exit have a time; what is handled between, nothing but what it is.
VM_ENTRY, VM_EXIT, HVM_HYPERCALL = 0x00081001, 0x00081002, 0x00082012
RUNNING, RUNNABLE, BLOCKED = 0, 1, 2     # xen/vcpu.h: RUNSTATE_*

FILE = "/tmp/trace"
PAGES = 512


@dataclass(frozen=True)
class Record:
    """One event."""

    ticks: int          # the time-stamp counter, 0 where the record has none
    event: int
    words: tuple[int, ...]

    def kind(self) -> int:
        """The event of a guest's, of whichever width."""
        return self.event & ~FROM_64

    def state_change(self) -> tuple[int, int, int] | None:
        """(domain, old state, new state), if it is one."""
        if self.event & ~0xFF0 != RUNSTATE_CLASS | 1:       # TRC_SCHED_RUNSTATE_CHANGE, with the states in between
            return None
        return self.words[0] >> 16, self.event >> 8 & 0xF, self.event >> 4 & 0xF


def records(data: bytes) -> Iterator[Record]:
    """All events of a trace."""
    at = 0
    while at + 4 <= len(data):
        head, = struct.unpack_from("<I", data, at)
        timed, words = head >> 31, head >> 28 & 7
        if at + 4 + 8 * timed + 4 * words > len(data):
            return
        ticks = struct.unpack_from("<Q", data, at + 4)[0] if timed else 0
        yield Record(ticks, head & 0x0FFFFFFF, struct.unpack_from(f"<{words}I", data, at + 4 + 8 * timed))
        at += 4 + 8 * timed + 4 * words


class Trace:
    """Traces while the block runs; `read()` afterwards."""

    def __init__(self, dom0: Dom0, *classes: int):
        self._dom0, self._mask = dom0, hex(reduce(or_, classes))

    def __enter__(self) -> "Trace":
        self._dom0.sh(f"rm -f {FILE}")
        # The size counts the first time only; Xen keeps the buffers.
        self._stream = self._dom0.spawn(f"exec {XENTRACE} -D -S {PAGES} -s 20 -e {self._mask} {FILE}")
        if b"evtmask" not in self._stream.read():
            raise Problem("Xen does not trace; the hypercalls and wake-ups cannot be counted")
        self._dom0.check(f"until [ -e {FILE} ]; do sleep 0.05; done; sleep 0.2")
        return self

    def __exit__(self, *_: object) -> None:
        self._dom0.sh("sleep 0.1; killall xentrace")
        self._stream.wait()

    def read(self) -> list[Record]:
        taken = self._dom0.pull(FILE)
        self._dom0.sh(f"rm {FILE}")     # domain 0 has its files in memory
        return list(records(taken))


def of_domain(trace: list[Record], domid: int) -> Iterator[Record]:
    """What happened while a domain's vCPU ran, its changes of state included (there is one physical processor)."""
    running = False
    for record in trace:
        change = record.state_change()
        if change and change[0] == domid:
            running = change[2] == RUNNING
            yield record
        elif running and not change:
            yield record


def wake_ups(trace: list[Record], domid: int) -> int:
    """How many times the domain's vCPU left its block."""
    changes = (record.state_change() for record in trace)
    return sum(1 for change in changes if change and change[0] == domid and change[1] == BLOCKED)

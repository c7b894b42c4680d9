"""The domain 0s that a run of bench needs, each started when first asked for and shared by the parts."""

from __future__ import annotations

from functools import cached_property

from bench import peers
from host.dom0 import Dom0

ICOUNT_MEMORY = 1400    # MB for guests: one of 1 GB, the Linux peer, and some small ones


class Hosts:
    """Use it in `with`."""

    def __init__(self) -> None:
        self._started: list[Dom0] = []

    def _start(self, **options: object) -> Dom0:
        dom0 = Dom0(**options)     # type: ignore[arg-type]
        self._started.append(dom0)
        peers.equip(dom0)
        return dom0

    @cached_property
    def exact(self) -> Dom0:
        """Its clock counts instructions."""
        return self._start(memory=ICOUNT_MEMORY, icount=True)

    @cached_property
    def real(self) -> Dom0:
        """Its clock is the machine's."""
        return self._start()

    def __enter__(self) -> "Hosts":
        return self

    def __exit__(self, *_: object) -> None:
        for dom0 in self._started:
            dom0.close()

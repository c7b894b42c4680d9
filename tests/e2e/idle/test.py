"""The guest is quiet when it has nothing to do."""

import time

from host.claims import timeout
from tests.e2e.lab import LONG, Lab, echo

SECONDS = 20
TRIES = 8


def packets(lab: Lab) -> int:
    """How many domain 0 has sent to the guest."""
    return int(lab.dom0.check(f"cat /sys/class/net/vif{lab.guest.domid}.0/statistics/tx_packets"))


@timeout(LONG)
def test_idle_guest_with_a_lease_and_listeners_does_not_run_at_all():
    """Not a nanosecond of CPU time in 20 seconds, once what it had begun (neighbours asked for, groups reported) is over."""
    with echo() as lab:
        lab.client("serial", 10, 100)
        used = []
        for _ in range(TRIES):
            had, before = packets(lab), lab.guest.cpu_time_ns()
            time.sleep(SECONDS)
            used.append((lab.guest.cpu_time_ns() - before, packets(lab) - had))
            if used[-1] == (0, 0):
                return
        raise AssertionError(f"in none of {TRIES} times {SECONDS} s it was quiet; CPU time in ns and packets to it: {used}")

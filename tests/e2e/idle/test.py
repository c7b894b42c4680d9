"""The guest is quiet when it has nothing to do."""

import time

from host.claims import timeout
from tests.e2e.lab import LONG, Lab, echo

SECONDS = 20
TRIES = 5


def packets(lab: Lab) -> int:
    """How many domain 0 has sent to the guest."""
    return int(lab.dom0.check(f"cat /sys/class/net/vif{lab.guest.domid}.0/statistics/tx_packets"))


@timeout(LONG)
def test_idle_guest_with_a_lease_and_listeners_does_not_run_at_all():
    """Not a nanosecond of CPU time in 20 seconds. A try in which somebody sent it a packet does not count."""
    with echo() as lab:
        lab.client("serial", 10, 100)
        # Silences QEMU's router and the IPv6 of domain 0's end, which asks for routers now and then.
        lab.dom0.check(f"echo 1 >/proc/sys/net/ipv6/conf/vif{lab.guest.domid}.0/disable_ipv6; ip link set eth0 down")
        time.sleep(5)       # duplicate address detection, reports of multicast groups, domain 0's ARP
        used = []
        for _ in range(TRIES):
            had, before = packets(lab), lab.guest.cpu_time_ns()
            time.sleep(SECONDS)
            used.append((lab.guest.cpu_time_ns() - before, packets(lab) - had))
            if used[-1][1] == 0:
                assert used[-1][0] == 0, f"CPU time in {SECONDS} s without a packet: {used[-1][0]} ns"
                return
        raise AssertionError(f"there was no {SECONDS} s without a packet; CPU time and packets: {used}")

"""The guest answers pings from domain 0."""

from tests.e2e.lab import PATIENCE, echo, until

LINK_LOCAL = "fe80::216:3eff:fe5d:6%xenbr0"


def test_ipv4_pings_are_answered_small_and_fragmented():
    with echo() as lab:
        for size in (0, 56, 1472, 1473, 20000, 65507):
            lab.pings(lab.guest.address, f"-s {size}")


def test_ipv6_pings_are_answered_at_the_link_local_address():
    with echo(vif=["mac=00:16:3e:5d:00:06,bridge=xenbr0"]) as lab:
        for size in (56, 20000):
            lab.pings(LINK_LOCAL, f"-6 -s {size}")


def test_ipv6_pings_are_answered_at_the_address_of_the_router_s_network():
    with echo(vif=["mac=00:16:3e:5d:00:06,bridge=xenbr0"]) as lab:
        lab.guest.expect("net0: (?i:fec0::216:3eff:fe5d:6)", PATIENCE)
        lab.dom0.check("ip -6 addr add fec0::99/64 dev xenbr0")
        until("the address is domain 0's", lambda: "tentative" not in lab.dom0.check("ip -6 addr show dev xenbr0"))
        lab.pings("fec0::216:3eff:fe5d:6", "-6")

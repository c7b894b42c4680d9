"""The echo service on UDP."""

import socket

from host.claims import equal, timeout
from tests.e2e.lab import LONG, echo

# Around what fits a packet of 1,500 bytes, a page, and the largest; both small and large in between.
SIZES = [0, 1, 2, 17, 100, 500, 1471, 1472, 1473, 2952, 2953, 4053, 4054, 4095, 4096, 4097, 8000, 16000, 32000, 60000, 65506, 65507]

# lwIP puts a datagram together in a packet of 65,535 bytes, headers included (40, 8 of the fragment, 8); IPv6 itself allows 65,527.
LARGEST_IPV6 = 65479


@timeout(LONG)
def test_datagrams_of_all_sizes_come_back_fragmented_where_they_must_be():
    with echo() as lab:
        lab.client("udp", *SIZES)
        lab.client("udp", *range(0, 1600, 7))


def test_ipv6_datagrams_of_all_sizes_come_back():
    with echo(vif=["mac=00:16:3e:5d:00:06,bridge=xenbr0"]) as lab:
        lab.client("udp", *SIZES[:-2], LARGEST_IPV6, address="fe80::216:3eff:fe5d:6%xenbr0")


def test_datagrams_from_outside_domain_0_come_back():
    with echo() as lab:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect(("127.0.0.1", lab.guest.forward(7, "udp")))
            for data in (b"hello", b"\0" * 1000):
                client.send(data)
                equal(client.recv(2000), data)

"""Sockets of programs for the C library: what they promise within the guest, and apps/echo, a server on them, asked from domain 0."""

import re

from host import paths
from host.claims import timeout, true
from tests.e2e.lab import LONG, server, stardust

MB = 1 << 20


@timeout(LONG)
def test_sockets_do_what_linux_s_do():
    run = stardust("run", "--memory", 64, paths.BUILD / "e2e-sockets", seconds=LONG)
    true(run.status == 0 and re.search(r"(?m)^1\.\.95$", run.out), f"status {run.status}, all claims: {run.out}{run.err}")


@timeout(LONG)
def test_a_server_on_epoll_returns_random_data_byte_exact_both_directions_at_once():
    with server() as lab:
        lab.client("stream", 32 * MB, 42)


@timeout(LONG)
def test_many_clients_are_served_one_after_another_and_at_once():
    with server() as lab:
        lab.client("serial", 1000, 100)
        talk = lab.start_client("parallel", 200, 1000)
        talk.until("all open")
        talk.go_on()
        talk.ok()


def test_half_closes_slow_writers_and_datagrams():
    with server() as lab:
        for size in (0, 1, 60_000, 200_000):
            lab.client("half-close", size)
        lab.client("trickle", 50, 20)
        lab.client("udp", 0, 1, 1000, 1472, 1473, 8000, 65507)


@timeout(LONG)
def test_slow_readers_are_held_back_while_others_are_served():
    with server() as lab:
        talk = lab.start_client("stall", 10, 500_000)
        talk.until(r"stalled \d+\n")
        lab.client("serial", 20, 100)
        talk.go_on()
        talk.ok()


def test_ipv6_is_served_by_the_same_sockets():
    with server(vif=["mac=00:16:3e:5d:00:06,bridge=xenbr0"]) as lab:
        address = "fe80::216:3eff:fe5d:6%xenbr0"
        lab.client("stream", MB, 6, address=address)
        lab.client("half-close", 60000, address=address)

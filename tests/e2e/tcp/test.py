"""The echo service on TCP, asked from domain 0."""

from host.claims import equal, timeout, true
from tests.e2e.lab import LONG, echo, until

MB = 1 << 20


@timeout(LONG)
def test_256_mb_of_random_data_come_back_byte_exact_both_directions_at_once():
    with echo() as lab:
        lab.client("stream", 256 * MB, 42)


@timeout(LONG)
def test_10000_connections_one_after_another_are_served():
    with echo() as lab:
        lab.client("serial", 10000, 100)
        until("no connection is left over", lambda: not lab.memory().connections)


@timeout(LONG)
def test_500_connections_at_once_are_served():
    with echo() as lab:
        talk = lab.start_client("parallel", 500, 1000)
        talk.until("all open")
        equal(lab.memory().connections, 500, "connections open in the guest")
        talk.go_on()
        talk.ok()
        until("no connection is left over", lambda: not lab.memory().connections)


def test_what_came_before_a_half_close_is_still_sent_and_then_the_other_half_closed():
    """The largest is more than the guest's send buffer takes (128 KB), so that it still holds some when the peer has finished."""
    with echo() as lab:
        for size in (0, 1, 60_000, 200_000):
            lab.client("half-close", size)


@timeout(LONG)
def test_slow_reader_is_held_back_and_costs_bounded_memory():
    """A client that does not read is soon not read from either; others are served meanwhile; then all comes back."""
    with echo(memory=16) as lab:
        lab.client("serial", 20, 100)
        before = lab.memory()
        talk = lab.start_client("stall", 1, 4 * MB)
        taken = int(talk.until(r"stalled (\d+)\n")[1])
        during = lab.memory()
        true(taken < 2 * MB, f"the guest takes little from a client that does not read, not {taken} bytes")
        true(before.pages_free - during.pages_free < 512, f"that costs less than 2 MB: {before}, {during}")
        lab.client("serial", 20, 100)
        talk.go_on()
        talk.ok()


@timeout(LONG)
def test_many_slow_readers_do_not_exhaust_the_guest():
    """Their windows together are more than its memory: it refuses some packets, serves others, and ends nothing."""
    with echo(memory=16) as lab:
        talk = lab.start_client("stall", 40, 500_000)
        talk.until(r"stalled \d+\n")
        equal(lab.memory().connections, 40, "connections that are held")
        lab.client("serial", 20, 100)
        talk.go_on()
        talk.ok()


def test_slow_writer_gets_each_byte_back_at_once():
    with echo() as lab:
        lab.client("trickle", 100, 20)


@timeout(LONG)
def test_memory_in_use_afterwards_equals_memory_before():
    """Objects in use are the same number as before any connection. Pages are, once the same work was done before: netfront keeps
    the pages that it has used."""
    def work() -> None:
        lab.client("stream", 4 * MB, 1)
        lab.client("serial", 100, 1000)
        lab.client("udp", *range(0, 60000, 7000))
        talk = lab.start_client("parallel", 100, 5000)
        talk.until("all open")
        talk.go_on()
        talk.ok()

    with echo() as lab:
        lab.router_heard()
        lab.client("serial", 1, 1)
        until("no connection is left", lambda: not lab.memory().connections)
        first = after = lab.memory()
        for _ in range(5):
            before = after
            work()
            # Longer than TIME_WAIT, than a packet's reassembly and than what ARP keeps waiting.
            until(f"heap as in {first}", lambda: lab.memory()[:3] == first[:3])
            after = lab.memory()
            if after == before:
                return
        equal(after, before, "memory after the fifth time")


def test_ipv6_is_served_as_ipv4_is():
    with echo(vif=["mac=00:16:3e:5d:00:06,bridge=xenbr0"]) as lab:
        address = "fe80::216:3eff:fe5d:6%xenbr0"
        lab.client("stream", MB, 6, address=address)
        lab.client("half-close", 60000, address=address)

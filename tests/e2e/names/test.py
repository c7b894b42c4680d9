"""Names of the network: the C library's resolver, and whom it asks."""

from host import paths
from host.claims import equal
from host.dom0 import Dom0
from tests.e2e.lab import BRIDGE_ADDRESS, CLIENT, PATIENCE, Talk, stardust, start

NAMES = paths.BUILD / "e2e-names"


def lines(*arguments: str) -> list[str]:
    """What the program says of its resolver and of these names, asked from a name server in domain 0."""
    with Dom0() as dom0:
        dom0.push(paths.BUILD / "e2e-client", CLIENT, 0o755)
        server = Talk(dom0.spawn(f"{CLIENT} names {BRIDGE_ADDRESS} 53"))
        server.until("answers")
        guest = start(dom0, "e2e-names", kernel_options=[f"dns={BRIDGE_ADDRESS}"], arguments=list(arguments))
        equal(guest.wait(PATIENCE).status, 0, "status")
        said = [line.rstrip("\r") for line in guest.console().decode().splitlines()]
        return [" ".join(sorted(line.split())) for line in said]     # which address comes first depends on the routes there are


def test_names_are_found_by_the_server_that_is_given_and_forged_answers_are_not_taken():
    said = lines("plain.test", "FOUR.test", "nonesuch.test", "192.0.2.1", "2001:db8::1", "localhost")
    equal(said[-7:], [f"{BRIDGE_ADDRESS} nameserver", "192.0.2.1=plain.test 2001:db8::1 plain.test:", "192.0.2.1=plain.test FOUR.test:",
                      "Name does nonesuch.test: not resolve", "192.0.2.1: 192.0.2.1=plain.test", "2001:db8::1 2001:db8::1:",
                      "127.0.0.1=localhost ::1=localhost localhost:"])


def test_a_server_that_does_not_answer_is_given_up():
    equal(lines("silent.test", "four.test")[-2:], ["Try again silent.test:", "192.0.2.1=plain.test four.test:"])


def test_the_server_is_the_one_that_dhcp_told():
    run = stardust("run", NAMES, "--", "127.0.0.1", seconds=PATIENCE)
    equal((run.status, run.out.splitlines()[-2:]), (0, ["nameserver 10.0.2.3", "127.0.0.1: 127.0.0.1=localhost"]), run.err)

"""A name server in a guest (programs/dns), asked by dig from domain 0."""

from host.claims import equal, timeout
from tests.e2e.lab import LONG, PATIENCE, program

LINK_LOCAL = "fe80::216:3eff:fe5d:6%xenbr0"
ANSWERS = {"A": "192.0.2.7", "AAAA": "2001:db8::7", "TXT": '"served by a unikernel"', "MX": ""}
QUESTIONS = [(f"n{i}.test", list(ANSWERS)[i % 4]) for i in range(200)]


@timeout(LONG)
def test_two_hundred_questions_of_dig_are_answered_by_udp_and_tcp_and_ipv4_and_ipv6():
    with program("e2e-dns", vif=["mac=00:16:3e:5d:00:06,bridge=xenbr0"]) as lab:
        lab.guest.serving(PATIENCE, ports=2)
        dig = lab.dom0.push_program("dig")
        lab.dom0.push("".join(f"{name} {type}\n" for name, type in QUESTIONS).encode(), "/tmp/questions")
        want = [ANSWERS[type] for _, type in QUESTIONS if ANSWERS[type]]
        for address in (lab.guest.address, LINK_LOCAL):
            for way in ("+notcp", "+tcp"):
                said = lab.dom0.check(f"{dig} @{address} -f /tmp/questions {way} +short", timeout=LONG)
                equal(said.splitlines(), want, f"{address} {way}")

"""iperf3 as its authors build it: the server in the guest, Debian's client in domain 0."""

import json
from typing import Any

from host.claims import equal, timeout, true
from tests.e2e.lab import LONG, PATIENCE, program

MB = 1 << 20
WAYS = {"in": (8 * MB, ""), "out": (8 * MB, "-R"), "in, by four": (8 * MB, "-P 4"), "out, by four": (8 * MB, "-P 4 -R"),
        "both ways at once": (8 * MB, "--bidir"), "in, small writes": (MB // 4, "-l 100 -N"),
        "in by IPv6": (8 * MB, "-6"), "out by IPv6": (8 * MB, "-6 -R")}
DATAGRAMS, DATAGRAM = 200, 1000


@timeout(LONG)
def test_bulk_goes_both_ways_by_one_connection_and_by_several():
    with program("iperf3", memory=16, arguments=["-s"]) as lab:
        lab.guest.serving(PATIENCE)
        ipv6 = lab.guest.expect(r"net0: (fec0::\S+)", PATIENCE)[1].decode()
        client = lab.dom0.push_program("iperf3")

        def asked(words: str) -> dict[str, Any]:
            """What a client says at the end of its test."""
            address = ipv6 if "-6" in words else lab.guest.address
            status, out = lab.dom0.sh(f"{client} -J -c {address} {words}", timeout=LONG)
            equal((status, json.loads(out).get("error")), (0, None), words)
            return json.loads(out)["end"]

        for way, (size, words) in WAYS.items():
            end = asked(f"-n {size} {words}")
            sums = {name: found["bytes"] for name, found in end.items() if name.startswith("sum_")}
            true(all(sums.values()) and sum(sums.values()) >= size, f"{way}: {sums}")
        for words in ("", "-R"):
            end = asked(f"-u -b 2M -l {DATAGRAM} -n {DATAGRAM * DATAGRAMS} {words}")["sum"]
            true(end["packets"] >= DATAGRAMS and end["lost_packets"] < DATAGRAMS / 2, f"UDP {words}: {end}")
        true(not lab.guest.ended, "it serves on")

"""Servers with the configurations that are given as examples, asked at an IPv6 address from domain 0."""

from host.claims import needs, timeout, true
from host.dom0 import Dom0
from tests.e2e.lab import LONG, PATIENCE, app

MAC, ADDRESS = "00:16:3e:5d:00:06", "fe80::216:3eff:fe5d:6%xenbr0"
# Each server's client (a program of this machine, or domain 0's busybox), its words, and what is in the answer.
ASKED = {
    "nginx": ("curl", f"-sS -g 'http://[{ADDRESS}]/'", "<title>Welcome to nginx!</title>"),
    "redis": ("redis-cli", f"-h {ADDRESS} eval 'return 6 * 7' 0", "42\n"),
    "memcached": ("busybox", f"nc {ADDRESS} 11211", "STORED\r\nVALUE key 0 5\r\nvalue\r\nEND\r\n"),
}
MEMCACHED = b"set key 0 0 5\r\nvalue\r\nget key\r\nquit\r\n"


@timeout(LONG)
@needs(*ASKED)
def test_servers_are_reached_at_an_ipv6_address():
    with Dom0() as dom0:
        for name, (client, words, answer) in ASKED.items():
            program = client if client == "busybox" else dom0.push_program(client)
            with app(dom0, name, vif=[f"mac={MAC},bridge=xenbr0"]) as guest:
                guest.serving(PATIENCE)
                status, said = dom0.sh(f"{program} {words}", MEMCACHED)
                true(status == 0 and answer in said, f"{name}: status {status}, {said!r}")

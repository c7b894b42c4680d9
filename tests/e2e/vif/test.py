"""Network interfaces: several, coming and going, configured from the command line, and with ring indices that wrap."""

import re
from pathlib import Path

from host.claims import equal, timeout
from host.dom0 import End
from tests.e2e.lab import BRIDGE_ADDRESS, LONG, PATIENCE, Lab, echo, program, until

MB = 1 << 20
MAC = "00:16:3e:5d:00:00"
ANOTHER_BRIDGE = "ip link add name xenbr1 type bridge && ip link set xenbr1 up && ip addr add 10.9.0.1/24 dev xenbr1"


def detach(lab: Lab) -> None:
    start = len(lab.guest.console())
    lab.guest.xl("network-detach", "0")
    lab.guest.expect("net0: detached", PATIENCE, start)


def attach(lab: Lab) -> None:
    start = len(lab.guest.console())
    lab.guest.xl("network-attach", f"mac={MAC}", "bridge=xenbr0")
    lab.guest.expect(f"net0: mac {MAC}, 10.0.2.15/24 by DHCP", PATIENCE, start)
    lab.router_heard(start)


@timeout(LONG)
def test_vif_detached_and_attached_again_carries_traffic():
    with echo(vif=[f"mac={MAC},bridge=xenbr0"]) as lab:
        lab.router_heard()
        lab.client("stream", MB, 1)
        before = lab.memory()
        for turn in range(3):
            detach(lab)
            attach(lab)
            lab.client("serial", 20, 1000)
            lab.client("stream", MB, turn)
        until(f"the heap is as before, {before}", lambda: lab.memory()[:3] == before[:3])


@timeout(LONG)
def test_connections_of_a_detached_vif_end_and_new_ones_are_served():
    with echo(vif=[f"mac={MAC},bridge=xenbr0"]) as lab:
        talk = lab.start_client("stream", 1000 * MB, 1)
        until("the transfer is under way", lambda: lab.memory().connections == 1)
        detach(lab)
        until("its connection has ended", lambda: lab.memory().connections == 0)
        attach(lab)
        talk.kill()
        lab.client("stream", MB, 2)


def published(lab: Lab) -> dict[str, str]:
    """What the guest has in xenstore of its first interface's addresses."""
    keys = ["data/stardust/address", "attr/vif/0/ipv4/0", "attr/vif/0/ipv6/0", "attr/vif/0/ipv6/1"]
    return {key: value for key in keys if (value := lab.guest.xenstore(key)) is not None}


def test_addresses_stand_in_xenstore_while_there_are_any():
    """Where XenServer's guest agent puts them, too."""
    wanted = {"data/stardust/address": "10.0.2.15", "attr/vif/0/ipv4/0": "10.0.2.15",
              "attr/vif/0/ipv6/0": "fe80::216:3eff:fe5d:0", "attr/vif/0/ipv6/1": "fec0::216:3eff:fe5d:0"}
    with echo(vif=[f"mac={MAC},bridge=xenbr0"]) as lab:
        lab.router_heard()
        until(lambda: f"the addresses stand there: {published(lab)}", lambda: published(lab) == wanted)
        detach(lab)
        until(lambda: f"the addresses are withdrawn: {published(lab)}", lambda: not published(lab))
        equal(lab.dom0.check(f"xenstore-ls /local/domain/{lab.guest.domid}/attr").strip(), 'vif = ""')
        attach(lab)
        until(lambda: f"the addresses are back: {published(lab)}", lambda: published(lab) == wanted)


def test_two_interfaces_are_served_each_by_its_own_address():
    with echo(kernel_options=["ip1=10.9.0.2/24"], vif=[f"mac={MAC},bridge=xenbr0", "mac=00:16:3e:5d:00:01,bridge=xenbr1"],
              prepare=ANOTHER_BRIDGE) as lab:
        lab.guest.expect("net1: mac 00:16:3e:5d:00:01, 10.9.0.2/24 as configured", PATIENCE)
        for address in ("10.0.2.15", "10.9.0.2"):
            lab.pings(address)
            lab.client("stream", MB, 1, address=address)
            lab.client("udp", 10, 5000, address=address)


def test_static_address_and_gateway_come_from_the_command_line():
    """The gateway is domain 0, and behind it an address of another network."""
    with echo(kernel_options=[f"ip=10.0.2.77/24,{BRIDGE_ADDRESS}"]) as lab:
        equal(lab.guest.address, "10.0.2.77")
        lab.dom0.check("ip addr add 192.168.77.1/32 dev lo")
        lab.client("serial", 5, 100)
        lab.pings("10.0.2.77", "-I 192.168.77.1")


def test_address_comes_from_the_vif_where_the_command_line_says_nothing():
    with echo(vif=["bridge=xenbr0,ip=10.0.2.77/24"]) as lab:
        equal(lab.guest.address, "10.0.2.77")
        lab.guest.expect(r"net0: mac \S+, 10.0.2.77/24 as configured", PATIENCE)
        until(lambda: f"attr/vif has it, too: {published(lab)}", lambda: published(lab).get("attr/vif/0/ipv4/0") == "10.0.2.77")
        lab.client("serial", 5, 100)
        lab.pings("10.0.2.77")


def test_gateway_comes_from_the_vif_behind_the_netmask():
    """As Mini-OS has it."""
    with echo(vif=[f"bridge=xenbr0,ip=10.0.2.77 255.255.255.0 {BRIDGE_ADDRESS}"]) as lab:
        equal(lab.guest.address, "10.0.2.77")
        lab.dom0.check("ip addr add 192.168.77.1/32 dev lo")
        lab.pings("10.0.2.77", "-I 192.168.77.1")


def test_command_line_wins_over_the_vif_and_nonsense_is_dhcp():
    with echo(kernel_options=["ip=10.0.2.78/24", "ip1=dhcp"],
              vif=[f"bridge=xenbr0,ip={ip}" for ip in ("10.0.2.77/24", "10.0.2.79/24", "10.0.2.0/24", "fd5d::77/64")]) as lab:
        equal(lab.guest.address, "10.0.2.78")
        for index in range(1, 4):
            lab.guest.expect(rf"net{index}: mac \S+, 10.0.2.\d+/24 by DHCP", PATIENCE)
        warned = re.findall(r"net(\d+): the `ip` of its vif makes no sense; using DHCP", lab.guest.console().decode())
        equal(sorted(warned), ["2", "3"])


def test_rings_whose_indices_wrap_at_2_to_the_32_carry_every_frame():
    """On netfront alone, with frames of one and of many slots."""
    with program("e2e-reflect", memory=16) as lab:
        lab.guest.expect("reflect: connected, indices from 4294966895", PATIENCE)
        vif = f"vif{lab.guest.domid}.0"
        until("the backend is there", lambda: lab.dom0.sh(f"ip link show {vif} | grep -q LOWER_UP")[0] == 0)
        lab.dom0.check(f"ip link set {vif} nomaster mtu 32000")
        lab.dom0.push(Path(__file__).with_name("frames.py"), "/tmp/frames.py")
        equal(lab.dom0.check(f"python3 /tmp/frames.py {vif} 1500"), "1500 frames came back\n")
        end = lab.guest.wait(PATIENCE)
        said = re.search(r"reflect: .*; tx index (\d+), rx index (\d+)", lab.guest.console().decode())
        equal(end, End("poweroff", 0), said[0] if said else lab.guest.console())

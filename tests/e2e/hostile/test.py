"""A network that loses and reorders, and clients that mean no good or are too many: the guest serves all others, and lives."""

import hashlib
import tempfile
from pathlib import Path

from host import ramdisk
from host.claims import equal, needs, timeout, true
from tests.e2e.lab import LONG, PATIENCE, Lab, Talk, echo, program, server, until

MB = 1 << 20
# A request, answered and closed by the server, and another from the same port; and how many RSTs that takes in domain 0.
AGAIN = """import errno, socket, sys, time
def resets():
    lines = [line.split() for line in open('/proc/net/snmp') if line.startswith('Tcp:')]
    return int(dict(zip(*lines))['OutRsts'])
before = resets()
def connected():
    client = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(('', 40000))
    try:
        client.connect(socket.getaddrinfo(sys.argv[1], 80)[0][4])
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:    # the last one's ACK is on its way
            raise
        return None
    return client
for turn in range(20):
    while not (client := connected()):
        time.sleep(0.01)
    client.sendall(b'GET /hello HTTP/1.0\\r\\n\\r\\n')
    assert b''.join(iter(lambda: client.recv(1000), b'')).endswith(b'Hello from Stardust\\n')
    client.close()
print('resets', resets() - before)
"""
# A crowd that asks for an answer, reads none of it and stays; what another is told meanwhile, and how many of the crowd were reset.
GREEDY = """import select, socket, sys, time
def connected(patience):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    client.settimeout(patience)
    client.connect((sys.argv[1], 80))
    return client
crowd, deadline = [], time.monotonic() + 20
while len(crowd) < int(sys.argv[2]) and time.monotonic() < deadline:
    try:
        crowd.append(connected(1))
        crowd[-1].sendall(b'GET /large HTTP/1.0\\r\\n\\r\\n')
    except TimeoutError:
        pass
print('crowd', len(crowd), flush=True)
time.sleep(5)
for turn in range(5):
    client = connected(60)
    client.sendall(b'GET /hello HTTP/1.0\\r\\n\\r\\n')
    assert b''.join(iter(lambda: client.recv(1000), b'')).endswith(b'Hello from Stardust\\n')
    client.close()
poll = select.poll()
for client in crowd:
    poll.register(client, 0)
print('reset', len(poll.poll(0)))
"""
IDLE = 10_000
BEHIND = "10.0.2.99"        # the client's address behind the poor link
POOR = "loss 2% duplicate 2% reorder 10% delay 4ms 2ms"
# A link to another host, poor in both directions: a network namespace beside the guest, behind a pair of interfaces.
LINK = f"""set -e
mkdir -p /run/netns
/usr/sbin/ip netns add behind
/usr/sbin/ip link add near type veth peer name far netns behind
/usr/sbin/ip link set near master xenbr0 up
/usr/sbin/ip -n behind addr add {BEHIND}/24 dev far
/usr/sbin/ip -n behind link set far up
/usr/sbin/tc qdisc add dev near root netem {POOR}
/usr/sbin/ip netns exec behind tc qdisc add dev far root netem {POOR}"""


def poor_link(lab: Lab) -> str:
    """Make it; the words that a command is called by behind it."""
    lab.dom0.check(LINK)
    return "/usr/sbin/ip netns exec behind "


@timeout(LONG)
def test_data_arrive_whole_over_a_link_that_loses_duplicates_reorders_and_delays():
    with server() as lab:
        behind = poor_link(lab)
        for words in (f"stream {MB} 7", "serial 20 3000", "half-close 60000"):
            mode, *rest = words.split()
            status, out = lab.dom0.sh(behind + lab.command(mode, *rest), b"\n", LONG)
            true(status == 0 and out.splitlines()[-1].startswith("ok "), f"{words}: {status}, {out}{lab.ended()}")
        dropped = lab.dom0.check("tc -s qdisc show dev near; /usr/sbin/ip netns exec behind tc -s qdisc show dev far")
        true("(dropped 0," not in dropped, f"the link lost packets in both directions: {dropped}")


@timeout(LONG)
@needs("redis")
def test_pipeline_of_redis_is_answered_in_order_over_a_poor_link():
    commands = b"".join(b"incr count\r\n" for _ in range(2000)) + b"quit\r\n"
    want = b"".join(b":%d\r\n" % i for i in range(1, 2001)) + b"+OK\r\n"
    with program("redis", memory=32, arguments=["--protected-mode", "no"]) as lab:
        lab.guest.serving(PATIENCE)
        said = lab.dom0.check(f"{poor_link(lab)}busybox nc {lab.guest.address} 6379 | sha256sum", commands, LONG)
        equal(said.split()[0], hashlib.sha256(want).hexdigest(), "2000 answers, each once and in order")


@timeout(LONG)
def test_syn_flood_leaves_open_connections_and_lets_new_ones_in():
    for serving in (server, echo):      # by sockets, and by the kernel's own interface
        with serving() as lab:
            open_before = lab.start_client("parallel", 5, 1000)
            open_before.until("all open")
            flood = lab.start_client("flood")
            flood.until("flooding")
            lab.client("serial", 30, 1000)
            open_before.go_on()
            open_before.ok()
            flood.go_on()
            flood.ok()
            lab.client("serial", 10, 1000)


@timeout(LONG)
def test_resets_at_every_stage_leave_nothing_behind():
    with echo() as lab:
        lab.router_heard()
        lab.client("reset", 40)
        lab.client("serial", 1, 1)
        until("no connection is left over", lambda: not lab.memory().connections)
        before = lab.memory()
        lab.client("reset", 200)
        lab.client("serial", 1, 1)
        until("as many objects as before", lambda: lab.memory().heap_blocks <= before.heap_blocks)
    with server() as lab:
        lab.client("reset", 200)
        lab.client("serial", 20, 1000)


@timeout(LONG)
def test_ten_thousand_idle_connections_are_held_while_others_are_served():
    with server(memory=128) as lab:
        idle = lab.start_client("parallel", IDLE, 16)
        idle.until("all open")
        lab.client("serial", 50, 1000)
        idle.go_on()
        idle.ok()
        lab.client("serial", 50, 1000)


@timeout(LONG)
def test_guest_too_small_for_a_crowd_serves_some_of_it_and_lives():
    for serving, memory in ((echo, 4), (server, 6)):
        with serving(memory=memory) as lab:
            lab.client("serial", 5, 1000)
            crowd = lab.start_client("crowd", IDLE)
            there = int(crowd.until(r"connected (\d+)\n")[1])
            true(0 < there < IDLE, f"some of {IDLE} connections, not {there}")
            crowd.go_on()
            crowd.ok()
            lab.client("serial", 20, 1000)
            if serving is echo:
                until(lambda: f"no connection is left over: {lab.memory()}", lambda: not lab.memory().connections)


@timeout(LONG)
def test_port_of_a_connection_that_the_guest_closed_can_be_used_again_at_once():
    with program("http", memory=16, vif=["mac=00:16:3e:5d:00:06,bridge=xenbr0"]) as lab:
        lab.guest.serving(PATIENCE)
        lab.dom0.push(AGAIN.encode(), "/tmp/again.py")
        for address in (lab.guest.address, "fe80::216:3eff:fe5d:6%xenbr0"):
            equal(lab.dom0.check(f"python3 /tmp/again.py {address}", timeout=LONG), "resets 0\n", address)


@timeout(LONG)
def test_answers_that_nobody_reads_give_way_where_memory_is_scarce():
    """The server has closed all those connections, and the peers, which acknowledge every probe of their closed window, do not."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "www").mkdir()
        (Path(directory) / "www/large").write_bytes(bytes(30_000))
        files = ramdisk.pack(Path(directory))
    with program("http", memory=16, ramdisk=files) as lab:
        lab.guest.serving(PATIENCE)
        lab.dom0.push(GREEDY.encode(), "/tmp/greedy.py")
        said = lab.dom0.check(f"python3 /tmp/greedy.py {lab.guest.address} 800", timeout=LONG)
        true(int(said.split()[3]) > 10, f"some of the crowd were reset: {said}")


def test_program_that_has_all_the_memory_it_can_get_is_served_and_reached():
    with program("e2e-full", memory=16) as lab:
        lab.guest.serving(PATIENCE)
        for kind in ("memory", "fill file", "fill pipes", "fill sockets"):
            talk = Talk(lab.dom0.spawn(f"busybox nc {lab.guest.address} 7"))
            talk.say(kind)
            talk.until("full\n")
            lab.dom0.sh("busybox ip neigh flush dev xenbr0")
            lab.pings(lab.guest.address)
            waits = Talk(lab.dom0.spawn(f"busybox nc {lab.guest.address} 7"))
            waits.say("served after this one")
            talk.say("x" * 900)     # a packet of its own page
            talk.until("x{900}\n")
            talk.kill()
            waits.until("served after this one\n")
            waits.kill()

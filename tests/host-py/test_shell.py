"""The channel to domain 0, with the agent at its other end on this machine; ports; the initramfs."""

import io
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress

from host import agent, cpio, ports
from host.claims import equal, true
from host.errors import Problem
from host.remote import ChannelLost, RemoteShell
from host.run import Forward


def channel() -> tuple[RemoteShell, socket.socket]:
    """A RemoteShell, and the agent's end of its channel, served by a thread."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            agent.serve(theirs.fileno())
        except (EOFError, OSError):
            theirs.shutdown(socket.SHUT_RDWR)   # as when it ends in domain 0

    threading.Thread(target=serve, daemon=True).start()
    return RemoteShell(ours), theirs


def test_commands_give_status_and_both_outputs() -> None:
    shell, _ = channel()
    equal(shell.run("cat; echo err >&2; exit 7", b"in"), (7, "in", "err\n"))
    equal(shell.run("sleep 60", timeout=0.2).status, 124)


def test_streams_carry_large_data_both_ways_at_once() -> None:
    shell, _ = channel()
    data = os.urandom(3_000_000)
    stream = shell.spawn("cat")

    def write() -> None:
        stream.write(data)
        stream.close_input()

    threading.Thread(target=write, daemon=True).start()
    got = b"".join(iter(stream.read, b""))
    equal(got, data)
    equal(stream.wait(), 0)


def test_a_reader_that_does_not_read_holds_its_writer_back() -> None:
    shell, _ = channel()
    stream = shell.spawn("sleep 60")
    done = threading.Event()

    def write() -> None:
        stream.write(bytes(10_000_000))
        done.set()

    threading.Thread(target=write, daemon=True).start()
    true(not done.wait(0.5), "the writer waits")
    stream.kill()
    true(done.wait(5), "a kill lets it go")
    equal(stream.wait(), -signal.SIGKILL)


def test_kill_in_the_moment_of_a_command_s_end_ends_nothing_else() -> None:
    shell, _ = channel()
    for _ in range(300):
        stream = shell.spawn("exit 3")
        stream.kill()
        stream.kill()
        true(stream.wait() in (3, -signal.SIGKILL), "its status, and the channel is there")
    equal(shell.run("echo here").out, "here\n")


def test_many_streams_do_not_mix() -> None:
    shell, _ = channel()
    streams = [shell.spawn(f"i=0; while [ $i -lt 200 ]; do echo {n}; i=$((i+1)); done; exit {n}") for n in range(20)]
    for n, stream in enumerate(streams):
        equal(b"".join(iter(stream.read, b"")), f"{n}\n".encode() * 200)
        equal(stream.wait(), n)


def test_terminals_are_terminals() -> None:
    shell, _ = channel()
    stream = shell.spawn("tty >/dev/null && stty size", terminal=True)
    stream.resize(31, 77)
    got = b"".join(iter(stream.read, b""))
    true(b" " in got and stream.wait() == 0, f"a size in {got!r}")


def test_a_size_for_what_is_no_terminal_ends_nothing() -> None:
    shell, _ = channel()
    stream = shell.spawn("echo here")
    stream.resize(31, 77)
    equal(b"".join(iter(stream.read, b"")), b"here\n")
    equal(stream.wait(), 0)
    equal(shell.run("echo here").out, "here\n")


def test_files_go_there_and_back() -> None:
    shell, _ = channel()
    path = f"/tmp/stardust-test-{os.getpid()}/file"
    data = os.urandom(2_500_000)
    try:
        shell.put(data, path, 0o640)
        equal(shell.get(path), data)
        equal(os.stat(path).st_mode & 0o777, 0o640)
        shell.put(b"", path)
        equal(shell.get(path), b"")
    finally:
        subprocess.run(["rm", "-r", os.path.dirname(path)], check=True)


def test_errors_over_there_arrive_as_a_problem() -> None:
    shell, _ = channel()
    try:
        shell.get("/nonexistent")
        true(False, "a missing file is an error")
    except Problem as problem:
        true("nonexistent" in str(problem), str(problem))


def test_a_lost_channel_ends_what_waits() -> None:
    shell, theirs = channel()
    stream = shell.spawn("sleep 60")
    theirs.shutdown(socket.SHUT_RDWR)
    equal(stream.read(), b"")
    try:
        shell.run("true")
        true(False, "nothing can be asked any more")
    except ChannelLost:
        pass


def test_nonsense_on_the_channel_is_its_loss() -> None:
    ours, theirs = socket.socketpair()
    stream = RemoteShell(ours).spawn("sleep 60")
    theirs.sendall(b"\xff" * 9)
    ended = threading.Event()
    threading.Thread(target=lambda: (stream.wait(), ended.set()), daemon=True).start()
    true(ended.wait(5), "nobody waits for more")


def test_relay_carries_connections_and_half_close() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = ports.Relay("tcp", 0, server.getsockname())
        with socket.create_connection((ports.HERE, relay.port)) as client:
            guest, _ = server.accept()
            with guest:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                equal(b"".join(iter(lambda: guest.recv(100), b"")), b"question")
                guest.sendall(b"answer")
                guest.close()
            equal(b"".join(iter(lambda: client.recv(100), b"")), b"answer")
        relay.close()


def test_relay_outlives_a_time_without_descriptors() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = ports.Relay("tcp", 0, server.getsockname())
        clients = [socket.socket() for _ in range(4)]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(client.fileno() for client in clients) + 1, hard))
        for client in clients[:3]:
            client.connect((ports.HERE, relay.port))
        time.sleep(0.3)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        clients[3].connect((ports.HERE, relay.port))
        clients[3].sendall(b"here")
        server.settimeout(5)
        said = b""
        while not said:     # what the others began is empty
            guest, _ = server.accept()
            guest.settimeout(1)
            with guest, suppress(TimeoutError):
                said = guest.recv(100)
        equal(said, b"here")
        relay.close()


def test_relay_carries_datagrams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        client.settimeout(5)
        relay = ports.Relay("udp", 0, server.getsockname())
        client.sendto(b"question", (ports.HERE, relay.port))
        data, back = server.recvfrom(100)
        server.sendto(data + b"!", back)
        equal(client.recv(100), b"question!")
        relay.close()


def test_ports_in_use_are_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        try:
            ports.check_free(port, "tcp")
            true(False, "the port is in use")
        except Problem as problem:
            true(str(port) in str(problem), str(problem))
    ports.check_free(ports.free("tcp"), "tcp")
    ports.check_free(ports.free("udp"), "udp")


def test_forwards_are_parsed_or_refused() -> None:
    equal(Forward.parse("8080:80"), Forward(8080, 80, "tcp"))
    equal(Forward.parse("53:53/udp"), Forward(53, 53, "udp"))
    for text in ("", "80", "80:", ":80", "0:80", "80:65536", "80:80/sctp", "a:b", "1:2:3", "-1:80", " 1:2"):
        try:
            Forward.parse(text)
            true(False, f"{text!r} is refused")
        except Problem:
            pass


def test_initramfs_unpacks_to_what_was_put_in() -> None:
    file = io.BytesIO()
    archive = cpio.Archive(file)
    archive.file("a/b/c", b"hello", 0o755)
    archive.link("a/l", "b/c")
    archive.close()
    listed = subprocess.run(["cpio", "-tv"], input=file.getvalue(), capture_output=True)
    equal(listed.returncode, 0, listed.stderr.decode())
    names = [line.split()[-1] if b"->" not in line else line.split()[-3] for line in listed.stdout.splitlines()]
    equal(names, [b"a", b"a/b", b"a/b/c", b"a/l"])

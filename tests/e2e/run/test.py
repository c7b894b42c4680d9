"""`bin/stardust run` as a user meets it."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from host import paths
from host.claims import TYPES, equal, once, true
from host.dom0 import Dom0
from host.ports import free
from tests.e2e.lab import PATIENCE, Running, banner, stardust, until


def ask(port: int, data: bytes = b"hello", seconds: float = 30) -> bytes:
    """What the echo service at 127.0.0.1 answers."""
    with socket.create_connection(("127.0.0.1", port), seconds) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        back = b""
        while piece := client.recv(65536):
            back += piece
        return back


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def files(directory: str) -> set[Path]:
    """What is there, but for Python's own byte code."""
    found = {*Path(directory).rglob("*"), *Path("/dev/shm").iterdir()}
    return {path for path in found if "pycache" not in path.parts}


def test_run_without_words_serves_echo_at_the_port_that_it_prints():
    run = Running("run")
    equal(ask(run.port()), b"hello")
    equal(ask(run.port(), bytes(range(256)) * 1000), bytes(range(256)) * 1000)
    run.signal(signal.SIGINT)
    equal(run.end().status, 130)


@once
def test_interrupt_leaves_no_process_no_file_and_no_port():
    with tempfile.TemporaryDirectory() as directory:
        cache = Path(directory) / "cache/stardust"
        cache.mkdir(parents=True)
        for entry in paths.cache().iterdir():
            (cache / entry.name).symlink_to(entry)
        os.environ |= {"TMPDIR": directory, "XDG_CACHE_HOME": str(cache.parent)}
        before = files(directory)
        for number in (signal.SIGINT, signal.SIGTERM):
            run = Running("run")
            port = run.port()
            family = run.children()
            true(family, "QEMU is a child of the run")
            run.signal(number)
            equal(run.end().status, 128 + number)
            until("its processes are gone", lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()])
            true(is_free(port), f"port {port} is free again")
        equal(files(directory), before)


@once
def test_interrupt_at_any_moment_of_the_start_leaves_no_process():
    """The exit status is 130, or whatever Python gives when it is interrupted before it has come to us."""
    for moment in (0.05, 0.3, 0.6, 0.9, 1.2, 1.5):
        run = Running("run")
        time.sleep(moment)
        family = run.children()
        run.signal(signal.SIGINT)
        end = run.end()
        true(end.status != 0, f"after {moment} s, it did not end by itself: {end}")
        until("its processes are gone", lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()])


@once
def test_two_runs_at_once_do_not_disturb_each_other():
    first, second = Running("run"), Running("run")
    ports = first.port(), second.port()
    true(ports[0] != ports[1], f"each has its own port: {ports}")
    equal([ask(port, str(port).encode()) for port in ports], [str(port).encode() for port in ports])
    first.signal(signal.SIGINT)
    equal(first.end().status, 130)
    equal(ask(ports[1]), b"hello")
    second.signal(signal.SIGINT)
    equal(second.end().status, 130)


@once
def test_time_out_ends_the_guest_with_status_124():
    run = stardust("run", "echo", "--timeout", 3)
    equal(run.status, 124)
    true("time-out" in run.err, f"it says so: {run.err}")


@once
def test_forward_puts_a_port_where_the_user_wants_it():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = Running("run", "--forward", f"{port}:7")
    run.expect(f"ready: tcp://127.0.0.1:{port}\n")
    equal(ask(port), b"hello")
    run.signal(signal.SIGINT)
    run.end()


@once
def test_bad_input_gives_one_sentence_and_status_125():
    with socket.socket() as taken, tempfile.TemporaryDirectory() as directory:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = Path(directory) / "text"
        text.write_text("no image\n")
        cases = {
            ("nosuchapp",): "no app nosuchapp",
            ("./nosuchimage",): "no image",
            ("/bin/true",): "no Xen guest",
            (text,): "not an ELF file",
            (directory + "/",): "is a directory",
            ("--forward", f"{port}:7"): f"port {port} of 127.0.0.1 is in use",
            ("--forward", "80"): "--forward 80",
            ("hello", "--memory", "1"): "--memory",
            ("hello", "--memory", "0"): "--memory 0",
            ("hello", "--memory", "100000"): "100000 MB",
            ("hello", "--memory", "lots"): "--memory",
            ("--nosuchoption",): "--nosuchoption",
            ("hello", "--type", "hvm"): "--type",
            ("hello", "--name", "a/b"): "a/b",
            ("hello", "--", "x" * 2000): "1023",
            ("hello", "--timeout", "-1"): "--timeout",
        }
        for words, part in cases.items():
            run = stardust("run", *words)
            equal((run.status, run.out), (125, ""), f"{words}: {run.err}")
            lines = [line for line in run.err.splitlines() if "…" not in line and "sha256" not in line]     # what it does
            equal(len(lines), 1, f"lines for {words}: {run.err}")
            true(lines[0].startswith("stardust: ") and part in lines[0], f"{words}: {part!r} is in {lines[0]!r}")


@once
def test_unknown_kernel_option_is_a_warning():
    run = stardust("run", "hello", "--kernel-option", "nonsense=1")
    equal(run.status, 0)
    true("warning: kernel option 'nonsense=1' is unknown" in run.out, f"it is: {run.out}")


@once
def test_the_same_file_boots_as_pv_and_as_pvh():
    """It says so on standard error, and leaves standard output to the guest."""
    image = (paths.BUILD / "hello").read_bytes()
    for type in TYPES:
        run = stardust("run", "hello", "--type", type)
        equal((run.status, run.out), (0, f"Stardust on Xen, {type.upper()}, 16 MiB\nHello from Stardust\n"))
        headline = f"stardust: hello: {len(image):,} bytes, sha256 {hashlib.sha256(image).hexdigest()}, {type.upper()}, 16 MB\n"
        true(headline in run.err, f"{headline!r} is in {run.err!r}")


class Debugger:
    """Speaks with a gdb stub as gdb does, and quicker."""

    def __init__(self, port: int):
        self._peer = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._said = b""

    def send(self, text: str) -> None:
        self._peer.sendall(b"+$%s#%02x" % (text.encode(), sum(text.encode()) & 0xff))

    def expect(self, start: bytes) -> None:
        """Wait for an answer that begins so; the stub also tells, unasked, that it has stopped the machine."""
        while not (found := re.search(rb"\$" + start + rb"[^#]*#..", self._said)):
            piece = self._peer.recv(4096)
            true(piece, f"the stub answers; it said {self._said!r}")
            self._said += piece
        self._said = self._said[found.end():]


def test_a_debugger_holds_the_guest_from_the_start_and_stops_it_at_main():
    run = Running("run", "hello", "--gdb", port := free("tcp"))
    until("it waits for a debugger", lambda: "waiting for gdb" in run.err)
    debugger = Debugger(port)
    main = re.search(r"(?m)^0*(\w+) T main$", subprocess.check_output(["nm", paths.BUILD / "hello.elf"], text=True))
    true(main, "hello has main")
    for command, answer in (("?", b"T05"), (f"Z1,{main[1]},1", b"OK"), ("c", b"T05"), (f"z1,{main[1]},1", b"OK")):
        debugger.send(command)
        debugger.expect(answer)
    debugger.send("D")
    equal(run.end()[:2], (0, banner() + "Hello from Stardust\n"))


def test_sigquit_tells_where_the_guest_is_and_it_goes_on():
    run = Running("run")
    port = run.port()
    run.signal(signal.SIGQUIT)
    until(lambda: f"the report is whole: {run.err}", lambda: "*** end of report\n" in run.err)
    true("*** stardust state: " in run.err and re.search(r"(?m)^\*\*\*   0x[0-9a-f]{16}  \w+ at stardust/\S+:\d+", run.err),
         f"it names a line of ours: {run.err}")
    equal(ask(port), b"hello")
    run.signal(signal.SIGINT)
    equal(run.end().status, 130)


def test_printed_configuration_is_all_that_xl_create_needs():
    words = ["two words", 'a "quote"', "back\\slash", ""]
    printed = stardust("run", "hello", "--print-config", "--", *words)
    equal(printed.status, 0)
    with Dom0() as dom0:
        image = paths.BUILD / "hello"
        true(str(image) in printed.out, f"it names the image: {printed.out}")
        dom0.push(image, "/tmp/hello")
        dom0.push(printed.out.replace(str(image), "/tmp/hello").encode(), "/tmp/hello.cfg")
        dom0.check("kill $(cat /run/xenconsoled.pid); xenconsoled --log=guest")
        dom0.check("xl create -q /tmp/hello.cfg")
        until("the guest has ended", lambda: dom0.sh("xl domid hello")[0] != 0)
        said = dom0.check("cat /var/log/xen/console/guest-hello.log").replace("\r", "")
        equal(said.splitlines()[-len(words):], [f"Hello, {word}" for word in words], said)


@once
def test_an_image_is_in_the_domain_0_in_qemu_once_however_often_it_is_started():
    with Dom0() as dom0:
        for _ in range(3):
            equal(dom0.start_guest(paths.BUILD / "hello").wait(PATIENCE).status, 0)
        equal(len(dom0.check("ls /tmp/images").split()), 1)


INSIDE = """
bin/stardust run build/echo >/tmp/out 2>&1 &
while ! grep -q ready: /tmp/out; do sleep 0.2; done
grep ready: /tmp/out
echo "listed: $(xl list | grep -c '^echo ')"
address=$(sed -n 's|ready: tcp://\\(.*\\):7|\\1|p' /tmp/out)
echo "answer: $(echo inside | nc $address 7)"
kill -TERM $!
wait $!
echo "status: $?"
echo "left: $(xl list | grep -c echo)"
exit 7
"""


@once
def test_run_inside_host_shell_takes_the_xl_way():
    true((paths.BUILD / "echo").exists(), "echo is built")
    shell = subprocess.run([paths.ROOT / "bin/stardust", "host", "shell"], input=INSIDE, capture_output=True, text=True,
                           timeout=PATIENCE)
    out = shell.stdout
    for wanted in ("ready: tcp://10.0.2.15:7\n", "listed: 1\n", "answer: inside\n", "status: 143\n", "left: 0\n"):
        true(wanted in out, f"{wanted!r} is in {out!r} {shell.stderr!r}")
    equal(shell.returncode, 7, "the shell's own status")

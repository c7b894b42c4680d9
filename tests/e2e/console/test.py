"""The guest's console, through `bin/stardust run` and without anybody."""

from host import paths
from host.claims import equal, timeout
from tests.e2e.lab import LONG, Running, banner, program, stardust, until

IMAGE = paths.BUILD / "e2e-console"
MB = 1 << 20


def written(count: int) -> bytes:
    """What programs/console writes."""
    state, out = 1, bytearray()
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        out.append(ord("!") + (state >> 33) % 94)
    return bytes(out)


def test_line_of_standard_input_reaches_the_guest_and_comes_back():
    run = Running("run", IMAGE, "--", "lines")
    run.expect("Stardust on Xen")
    for line in ("hello", "", "two words", "x" * 200, "end"):
        run.type(line.encode() + b"\n")
        run.expect(f"<{line}>")
    equal(run.end().status, 0)


def test_standard_input_may_be_there_before_the_guest_is():
    run = Running("run", IMAGE, "--", "lines")
    run.type(b"early\nend\n")
    equal(run.end()[0:2], (0, banner() + "<early>\n<end>\n"))


@timeout(LONG)
def test_1_mb_of_output_arrives_byte_exact():
    run = stardust("run", IMAGE, "--", "write", MB, seconds=LONG)
    equal(run.status, 0)
    equal(run.out.encode().partition(b"\n")[2], written(MB))


@timeout(LONG)
def test_output_that_nobody_reads_does_not_hang_the_guest():
    """xenconsoled is stopped, so that the ring stays full from the first 2 KB on."""
    with program("e2e-console", arguments=["write", "30000"], paused=True) as lab:
        lab.dom0.check("kill -STOP $(cat /run/xenconsoled.pid)")
        lab.guest.unpause()
        domid = lab.guest.domid
        until("the guest has ended", lambda: lab.dom0.shell.domain_info(domid)["shutdown"])
        equal(lab.dom0.shell.domain_info(domid)["reason"], 0)

"""A program's arguments, its exit status, and the least memory it needs."""

from host import paths
from host.claims import equal, timeout, true
from host.dom0 import Dom0, End
from tests.e2e.lab import LONG, PATIENCE, banner, echo, stardust, start


def test_hello_prints_its_line_and_ends_with_status_0():
    run = stardust("run", "hello")
    equal((run.status, run.out), (0, banner() + "Hello from Stardust\n"))


def test_arguments_arrive_as_they_were_given():
    words = ["plain", "two words", "", 'a "quoted" word', "back\\slash", "ends in \\", "\\\"", "  blanks  ",
             "--", "a=b", "tab\there", "'", "ü"]
    run = stardust("run", "hello", "--", *words)
    equal((run.status, run.out.splitlines()[1:]), (0, [f"Hello, {word}" for word in words]))


def test_exit_status_is_the_program_s_own():
    equal([stardust("run", paths.BUILD / "e2e-status", "--", status).status for status in (1, 123)], [1, 123])


def test_exit_status_is_carried_through_xenstore():
    with Dom0() as dom0:
        for status in (0, 42, 255):
            with start(dom0, "e2e-status", arguments=[str(status)]) as guest:
                equal(guest.wait(PATIENCE), End("poweroff", status))
                equal(guest.xenstore("data/stardust/status"), str(status) if status else None)


def test_hello_boots_in_2_mb():
    run = stardust("run", "hello", "--memory", 2)
    equal((run.status, run.out), (0, banner(2) + "Hello from Stardust\n"))


def test_image_of_3_mib_boots():
    run = stardust("run", paths.BUILD / "e2e-large")
    equal((run.status, run.out), (0, banner() + f"the sum is {sum(range(768)) * 1024}\n"), run.err)


@timeout(LONG)
def test_echo_serves_in_4_mb():
    """And holds its own there: more at once than it has memory for, and back to work."""
    with echo(memory=4) as lab:
        lab.client("stream", 4 << 20, 1)
        lab.client("serial", 200, 1000)
        talk = lab.start_client("stall", 40, 300_000)
        talk.until("stalled")
        talk.go_on()
        talk.ok()
        true(not lab.guest.ended, "the guest lives")


def test_the_guest_may_be_large():
    with Dom0(memory=1024) as dom0:
        with start(dom0, "hello", memory=1024) as guest:
            equal(guest.wait(PATIENCE), End("poweroff", 0))


def test_bare_kernel_on_xen_alone_reads_its_name_from_xenstore_and_powers_off():
    run = stardust("run", "bare", "--name", "somebody")
    equal((run.status, run.out), (0, "bare: a kernel on xen/ alone\nbare: my name is somebody\n"))

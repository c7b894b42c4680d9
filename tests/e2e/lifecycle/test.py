"""What the toolstack does to a running guest."""

import time

from host.claims import equal, once, skip, timeout, true
from host.dom0 import End
from host.remote import ChannelLost
from tests.e2e.lab import LONG, PATIENCE, echo, until

MB = 1 << 20


def test_xl_shutdown_ends_the_guest_with_status_0():
    with echo() as lab:
        lab.guest.xl("shutdown")
        equal(lab.guest.wait(PATIENCE), End("poweroff", 0))
        true(b"poweroff asked for by the toolstack" in lab.guest.console(), "the console says who asked")


def test_xl_reboot_starts_the_guest_anew_and_it_serves_again():
    with echo() as lab:
        first = lab.guest.domid
        lab.guest.xl("reboot")
        until("it lives again", lambda: lab.guest.lives == 2 and lab.guest.served())
        true(lab.guest.domid != first, "it is another domain")
        lab.client("serial", 10, 100)
        lab.guest.xl("shutdown")
        equal(lab.guest.wait(PATIENCE), End("poweroff", 0))


@timeout(LONG)
def test_transfer_goes_on_after_pause_and_unpause():
    with echo() as lab:
        talk = lab.start_client("stream", 24 * MB, 5)
        for _ in range(3):
            time.sleep(1)
            lab.guest.pause()
            before = lab.guest.cpu_time_ns()
            time.sleep(1)
            equal(lab.guest.cpu_time_ns(), before, "CPU time while paused")
            lab.guest.unpause()
        talk.ok()


def test_shutdown_is_obeyed_while_connections_are_open():
    with echo() as lab:
        talk = lab.start_client("parallel", 50, 100)
        talk.until("all open")
        lab.guest.xl("shutdown")
        equal(lab.guest.wait(PATIENCE), End("poweroff", 0))


@once
def test_a_crash_of_domain_0_in_qemu_ends_the_wait_for_its_guest():
    with echo() as lab:
        if lab.dom0.local:
            skip("domain 0 is this machine")
        lab.dom0.spawn("kill -9 $(pidof python3)")
        try:
            true(False, f"it ended: {lab.guest.wait(PATIENCE)}")
        except ChannelLost:
            pass

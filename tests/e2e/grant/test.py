"""Grants between two guests: one offers a page, the other maps it, or has Xen copy from and to it."""

import errno
from contextlib import contextmanager
from typing import Iterator

from host import claims, paths
from host.claims import equal, once, true
from host.dom0 import Dom0, End, Guest
from tests.e2e.lab import PATIENCE

BUSY = -errno.EBUSY


class Side:
    """One of the two guests (tests/e2e/programs/grant)."""

    def __init__(self, guest: Guest):
        self.guest = guest
        guest.expect(r"grant: ready\r?\n", PATIENCE)

    def ask(self, *words: object) -> str:
        """What the guest answers to a command."""
        start = len(self.guest.console())
        self.guest.send(" ".join(map(str, words)).encode() + b"\n")
        return self.guest.expect(r"grant: ([^\r\n]*)\r?\n", PATIENCE, start)[1].decode()

    def number(self, *words: object) -> int:
        return int(self.ask(*words))

    def offer(self, to: "Side", rights: str, text: str) -> tuple[int, int]:
        """Grant a page with that text; who and which, as the other side names it."""
        return self.guest.domid, self.number("offer", to.guest.domid, rights, text)


@contextmanager
def two(*types: str) -> Iterator[tuple[Side, Side]]:
    """One that offers and one that uses. Both end well."""
    with Dom0() as dom0:
        guests = [dom0.start_guest(paths.BUILD / "e2e-grant", vif=[], type=type or "pv") for type in types or 2 * (claims.guest_type,)]
        sides = [Side(guest) for guest in guests]
        yield sides[0], sides[1]
        for guest in guests:
            guest.send(b"stop\n")
            equal(guest.wait(PATIENCE), End("poweroff", 0))


def map_and_write(offers: Side, uses: Side) -> None:
    page = offers.offer(uses, "rw", "granted")
    equal(uses.number("map", *page, "rw"), 0)
    equal(uses.ask("read"), "granted")
    equal(uses.ask("write", "changed"), "ok")
    equal(offers.ask("page"), "changed")
    equal(offers.number("revoke"), BUSY, "revoke while it is mapped")
    equal(uses.number("unmap"), 0)
    equal(uses.ask("read"), "fault", "after it is unmapped")
    equal(offers.number("revoke"), 0)
    true(uses.number("map", *page, "rw") < 0, "nothing is mapped after it is revoked")


def test_granted_page_is_seen_and_written_where_another_guest_maps_it():
    with two() as (offers, uses):
        map_and_write(offers, uses)
        map_and_write(uses, offers)


@once
def test_guests_of_different_types_map_each_others_pages():
    with two(*claims.TYPES) as (pv, pvh):
        map_and_write(pv, pvh)
        map_and_write(pvh, pv)


def test_read_only_grant_can_be_mapped_only_so_and_not_written():
    with two() as (offers, uses):
        page = offers.offer(uses, "ro", "precious")
        true(uses.number("map", *page, "rw") < 0, "mapping it writable is refused")
        equal(uses.number("map", *page, "ro"), 0)
        equal(uses.ask("read"), "precious")
        equal(uses.ask("write", "spoilt"), "fault")
        equal(uses.ask("read"), "precious")
        equal(offers.ask("page"), "precious")
        equal(uses.number("unmap"), 0)
        equal(offers.number("revoke"), 0)


def test_writable_grant_mapped_read_only_is_not_written():
    with two() as (offers, uses):
        page = offers.offer(uses, "rw", "precious")
        equal(uses.number("map", *page, "ro"), 0)
        equal(uses.ask("write", "spoilt"), "fault")
        equal(offers.ask("page"), "precious")
        equal(uses.number("unmap"), 0)
        # The place in the window is used again, now to write.
        equal(uses.number("map", *page, "rw"), 0)
        equal(uses.ask("write", "meant"), "ok")
        equal(offers.ask("page"), "meant")
        equal(uses.number("unmap"), 0)
        equal(offers.number("revoke"), 0)


def test_page_still_mapped_is_quarantined_until_let_go():
    with two() as (offers, uses):
        equal(offers.number("offer", uses.guest.domid, "rw", "first") > 0, True)
        equal(offers.number("end"), 0, "nobody maps it")
        before = offers.ask("state")
        true(before.startswith("0 in use, 0 in quarantine"), before)
        page = offers.offer(uses, "rw", "kept")
        equal(uses.number("map", *page, "rw"), 0)
        equal(offers.number("end"), 1)
        true(offers.ask("state").startswith("1 in use, 1 in quarantine"), "it is kept back")
        equal(uses.ask("read"), "kept")
        equal(uses.ask("write", "whatever"), "ok")
        equal(uses.number("unmap"), 0)
        equal(offers.ask("state"), before)


def test_copies_go_both_ways_and_only_as_granted():
    with two() as (offers, uses):
        page = offers.offer(uses, "rw", "0123456789")
        equal(uses.ask("fetch", *page, 4), "0 456789")
        equal(uses.number("store", *page, 2, "two"), 0)
        equal(offers.ask("page"), "01two")
        true(uses.number("store", *page, 4090, "beyond-it") < 0, "a copy beyond the page is refused")
        equal(offers.number("revoke"), 0)
        true(int(uses.ask("fetch", *page, 0).split()[0]) < 0, "nothing is copied after it is revoked")
        page = offers.offer(uses, "ro", "precious")
        equal(uses.ask("fetch", *page, 0), "0 precious")
        true(uses.number("store", *page, 0, "spoilt") < 0, "a copy to what is read-only is refused")
        equal(offers.ask("page"), "precious")
        equal(offers.number("revoke"), 0)


def test_what_was_not_granted_is_refused():
    with two() as (offers, uses):
        domain, ref = offers.offer(uses, "rw", "mine")
        for whose, which in ((domain, ref + 1), (domain, 0), (domain, 1 << 20), (uses.guest.domid, ref), (4000, ref)):
            true(uses.number("map", whose, which, "rw") < 0, f"reference {which} of domain {whose}")
        equal(uses.number("map", domain, ref, "rw"), 0)
        equal(uses.ask("read"), "mine")
        equal(uses.number("unmap"), 0)
        # To somebody else: uses has no right to it.
        equal(offers.number("revoke"), 0)
        other = offers.offer(offers, "rw", "mine")
        true(uses.number("map", *other, "rw") < 0, "what is granted to somebody else cannot be mapped")
        equal(offers.number("revoke"), 0)


def test_1000_mappings_one_after_another_leave_nothing_behind():
    """More than the window has places, so that places are used again."""
    with two() as (offers, uses):
        page = offers.offer(uses, "rw", "granted")
        equal(uses.number("again", 1, *page), 1)
        before = uses.ask("state")
        equal(uses.number("again", 1000, *page), 1000)
        equal(uses.ask("state"), before)
        equal(offers.number("revoke"), 0)

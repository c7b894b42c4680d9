"""Which files are taken for Xen guests, and what is read from them."""

import struct
import tempfile
from pathlib import Path

from host import elf
from host.claims import equal, true
from host.errors import Problem


def note(kind: int, desc: bytes, name: bytes = b"Xen\0") -> bytes:
    return struct.pack("<III", len(name), len(desc), kind) + name + bytes(-len(name) % 4) + desc + bytes(-len(desc) % 4)


XEN_NOTES = note(elf.NOTE_XEN_VERSION, b"xen-3.0\0") + note(elf.NOTE_ENTRY, struct.pack("<Q", 0x200000)) + \
    note(elf.NOTE_VIRT_BASE, struct.pack("<Q", 0x200000))
BUILD_ID = note(elf.NT_GNU_BUILD_ID, bytes.fromhex("00ff17"), b"GNU\0")


def image(notes: bytes, *, bits: int = 2, machine: int = 62, size: int = 0x1000, note_offset: int | None = None) -> bytes:
    """An ELF file of two segments: one to load, of `size` bytes at 2 MiB, and the notes."""
    ident = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x200000, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    start = 64 + 2 * 56 if note_offset is None else note_offset
    load = struct.pack("<IIQQQQQQ", 1, 7, 0, 0x200000, 0x100000, 0, size, 0x1000)
    notes_segment = struct.pack("<IIQQQQQQ", 4, 4, start, 0, 0, len(notes), len(notes), 4)
    return header + load + notes_segment + notes


def written(data: bytes) -> Path:
    directory = tempfile.mkdtemp(prefix="stardust-test-")
    path = Path(directory, "image")
    path.write_bytes(data)
    return path


def refused(data: bytes) -> str:
    path = written(data)
    try:
        elf.read_guest(path)
    except Problem as problem:
        return str(problem)
    finally:
        path.unlink()
        path.parent.rmdir()
    return ""


def parsed(data: bytes) -> elf.Image:
    path = written(data)
    try:
        return elf.read_guest(path)
    finally:
        path.unlink()
        path.parent.rmdir()


def test_image_with_xen_notes_is_taken() -> None:
    got = parsed(image(XEN_NOTES + BUILD_ID))
    equal(got.number(elf.NOTE_VIRT_BASE), 0x200000)
    equal(got.build_id, "00ff17")
    true(not got.boots_pvh, "an image without PHYS32_ENTRY does not boot as PVH")


def test_phys32_entry_makes_an_image_pvh() -> None:
    true(parsed(image(XEN_NOTES + note(elf.NOTE_PHYS32_ENTRY, struct.pack("<I", 0x100000)))).boots_pvh, "it boots as PVH")


def test_what_is_no_guest_is_refused_in_a_sentence_that_says_why() -> None:
    cases = {
        "no ELF at all": (b"#!/bin/sh\n", "is not an ELF file"),
        "empty": (b"", "is not an ELF file"),
        "32 bits": (image(XEN_NOTES, bits=1), "not for 64-bit x86"),
        "another machine": (image(XEN_NOTES, machine=183), "not for 64-bit x86"),
        "only a header's beginning": (image(XEN_NOTES)[:40], "not for 64-bit x86"),
        "segments cut off": (image(XEN_NOTES)[:100], "damaged"),
        "no notes": (image(b""), "no Xen notes"),
        "others' notes": (image(BUILD_ID), "no Xen notes"),
        "no entry": (image(note(elf.NOTE_XEN_VERSION, b"xen-3.0\0")), "where to enter"),
        "a note longer than the rest": (image(XEN_NOTES[:-4]), "damaged"),
        "notes outside the file": (image(XEN_NOTES, note_offset=1 << 40), "no Xen notes"),
    }
    for what, (data, wanted) in cases.items():
        got = refused(data)
        true(wanted in got, f"{what}: {wanted!r} in {got!r}")
        true("\n" not in got, f"{what}: one sentence")


def test_least_memory_counts_what_the_domain_builder_counts() -> None:
    equal(parsed(image(XEN_NOTES, size=0x1000)).least_memory(), 2, "small, base at 2 MiB")
    equal(parsed(image(XEN_NOTES, size=0x180000)).least_memory(), 6, "1.5 MiB leave no room for the spare 512 KiB below 4 MiB")
    at_zero = note(elf.NOTE_XEN_VERSION, b"xen-3.0\0") + note(elf.NOTE_ENTRY, bytes(8)) + note(elf.NOTE_VIRT_BASE, bytes(8))
    equal(parsed(image(at_zero, size=0x1000)).least_memory(), 4, "base at 0")

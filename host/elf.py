"""Just enough of the ELF format: is this file a guest that Xen would boot, which build is it, how much memory does it need."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from host.errors import Problem

MIB = 1 << 20

# xen/elfnote.h
NOTE_ENTRY = 1
NOTE_VIRT_BASE = 3
NOTE_PADDR_OFFSET = 4
NOTE_XEN_VERSION = 5
NOTE_LOADER = 8
NOTE_PHYS32_ENTRY = 18

PT_LOAD, PT_NOTE = 1, 4
SHT_SYMTAB, SHT_NOTE = 2, 7
NT_GNU_BUILD_ID = 3


@dataclass
class Image:
    """What is known of an ELF file."""

    path: Path
    segments: list[tuple[int, int, int]] = field(default_factory=list)     # (virtual address, file size, memory size)
    xen_notes: dict[int, bytes] = field(default_factory=dict)
    build_id: str = ""
    has_symbols: bool = False

    def number(self, note: int, default: int = 0) -> int:
        """A numeric note (4 or 8 bytes)."""
        value = self.xen_notes.get(note)
        return int.from_bytes(value[:8], "little") if value else default

    @property
    def boots_pvh(self) -> bool:
        return NOTE_PHYS32_ENTRY in self.xen_notes

    def least_memory(self) -> int:
        """About the least `memory=` in MB that Xen's PV domain builder accepts (libs/guest/xg_dom_x86.c, count_pgtables)."""
        base = self.number(NOTE_VIRT_BASE)
        end = max((address + size for address, _, size in self.segments), default=base)
        megabytes = 2
        while True:
            frames = megabytes * MIB // 4096
            others = (frames * 8 + 4095) // 4096 + 3 + 16       # P2M list; start_info, xenstore, console; page tables and stack
            top = (end + others * 4096 + 512 * 1024 + 4 * MIB - 1) // (4 * MIB) * (4 * MIB)
            need = (top - base + MIB - 1) // MIB
            if need <= megabytes:
                return megabytes
            megabytes = need


def read(path: Path) -> Image:
    """Parse a file; Problem if it is no 64-bit x86 ELF file."""
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise Problem(f"{path} is a directory, not an image; give an app's name or an image's path") from None
    except FileNotFoundError:
        raise Problem(f"there is no image {path}; build it first or check the path") from None
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    if data[:4] != b"\x7fELF":
        raise Problem(f"{path} is not an ELF file, so Xen cannot boot it; give the path of a Stardust image")
    if data[4:6] != b"\x02\x01" or len(data) < 64 or struct.unpack_from("<H", data, 18)[0] != 62:
        raise Problem(f"{path} is an ELF file, but not for 64-bit x86, so Xen cannot boot it here")
    image = Image(path)
    try:
        _parse(data, image)
    except struct.error:
        raise Problem(f"{path} is a damaged ELF file: a header points outside it; build it again") from None
    return image


def read_guest(path: Path) -> Image:
    """Parse a file that shall boot as a Xen guest; Problem if it is none."""
    image = read(path)
    if not image.xen_notes:
        raise Problem(f"{path} is an ELF file but no Xen guest: it has no Xen notes; give the path of a Stardust image")
    if NOTE_XEN_VERSION not in image.xen_notes or not ({NOTE_ENTRY, NOTE_PHYS32_ENTRY} & set(image.xen_notes)):
        raise Problem(f"{path} has Xen notes but not those that say where to enter it (XEN_VERSION and ENTRY); build it again")
    return image


def _parse(data: bytes, image: Image) -> None:
    phoff, shoff = struct.unpack_from("<QQ", data, 32)
    phentsize, phnum, shentsize, shnum = struct.unpack_from("<HHHH", data, 54)
    notes: list[tuple[int, int]] = []
    for at in range(phoff, phoff + phentsize * phnum, phentsize or 1):
        kind, _, offset, address, _, filesz, memsz = struct.unpack_from("<IIQQQQQ", data, at)
        if kind == PT_LOAD:
            image.segments.append((address, filesz, memsz))
        elif kind == PT_NOTE:
            notes.append((offset, filesz))
    for at in range(shoff, shoff + shentsize * shnum, shentsize or 1):
        _, kind, _, _, offset, size = struct.unpack_from("<IIQQQQ", data, at)
        image.has_symbols |= kind == SHT_SYMTAB
        if kind == SHT_NOTE:
            notes.append((offset, size))
    for offset, size in notes:
        _parse_notes(data[offset:offset + size], image)


def _parse_notes(data: bytes, image: Image) -> None:
    at = 0
    while at + 12 <= len(data):
        namesz, descsz, kind = struct.unpack_from("<III", data, at)
        name_end = at + 12 + (namesz + 3) // 4 * 4
        name, desc = data[at + 12:at + 12 + namesz], data[name_end:name_end + descsz]
        if name_end + descsz > len(data):
            raise struct.error
        if name == b"Xen\0":
            image.xen_notes.setdefault(kind, desc)
        elif name == b"GNU\0" and kind == NT_GNU_BUILD_ID:
            image.build_id = desc.hex()
        at = name_end + (descsz + 3) // 4 * 4

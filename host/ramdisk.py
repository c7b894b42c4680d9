"""A guest's ramdisk: a directory packed as cpio ("newc"), or an archive as it is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from host.errors import Problem

LARGEST_FILE = (1 << 32) - 1


def pack(directory: Path) -> bytes:
    """All that is below a directory, as root's: files, directories, links of both kinds, devices, with modes and times."""
    root = os.fsencode(directory)
    known: dict[tuple[int, int], int] = {}
    pieces = [_entry(b".", os.stat(root), 0, b"")]
    for place, directories, files in os.walk(root, onerror=_cannot_read):
        directories.sort()
        for name in sorted(directories + files):
            path = os.path.join(place, name)
            found = os.lstat(path)
            key = (found.st_dev, found.st_ino)
            data = b"" if key in known else _contents(path, found)
            pieces.append(_entry(os.path.relpath(path, root), found, known.setdefault(key, len(known) + 1), data))
    pieces.append(_entry(b"TRAILER!!!", None, 0, b""))
    return b"".join(pieces)


def _contents(path: bytes, found: os.stat_result) -> bytes:
    """What stands in the archive behind the name."""
    if stat.S_ISLNK(found.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(found.st_mode):
        return b""
    if found.st_size > LARGEST_FILE:
        raise Problem(f"{os.fsdecode(path)} has {found.st_size:,} bytes, and a file of a ramdisk may have 4 GiB; leave it out")
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST_FILE)
    except OSError as error:
        _cannot_read(error)
        raise


def _entry(path: bytes, found: os.stat_result | None, inode: int, data: bytes) -> bytes:
    """One entry; without a file behind it, the end mark."""
    mode = links = modified = major = minor = 0
    if found:
        mode, modified = found.st_mode, min(max(int(found.st_mtime), 0), 0xFFFFFFFF)
        links = found.st_nlink if stat.S_ISREG(found.st_mode) else 1
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            major, minor = os.major(found.st_rdev), os.minor(found.st_rdev)
    name = path + b"\0"
    numbers = (inode, mode, 0, 0, links, modified, len(data), 0, 0, major, minor, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % number for number in numbers) + name
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)


def _cannot_read(error: OSError) -> None:
    raise Problem(f"cannot read {os.fsdecode(error.filename)}: {error.strerror}")


def size(path: Path) -> int:
    """Of an archive that is to be given as it is."""
    if path.is_dir():
        raise Problem(f"--ramdisk {path}: that is a directory; give it with --root")
    try:
        with path.open("rb") as file:
            return file.seek(0, os.SEEK_END)
    except OSError as error:
        raise Problem(f"--ramdisk {path}: {error.strerror}") from None

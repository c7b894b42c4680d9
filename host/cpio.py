"""Writes an initramfs (cpio, "newc"), so that it needs no cpio, no root and no files with the right owners on disk."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

S_DIR, S_FILE, S_LINK, S_CHAR = 0o040000, 0o100000, 0o120000, 0o020000


class Archive:
    """An archive being written. Parent directories come by themselves."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._inode = 0
        self._directories: set[str] = set()

    def directory(self, path: str) -> None:
        """A directory and its parents."""
        path = path.strip("/")
        if path and path not in self._directories:
            self.directory(path.rpartition("/")[0])
            self._directories.add(path)
            self._entry(path, S_DIR | 0o755, b"")

    def file(self, path: str, source: Path | bytes, mode: int = 0o644) -> None:
        """A regular file, from a file or from bytes."""
        self.directory(path.rpartition("/")[0])
        self._entry(path, S_FILE | mode, source if isinstance(source, bytes) else source.read_bytes())

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        self.directory(path.rpartition("/")[0])
        self._entry(path, S_LINK | 0o777, target.encode())

    def device(self, path: str, major: int, minor: int) -> None:
        """A character device."""
        self.directory(path.rpartition("/")[0])
        self._entry(path, S_CHAR | 0o600, b"", (major, minor))

    def close(self) -> None:
        """The end mark."""
        self._entry("TRAILER!!!", 0, b"")

    def _entry(self, path: str, mode: int, data: bytes, device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        name = path.strip("/").encode() + b"\0"
        numbers = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        header = b"070701" + b"".join(b"%08x" % number for number in numbers) + name
        self._file.write(header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4))

"""What only libxenctrl can tell about a domain: its console ring's counter, its memory, its CPU time.

Loaded by ctypes, because Debian ships no Python binding of it. Everything here is read-only. Where the library is missing the
functions say so by None (or no bytes), and the callers make do without.
"""

from __future__ import annotations

import ctypes
import glob
import struct
import subprocess
from functools import lru_cache

PAGE = 4096
PROT_READ = 1
OUT_PROD_OFFSET = 1024 + 2048 + 12      # struct xencons_interface, xen/io/console.h


@lru_cache(maxsize=1)
def _library() -> tuple[ctypes.CDLL, ctypes.c_void_p, str] | None:
    """libxenctrl with an open handle, and its version; None where there is none."""
    for path in sorted(glob.glob("/usr/lib/*/libxenctrl.so.4.*") + glob.glob("/usr/lib*/libxenctrl.so.4.*")):
        try:
            library = ctypes.CDLL(path, use_errno=True)
        except OSError:
            continue
        library.xc_interface_open.restype = ctypes.c_void_p
        library.xc_interface_open.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint]
        library.xc_map_foreign_range.restype = ctypes.c_void_p
        library.xc_map_foreign_range.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_int, ctypes.c_ulong]
        library.xc_translate_foreign_address.restype = ctypes.c_ulong
        library.xc_translate_foreign_address.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_ulonglong]
        handle = library.xc_interface_open(None, None, 0)
        if handle:
            return library, ctypes.c_void_p(handle), path.rsplit(".so.", 1)[1]
    return None


_libc = ctypes.CDLL(None, use_errno=True)
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def _frame(domid: int, frame: int) -> bytes:
    """A copy of one of the domain's pages, by frame number; empty if it cannot be mapped."""
    found = _library()
    if not found:
        return b""
    library, handle, _ = found
    address = library.xc_map_foreign_range(handle, domid, PAGE, PROT_READ, frame)
    if not address:
        return b""
    try:
        return ctypes.string_at(address, PAGE)
    finally:
        _libc.munmap(address, PAGE)


def console_total(domid: int, ring: int) -> int | None:
    """How many bytes the domain has ever put on its console, modulo 2^32 (the ring starts at 0, the counter runs free)."""
    page = _frame(domid, ring)
    return struct.unpack_from("<I", page, OUT_PROD_OFFSET)[0] if page else None


def read_memory(domid: int, address: int, length: int) -> bytes:
    """Bytes at a virtual address of the domain's first vCPU; fewer than asked for where the next page is not mapped."""
    found = _library()
    if not found:
        return b""
    library, handle, _ = found
    data = b""
    while len(data) < length:
        here = address + len(data)
        frame = library.xc_translate_foreign_address(handle, domid, 0, here)
        page = _frame(domid, frame) if frame else b""
        if not page:
            break
        data += page[here % PAGE:]
    return data[:length]


class _DomInfo417(ctypes.Structure):
    """xc_dominfo_t of Xen 4.17 (xenctrl.h), as far as it is read here; the rest is room."""

    _fields_ = [("domid", ctypes.c_uint32), ("ssidref", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("shutdown_reason", ctypes.c_uint), ("nr_pages", ctypes.c_ulong), ("nr_outstanding_pages", ctypes.c_ulong),
                ("nr_shared_pages", ctypes.c_ulong), ("nr_paged_pages", ctypes.c_ulong),
                ("shared_info_frame", ctypes.c_ulong), ("cpu_time", ctypes.c_uint64), ("max_memkb", ctypes.c_ulong),
                ("rest", ctypes.c_char * 256)]


def domain_info(domid: int) -> dict[str, int] | None:
    """What state the domain is in, and its CPU time where Xen is 4.17; None if it is gone.

    `shutdown` is 0 or 1, `reason` is the SHUTDOWN_ number (xen/sched.h), `dying` says that it is being destroyed.
    """
    found = _library()
    if not found or not found[2].startswith("4.17"):
        return _domain_info_by_xl(domid)
    library, handle, _ = found
    info = _DomInfo417()
    if library.xc_domain_getinfo(handle, ctypes.c_uint32(domid), 1, ctypes.byref(info)) != 1 or info.domid != domid:
        return None
    return {"dying": info.flags & 1, "shutdown": info.flags >> 1 & 1 | info.flags >> 2 & 1, "paused": info.flags >> 3 & 1,
            "reason": info.shutdown_reason, "cpu_time_ns": info.cpu_time, "pages": info.nr_pages}


def _domain_info_by_xl(domid: int) -> dict[str, int] | None:
    """The same without the CPU time, from xl's listing, whose format is the same in all versions."""
    shown = subprocess.run(["xl", "list", "-v", str(domid)], capture_output=True, text=True)
    if shown.returncode != 0:
        return None
    state, _, _, reason = shown.stdout.splitlines()[-1].rsplit(maxsplit=5)[1:5]
    return {"dying": int("d" in state), "shutdown": int("s" in state or "c" in state), "paused": int("p" in state),
            "reason": int(reason, 16) if reason != "-" else 0}

"""A guest looked at from outside: a report of a crash that it could not report itself, or of where it is while it runs, in the
guest's own format (docs/guest-contract.md).

A PV guest has no second stack for faults: when Xen cannot push a frame at its stack pointer it kills the domain, and no code of
the guest's runs any more. A PVH guest ends like that when its own fault handling fails (a triple fault). The domain is still there,
though, with its registers and memory.
"""

from __future__ import annotations

import re
import struct
from typing import Callable

from host.shell import Shell

PAGE = 4096
SHOWN_FRAMES = 12           # of either end of a deep recursion
KERNEL_BASE = 0x100000      # no code of a guest's is below
PIECE = 1 << 18             # a stack is read by such pieces
STACK_BYTES = 1 << 24       # as much of a stack as is looked at
NO_FRAME = "so no frame could be pushed there, and Xen ended the domain"
REGISTER = re.compile(r"\b(flags|[re](?:ip|[a-d]x|[sb]p|[sd]i)|r\d+):\s*(?:[0-9a-f]{4}:)?([0-9a-f]{8,16})\b")
LINE = "*** {0[0]:<4}0x{0[1]:016x}  {1[0]:<4}0x{1[1]:016x}  {2[0]:<4}0x{2[1]:016x}\n"


def report(shell: Shell, domid: int, build_id: str, reason: str) -> str | None:
    """The report for a domain that has crashed and is still there; None where its registers cannot be had."""
    return _listing(shell, domid, build_id, lambda rsp: f"stardust crash: {why(shell, domid, rsp, reason)}",
                    "taken from outside, after Xen had ended the domain")


def state(shell: Shell, domid: int, build_id: str) -> str | None:
    """The same of a domain that runs: where its vCPU is, or waits."""
    return _listing(shell, domid, build_id, lambda rsp: "stardust state: where the guest is now", "taken from outside")


def _listing(shell: Shell, domid: int, build_id: str, title: Callable[[int], str], remark: str) -> str | None:
    registers = read_registers(shell.run(f"xenctx {domid} || /usr/lib/xen-*/bin/xenctx {domid}").out)
    if "rip" not in registers:
        return None
    rip, rsp = registers["rip"], registers["rsp"]
    text = f"*** {title(rsp)}\n"
    text += f"*** rip 0x{rip:016x}  rsp 0x{rsp:016x}  rflags 0x{registers.get('flags', 0):016x}\n"
    general = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
    for at in range(0, len(general), 3):
        text += LINE.format(*((name, registers.get(name, 0)) for name in general[at:at + 3]))
    text += f"*** {remark}\n*** backtrace\n"
    text += shortened([rip, *walk(shell, domid, registers.get("rbp", 0), rsp)])
    return text + (f"*** build-id {build_id}\n" if build_id else "") + "*** end of report\n"


def read_registers(text: str) -> dict[str, int]:
    """xenctx's listing as numbers. Where a PVH guest is in 32-bit mode still, it has `cs:eip: 0010:0010003c`, which is rip here."""
    found = REGISTER.findall(text)
    return {re.sub("^e", "r", name): int(value, 16) for name, value in found}


def why(shell: Shell, domid: int, rsp: int, reason: str) -> str:
    """The likeliest reason, from where the stack pointer is."""
    if reason == "watchdog":
        return "the watchdog expired"
    below = rsp - 8                         # where the next push goes
    if not shell.read_memory(domid, below, 1):
        if shell.read_memory(domid, (rsp | (PAGE - 1)) + 1, 1) or shell.read_memory(domid, rsp, 1):
            return f"stack overflow: nothing is mapped below rsp 0x{rsp:016x}, {NO_FRAME}"
        return f"rsp 0x{rsp:016x} is not in mapped memory, {NO_FRAME}"
    return "no report from the guest: Xen ended the domain, or the guest asked for it, without one"


def walk(shell: Shell, domid: int, rbp: int, rsp: int) -> list[int]:
    """Return addresses along the frame pointers, as far as they lead upwards through memory that can be read."""
    if rbp % 8 or not rsp - PAGE <= rbp < rsp + PIECE:
        return []
    bottom, end = rbp, rbp + STACK_BYTES
    stack = shell.read_memory(domid, bottom, PIECE)
    found: list[int] = []
    while rbp % 8 == 0 and bottom <= rbp < end:
        if rbp > bottom + len(stack) - 16:
            if rbp == bottom:
                break
            bottom, stack = rbp, shell.read_memory(domid, rbp, PIECE)
            continue
        next_rbp, address = struct.unpack_from("<QQ", stack, rbp - bottom)
        if address < KERNEL_BASE:
            break
        found.append(address)
        if next_rbp <= rbp:
            break
        rbp = next_rbp
    return found


def shortened(frames: list[int]) -> str:
    """The backtrace's lines; of a deep recursion only both ends."""
    lines = [f"***   0x{address:016x}\n" for address in frames]
    left_out = len(lines) - 2 * SHOWN_FRAMES
    if left_out > 1:
        lines[SHOWN_FRAMES:-SHOWN_FRAMES] = [f"***   ({left_out} more)\n"]
    return "".join(lines)

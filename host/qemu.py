"""One QEMU process: started with its control channels on socket pairs (no file, no port), and certain to end with its parent.

The machine is software-emulated (TCG): nested virtualisation good enough for Xen is rare, and TCG is the same everywhere.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host import debian, packages
from host.errors import Problem

PROGRAM = "qemu-system-x86_64"
PR_SET_PDEATHSIG = 1
START_SECONDS = 60
LOG_BYTES = 1 << 16

# SMAP must be off: QEMU 7.2 mis-handles iret from ring 3 to ring 3 with it. SMEP goes with it. Nobody here needs AVX, and without XSAVE
# there is less to save at each switch.
MACHINE = ["-accel", "tcg", "-cpu", "max,-smap,-smep,-xsave", "-nodefaults", "-vga", "none", "-display", "none", "-no-reboot"]
ICOUNT = ["-icount", "shift=0,sleep=off,align=off"]
# Eager: with Xen's lazy switching of vector registers QEMU 7.2 lets a guest's SSE code write the low halves of those that belong to a
# process of domain 0, whose copies of memory are wrong then (garbled consoles, xl and the agent killed by malloc's own checks).
XEN_COMMAND_LINE = "console=com1 com1=115200,8n1 dom0_mem=320M,max:320M spec-ctrl=eager-fpu loglvl=warning guest_loglvl=%s"
DOM0_COMMAND_LINE = "console=hvc0 rdinit=/init quiet mitigations=off rodata=off cryptomgr.notests ima_appraise=off"


def program() -> str:
    """Where QEMU is, installing it if need be."""
    found = shutil.which(PROGRAM)
    if not found:
        debian.install(packages.QEMU)
        found = shutil.which(PROGRAM)
    if not found:
        raise Problem(f"there is no {PROGRAM} in PATH, though its package is installed; check PATH")
    return found


@dataclass(frozen=True)
class Machine:
    """What a snapshot depends on besides the files in it."""

    memory: int = 768       # MB in all; Xen and domain 0 take about 370
    icount: bool = False    # virtual time counts instructions

    def arguments(self) -> list[str]:
        """The arguments that make this machine."""
        return [*MACHINE, "-m", str(self.memory), *(ICOUNT if self.icount else [])]


class Qemu:
    """A running QEMU."""

    def __init__(self, machine: Machine, shares: dict[str, Path], extra: list[str]):
        """`shares` are directories that domain 0 may mount read-only by 9p, by tag; part of the snapshot's device list."""
        self._qmp, their_qmp = socket.socketpair()
        self.agent, their_agent = socket.socketpair()
        devices = [
            "-chardev", f"socket,id=qmp,fd={their_qmp.fileno()}", "-mon", "chardev=qmp,mode=control",
            "-chardev", f"ringbuf,id=com1,size={LOG_BYTES}", "-serial", "chardev:com1",
            "-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0,romfile=",
            "-device", "virtio-serial-pci,id=ports",
            "-chardev", f"socket,id=agent,fd={their_agent.fileno()}",
            "-device", "virtserialport,bus=ports.0,chardev=agent,name=stardust",
        ]
        for tag, path in shares.items():
            escaped = str(path).replace(",", ",,")
            devices += ["-fsdev", f"local,id={tag},path={escaped},security_model=none,readonly=on",
                        "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        parent = os.getpid()
        self._said = tempfile.TemporaryFile()   # a pipe that nobody reads would stop it once it is full
        self._process = subprocess.Popen(
            [program(), *machine.arguments(), *devices, *extra], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self._said, pass_fds=[their_qmp.fileno(), their_agent.fileno()], start_new_session=True,
            preexec_fn=lambda: die_with(parent))
        their_qmp.close()
        their_agent.close()
        self._qmp.settimeout(START_SECONDS)
        self._lines = self._qmp.makefile("r")
        self.events: list[str] = []         # what QEMU told unasked, as far as its answers have been read
        try:
            self._next()                    # the greeting
            self.qmp("qmp_capabilities")
        except BaseException:
            self.kill()
            raise

    def _next(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError:
            line = ""
        if not line:
            self._said.seek(0)
            said = self._said.read().decode(errors="replace").strip()
            raise Problem(f"QEMU ended unexpectedly{': ' + said.splitlines()[-1] if said else ''}; "
                          "`bin/stardust host clean` removes what is cached, in case that is damaged")
        return json.loads(line)

    def qmp(self, command: str, **arguments: Any) -> Any:
        """One QMP command; its result."""
        try:
            self._qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        except OSError:
            raise Problem("QEMU ended unexpectedly") from None
        while True:
            answer = self._next()
            if "error" in answer:
                raise Problem(f"QEMU refuses {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            self.events.append(answer["event"])

    def monitor(self, line: str) -> str:
        """One line of QEMU's human monitor, for what QMP has no command for; what it printed."""
        return self.qmp("human-monitor-command", **{"command-line": line}).strip()

    def log(self) -> str:
        """The end of what Xen and domain 0's kernel printed on the serial port."""
        return self.qmp("ringbuf-read", device="com1", size=LOG_BYTES)

    def alive(self) -> bool:
        """Still running?"""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        self._lines.close()
        self._qmp.close()
        try:
            self.agent.shutdown(socket.SHUT_RDWR)   # wakes whoever reads it
        except OSError:
            pass


def die_with(parent: int) -> None:
    """In the child before exec: have the kernel kill it when the thread that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

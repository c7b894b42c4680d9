"""`bin/stardust run`: one guest, from the command line to its end, as a process of the user's."""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from host import build, crash, elf, paths, ports, ramdisk, symbolize, terminal
from host.dom0 import Dom0, xl_works
from host.errors import EXIT_CRASH, EXIT_TIMEOUT, Problem
from host.guest import OUTSIDE, End, Guest, TooLate
from host.progress import say
from host.remote import ChannelLost
from host.xlconfig import BRIDGE, Config, command_line

DEFAULT_APP = "echo"
DOM0_TRIES = 3
KEEP_CONSOLE = 1 << 18      # enough of its end to find a crash report in
LARGEST_MEMORY = 1 << 20    # MB
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}")


@dataclass(frozen=True)
class Forward:
    """One `--forward`."""

    host: int
    guest: int
    protocol: str

    @staticmethod
    def parse(text: str) -> "Forward":
        """HOSTPORT:GUESTPORT[/udp]"""
        match = re.fullmatch(r"(\d{1,5}):(\d{1,5})(?:/(tcp|udp))?", text)
        if not match or not all(0 < int(port) < 65536 for port in match.groups()[:2]):
            raise Problem(f"--forward {text}: give HOSTPORT:GUESTPORT or HOSTPORT:GUESTPORT/udp, with ports from 1 to 65535")
        return Forward(int(match[1]), int(match[2]), match[3] or "tcp")


def find_image(target: str) -> Path:
    """The image that a word on the command line means: a path as it is, an app built first."""
    path = Path(target)
    if "/" in target or path.is_file():
        return path
    return build.app(target)


def own_root(target: str, image: Path) -> Path | None:
    """The directory of files that belongs to a program: IMAGE.root beside it, or its app's `root`."""
    beside, app = image.with_name(f"{image.name}.root"), paths.APPS / target / "root"
    if beside.is_dir():
        return beside
    return app if "/" not in target and app.is_dir() else None


def find_ramdisk(options: argparse.Namespace, image: Path) -> Path | bytes | None:
    """What the guest gets as its ramdisk: an archive, or the bytes of one."""
    if options.root is not None and options.ramdisk is not None:
        raise Problem("--root and --ramdisk are two ways to give the guest its files; give one of them")
    if options.ramdisk is not None:
        found: Path | bytes = Path(options.ramdisk)
        size = ramdisk.size(Path(options.ramdisk))
    else:
        root = Path(options.root) if options.root is not None else own_root(options.target, image)
        if not root:
            return None
        if not root.is_dir():
            raise Problem(f"--root {root}: " + ("that is no directory; give an archive with --ramdisk" if root.exists() else
                                                "there is no such directory"))
        found = ramdisk.pack(root)
        size = len(found)
    if size >= options.memory << 20:
        raise Problem(f"the guest's files take {size:,} bytes, more than its {options.memory} MB; "
                      f"give --memory {(size >> 20) + 16} or more")
    return found


def check_bridge(bridge: str) -> None:
    """Problem if this machine has no such bridge."""
    bridges = sorted(entry.parent.name for entry in Path("/sys/class/net").glob("*/bridge"))
    if bridge not in bridges:
        have = f"there are {', '.join(bridges)}" if bridges else "it has none"
        raise Problem(f"this Xen host has no bridge {bridge} for the guest's network ({have}); make it, or name one with --bridge")


def check_numbers(options: argparse.Namespace, forwards: list[Forward]) -> None:
    """Problem for a number that cannot be meant."""
    if not 1 <= options.memory <= LARGEST_MEMORY:
        raise Problem(f"--memory {options.memory}: give megabytes, from 1 to {LARGEST_MEMORY}")
    if not 1 <= options.vcpus <= 128:
        raise Problem(f"--vcpus {options.vcpus}: give a number from 1 to 128")
    if options.timeout is not None and not options.timeout > 0:
        raise Problem(f"--timeout {options.timeout:g}: give a number of seconds above 0")
    if options.gdb is not None and not 0 < options.gdb < 65536:
        raise Problem(f"--gdb {options.gdb}: give a port from 1 to 65535")
    taken = [(forward.host, forward.protocol) for forward in forwards]
    for port, protocol in taken:
        if taken.count((port, protocol)) > 1:
            raise Problem(f"{protocol} port {port} is forwarded twice; give each host port once")


def own_name(given: list[str], image: Path) -> list[str]:
    """The kernel option that says what the program is called, unless the user has said it."""
    return [] if any(option.startswith("argv0=") for option in given) else [f"argv0={image.name}"]


def run(options: argparse.Namespace) -> int:
    """Run the guest that the options ask for; the exit status."""
    faulthandler.register(signal.SIGQUIT)   # until there is a guest to tell of
    forwards = [Forward.parse(text) for text in options.forward]
    check_numbers(options, forwards)
    image = find_image(options.target)
    parsed = elf.read_guest(image)
    local = xl_works()
    if not options.type:
        options.type = default_type(xl_info() if local else "", parsed.boots_pvh)
    if options.type == "pvh" and not parsed.boots_pvh:
        raise Problem(f"{image} has no PVH entry point (no PHYS32_ENTRY note); use --type pv")
    config = Config(options.name or image.name, str(image.resolve()), command_line(options.kernel_option + own_name(options.kernel_option, image), options.arguments),
                    options.memory, options.vcpus, options.type, [f"bridge={options.bridge or BRIDGE}"])
    if not NAME.fullmatch(config.name):
        raise Problem(f"{config.name!r} is no name for a domain; give --name letters, digits and . _ + -, the first a letter or digit")
    files = find_ramdisk(options, image)
    if isinstance(files, Path):
        config.ramdisk = str(files.resolve())
    if options.print_config and isinstance(files, bytes):
        raise Problem("--print-config can name an archive only: make one, with `find . | cpio -o -H newc` in the directory, "
                      "and give it with --ramdisk")
    if options.print_config:
        print(config.text(), end="", flush=True)
        return 0
    config.extra = command_line(options.kernel_option + own_name(options.kernel_option, image) + terminal.kernel_options(),
                                options.arguments)
    if local:
        check_bridge(options.bridge or BRIDGE)
    elif options.bridge and options.bridge != BRIDGE:
        raise Problem(f"--bridge {options.bridge} is for a Xen host of your own; the one in QEMU has {BRIDGE} only")
    if local and options.gdb:
        raise Problem("--gdb is for the Xen host in QEMU, whose stub it uses; on a Xen host of your own use gdbsx")
    for forward in forwards:
        ports.check_free(forward.host, forward.protocol)
    if options.gdb:
        ports.check_free(options.gdb, "tcp")
    for left in reversed(range(DOM0_TRIES)):
        try:
            return _run_in_domain0(options, image, parsed, config, forwards, files)
        except _NotStarted:
            if not left:
                raise
            say("domain 0 crashed (programs do, now and then, where QEMU emulates the machine); trying again")
    raise AssertionError


class _NotStarted(ChannelLost):
    """Domain 0 ended before it had started the guest."""


def _run_in_domain0(options: argparse.Namespace, image: Path, parsed: elf.Image, config: Config, forwards: list[Forward],
                    files: Path | bytes | None) -> int:
    """One domain 0, and the guest's life in it; the exit status."""
    with Dom0(config.memory) as dom0:
        if dom0.local and dom0.shell.domid(config.name) is not None:
            if options.name:
                raise Problem(f"there is a domain named {config.name} already; give another --name, or `xl destroy {config.name}`")
            config.name = f"{config.name}-{os.getpid()}"
        say(headline(image, config))
        try:
            session = _Session(dom0, image, parsed, config, forwards, files, paused=bool(options.gdb))
        except ChannelLost as lost:
            raise _NotStarted(str(lost)) from None
        if options.gdb:
            session.debug(options.gdb)
        return session.follow(options.timeout)


def xl_info() -> str:
    """What Xen says of the machine that this runs on."""
    return subprocess.run(["xl", "info"], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


def default_type(xl_info: str, boots_pvh: bool) -> str:
    """What `run` chooses: PVH where the machine has hardware for it; else PV, which any Xen runs, and an emulated one faster."""
    found = re.search(r"^virt_caps\s*:(.*)", xl_info, re.M)
    able = found and {"hvm", "hap"} <= set(found[1].split())
    return "pvh" if able and boots_pvh else "pv"


def headline(image: Path, config: Config) -> str:
    """What is about to run, and as what."""
    data = image.read_bytes()
    return f"{image.name}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}, {config.type.upper()}, {config.memory} MB"


class _Session:
    """The guest while it runs: its console to our output, our input to it, its ports announced, its end explained."""

    def __init__(self, dom0: Dom0, image: Path, parsed: elf.Image, config: Config, forwards: list[Forward],
                 files: Path | bytes | None = None, paused: bool = False):
        self._dom0, self._image, self._parsed, self._forwards = dom0, image, parsed, forwards
        self._writing = threading.Lock()
        self._mid_line = False
        self._changed = threading.Event()
        self._terminal = terminal.Terminal()
        self._address = ""
        self._places: dict[tuple[str, int], list[str]] = {}     # where each of the guest's ports is reachable
        self._announced: set[tuple[str, int]] = set()
        self._guest = dom0.start_guest(image, name=config.name, extra=config.extra, memory=config.memory, vcpus=config.vcpus,
                                       type=config.type, ramdisk=files, paused=paused, bridge=config.vif[0].removeprefix("bridge="), keep_console=KEEP_CONSOLE,
                                       on_console=self._print, on_serving=self._changed.set)

    def debug(self, port: int) -> None:
        """Let a debugger take hold of the guest, which is paused, before its first instruction."""
        say(f"waiting for gdb {self._image}.elf -ex 'target remote {ports.HERE}:{port}'; the guest starts with its `continue`")
        self._dom0.wait_for_debugger(port)
        self._guest.unpause()

    def follow(self, timeout: float | None) -> int:
        """Until the guest's end or the time-out; the exit status."""
        for work in (self._announce, self._type):
            threading.Thread(target=work, daemon=True).start()
        signal.signal(signal.SIGQUIT, lambda *_: threading.Thread(target=self._tell_state, daemon=True).start())
        try:
            with self._terminal:
                end = self._guest.wait(timeout)
        except TooLate:
            say(f"the time-out of {timeout:g} s is over; the guest is destroyed")
            return EXIT_TIMEOUT
        if end.reason == OUTSIDE:
            say("the domain was destroyed by somebody else")
            return EXIT_CRASH
        if end.reason == "poweroff":
            if end.status > 123:
                say(f"the program's status {end.status} is given as 123; 124 and above have meanings of their own")
            return min(end.status, 123)
        self._explain(end)
        return EXIT_CRASH

    def _explain(self, end: End) -> None:
        """Why it crashed, on standard error, with names."""
        self._finish_line()
        report = symbolize.find_report(self._guest.console().decode(errors="replace"))
        if not report and self._guest.domid is not None:
            report = crash.report(self._dom0.shell, self._guest.domid, self._parsed.build_id, end.reason)
        if report:
            sys.stderr.write(symbolize.symbolized(report, self._image))
        say(f"the guest crashed: {symbolize.reason(report or '')}" if end.reason in ("crash", "watchdog")
            else f"the guest ended by {end.reason}, which nothing here continues")

    def _tell_state(self) -> None:
        """What SIGQUIT asks for: on standard error, where the guest is; it goes on."""
        domid = self._guest.domid
        report = domid is not None and crash.state(self._dom0.shell, domid, self._parsed.build_id)
        self._finish_line()
        sys.stderr.write(symbolize.symbolized(report, self._image) if report else "stardust: the guest's registers cannot be had\n")

    def _print(self, data: bytes) -> None:
        """The guest's output, at once and whole."""
        with self._writing:
            write_all(1, data)
            self._mid_line = not data.endswith(b"\n")

    def _finish_line(self) -> None:
        """Before a line of our own."""
        with self._writing:
            if self._mid_line and os.isatty(1):
                write_all(1, b"\n")
                self._mid_line = False

    def _type(self) -> None:
        """Our input to the guest's console, until it ends; then its end, as the guest's contract has it."""
        end = b"\x04"
        try:
            while data := os.read(0, 4096):
                if self._terminal.is_raw and terminal.ESCAPE in data:
                    os.kill(os.getpid(), signal.SIGINT)
                    return
                self._guest.send(data)
                end = b"\x04" if data.endswith((b"\n", b"\r")) else b"\x04\x04"
        except OSError:     # no standard input
            pass
        self._guest.send(end)

    def _announce(self) -> None:
        """A line for each port, once the guest says that it serves it; anew after a reboot, should the address be another."""
        while self._changed.wait():
            self._changed.clear()
            if self._guest.wants_raw_terminal:
                self._terminal.make_raw()
            address = self._guest.known_address
            if not address:
                continue
            if address != self._address:
                self._dom0.stop_forwarding()
                self._places.clear()
                self._announced.clear()
                self._address = address
                for forward in self._forwards:
                    self._open(forward.protocol, forward.guest, forward.host)
            for protocol, port in self._guest.served():
                if (protocol, port) not in self._announced:
                    self._announced.add((protocol, port))
                    self._ready(protocol, port)

    def _open(self, protocol: str, port: int, host_port: int | None) -> None:
        """Make a port of the guest reachable here."""
        try:
            place = f"{ports.HERE}:{self._guest.forward(port, protocol, host_port)}"
            self._places.setdefault((protocol, port), []).append(place)
        except (Problem, TooLate) as problem:
            if not self._guest.ended:       # or else QEMU may have been ended meanwhile, which is no news
                say(str(problem))

    def _ready(self, protocol: str, port: int) -> None:
        """Say where a served port is: where the user wanted it, else at the guest's own address or a free port here."""
        if (protocol, port) not in self._places:
            if self._dom0.local:
                self._places[protocol, port] = [f"{self._address}:{port}"]
            else:
                self._open(protocol, port, None)
        with self._writing:
            for place in self._places.get((protocol, port), []):
                write_all(1, f"ready: {protocol}://{place}".encode() + (b"\r\n" if self._terminal.is_raw else b"\n"))


def write_all(descriptor: int, data: bytes) -> None:
    """Unbuffered. When nobody reads any more, as in `run | head`, the run is over."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view):]
    except BrokenPipeError:
        os.kill(os.getpid(), signal.SIGTERM)
    except OSError as error:
        say(f"cannot write the guest's output: {error.strerror}")
        os.kill(os.getpid(), signal.SIGTERM)

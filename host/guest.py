"""One guest from creation to its end, on any domain 0: create, follow the console and xenstore, learn the end, clean up.

A guest is created by `xl create -e`, which leaves nothing behind that would act on its end: whatever on_poweroff and the others
say, the domain stays as it is until we have read its status, its console to the last byte and, after a crash, its registers.
A guest that asks for a reboot is destroyed and created again, and followed on.
"""

from __future__ import annotations

import re
import signal
import threading
import time
from dataclasses import dataclass
from typing import Callable

from host.errors import Problem
from host.progress import say
from host.shell import Shell, Stream
from host.xlconfig import Config

REASONS = {0: "poweroff", 1: "reboot", 2: "suspend", 3: "crash", 4: "watchdog", 5: "soft reset"}     # xen/sched.h
CONSOLE_SECONDS = 10
QUIET_SECONDS = 10      # console bytes that do not come in this time will not come
XL_TRIES, XL_CRASHED = 3, 128 + signal.SIGSEGV
OUTSIDE = "destroyed"   # the reason when somebody else destroyed it


@dataclass(frozen=True)
class End:
    """How a guest ended."""

    reason: str     # one of REASONS or OUTSIDE
    status: int     # the program's, for a poweroff


class TooLate(Exception):
    """What was waited for did not come in time."""


class Guest:
    """A running guest. Use it in `with`, or call destroy()."""

    def __init__(self, shell: Shell, config: Config, *, paused: bool = False,
                 on_console: Callable[[bytes], None] | None = None, on_serving: Callable[[], None] | None = None,
                 forwarder: Callable[[str, int, str, int | None], int] | None = None,
                 keep_console: int | None = None, hint: str = ""):
        """Creates the domain. `on_console` gets every piece of output, `on_serving` a call at each change of served ports or
        address; both in threads of the guest's. `keep_console`: remember only so many bytes. `hint` is said when memory lacks."""
        self.config, self._shell, self._hint, self._keep = config, shell, hint, keep_console
        self._on_console, self._on_serving, self._forwarder = on_console, on_serving, forwarder
        self._console = bytearray()
        self._passing_on = False    # on_console is at work
        self._changed = threading.Condition()
        self._end: End | None = None
        self._failure: BaseException | None = None
        self._values: dict[str, str | None] = {}
        self._stopping = False
        self._destroyed = threading.Lock()
        self.lives = 0
        self.domid: int | None = None
        self._create(paused)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    # What users call.

    @property
    def name(self) -> str:
        return self.config.name

    def console(self) -> bytes:
        """Everything the guest has printed so far."""
        with self._changed:
            return bytes(self._console)

    def expect(self, pattern: str | bytes, timeout: float = 30, start: int = 0) -> re.Match[bytes]:
        """Wait until the console (from byte `start`) matches a regular expression; TooLate, with the console, if it does not."""
        compiled = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.M)
        found: list[re.Match[bytes]] = []

        def matched() -> bool:
            match = compiled.search(bytes(self._console), start)
            found.extend([match] if match else [])
            return bool(match) or self._end is not None

        self._wait_until(matched, timeout, f"{pattern!r} on the console")
        if not found:
            raise TooLate(f"{self.name} ended ({self._end}) without {pattern!r} on its console:\n{self._tail()}")
        return found[0]

    def send(self, data: bytes) -> None:
        """Type on the guest's console."""
        self._stream.write(data)

    def wait(self, timeout: float | None = None) -> End:
        """Wait for the end. The domain is still there afterwards, for a look at what it left; destroy() takes it away."""
        self._wait_until(lambda: self._end is not None, timeout, "the guest's end")
        assert self._end
        return self._end

    @property
    def ended(self) -> bool:
        return self._end is not None

    def xenstore(self, key: str) -> str | None:
        """A value below the domain's home, now."""
        return self._shell.xenstore(f"/local/domain/{self.domid}/{key}")

    @property
    def address(self) -> str:
        """The guest's IPv4 address, waited for half a minute."""
        self._wait_until(lambda: self.known_address or self._end, 30, "the guest's address")
        value = self.known_address
        if not value:
            raise TooLate(f"{self.name} ended ({self._end}) before it had an address:\n{self._tail()}")
        return value

    @property
    def known_address(self) -> str:
        """The guest's IPv4 address if it has told it, else nothing."""
        address = self._values.get("address") or ""
        return address if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", address) else ""

    @property
    def wants_raw_terminal(self) -> bool:
        """Does the guest edit lines and echo itself?"""
        return self._values.get("terminal") == "raw"

    def serving(self, timeout: float = 30, ports: int = 1) -> list[tuple[str, int]]:
        """What the guest serves, as (protocol, port), once it is at least so many ports: each is told when it is bound."""
        self._wait_until(lambda: len(self.served()) >= ports or self._end, timeout, f"{ports} served port{'s'[:ports > 1]} of the guest")
        return self.served()

    def served(self) -> list[tuple[str, int]]:
        """What the guest serves now."""
        words = (self._values.get("serving") or "").split()
        return [(proto, int(port)) for proto, port in re.findall(r"\b(tcp|udp):(\d{1,5})\b", " ".join(words)) if int(port) < 65536]

    def forward(self, port: int, protocol: str = "tcp", host_port: int | None = None) -> int:
        """Make a port of the guest reachable at 127.0.0.1 on the user's machine; the port there."""
        assert self._forwarder
        return self._forwarder(self.address, port, protocol, host_port)

    def cpu_time_ns(self) -> int:
        """CPU time the domain has used, in (under icount, virtual) nanoseconds."""
        info = self._shell.domain_info(self.domid)
        if not info or "cpu_time_ns" not in info:
            raise Problem("this Xen does not tell a domain's CPU time")
        return info["cpu_time_ns"]

    def xl(self, command: str, *arguments: str) -> str:
        """`xl COMMAND DOMID ARGUMENTS…`; its output. Problem if it fails."""
        result = self._shell.run(f"xl {command} {self.domid} {' '.join(arguments)}")
        if result.status:
            raise Problem(f"xl {command} failed: {(result.err or result.out).strip()}")
        return result.out

    def pause(self) -> None:
        self.xl("pause")

    def unpause(self) -> None:
        self.xl("unpause")

    def destroy(self) -> None:
        """Take the domain away, whatever state it is in. May be called twice."""
        self._stopping = True
        with self._destroyed:
            if self.domid is not None:
                self._shell.run(f"xl destroy {self.domid}")
                self._watch.kill()
                self._stream.kill()
                if threading.current_thread() is not self._thread:
                    self._thread.join(10)
                self.domid = None

    def __enter__(self) -> "Guest":
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    # How it works.

    def _create(self, paused: bool) -> None:
        file = f"/tmp/stardust-{self.name}-{time.time_ns()}.cfg"
        for left in reversed(range(XL_TRIES)):
            self._shell.put(self.config.text().encode(), file, 0o600)
            result = self._shell.run(f"xl create -q -e {'-p ' if paused else ''}{file}; s=$?; rm -f {file}; exit $s")
            if result.status != XL_CRASHED or not left:
                break
            say("xl crashed while it made the domain (programs do, now and then, where QEMU emulates the machine); trying again")
            self._shell.run(f"xl destroy {self.name} 2>/dev/null")
        self.domid = self._shell.domid(self.name) if result.status == 0 else None
        if self.domid is None:
            raise Problem(self._why_not_created(result.err))
        self.lives += 1
        home = f"/local/domain/{self.domid}"
        self._received = 0      # bytes in this life that on_console has taken
        self._stream = self._shell.open_console(self._console_path(home))
        self._watch = self._shell.watch(["@releaseDomain", f"{home}/data/stardust"])
        self._reader = threading.Thread(target=self._read_console, args=(self._stream,), daemon=True)
        self._reader.start()

    def _why_not_created(self, said: str) -> str:
        lines = [line for line in said.splitlines() if line.strip()]
        about_memory = re.search(r"memory|Invalid argument|alloc|populate", said, re.I)
        reason = (lines or ["xl gave no reason"])[0]
        return f"xl cannot create the domain: {reason.strip()}" + (f"; {self._hint}" if self._hint and about_memory else "")

    def _console_path(self, home: str) -> str:
        """xenconsoled names the console's terminal a moment after the domain is there."""
        deadline = time.monotonic() + CONSOLE_SECONDS
        while time.monotonic() < deadline:
            path = self._shell.xenstore(f"{home}/console/tty")
            if path:
                return path
            time.sleep(0.01)
        raise Problem("xenconsoled made no console for the guest; is it running in domain 0?")

    def _read_console(self, stream: Stream) -> None:
        while data := stream.read():
            with self._changed:
                self._console += data
                self._passing_on = True
                if self._keep is not None:
                    del self._console[:-self._keep]
                self._changed.notify_all()
            try:
                if self._on_console:
                    self._on_console(data)
            finally:
                with self._changed:
                    self._received += len(data)
                    self._passing_on = False
                    self._changed.notify_all()

    def _follow(self) -> None:
        """The guest's thread: from creation to the end, over reboots."""
        try:
            while True:
                reason = self._until_shutdown()
                self._drain_console(reason)
                if reason != "reboot" or self._stopping:
                    break
                self._restart()
            status = self._status() if reason == "poweroff" else 0
            self._finish(End(reason, status))
        except BaseException as error:
            self._failure = error
            self._finish(End(OUTSIDE, 0))

    def _finish(self, end: End) -> None:
        with self._changed:
            self._end = end
            self._changed.notify_all()

    def _restart(self) -> None:
        with self._destroyed:
            self._shell.run(f"xl destroy {self.domid}")
            self._watch.kill()
            self._stream.kill()
            self._reader.join()
            if not self._stopping:
                self._values = {}
                self._create(paused=False)

    def _until_shutdown(self) -> str:
        """Follow the watches until the domain has shut down; why. Xen calls a triple fault a reboot: it is a crash here."""
        while lines := self._watch.read():
            if b"@releaseDomain" in lines:
                info = self._shell.domain_info(self.domid or 0)
                if not info or info["dying"]:
                    return OUTSIDE
                if info["shutdown"]:
                    reason = REASONS.get(info["reason"], f"reason {info['reason']}")
                    return "crash" if reason == "reboot" and self._triple_faulted() else reason
            if b"data/stardust" in lines:
                self._read_values()
        if not self._stopping:
            self._shell.domain_info(self.domid or 0)    # raises if it is domain 0 that has ended
        return OUTSIDE

    def _triple_faulted(self) -> bool:
        """Does Xen's log say so? PV guests cannot, and nothing else tells."""
        log = self._shell.run("xl dmesg").out if self.config.type != "pv" else ""
        return bool(re.search(rf"^\(XEN\) .*\bd{self.domid}v\d+ Triple fault", log, re.M))

    def _read_values(self) -> None:
        values = {key: self.xenstore(f"data/stardust/{key}") for key in ("address", "serving", "terminal")}
        if values != self._values:
            with self._changed:
                self._values = values
                self._changed.notify_all()
            if self._on_serving:
                self._on_serving()

    def _status(self) -> int:
        text = self.xenstore("data/stardust/status") or "0"
        return int(text) if re.fullmatch(r"\d{1,3}", text) and int(text) < 256 else 255

    def _drain_console(self, reason: str) -> None:
        """Wait until every byte that the guest put on its ring has come through xenconsoled and the terminal to us, and on_console
        has taken it, which may be long where that is written to somebody who does not read."""
        total = None
        if reason != OUTSIDE:
            ring = self.xenstore("console/ring-ref")
            total = self._shell.console_total(self.domid or 0, int(ring)) if ring else None
        with self._changed:
            seen, since = -1, time.monotonic()
            while total is None or (total - self._received) & 0xFFFFFFFF:
                if self._received != seen or self._passing_on and not self._stopping:
                    seen, since = self._received, time.monotonic()
                if time.monotonic() - since > (QUIET_SECONDS if total is not None else 0.3):
                    return
                self._changed.wait(0.1)

    def _wait_until(self, condition: Callable[[], object], timeout: float | None, what: str) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TooLate(f"{self.name}: no sign of {what} after {timeout:g} s; its console:\n{self._tail()}")
                self._changed.wait(1 if left is None else min(left, 1))     # in slices, so that signals are handled
        if self._failure:
            raise self._failure

    def _tail(self) -> str:
        return self._console[-1500:].decode(errors="replace")

"""Standard input of a program for the C library: a stream that ends, and a person's terminal."""

import os
import pty
import random
import subprocess
import termios
import threading

from host import claims, paths
from host.claims import equal, timeout, true
from tests.e2e.lab import LONG, PATIENCE, Running, banner, program, until

IMAGE = paths.BUILD / "e2e-input"


def fed(data: bytes, *words: str, seconds: float = PATIENCE) -> str:
    """Run the program with this standard input, to its end; what it said after the banner."""
    run = Running("run", IMAGE, "--", *words)
    run.type(data)
    run.process.stdin.close()
    run.process.wait(seconds)
    outcome = run.end()
    equal(outcome.status, 0, outcome.err)
    return outcome.out.removeprefix(banner())


def test_input_comes_line_by_line_and_ends_where_it_ends():
    equal(fed(b"one\n\ntwo words\n", "lines"), "<one>\n<>\n<two words>\nend 1 0\n")


def test_input_without_a_last_newline_and_without_anything_ends_too():
    equal(fed(b"half", "lines"), "<half>|end 1 0\n")
    equal(fed(b"", "lines"), "end 1 0\n")


@timeout(LONG)
def test_100_kb_of_any_bytes_arrive_exact():
    data = random.Random(4).randbytes(100_000).replace(b"\n\x04", b"\n\x05").replace(b"\r\x04", b"\r\x05").replace(b"\x04\x04", b"\x04\x05")
    total = 0
    for byte in data:
        total = (total * 31 + byte) % (1 << 64)
    equal(fed(data, "sum", seconds=LONG), f"{len(data)} bytes, {total:x}\n")


def test_line_is_echoed_and_edited_in_a_terminal():
    with program("e2e-input", kernel_options=["tty=101x37"], arguments=["terminal"]) as lab:
        lab.guest.expect("terminal 11, 101x37, canonical 1\r\n", PATIENCE)
        start = len(lab.guest.console())
        lab.guest.send(b"ab\x7fc\tx\b\bd e\x15one two\x17\r")
        lab.guest.expect(r"<one >\r\n", PATIENCE, start)      # what is typed earlier is echoed earlier
        lab.guest.send(b"end\r\x04\x04")
        lab.guest.expect(r"end 1 0\r\n", PATIENCE, start)
        equal(lab.guest.console()[start:], b"ab\b \bc      x" + b"\b \b" * 7 + b"d e" + b"\b \b" * 5 + b"one two" + b"\b \b" * 3 +
              b"\r\n<one >\r\nend\r\n<end>\r\nend 1 0\r\n")


def test_control_c_in_a_terminal_ends_the_program():
    with program("e2e-input", kernel_options=["tty=0x0"], arguments=["lines"]) as lab:
        lab.guest.expect("Stardust on Xen", PATIENCE)
        lab.guest.send(b"one\r")
        lab.guest.expect("<one>\r\n", PATIENCE)
        lab.guest.send(b"ab\x03")
        equal(lab.guest.wait(PATIENCE).status, 130)


def test_program_in_raw_mode_gets_every_key_as_it_is():
    with program("e2e-input", kernel_options=["tty=0x0"], arguments=["raw"]) as lab:
        lab.guest.expect("ready\r\n", PATIENCE)
        start = len(lab.guest.console())
        lab.guest.send(b"\x03\x04\x7f\r\n\xffq")
        equal(lab.guest.wait(PATIENCE).status, 0)
        equal(lab.guest.console()[start:], b"3\r\n4\r\n127\r\n13\r\n10\r\n255\r\n113\r\n")


class Person:
    """`bin/stardust run` on a terminal of its own."""

    def __init__(self, *words: str):
        self.terminal, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.seen = b""
        chosen = ["--type", claims.guest_type] if claims.guest_type else []
        self.process = subprocess.Popen([paths.ROOT / "bin/stardust", "run", *chosen, IMAGE, "--", *words], stdin=theirs, stdout=theirs,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while piece := os.read(self.terminal, 4096):
            self.seen += piece

    def sees(self, text: bytes) -> None:
        """Wait until it is on the screen."""
        until(lambda: f"{text!r} in {self.seen!r}", lambda: text in self.seen or self.process.poll() is not None)
        true(text in self.seen, f"{text!r} is in {self.seen!r}")

    def types(self, keys: bytes) -> None:
        os.write(self.terminal, keys)

    @property
    def is_raw(self) -> bool:
        return not termios.tcgetattr(self.theirs)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)


def test_user_s_terminal_is_raw_while_the_guest_edits_and_put_back():
    person = Person("terminal")
    try:
        person.sees(b"canonical 1\r")
        until("the terminal is raw", lambda: person.is_raw)
        person.types(b"hellp\x7fo\r")
        person.sees(b"hellp\b \bo\r\n<hello>\r\n")
        person.types(b"\x04\x04")
        equal(person.process.wait(PATIENCE), 0)
        true(b"end 1 0\r\n" in person.seen, repr(person.seen))
        equal(termios.tcgetattr(person.theirs), person.before, "the terminal's modes")
    finally:
        person.process.kill()


def test_control_bracket_ends_a_run_that_took_the_terminal():
    person = Person("raw")
    try:
        person.sees(b"ready\r")
        until("the terminal is raw", lambda: person.is_raw)
        person.types(b"\x1d")
        true(person.process.wait(PATIENCE) != 0, "it ends at once")
        equal(termios.tcgetattr(person.theirs), person.before, "the terminal's modes")
    finally:
        person.process.kill()

"""Lua 5.4 as its authors build it: what a script finds in a guest, and the prompt."""

from pathlib import Path

from host.claims import equal, true
from tests.e2e.lab import PATIENCE, Running, banner, program, stardust

ROOT = Path(__file__).parent / "root"


def test_expression_on_the_command_line():
    run = stardust("run", "lua", "--", "-e", "print(1+1)")
    equal((run.status, run.out), (0, banner() + "2\n"), run.err)


def test_script_from_the_ramdisk_finds_modules_files_and_the_system():
    run = stardust("run", "lua", "--root", ROOT, "--kernel-option", "env=GREETING=hello", "--", "/suite.lua", "two words")
    lines = run.out.removeprefix(banner()).splitlines()
    equal([line for line in lines if not line.startswith("ok ")], ["1..27"], run.err)
    equal((run.status, len(lines)), (0, 28))


def test_script_s_error_and_exit_reach_the_caller():
    run = stardust("run", "lua", "--", "-e", "os.exit(7)")
    equal(run.status, 7)
    run = stardust("run", "lua", "--", "-e", "error('oops')")
    equal(run.status, 1)
    true(": (command line):1: oops\nstack traceback:\n" in run.out, run.out)


def test_script_on_standard_input_and_a_prompt_that_is_asked_for():
    for words, script, said in (((), b"for i = 1, 3 do io.write(i, ' ') end print(io.read and 'end')\n", "1 2 3 end\n"),
                                (("-i",), b"1 + 1\nfor i = 1, 2 do\nprint(i)\nend\n", "> 2\n> >> >> 1\n2\n> \n")):
        run = Running("run", "lua", "--", *words)
        run.type(script)
        assert run.process.stdin
        run.process.stdin.close()
        run.process.wait(PATIENCE)
        outcome = run.end()
        out = outcome.out.removeprefix(banner())
        if words:
            greeting, _, out = out.partition("\n")
            true(greeting.startswith("Lua 5.4.4 "), f"it says which it is: {greeting}")
        equal((outcome.status, out), (0, said), outcome.err)


def test_prompt_in_a_terminal_edits_lines_continues_them_and_ends():
    with program("lua", kernel_options=["tty=80x24"]) as lab:
        lab.guest.expect(r"Lua 5\.4\.4 .*\r?\n> ", PATIENCE)
        start = len(lab.guest.console())
        lab.guest.send(b"1+2\x7f1\r")
        lab.guest.expect("\r\n2\r\n> ", PATIENCE, start)
        lab.guest.send(b"function f(x)\r")
        lab.guest.expect("\r\n>> ", PATIENCE, start)
        lab.guest.send(b"return x * 7 end\r")
        lab.guest.expect("end\r\n> ", PATIENCE, start)    # what is typed ahead would be echoed before the prompt
        lab.guest.send(b"f(6)\r")
        lab.guest.expect("\r\n42\r\n> ", PATIENCE, start)
        lab.guest.send(b"nil + 1\r")
        lab.guest.expect("attempt to perform arithmetic on a nil value", PATIENCE, start)
        lab.guest.send(b"\x04")
        equal(lab.guest.wait(PATIENCE).status, 0)

"""The command line: what there is, and what each part of it calls."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import weakref
from pathlib import Path
from types import FrameType
from typing import Callable, NoReturn

from host import paths
from host.errors import EXIT_BAD, Interrupted, Problem

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.5

EPILOG = """exit status of run: 0-123 the program's own, 124 time-out, 125 bad input or a host that cannot be
prepared, 134 crash. Where `xl info` works guests run on this machine's Xen; elsewhere on real Xen in QEMU."""


class Parser(argparse.ArgumentParser):
    """argparse, with errors as everything else here has them: one sentence, status 125."""

    def error(self, message: str) -> NoReturn:
        raise Problem(f"{message}; see `{self.prog} --help`")


def parser() -> Parser:
    """All subcommands and their options."""
    top = Parser(prog="stardust", description="Stardust: C programs as Xen guests.", epilog=EPILOG, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, text: str, work: Callable[[argparse.Namespace], int]) -> Parser:
        made = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.set_defaults(work=work)
        return made

    _add_run(add("run", "build an app and run it as a Xen guest", _run))
    building = add("build", "install what is missing, and build", _build)
    building.add_argument("targets", nargs="*", metavar="TARGET", help="apps or other make targets (default: everything)")
    testing = add("test", "run the tests", _test)
    testing.add_argument("words", nargs="*", metavar="[host|guest|e2e] [FILTER] | soak [MINUTES]",
                         help="a tier, and a part of the tests' names; or servers under load and faults (30 minutes)")
    add("bench", "measure, and print the table", _bench).add_argument("arguments", nargs="*", metavar="ARGUMENT")
    add("check", "format, analysers, include direction, red zone, both compilers", _check)
    hosting = add("host", "the Xen host in QEMU: `shell` for a shell in its domain 0, `prepare` to make it now and not at the first "
                  "run, `clean` to drop what is cached of it", _host)
    hosting.add_argument("what", choices=["shell", "prepare", "clean"])
    hosting.add_argument("--memory", type=int, default=256, metavar="MB", help="room for guests (default 256)")
    naming = add("symbolize", "add function names and lines to a crash report on standard input", _symbolize)
    naming.add_argument("image", nargs="?", metavar="IMAGE", help="its image (default: found in build/ by its build-id)")
    listing = add("syscalls", "list the services (system calls) inside an image, with their sizes, and those it misses", _syscalls)
    listing.add_argument("image", metavar="APP or IMAGE", help="a directory of apps/, which is built first, or an image's path")
    return top


def _add_run(made: Parser) -> None:
    made.usage = "stardust run [APP or IMAGE] [options] [-- ARGUMENT...]"
    made.add_argument("target", nargs="?", default="echo", metavar="APP or IMAGE", help="a directory of apps/, or an image's path")
    made.add_argument("--memory", type=int, default=16, metavar="MB", help="(default 16)")
    made.add_argument("--vcpus", type=int, default=1, metavar="N", help="(default 1)")
    made.add_argument("--type", choices=["pv", "pvh"],
                      help="(default: pvh on a Xen host of your own with hardware for it, else pv)")
    made.add_argument("--forward", action="append", default=[], metavar="HOSTPORT:GUESTPORT[/udp]",
                      help="where a port of the guest shall be at 127.0.0.1 (default: a free port for each port served)")
    made.add_argument("--bridge", default="", metavar="NAME", help="on a Xen host: the bridge of the guest's network (xenbr0)")
    made.add_argument("--timeout", type=float, metavar="S", help="destroy the guest after so many seconds (status 124)")
    made.add_argument("--name", default="", help="the domain's name (default: the app's)")
    made.add_argument("--kernel-option", action="append", default=[], metavar="OPTION",
                      help="for the guest's kernel, as in loglevel=debug (docs/guest-contract.md)")
    made.add_argument("--root", metavar="DIR", help="the guest's files: a directory, packed as its ramdisk (default: the app's own)")
    made.add_argument("--ramdisk", metavar="FILE", help="the guest's files: an archive as it is, cpio (-H newc) or tar")
    made.add_argument("--gdb", type=int, metavar="PORT", help="wait for gdb at this port before the guest starts (docs/debugging.md)")
    made.add_argument("--print-config", action="store_true", help="print the domain's xl configuration and start nothing")


def _run(options: argparse.Namespace) -> int:
    from host import run
    return run.run(options)


def _build(options: argparse.Namespace) -> int:
    from host import build
    build.make(*(options.targets or ["all"]))
    return 0


def _test(options: argparse.Namespace) -> int:
    from host import testing
    return testing.main(options.words)


def _bench(options: argparse.Namespace) -> int:
    from host import build
    return build.bench([*options.arguments, *options.after])


def _check(_: argparse.Namespace) -> int:
    from host import build
    return build.check()


def _host(options: argparse.Namespace) -> int:
    from host import hostshell
    if options.what == "clean":
        return hostshell.clean()
    return (hostshell.prepare if options.what == "prepare" else hostshell.shell)(options.memory)


def _symbolize(options: argparse.Namespace) -> int:
    from host import symbolize
    return symbolize.main(Path(options.image) if options.image else None)


def _syscalls(options: argparse.Namespace) -> int:
    from host import run, syscalls
    return syscalls.main(run.find_image(options.image))


_raised: Callable[[], Interrupted | None] = lambda: None    # the exception that unwinds, as long as there is one


def _interrupted(number: int) -> Interrupted:
    global _raised
    interrupted = Interrupted(number)
    _raised = weakref.ref(interrupted)
    return interrupted


def _on_signal(number: int, _: FrameType | None) -> None:
    """Unwind once; whatever comes later must not disturb the cleaning up. What is raised in a destructor, or in a callback of the
    import system, Python drops: so it is looked after, and raised again where it is gone."""
    def look(*_: int | FrameType | None) -> None:
        if not _raised():
            raise _interrupted(number)

    for signal_number in SIGNALS:
        signal.signal(signal_number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
    raise _interrupted(number)


def _open_standard_files() -> None:
    """Where one of the three was closed, have /dev/null there: the number would go to some file of ours otherwise."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)      # takes the lowest free number, which is this one


def main(arguments: list[str]) -> NoReturn:
    """Run the command, and leave with its exit status."""
    _open_standard_files()
    for number in SIGNALS:
        # Ignored hang-ups stay ignored (nohup). An ignored SIGINT does not: shells start every background job with it.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)
    try:
        status = _main(arguments)
    except Problem as problem:
        print(f"stardust: {problem}", file=sys.stderr)
        status = problem.status
    except Interrupted as interrupted:
        signal.setitimer(signal.ITIMER_REAL, 0)
        status = interrupted.status
    except BrokenPipeError:
        status = EXIT_BAD
    except Exception as error:      # our own fault; still no traceback unless asked for
        if os.environ.get("STARDUST_TRACEBACK"):
            raise
        print(f"stardust: internal error, {type(error).__name__}: {error} (STARDUST_TRACEBACK=1 shows where)", file=sys.stderr)
        status = EXIT_BAD
    sys.stderr.flush()
    try:
        sys.stdout.flush()
    except OSError:
        pass
    os._exit(status)    # threads that wait for input must not hold us


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """At the first `--`."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1:]


def own_words(target: str) -> list[str]:
    """What apps/NAME/run says: options for `run` of that app, of which the user's win, and arguments for where none are given."""
    file = paths.APPS / target / "run"
    return shlex.split(file.read_text(), comments=True) if "/" not in target and file.is_file() else []


def _main(arguments: list[str]) -> int:
    before, after = split(arguments)
    options = parser().parse_args(before)
    if options.command == "run":
        own, own_after = split(own_words(options.target))
        options = parser().parse_args([before[0], *own, *before[1:]])
        after = after if "--" in arguments else own_after
    options.after = after
    if after and options.command not in ("run", "bench"):
        raise Problem(f"{options.command} takes no arguments after --; see `stardust {options.command} --help`")
    options.arguments = after if options.command == "run" else getattr(options, "arguments", [])
    return options.work(options)

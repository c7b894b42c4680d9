"""stardust-cc --host: the same program as a process of Linux, with the guest's services."""

import re
import shutil
import subprocess
from pathlib import Path

from host import cpio, paths
from host.claims import equal, once, skip, timeout, true
from tests.e2e.sdk.sdk import HELLO, Folder, folder

PROGRAMS = paths.ROOT / "tests/e2e/programs"
FAULT = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int deeper(int n) { volatile char a[4096]; memset((char *)a, n, sizeof(a)); return deeper(n + 1) + a[5]; }
int main(int argc, char **argv)
{
    volatile int large = 0x7fffffff;
    char line[100];
    if (argc < 2)
        return *(volatile int *)8;
    switch (*argv[1]) {
    case 'd': return deeper(1);
    case 'o': return large + argc;
    case 'f': argv[1] = argv[2]; if (!freopen(argv[1], "r", stdin)) return 9; /* fall through */
    default: printf("%s\\n", getenv("WORD")); while (fgets(line, sizeof(line), stdin)) printf("<%.*s>\\n", (int)strcspn(line, "\\n"), line);
    }
    return 7;
}
"""


def built(made: Folder, name: str, compiler: str) -> Path:
    """A program of tests/e2e/programs as a process of Linux."""
    sources = sorted((PROGRAMS / name).glob("*.c"))
    made.check(compiler, "--host", "--no-note", "-std=gnu17", "-O2", "-g", "-fno-builtin", *sources, "-o", f"{name}-{compiler}", "-lm")
    return made.work / f"{name}-{compiler}"


def claims_hold(made: Folder, name: str, compiler: str = "stardust-cc") -> None:
    """A program that checks itself finds everything right."""
    done = subprocess.run([built(made, name, compiler)], stdin=subprocess.DEVNULL, capture_output=True, cwd=made.work, timeout=250)
    said = done.stdout.decode(errors="replace")
    failures = re.findall(r"(?m)^(?:# .*\n)?not ok.*", said)
    true(done.returncode == 0 and not failures and re.search(r"(?m)^1\.\.\d+$", said),
         f"{name} with {compiler}: status {done.returncode}, {failures or said[-2000:]}{done.stderr.decode(errors='replace')[-2000:]}")


@once
@timeout(600)
def test_services_are_the_same_in_a_process_of_linux():
    with folder() as made:
        for compiler in ("stardust-cc", "stardust-clang"):
            claims_hold(made, "posix", compiler)
        for name in ("memory", "files", "events"):
            claims_hold(made, name)


@once
@timeout(600)
def test_threads_and_signals_are_the_same_in_a_process_of_linux():
    with folder() as made:
        for name in ("threads", "signals"):
            claims_hold(made, name)


@once
def test_a_process_has_arguments_environment_input_and_status():
    with folder(it_c=FAULT, hello_c=HELLO) as made:
        made.check("stardust-cc", "--host", "it.c", "-o", "it")
        done = made.run("printf 'one\\ntwo' | WORD=there ./it echo")
        equal((done.returncode, done.stdout), (7, "there\n<one>\n<two>\n"))
        made.check("stardust-cc", "hello.c", "-o", "hello", STARDUST_HOST="1")
        done = made.run("./hello")
        equal((done.returncode, done.stdout), (42, "Hello\n"), "by the environment, too")
        true(made.run("./hello", STARDUST_MEMORY="none").stderr.startswith("stardust --host: STARDUST_MEMORY"), "a bad size is told")
        equal(made.run("./hello", STARDUST_RAMDISK="nowhere").returncode, 125)


@once
def test_a_process_sees_the_files_of_a_ramdisk_and_no_others():
    with folder(it_c=FAULT) as made:
        made.check("stardust-cc", "--host", "it.c", "-o", "it")
        with (made.work / "disk").open("wb") as file:
            archive = cpio.Archive(file)
            archive.file("data/text", b"from the ramdisk\n")
            archive.close()
        done = made.run("./it", "f", "/data/text", STARDUST_RAMDISK="disk", WORD="x")
        equal((done.returncode, done.stdout), (7, "x\n<from the ramdisk>\n"), done.stderr)
        equal(made.run("./it", "f", "/bin/sh").returncode, 9, "this machine's files are not there")


@once
def test_faults_end_a_process_with_a_report():
    with folder(it_c=FAULT) as made:
        made.check("stardust-cc", "--host", "-g", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "it.c", "-o", "it")
        for word, wanted in (("", r"page fault: read of 0x0+8,|invalid opcode"), ("d", "stack overflow"), ("o", "invalid opcode")):
            done = made.run(f"./it {word}; exit $?")
            equal(done.returncode, 134, f"{word}: as after abort: {done}")
            true(re.search(r"\*\*\* stardust crash: (" + wanted + ")", done.stderr) and "*** end of report" in done.stderr, f"{word}: {done}")


@once
def test_gdb_stops_in_a_process_by_its_names():
    if not shutil.which("gdb"):
        skip("there is no gdb")
    with folder(hello_c=HELLO) as made:
        made.check("stardust-cc", "--host", "-g", "-O0", "hello.c", "-o", "hello")
        said = made.check("gdb", "-q", "-batch", "-ex", "break puts", "-ex", "run", "-ex", "bt", "-ex", "continue", "./hello")
        true(re.search(r"in main \(\) at hello\.c:2", said) and "exited with code 052" in said, said)


PROBES = """
# As nginx's: each probe is compiled, linked and run; what it prints and how it ends are the answer.
probe() {
    printf '%s\\n' "$1" > probe.c
    $CC -o probe probe.c $2 2>/dev/null && answer=$(./probe)
}
set -e
probe '#include <stdio.h>
int main(void) { printf("%d", (int)sizeof(void *)); return 0; }'
echo "#define POINTER_BYTES $answer" > answers.h
probe 'int main(void) { int i = 0x11223344; char *p = (char *)&i; return *p != 0x44; }'
echo "#define LITTLE_ENDIAN 1" >> answers.h
! probe 'int main(void) { return 1; }'
! probe '#include <no/such/header.h>'
probe '#include <sys/epoll.h>
int main(void) { return epoll_create(1) < 0; }'
echo "#define HAVE_EPOLL 1" >> answers.h
probe '#include <unistd.h>
int main(void) { return fork() != -1; }'
echo "#define NO_FORK 1" >> answers.h
"""


@once
def test_probes_of_a_configure_script_run():
    with folder(configure=PROBES, hello_c=HELLO) as made:
        made.check("sh", "-x", "configure", CC="stardust-cc", STARDUST_HOST="1")
        equal((made.work / "answers.h").read_text().splitlines(),
              ["#define POINTER_BYTES 8", "#define LITTLE_ENDIAN 1", "#define HAVE_EPOLL 1", "#define NO_FORK 1"])
        made.check("stardust-cc", "hello.c", "-o", "hello")
        true(b"Xen\0" in (made.work / "hello").read_bytes(), "what is built then is a guest")

"""stardust-cc and its tools: from an empty folder to a guest, with the flags that projects use."""

import re
import resource
import shutil

from host import claims, paths
from host.claims import equal, once, timeout, true
from tests.e2e.lab import banner, stardust
from tests.e2e.sdk.sdk import HELLO, HERE, TRIPLET, folder

COMPILERS = ("stardust-cc", "stardust-clang", f"{TRIPLET}-gcc", f"{TRIPLET}-cc", f"{TRIPLET}-clang")
ROUGH = ["-O2", "-fPIC", "-fPIE", "-pie", "-rdynamic", "-mred-zone", "-mcmodel=large", "-march=native", "-fstack-protector-all", "-flto",
         "-pthread", "-ffast-math", "-fno-fast-math", "-Wl,-rpath,/nowhere", "-Wl,--as-needed", "-Wl,-soname,x.so.1", "-Wl,-z,relro,-z,now",
         "-Wl,-Bstatic", "-lm", "-Wl,-Bdynamic", "-lpthread", "-ldl", "-lrt", "-lc"]


def test_hello_from_an_empty_folder_runs():
    with folder(hello_c=HELLO) as made:
        made.check("stardust-cc", "hello.c", "-o", "hello")
        done = made.run(paths.ROOT / "bin/stardust", "run", "./hello", "--type", claims.guest_type)
        equal((done.returncode, done.stdout), (42, banner() + "Hello\n"), done.stderr)


@once
def test_a_crash_is_told_with_the_lines_of_the_program():
    with folder(bad_c="static void fail(int *at)\n{\n    *at = 1;\n}\nint main(void)\n{\n    fail((int *)8);\n    return 0;\n}\n") as made:
        made.check("stardust-cc", "-g", "-O0", "bad.c", "-o", "bad")
        run = stardust("run", made.work / "bad")
        true(run.status == 134 and re.search(r"fail at \S*bad\.c:3\b", run.err) and re.search(r"main at \S*bad\.c:7\b", run.err), run.err)


@once
def test_hello_takes_less_than_a_second_to_build():
    with folder(hello_c=HELLO) as made:
        times = []
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            made.check("stardust-cc", "-O2", "hello.c", "-o", "hello")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        true(min(times) < 1, f"{times} seconds of the processor: nothing in it waits, so that an idle one takes no longer")


def test_a_program_built_with_flags_that_do_not_apply_does_as_on_linux():
    with folder() as made:
        shutil.copy(HERE / "flags.c", made.work)
        made.check("gcc", "-O2", "flags.c", "-o", "native", "-lm", "-pthread")
        wanted = made.check("./native", "last")
        for compiler in ("stardust-cc", "stardust-clang"):
            flags = [flag for flag in ROUGH if flag != "-flto" or compiler == "stardust-cc"]
            done = made.run(compiler, "flags.c", *flags, "-o", "guest")
            equal(done.returncode, 0, done.stderr)
            run = stardust("run", made.work / "guest", "--", "last")
            equal((run.status, run.out), (0, banner() + wanted), compiler)


@once
def test_flags_that_cannot_be_meant_are_refused_with_a_sentence():
    wanted = {"-shared": "static file", "-m32": "64-bit", "-mx32": "64-bit", "-mavx2": "AVX", "-mfma": "AVX", "-fsanitize=address": "sanitizer",
              "-fsanitize=undefined": "-fsanitize-undefined-trap-on-error", "--coverage": "profile", "-pg": "profile"}
    with folder(hello_c=HELLO, flags_rsp="-O2 '-shared'", it_cpp="int main() {}\n") as made:
        for compiler in COMPILERS[:2]:
            for flag, why in wanted.items():
                done = made.run(compiler, flag, "hello.c", "-o", "hello")
                true(done.returncode == 1 and why in done.stderr and flag in done.stderr, f"{compiler} {flag}: {done}")
            done = made.run(compiler, "@flags.rsp", "hello.c", "-o", "hello")
            true(done.returncode and "loads no shared library" in done.stderr, f"{compiler} -shared in a file of arguments: {done}")
            done = made.run(compiler, "it.cpp")
            true(done.returncode == 1 and "C++ is not supported" in done.stderr, f"{done}")
        for name in ("stardust-c++", f"{TRIPLET}-g++", f"{TRIPLET}-c++"):
            done = made.run(name, "it.cpp", "-o", "it")
            true(done.returncode == 1 and "C++ is not supported" in done.stderr, f"{name}: {done}")
        equal(sorted(path.name for path in made.work.iterdir()), ["flags.rsp", "hello.c", "it.cpp"], "nothing was made")


@once
def test_what_build_systems_ask_is_answered_for_the_guest():
    with folder(hello_c=HELLO, other_c="int other(void) { return 1; }\n") as made:
        for compiler in COMPILERS:
            equal(made.check(compiler, "-dumpmachine"), TRIPLET + "\n")
        for compiler in COMPILERS[:2]:
            lib = f"{made.sdk}/{TRIPLET}/lib"
            true(made.check(compiler, "--version"), "a version")
            equal(made.check(compiler, "-print-file-name=libm.a"), f"{lib}/libm.a\n")
            equal(made.check(compiler, "-print-file-name=libz.a"), "libz.a\n", "this machine's own libraries are none of a guest's")
            equal(made.check(compiler, "-print-search-dirs").splitlines()[-1], f"libraries: ={lib}")
            true("GNU ld" in made.check(f"{compiler} -Wl,--version -o x"), "ld's version")
            true("supported targets" not in made.check(f"$({compiler} -print-prog-name=ld) --help"), "libtool sees no shared libraries")
            true(f"{made.sdk}/{TRIPLET}/include/stdio.h" in made.check(compiler, "-M", "hello.c"), "musl's headers")
            true("/usr/include" not in made.check(compiler, "-M", "hello.c"), "nothing of this machine's headers")
            made.check(compiler, "-c", "hello.c", "other.c")
            made.check(compiler, "-r", "hello.o", "other.o", "-o", "both.o")
            made.check(compiler, "both.o", "-o", "hello", "-s", "-Wl,-Map,hello.map")
            true("Cross Reference Table" in (made.work / "hello.map").read_text(), "the map that was asked for")
            equal(made.check("stardust-nm", "hello"), "", "-s strips")
            made.check(f"{compiler} -x c - -o piped < hello.c")
            true("undefined reference" in made.run(compiler, "other.c").stderr, "an error of ld's is seen")
            true("cannot find -lz" in made.run(compiler, "hello.c", "-lz").stderr, "a library that is not the SDK's is not found")


@once
def test_plain_gcc_makes_a_guest_by_pkg_config():
    with folder(hello_c=HELLO) as made:
        made.check(f"gcc hello.c -o hello $({TRIPLET}-pkg-config --cflags --libs stardust)")
        listed = stardust("syscalls", made.work / "hello")
        true(re.search(r"(?m)^writev +\d+$", listed.out), listed.out)
        equal(made.run(f"{TRIPLET}-pkg-config", "--exists", "zlib").returncode, 1, "this machine's packages are none of a guest's")


@once
def test_plain_clang_makes_a_guest_by_its_configuration():
    with folder(hello_c=HELLO) as made:
        made.check("make", "-s", "-C", paths.ROOT, "install", f"PREFIX={made.work}/own")
        made.check("clang", "--config", made.work / "own/share/stardust/clang.cfg", "-O2", "-fPIE", "hello.c", "-o", "hello")
        true(re.search(r"(?m)^writev +\d+$", stardust("syscalls", made.work / "hello").out), "the services are inside")


@once
def test_code_that_uses_the_red_zone_is_refused():
    leaf = "int leaf(int x) { volatile int a[8]; a[x & 7] = x; return a[x / 2 & 7]; }\n"
    main = "int leaf(int); int main(int argc, char **argv) { (void)argv; return leaf(argc); }\n"
    with folder(leaf_c=leaf, main_c=main) as made:
        made.check("gcc", "-O2", "-c", "leaf.c")
        for compiler in COMPILERS[:2]:
            done = made.run(compiler, "main.c", "leaf.o", "-o", "it")
            true(done.returncode != 0 and "leaf+" in done.stderr and "behind the stack pointer" in done.stderr, f"{done}")
            true(not (made.work / "it").exists(), "nothing is left")
            done = made.run(compiler, "-O2", "-mred-zone", "main.c", "leaf.c", "-o", "it")
            equal((done.returncode, done.stderr), (0, ""), "its own code has none, whatever the flags")


@once
@timeout(600)
def test_syscalls_lists_what_is_inside():
    listed = stardust("syscalls", "printf", seconds=500)
    names = re.findall(r"(?m)^(\w+) +\d+$", listed.out)
    true(listed.status == 0 and {"writev", "exit_group"} <= set(names) and len(names) <= 20, f"about a dozen: {listed}")
    with folder(fork_c="#include <unistd.h>\nint main(void) { return fork(); }\n", hello_c=HELLO) as made:
        made.check("stardust-cc", "fork.c", "-o", "forks")
        equal(re.findall(r"(?m)^(\w+) +ENOSYS$", stardust("syscalls", made.work / "forks").out), ["fork"])
        made.check("stardust-cc", "-s", "hello.c", "-o", "bare")
        refused = stardust("syscalls", made.work / "bare")
        true(refused.status == 125 and "is stripped" in refused.err, f"{refused}")

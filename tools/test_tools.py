#!/usr/bin/env python3
"""The tools' own tests: each check catches what it is for, and lets pass what is right."""
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from io import StringIO
from pathlib import Path
from shutil import which

TOOLS = Path(__file__).resolve().parent
sys.dont_write_bytecode = True


def load(name):
    loader = SourceFileLoader(name.replace("-", "_"), str(TOOLS / name))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


redzone = load("check-redzone")
check_includes = load("check-includes")

LEAF = "int leaf(int a) { volatile int x[8]; x[0] = a; x[3] = a; return x[0] + x[3]; }\n"
INDEXED = "int leaf(int a) { volatile int x[8]; for (int i = 0; i < 8; i++) x[i] = i; return x[a & 7]; }\n"
HONEST = """
void use(volatile int *);
int frame(int a) { volatile int y[4]; use(y); return y[a & 3]; }
int previous(const int *p, int i) { return p[i - 1]; }
int arguments(int a, int b, int c, int d, int e, int f, int g, int h) { return a + b + c + d + e + f + g + h; }
"""


def compiled(source, compiler, *flags):
    """What check-redzone finds in an object of this source: the functions' names."""
    with tempfile.TemporaryDirectory() as folder:
        unit, image = Path(folder) / "unit.c", Path(folder) / "unit.o"
        unit.write_text(source)
        subprocess.run([compiler, *flags, "-c", str(unit), "-o", str(image)], check=True)
        return {name for name, _, _ in redzone.findings(redzone.disassemble(str(image)))}


def written(*lines):
    """The same for disassembly written by hand; an address is its line's number."""
    text = "0000000000000000 <f>:\n" + "".join(f"{i:8x}:\t{line}\n" for i, line in enumerate(lines))
    return [instruction.address for _, _, instruction in redzone.findings(text)]


class RedZone(unittest.TestCase):
    def test_compiled_leaf_functions_with_a_red_zone_are_caught(self):
        for compiler in filter(which, ("gcc", "clang")):
            for level in ("-O0", "-O1", "-O2", "-Os"):
                for frame in ("-fomit-frame-pointer", "-fno-omit-frame-pointer"):
                    for source in (LEAF, INDEXED):
                        with self.subTest(compiler=compiler, level=level, frame=frame):
                            self.assertEqual(compiled(source, compiler, level, frame, "-mred-zone"), {"leaf"})

    def test_compiled_code_without_a_red_zone_passes(self):
        for compiler in filter(which, ("gcc", "clang")):
            for level in ("-O0", "-O1", "-O2", "-Os"):
                for frame in ("-fomit-frame-pointer", "-fno-omit-frame-pointer"):
                    for source in (LEAF, INDEXED, HONEST):
                        with self.subTest(compiler=compiler, level=level, frame=frame):
                            self.assertEqual(compiled(source, compiler, level, frame, "-mno-red-zone"), set())

    def test_disassembly(self):
        rows = [
            ("a store below rsp", ["mov %rax,-0x8(%rsp)", "ret"], [0]),
            ("a read below rsp after an epilogue", ["sub $0x10,%rsp", "add $0x10,%rsp", "mov -0x10(%rsp),%rax", "ret"], [2]),
            ("an indirect call below rsp", ["call *-0x18(%rsp)", "ret"], [0]),
            ("with a prefix", ["lock xadd %eax,-0x4(%rsp)", "ret"], [0]),
            ("with a segment", ["mov %fs:0x28,%rax", "mov %rax,-0x8(%rsp)", "ret"], [1]),
            ("a frame's own place", ["sub $0x10,%rsp", "mov %rax,0x8(%rsp)", "add $0x10,%rsp", "ret"], []),
            ("lea makes room", ["lea -0x18(%rsp),%rsp", "mov %rax,(%rsp)", "ret"], []),
            ("lea takes an address there", ["lea -0x18(%rsp),%rdi", "ret"], [0]),
            ("lea for a probe far below", ["lea -0x5000(%rsp),%r11", "ret"], []),
            ("an element before an array", ["sub $0x40,%rsp", "mov -0x8(%rsp,%rax,8),%rdx", "ret"], []),
            ("an array with no frame", ["mov -0x30(%rsp,%rax,8),%rdx", "ret"], [0]),
            ("rbp in a frame", ["push %rbp", "mov %rsp,%rbp", "sub $0x10,%rsp", "mov %eax,-0x10(%rbp)", "leave", "ret"], []),
            ("rbp below a frame", ["push %rbp", "mov %rsp,%rbp", "sub $0x10,%rsp", "mov %eax,-0x14(%rbp)", "leave", "ret"], [3]),
            ("rbp without a frame", ["push %rbp", "mov %rsp,%rbp", "mov %eax,-0x4(%rbp)", "pop %rbp", "ret"], [2]),
            ("rbp over pushes", ["push %rbp", "mov %rsp,%rbp", "push %rbx", "mov %eax,-0x8(%rbp)", "ret"], []),
            ("rbp as a common register", ["mov %rdi,%rbp", "mov %eax,-0x14(%rbp)", "ret"], []),
            ("behind an early return", ["sub $0x10,%rsp", "je 4 <f+0x4>", "add $0x10,%rsp", "ret", "mov %eax,0x8(%rsp)"], []),
            ("an unknown depth", ["push %rbp", "mov %rsp,%rbp", "and $0xffffffffffffffe0,%rsp", "mov %eax,-0x40(%rbp)"], []),
            ("a nop", ["nopw -0x8(%rsp)", "ret"], []),
        ]
        for name, lines, expected in rows:
            with self.subTest(name):
                self.assertEqual(written(*lines), expected)

    def test_a_file_without_code_is_an_error_not_a_pass(self):
        with redirect_stderr(StringIO()) as complaint:
            self.assertEqual(redzone.main([str(TOOLS / "check")]), 2)
            self.assertEqual(redzone.main([]), 2)
        self.assertIn("usage:", complaint.getvalue())


class Includes(unittest.TestCase):
    def errors(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(check_includes.structure_errors(Path(folder)))

    def test_one_line_each(self):
        rows = [
            # file, include, None or a part of the complaint
            ("xen/src/a.c", "<xenlib/b.h>", None),
            ("xen/src/a.c", "<xensys/abi.h>", None),
            ("xen/src/a.c", "<stardust/log.h>", "point down"),
            ("xen/src/a.c", '"../../stardust/mem/x.h"', "point down"),
            ("xen/src/a.c", '"../../xen-sys/src/x.h"', "public header"),
            ("xen/src/a.c", "<xen/xen.h>", "only xen-sys/include/xensys/abi.h"),
            ("xen/src/a.c", "<string.h>", None),
            ("xen/src/a.c", "<stdio.h>", "not among"),
            ("xen/src/a.c", '"missing.h"', "no such file"),
            ("xen-sys/include/xensys/abi.h", "<xen/xen.h>", None),
            ("xen-sys/include/xensys/other.h", "<xen/xen.h>", "only xen-sys/include/xensys/abi.h"),
            ("xen-sys/src/a.c", "<xenlib/b.h>", "point down"),
            ("stardust/mem/a.c", "<xenlib/b.h>", None),
            ("stardust/net/a.c", "<lwip/tcp.h>", None),
            ("xen/src/a.c", "<lwip/tcp.h>", "not among"),
            ("apps/echo/a.c", "<stardust/log.h>", None),
            ("apps/bare/a.c", "<stardust/log.h>", "stands on xen/ alone"),
            ("apps/bare/a.c", "<xenlib/b.h>", None),
        ]
        others = {"stardust/mem/x.h": "", "xen-sys/src/x.h": ""}
        for name, include, complaint in rows:
            with self.subTest(file=name, include=include):
                errors = self.errors({**others, name: f"#include {include}\n"})
                self.assertEqual(len(errors), 0 if complaint is None else 1, errors)
                self.assertIn(complaint or "", "".join(errors))

    def test_an_include_in_a_comment_is_none(self):
        self.assertEqual(self.errors({"xen/src/a.c": "/*\n#include <stdio.h>\n*/\n// #include <stdio.h>\n"}), [])

    def test_the_own_header_comes_first(self):
        header = {"xen/include/xenlib/a.h": "", "xen/include/xenlib/b.h": ""}
        right = "/* why */\n#include <xenlib/a.h>\n#include <xenlib/b.h>\n"
        wrong = "#include <xenlib/b.h>\n#include <xenlib/a.h>\n"
        self.assertEqual(self.errors({**header, "xen/src/a.c": right}), [])
        self.assertEqual(len(self.errors({**header, "xen/src/a.c": wrong})), 1)
        self.assertEqual(len(self.errors({**header, "xen/src/a.c": ""})), 1)

    def test_a_header_that_needs_another_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            header = Path(folder) / "xen/include/xenlib/a.h"
            header.parent.mkdir(parents=True)
            header.write_text("size_t f(void);\n")
            self.assertTrue(list(check_includes.standalone_errors(Path(folder), [])))
            header.write_text("#ifndef A\n#define A\n#include <stddef.h>\nsize_t f(void);\n#endif\n")
            self.assertEqual(list(check_includes.standalone_errors(Path(folder), [])), [])


class Check(unittest.TestCase):
    def test_a_bad_image_makes_the_verdict(self):
        with tempfile.TemporaryDirectory() as folder:
            unit, image = Path(folder) / "unit.c", Path(folder) / "unit.o"
            unit.write_text(LEAF)
            for flag, status in (("-mred-zone", 1), ("-mno-red-zone", 0)):
                subprocess.run(["gcc", "-O2", flag, "-c", str(unit), "-o", str(image)], check=True)
                result = subprocess.run(
                    [str(TOOLS / "check"), "--only", "redzone", str(image)], capture_output=True, text=True, check=False
                )
                self.assertEqual(result.returncode, status, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()

"""Files: what they do as Linux does it, where a guest's own come from, and ramdisks that lie."""

import io
import os
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from host import paths
from host.claims import equal, once, timeout, true
from tests.e2e.lab import LONG, banner, stardust

FILES = paths.BUILD / "e2e-files"
SHOW = paths.BUILD / "e2e-show"


def entry(name: bytes, mode: int = 0o100644, data: bytes = b"", size: int | None = None, name_bytes: int | None = None,
          magic: bytes = b"070701", check: int = 0, inode: int = 1, links: int = 1) -> bytes:
    """One entry of a cpio archive, which may lie."""
    fields = (inode, mode, 0, 0, links, 0, len(data) if size is None else size, 0, 0, 0, 0,
              len(name) + 1 if name_bytes is None else name_bytes, check)
    header = magic + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)


END = entry(b"TRAILER!!!", 0)
PLAN = "1..39"      # the claims of programs/files


def show(archive: bytes, *names: str, memory: int = 16) -> tuple[int, list[str]]:
    """Run the program that shows files, with this ramdisk: its status, and its lines."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "archive"
        file.write_bytes(archive)
        run = stardust("run", SHOW, "--ramdisk", file, "--memory", memory, "--", *names)
    return run.status, run.out.removeprefix(banner(memory)).splitlines()


@timeout(LONG)
def test_files_do_what_linux_s_do():
    run = stardust("run", FILES)
    true(run.status == 0 and re.search(rf"(?m)^{PLAN}$", run.out), f"status {run.status}, all claims: {run.out}")


@once
def test_the_same_program_finds_the_same_on_linux():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        sources = sorted(map(str, (paths.ROOT / "tests/e2e/programs/files").glob("*.c")))
        subprocess.run(["gcc", "-std=gnu17", "-O1", "-w", "-o", f"{directory}/files", *sources], check=True)
        run = subprocess.run([f"{directory}/files", directory], capture_output=True, text=True)
    equal([line for line in run.stdout.splitlines() if not line.startswith("ok ")], [PLAN])


def test_a_directory_is_the_guest_s_files():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "sub/empty").mkdir(parents=True)
        (root / "plain").write_text("text\n")
        (root / "plain").chmod(0o751)
        (root / "large").write_bytes(bytes(range(256)) * 1000)
        (root / "link").symlink_to("sub/../plain")
        os.link(root / "plain", root / "sub/again")
        run = stardust("run", SHOW, "--root", root, "--", "/plain", "/link", "/sub/again", "/sub", "/sub/empty", "/large")
    equal((run.status, run.out.removeprefix(banner()).splitlines()),
          (0, ["/plain 100751 2 5: text", "/link 120777 1 12: text", "/sub/again 100751 2 5: text", "/sub 40755 3 80",
               "/sub/empty 40755 2 40", f"/large 100644 1 256000 sum {sum(range(256)) * 1000}"]))


@once
def test_paths_that_cannot_be_meant_are_refused_with_a_sentence():
    for words, part in ((["--root", "/nowhere"], "no such directory"), (["--root", "/etc/passwd"], "--ramdisk"),
                        (["--ramdisk", "/etc"], "--root"), (["--ramdisk", "/nowhere"], "No such file"),
                        (["--root", "/etc", "--ramdisk", "/etc/passwd"], "give one of them")):
        run = stardust("run", SHOW, *words)
        true(run.status == 125 and part in run.err and run.err.count("\n") == 1, f"{words}: {run}")
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "large").write_bytes(bytes(20 << 20))
        run = stardust("run", SHOW, "--root", directory)
        true(run.status == 125 and "give --memory" in run.err, f"too large: {run}")


def test_cpio_of_all_kinds_is_unpacked():
    several = (entry(b"./a", data=b"one") + END + bytes(512) + entry(b"/b/c/d", data=b"two", inode=7, links=2)
               + entry(b"e", inode=7, links=2) + entry(b"a", data=b"later") + END + bytes(100))
    equal(show(several, "/a", "/b/c/d", "/e"), (0, ["/a 100644 1 5: later", "/b/c/d 100644 2 3: two", "/e 100644 2 3: two"]))
    equal(show(entry(b"sum", data=b"abc", magic=b"070702", check=294) + END, "/sum"), (0, ["/sum 100644 1 3: abc"]))


def test_tar_of_all_formats_is_unpacked():
    long = "/".join(["long" * 20] * 4) + "/name"
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        name = "short" if form == tarfile.USTAR_FORMAT else long
        with tarfile.open(fileobj=file, mode="w", format=form) as archive:
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
            for kind, link in ((tarfile.SYMTYPE, "l"), (tarfile.LNKTYPE, "h")):
                info = tarfile.TarInfo(link)
                info.type, info.linkname = kind, name
                archive.addfile(info)
        equal(show(file.getvalue(), "/l", "/h"), (0, [f"/l 120777 1 {len(name)}: abc", "/h 100644 2 3: abc"]), str(form))


@timeout(LONG)
def test_ramdisks_that_lie_are_refused_by_the_entry_s_name():
    whole = entry(b"whole", data=b"x")
    cases = {
        "cut off": whole + entry(b"bad", data=b"abc", size=4000),
        "has a name that does not end": whole + entry(b"bad", name_bytes=0xfffffff0),
        "has \"..\" in its name": whole + entry(b"bad/../../x", data=b"x") + END,
        "number that is none": whole + entry(b"bad").replace(b"000081a4", b"0000g1a4") + END,
        "checksum": whole + entry(b"bad", data=b"abc", magic=b"070702", check=1) + END,
        "stands where a directory is": entry(b"bad", 0o40755) + entry(b"bad/x") + entry(b"bad", data=b"x") + END,
        "stands where something is that is no directory": whole + entry(b"whole/bad", data=b"x") + END,
        "circle": entry(b"l", 0o120777, b"l") + entry(b"l/bad", data=b"x") + END,
        "is of no type": entry(b"bad", 0o110644) + END,
        "end mark": whole,
        "is neither": b"no archive at all",
    }
    for part, archive in cases.items():
        status, lines = show(archive, "/whole")
        true(status == 1 and len(lines) == 1 and lines[0].startswith("error: ramdisk: ") and part in lines[0], f"{part}: {status}, {lines}")


def test_a_full_guest_of_4_mb_says_so_and_works_on():
    status, lines = show(END, "fill", memory=4)
    equal((status, lines[-1:]), (0, ["works on"]), str(lines))

"""For the claims about the SDK: an installed one, and folders that know nothing of this tree."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from host import paths
from host.claims import true

HERE = Path(__file__).resolve().parent
TRIPLET = "x86_64-stardust-linux-musl"
HELLO = "#include <stdio.h>\nint main(void) { puts(\"Hello\"); return 42; }\n"


class Folder:
    """A folder outside the tree with an SDK in the search path, as `make install` leaves one. Texts are files in it."""

    def __init__(self, path: Path, **texts: str):
        self.path = path
        self.sdk = path / "sdk"
        # Moved after it was installed: nothing in it may know where that was.
        install = subprocess.run(["make", "-s", "-C", paths.ROOT, "install", f"DESTDIR={path}", "PREFIX=/installed"], capture_output=True,
                                 text=True)
        true(install.returncode == 0, f"make install works: {install.stdout}{install.stderr}")
        (path / "installed").rename(self.sdk)
        self.work = path / "work"
        self.work.mkdir()
        for name, text in texts.items():
            (self.work / name.replace("_", ".")).write_text(text)

    def run(self, *words: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder; a word with blanks in it alone is a shell's line."""
        line = len(words) == 1 and " " in str(words[0])
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("STARDUST", "CC", "MAKE", "MFLAGS"))}
        environment = {**plain, "PATH": f"{self.sdk}/bin:{os.environ['PATH']}", **environment}
        return subprocess.run(words[0] if line else words, shell=line, cwd=cwd or self.work, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env=environment)

    def check(self, *words: str | Path, **options: object) -> str:
        """The same, which must work; what it printed."""
        done = self.run(*words, **options)      # type: ignore[arg-type]
        true(done.returncode == 0, f"{words} works: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout


@contextlib.contextmanager
def folder(**texts: str) -> Iterator[Folder]:
    """A folder that is gone afterwards; `hello_c=…` makes a file hello.c in it."""
    with tempfile.TemporaryDirectory(prefix="stardust-sdk-") as path:
        yield Folder(Path(path), **texts)

"""What builds: the packages that are needed, then `make`. The tree's Makefile does the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from host import debian, packages, paths, pool
from host.errors import Problem
from host.progress import step

def apps() -> list[str]:
    """The names of the apps in the tree."""
    return sorted(path.name for path in paths.APPS.iterdir() if path.is_dir()) if paths.APPS.is_dir() else []


def app(name: str) -> Path:
    """Build one app; its image. Where nothing can be built (in `host shell`), an image that is there will do."""
    image = paths.BUILD / name
    if name not in apps():
        raise Problem(f"there is no app {name} (there are: {', '.join(apps()) or 'none'}); to run an image give its path, "
                      f"as in ./{name}")
    if image.exists() and not os.access(paths.ROOT, os.W_OK):
        return image
    make(name)
    if not image.exists():
        raise Problem(f"`make {name}` left no {image}; the Makefile is at fault")
    return image


def make(*targets: str, also: list[str] = []) -> None:
    """Set up (with some more packages), then build the targets. Quiet unless it fails or takes long."""
    debian.install([*packages.BUILD, *also])
    if not (paths.ROOT / "Makefile").exists():
        raise Problem(f"there is no Makefile in {paths.ROOT}; this is not a whole clone, so make a new one")
    with step(f"building {' '.join(targets)}"):
        status, said = pool.run_program([*_make(), *targets], None)
    if status != 0:
        sys.stderr.write(said[-20000:])
        raise Problem(f"the build of {' '.join(targets)} failed; the compiler's own words are above")


def _make() -> list[str]:
    return ["make", "-C", str(paths.ROOT), "--no-print-directory", f"-j{pool.processors()}"]


def check() -> int:
    """`make check`, with its own output and status."""
    debian.install([*packages.BUILD, *packages.CHECK])
    return subprocess.run([*_make(), "check"]).returncode


def bench(arguments: list[str]) -> int:
    """bench/bench.py, which measures; its status."""
    script = paths.ROOT / "bench/bench.py"
    if not script.exists():
        raise Problem(f"there is no {script}; this tree has no benchmarks")
    return subprocess.run([sys.executable, str(script), *arguments], env={**os.environ, "PYTHONPATH": str(paths.ROOT)}).returncode

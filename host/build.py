"""What builds: the packages that are needed, then `make`. The tree's Makefile does the rest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from host import debian, packages, paths, pool
from host.errors import Problem
from host.progress import step

def apps() -> dict[str, str]:
    """What can be run by its name: the apps in the tree, and all images of those of others (`# images:` in their build.sh); and
    the directory of each."""
    found = {path.name: path.name for path in sorted(paths.APPS.glob("*/"))}
    for script in sorted(paths.APPS.glob("*/build.sh")):
        images = re.search(r"^# images: (.*)", script.read_text(), re.M)
        found |= {image: script.parent.name for image in (images[1].split() if images else [])}
    return found


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
    directories = apps()
    special = [package for target in targets for package in packages.APPS.get(directories.get(target, ""), [])]
    debian.install([*packages.BUILD, *also, *special])
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

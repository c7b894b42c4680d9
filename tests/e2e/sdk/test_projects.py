"""Projects that know nothing of Stardust, each built as it is for Linux and for Stardust, and booted."""

import shutil
from pathlib import Path

from host.claims import TYPES, equal, once, timeout, true
from tests.e2e.lab import stardust
from tests.e2e.sdk.sdk import HERE, TRIPLET, Folder, folder

ARGUMENTS = ["1", "2", "3", "4"]


def say(flavour: str) -> str:
    return f"{flavour}: 4 numbers, mean 2.5, deviation 1.1180\n"


def project(made: Folder, name: str) -> Path:
    return Path(shutil.copytree(HERE / "projects" / name, made.work / name))


def runs(made: Folder, name: str, native: Path, guest: Path) -> None:
    """Both programs do the same."""
    done = made.run(native, *ARGUMENTS)
    equal((done.returncode, done.stdout), (42, say(name)), "on Linux")
    for type_ in TYPES:
        run = stardust("run", guest, "--type", type_, "--", *ARGUMENTS)
        equal(run.status, 42, f"{type_}: {run.out}{run.err}")
        true(run.out.endswith(say(name)), f"{type_}: {run.out}")


@once
@timeout(600)
def test_a_plain_make_project_builds_unchanged_and_runs():
    with folder() as made:
        there = project(made, "make")
        made.check("make", cwd=there)
        native = (there / "tally").rename(made.work / "native")
        made.check("make", "clean", cwd=there)
        made.check("make", "CC=stardust-cc", "AR=stardust-ar", cwd=there)
        runs(made, "make", native, there / "tally")


@once
@timeout(600)
def test_a_cmake_project_builds_unchanged_and_runs():
    with folder() as made:
        there = project(made, "cmake")
        file = made.check("stardust-cc", "-print-file-name=stardust.cmake").strip()
        for build, more in (("native", []), ("guest", [f"-DCMAKE_TOOLCHAIN_FILE={file}"])):
            made.check("cmake", "-S", there, "-B", there / build, *more)
            made.check("cmake", "--build", there / build)
        runs(made, "cmake", there / "native/tally", there / "guest/tally")


@once
@timeout(600)
def test_a_meson_project_builds_unchanged_and_runs():
    with folder() as made:
        there = project(made, "meson")
        file = made.check("stardust-cc", "-print-file-name=stardust.meson").strip()
        for build, more in (("native", []), ("guest", ["--cross-file", file])):
            made.check("meson", "setup", *more, there / build, there)
            made.check("meson", "compile", "-C", there / build)
        runs(made, "meson", there / "native/tally", there / "guest/tally")


@once
@timeout(900)
def test_an_autotools_project_builds_unchanged_and_runs():
    with folder() as made:
        there = project(made, "autotools")
        made.check("autoreconf", "-fi", cwd=there)
        site = made.check("stardust-cc", "-print-file-name=config.site").strip()
        for build, more, environment in (("native", [], {}), ("guest", [f"--host={TRIPLET}"], {"CONFIG_SITE": site})):
            (there / build).mkdir()
            made.check("../configure", *more, cwd=there / build, **environment)
            made.check("make", cwd=there / build)
        runs(made, "autotools", there / "native/tally", there / "guest/tally")

"""apt and dpkg: what is installed, installing what is missing, and fetching archives without installing them.

Which mirror, which proxy and which keys is apt's own configuration; nothing here names a host.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from host.errors import Problem
from host.progress import step

SUPPORTED = "Debian 12 on amd64"
LISTS = Path("/var/lib/apt/lists")


def check_supported() -> None:
    """Refuse a machine whose packages these are not."""
    release = {}
    if Path("/etc/os-release").exists():
        for line in Path("/etc/os-release").read_text().splitlines():
            key, _, value = line.partition("=")
            release[key] = value.strip('"')
    here = f"{release.get('PRETTY_NAME', platform.system())} on {platform.machine()}"
    if (release.get("ID"), release.get("VERSION_ID"), platform.machine()) != ("debian", "12", "x86_64"):
        raise Problem(f"this machine runs {here}, and what is missing here can only be set up on {SUPPORTED}; try a Debian 12 "
                      "container or virtual machine, or a Xen host on which `xl info` works")
    if not shutil.which("apt-get"):
        raise Problem(f"there is no apt-get on this machine; the supported build host is {SUPPORTED}")


def missing(packages: list[str]) -> list[str]:
    """Those of the packages that are not installed."""
    if not shutil.which("dpkg-query"):
        return list(packages)
    shown = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\\n", *packages], capture_output=True, text=True)
    installed = {line.split()[0] for line in shown.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def install(packages: list[str]) -> None:
    """Install those of the packages that are missing; one sentence if that cannot be done."""
    wanted = missing(packages)
    if not wanted:
        return
    check_supported()
    sudo: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            raise Problem(f"these packages are missing and this user cannot install them (no sudo): {' '.join(wanted)}; "
                          "have them installed by apt-get and try again")
        sudo = ["sudo"]
    with step(f"installing {' '.join(wanted)}"):
        command = [*sudo, "apt-get", "install", "-y", "--no-install-recommends", *wanted]
        result = _apt(command)
        if result.returncode != 0:      # perhaps the lists are old
            _apt([*sudo, "apt-get", "update"])
            result = _apt(command)
    if result.returncode != 0:
        raise Problem(f"apt-get cannot install {' '.join(wanted)}: {_last_error(result)}")


def versions(packages: list[str]) -> dict[str, str]:
    """The version of each package that apt would fetch now."""
    for attempt in range(2):
        shown = subprocess.run(["apt-cache", "policy", *packages], capture_output=True, text=True, env=_plain())
        found = dict(re.findall(r"^(\S+?)(?::\w+)?:\n(?:  Installed: .*\n)  Candidate: (\S+)", shown.stdout, re.M))
        lacking = [package for package in packages if found.get(package, "(none)") == "(none)"]
        if not lacking:
            return found
        if attempt == 0:
            _update()
    raise Problem(f"apt knows no package {lacking[0]}; run apt-get update, and see that Debian 12's main archive is configured")


def dependency(package: str, pattern: str) -> str:
    """The first direct dependency of a package whose name matches."""
    for attempt in range(2):
        shown = subprocess.run(["apt-cache", "depends", package], capture_output=True, text=True, env=_plain())
        found = re.search(rf"Depends: ({pattern})$", shown.stdout, re.M)
        if found:
            return found[1]
        if attempt == 0:
            _update()
    raise Problem(f"apt knows no package {package}; run apt-get update and try again")


def download(packages: dict[str, str], directory: Path) -> list[Path]:
    """Fetch these versions' archives (apt checks their signatures) without installing anything."""
    command = ["apt-get", "-q", "download", *(f"{name}={version}" for name, version in packages.items())]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, env=_plain())
    if result.returncode != 0:
        raise Problem(f"apt-get cannot fetch the packages that domain 0 is made of: {_last_error(result)}")
    return sorted(directory.glob("*.deb"))


def unpack(archives: list[Path], directory: Path) -> None:
    """Unpack archives side by side, two at a time."""
    running: list[subprocess.Popen[bytes]] = []
    failed = False
    for archive in archives:
        if len(running) == 2:
            failed |= running.pop(0).wait() != 0
        running.append(subprocess.Popen(["dpkg", "-x", str(archive), str(directory)]))
    for child in running:
        failed |= child.wait() != 0
    if failed:
        raise Problem(f"dpkg cannot unpack the packages into {directory}; is the disk full?")


def _update() -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    with step("asking apt for its package lists"):
        _apt([*sudo, "apt-get", "update"])


def _plain() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _apt(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL if command[0] != "sudo" else None, capture_output=True,
                              text=True, env=_plain())
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 127, "", f"E: there is no {error.filename}")


def _last_error(result: subprocess.CompletedProcess[str]) -> str:
    errors = [line[2:].strip() for line in result.stderr.splitlines() if line.startswith("E:")]
    return errors[0] if errors else (result.stderr.strip().splitlines() or ["it gave no reason"])[-1]

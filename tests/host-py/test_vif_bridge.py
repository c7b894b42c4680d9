"""The hotplug script of domain 0 for a guest's network interface."""

import os
import subprocess
import tempfile
from pathlib import Path

from host import paths
from host.claims import equal, true

SCRIPT = paths.ROOT / "host/dom0/vif-bridge"
FAKES = {
    "busybox": '[ $(cat tries) -lt "$WORKS_AT" ] && echo $(($(cat tries) + 1)) > tries && echo "cannot find it" && exit 1; echo "$@" >> said',
    "usleep": ":",
    "xenstore-read": "echo xenbr0",
    "xenstore-write": 'echo "$@" >> said',
}


def said(works_at: int) -> tuple[int, str]:
    """The script's status, and what it asked for, when the interface `lo` is found at this try."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in FAKES.items():
            file = Path(directory, name)
            file.write_text(f"#!/bin/sh\n{text}\n")
            file.chmod(0o755)
        Path(directory, "tries").write_text("0")
        environment = {"PATH": f"{directory}:{os.environ['PATH']}", "vif": "lo", "XENBUS_PATH": "backend", "WORKS_AT": str(works_at)}
        status = subprocess.run(["sh", SCRIPT, "online"], cwd=directory, env=environment, capture_output=True).returncode
        return status, Path(directory, "said").read_text()


def test_interface_that_is_shown_before_it_is_found_is_waited_for():
    for works_at in (0, 1, 5):
        status, text = said(works_at)
        equal(status, 0)
        true("link set dev lo up master" in text and text.endswith("backend/hotplug-status connected\n"), text)


def test_interface_that_is_never_found_is_said():
    status, text = said(1 << 30)
    equal(status, 1)
    true("cannot add lo to bridge" in text and "cannot find it" in text and text.endswith("backend/hotplug-status error\n"), text)

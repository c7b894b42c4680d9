"""What `bin/stardust run` says of itself."""

import contextlib
import hashlib
import io
import tempfile
from pathlib import Path
from unittest.mock import Mock

from host import run
from host.claims import equal
from host.errors import Problem
from host.guest import TooLate
from host.xlconfig import Config


def test_the_headline_names_the_image_its_digest_and_how_it_boots() -> None:
    with tempfile.TemporaryDirectory() as directory:
        image = Path(directory) / "hello"
        image.write_bytes(bytes(41232))
        equal(run.headline(image, Config("other", str(image), memory=2, type="pvh")),
              f"hello: 41,232 bytes, sha256 {hashlib.sha256(bytes(41232)).hexdigest()}, PVH, 2 MB")


def test_a_port_that_cannot_be_forwarded_is_told_of_unless_the_guest_has_ended() -> None:
    for ended, failure, told in [(False, Problem("taken"), "stardust: taken\n"), (False, TooLate("late"), "stardust: late\n"),
                                 (True, Problem("QEMU ended unexpectedly"), ""), (True, TooLate("late"), "")]:
        guest = Mock(ended=ended, forward=Mock(side_effect=failure))
        session = run._Session(Mock(start_guest=lambda *_, **__: guest), Path("x"), Mock(), Config("x", "x", vif=["bridge=b"]), [])
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            session._open("tcp", 7, None)
        equal(said.getvalue(), told, repr(failure))


def test_the_type_is_pvh_where_the_machine_s_xen_has_hardware_for_it() -> None:
    for said, boots_pvh, wanted in [
        ("xen_caps : xen-3.0-x86_64\nvirt_caps              : pv hvm hvm_directio hap shadow\n", True, "pvh"),
        ("virt_caps : pv hvm hap\n", False, "pv"),
        ("virt_caps : pv hvm shadow\n", True, "pv"),
        ("virt_caps : pv\n", True, "pv"),
        ("virt_caps : hvm_directio pv_hap\n", True, "pv"),
        ("", True, "pv"),
    ]:
        equal(run.default_type(said, boots_pvh), wanted, repr(said))

"""Makes what the domain 0 in QEMU boots from: Xen, Debian's kernel and an initramfs, in the cache, from archives that apt fetches.

The result depends on the versions of the packages and on the recipe; both are in its name, so an update of either makes a new
one beside the old one. It is built in a temporary directory and renamed when whole. Our own scripts are not in it: snapshot.py
adds them as a second archive (`overlay`), so that changing one costs a boot and no more.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import lzma
import os
import shutil
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from host import cpio, debian, packages, paths
from host.errors import Problem
from host.progress import say, step

PYTHON = "usr/lib/python3.11"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
XEN_BIN = f"usr/lib/xen-{packages.XEN}/bin"
XEN_TOOLS = ["xl", "xenstored", "xenconsoled", "xenconsole", "libxl-save-helper", "xen-init-dom0", "xenctx", "xentop"]
XENSTORE_TOOLS = ["xenstore", "xenstore-chmod", "xenstore-exists", "xenstore-list", "xenstore-ls", "xenstore-read",
                  "xenstore-rm", "xenstore-watch", "xenstore-write"]
LOADED_BY_NAME = ["libgcc_s.so.1"]      # dlopened, so no NEEDED entry names it

# In the order in which they are loaded.
MODULES = """xen-evtchn xen-gntdev xen-privcmd xenfs xen-netback xen-blkback loop llc stp bridge virtio_ring virtio
    virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net virtio_blk virtio_console
    9pnet 9pnet_virtio netfs fscache 9p sch_netem veth""".split()

# The recipe.
RECIPE = ["cpio.py", "dom0image.py", "packages.py"]

# The modules of this package that the agent is made of, and the scripts.
AGENT = ["__init__.py", "agent.py", "shell.py", "wire.py", "xenctrl.py", "xenstore.py"]
SCRIPTS = {"init": "init", "vif-bridge": "etc/xen/scripts/vif-bridge", "block": "etc/xen/scripts/block"}

PYTHON_UNWANTED = {"ensurepip", "distutils", "lib2to3", "pydoc_data", "sqlite3", "tkinter", "turtledemo", "test", "__pycache__",
                   "config-3.11-x86_64-linux-gnu", "venv", "wsgiref", "xmlrpc", "dbm", "curses", "email/test", "idlelib"}

XL_CONF = 'autoballoon="off"\nvif.default.bridge="xenbr0"\n'
UNUSED_DAYS = 30


def ready() -> Path:
    """The directory with xen, vmlinux and base.cpio, made now if it is not there."""
    recipe = hashlib.sha256(b"".join((paths.HOST / name).read_bytes() for name in RECIPE)).hexdigest()[:12]
    directory = paths.cache() / f"dom0-{recipe}-{_versions_digest()}"
    if not directory.exists():
        with locked(paths.cache() / "dom0.lock", "another run to prepare domain 0"):
            older = sorted(paths.cache().glob(f"dom0-{recipe}-*"), key=lambda path: path.stat().st_mtime)
            try:
                if not directory.exists():
                    _make(directory)
                    _drop_unused()
            except Problem as problem:      # there are newer packages, but not for us, now
                if not older:
                    raise
                say(f"{problem}; going on with the versions fetched before")
                directory = older[-1]
    os.utime(directory)
    return directory


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file while the block runs; it stays behind, empty."""
    with open(path, "w") as file:
        with step(f"waiting for {what}"):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def overlay() -> bytes:
    """The initramfs's second archive: our own scripts and the agent."""
    file = io.BytesIO()
    archive = cpio.Archive(file)
    for name, path in SCRIPTS.items():
        archive.file(path, paths.HOST / "dom0" / name, 0o755)
    for name in AGENT:
        archive.file(f"usr/lib/stardust/host/{name}", paths.HOST / name)
    archive.close()
    return file.getvalue()


def _versions() -> dict[str, str]:
    kernel = debian.dependency(packages.KERNEL, r"linux-image-\S+")
    return debian.versions([*packages.DOM0, kernel])


def _versions_digest() -> str:
    """A digest of the packages' versions, asking apt (0.4 s) only when its lists have changed since the last time."""
    lists = str(debian.LISTS.stat().st_mtime_ns) if debian.LISTS.exists() else "none"
    listed = hashlib.sha256((lists + repr(packages.DOM0)).encode()).hexdigest()[:16]
    memo = paths.cache() / "versions"
    try:
        seen, digest = memo.read_text().split()
        if seen == listed:
            return digest
    except (OSError, ValueError):
        pass
    debian.check_supported()
    digest = hashlib.sha256(repr(sorted(_versions().items())).encode()).hexdigest()[:12]
    lists = str(debian.LISTS.stat().st_mtime_ns) if debian.LISTS.exists() else "none"
    listed = hashlib.sha256((lists + repr(packages.DOM0)).encode()).hexdigest()[:16]
    write_atomically(memo, f"{listed} {digest}\n".encode())
    return digest


def write_atomically(path: Path, data: bytes) -> None:
    """All of it or nothing, whoever else writes it at the same time."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.replace(name, path)


def _make(directory: Path) -> None:
    debian.check_supported()
    debian.install(["binutils"])
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix="making-") as name:
        work = Path(name)
        (work / "debs").mkdir()
        (work / "root").mkdir()
        (work / "done").mkdir()
        versions = _versions()
        with step("fetching Xen and a kernel for domain 0 (90 MB; nothing of it is installed)"):
            archives = debian.download(versions, work / "debs")
        with step("unpacking domain 0"):
            debian.unpack(archives, work / "root")
        with step("making domain 0's initramfs"):
            _kernel(work / "root", work / "done")
            with open(work / "done/base.cpio", "wb") as file:
                _Root(work / "root").write(cpio.Archive(file))
        (work / "done/versions").write_text("".join(f"{name} {version}\n" for name, version in sorted(versions.items())))
        os.rename(work / "done", directory)


def _drop_unused() -> None:
    """Take away what no run has used for a month, and what killed runs left half made."""
    for path in [*paths.cache().glob("dom0-*"), *paths.cache().glob("making-*")]:
        if path.stat().st_mtime < time.time() - UNUSED_DAYS * 86400:
            shutil.rmtree(path, ignore_errors=True)


def _kernel(root: Path, done: Path) -> None:
    """Xen, gunzipped, and the ELF file inside Debian's bzImage: QEMU and Xen start both faster than the compressed ones."""
    (done / "xen").write_bytes(gzip.decompress((root / f"boot/xen-{packages.XEN}-amd64.gz").read_bytes()))
    image = next((root / "boot").glob("vmlinuz-*")).read_bytes()
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)    # payload_offset, payload_length: x86 boot protocol 2.08
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start:start + length - 4]                   # the last four bytes are the unpacked size
    if payload[:6] != b"\xfd7zXZ\0":
        raise Problem("Debian's kernel is no longer packed by xz; this version of Stardust cannot unpack it")
    (done / "vmlinux").write_bytes(lzma.LZMADecompressor().decompress(payload))


class _Root:
    """Domain 0's files, gathered from the unpacked packages."""

    def __init__(self, root: Path):
        self._root = root
        self._libraries: dict[str, Path] = {}
        for directory in ("lib/x86_64-linux-gnu", LIBRARIES, f"usr/lib/xen-{packages.XEN}/lib"):
            for path in sorted((root / directory).rglob("*.so*")):
                self._libraries.setdefault(path.name, path)
        self._needed: set[str] = set()

    def write(self, archive: cpio.Archive) -> None:
        """Everything."""
        root = self._root
        for directory in ("proc", "sys", "dev", "root", "tmp", "mnt", "bin", "run/xen", "run/xenstored", "var/lib/xen",
                          "var/lib/xenstored", "var/log/xen/console", "var/lock", "var/run/xen"):
            archive.directory(directory)
        for link, target in (("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib/x86_64-linux-gnu")):
            archive.link(link, target)
        archive.device("dev/console", 5, 1)
        archive.device("dev/null", 1, 3)
        archive.file("bin/busybox", root / "bin/busybox", 0o755)
        archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        archive.file("etc/group", b"root:x:0:\n")
        archive.file("etc/xen/xl.conf", XL_CONF.encode())
        self._programs(archive)
        self._modules(archive)
        self._python(archive)
        self._write_libraries(archive)
        archive.close()

    def _program(self, archive: cpio.Archive, path: str, source: Path) -> None:
        archive.file(path, source, 0o755)
        self._need(source)

    def _programs(self, archive: cpio.Archive) -> None:
        for name in XEN_TOOLS:
            self._program(archive, f"{XEN_BIN}/{name}", self._root / XEN_BIN / name)
            archive.link(f"usr/sbin/{name}", f"/{XEN_BIN}/{name}")
        for name in XENSTORE_TOOLS:
            self._program(archive, f"usr/bin/{name}", self._root / "usr/bin" / name)
        self._program(archive, "usr/sbin/tc", self._root / "sbin/tc")
        self._program(archive, "usr/sbin/ip", self._root / "bin/ip")
        self._program(archive, "usr/bin/python3.11", self._root / "usr/bin/python3.11")
        archive.link("usr/bin/python3", "python3.11")

    def _modules(self, archive: cpio.Archive) -> None:
        found = {path.stem: path for path in (self._root / "lib/modules").rglob("*.ko")}
        for name in MODULES:
            if name not in found:
                raise Problem(f"Debian's kernel has no module {name} any more; this version of Stardust cannot use it")
            archive.file(f"modules/{name}.ko", found[name])
        archive.file("modules/order", "\n".join(MODULES).encode() + b"\n")

    def _python(self, archive: cpio.Archive) -> None:
        """The standard library as byte code only, compiled by the very interpreter that will read it."""
        library = self._root / PYTHON
        for name in PYTHON_UNWANTED:
            shutil.rmtree(library / name, ignore_errors=True)
        loader = self._root / "lib64/ld-linux-x86-64.so.2"
        search = f"{self._root}/lib/x86_64-linux-gnu:{self._root}/{LIBRARIES}"
        result = subprocess.run([loader, "--library-path", search, self._root / "usr/bin/python3.11", "-S", "-E", "-s", "-m",
                                 "compileall", "-q", "-b", "-s", self._root, library],
                                env={"PYTHONHOME": str(self._root / "usr"), "PATH": os.environ.get("PATH", "")},
                                capture_output=True, text=True)
        if not (library / "os.pyc").exists():
            raise Problem(f"cannot compile domain 0's Python library: {result.stderr.strip()[-200:]}")
        for path in sorted(library.rglob("*")):
            if path.suffix in (".pyc", ".so") and path.is_file():
                archive.file(str(path.relative_to(self._root)), path)
                if path.suffix == ".so":
                    self._need(path)

    def _need(self, path: Path) -> None:
        """Note the libraries that a program or library names."""
        shown = subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout
        for line in shown.splitlines():
            if "(NEEDED)" in line:
                name = line.split("[")[1].rstrip("]\n ")
                if name in self._libraries and name not in self._needed:
                    self._needed.add(name)
                    self._need(self._libraries[name])

    def _write_libraries(self, archive: cpio.Archive) -> None:
        self._needed.update(LOADED_BY_NAME)
        # ctypes loads libxenctrl by its name in full.
        self._needed.update(name for name in self._libraries if name.startswith(f"libxenctrl.so.{packages.XEN}"))
        self._needed.add("ld-linux-x86-64.so.2")
        for name in sorted(self._needed):
            archive.file(f"{LIBRARIES}/{name}", self._libraries[name].resolve(), 0o755)

"""nginx with OpenSSL, PCRE and zlib: asked by curl over TLS and HTTP/2."""

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from host import paths
from host.claims import equal, timeout, true
from host.ports import free
from tests.e2e.lab import LONG, PATIENCE, Running

ROOT = paths.BUILD / "nginx-tls.root"
SAYS = "%{http_code} %{http_version} %{ssl_verify_result} %{num_connects}"


class Site:
    """The guest's two ports, and curl."""

    def __init__(self, https: int, http: int):
        self.https, self.http = https, http

    def curl(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Words that begin with `/` are asked for by https; nobody is trusted but the site's own certificate."""
        words = tuple(f"https://localhost:{self.https}{word}" if word.startswith("/") else word for word in words)
        return subprocess.run(["curl", "-sS", "-4", "--cacert", ROOT / "etc/nginx/certificate.pem", "--max-time", str(PATIENCE), *words],
                              capture_output=True)

    def get(self, *words: str) -> bytes:
        """What comes, without an error."""
        done = self.curl(*words)
        equal((done.returncode, done.stderr), (0, b""), " ".join(words))
        return done.stdout


@contextmanager
def site(*words: object) -> Iterator[Site]:
    """nginx's example, with its key."""
    https, http = free("tcp"), free("tcp")
    run = Running("run", "nginx-tls", "--forward", f"{https}:443", "--forward", f"{http}:80", *words)
    for port in (https, http):
        run.expect(f"ready: tcp://127.0.0.1:{port}\n")
    yield Site(https, http)
    true(run.process.poll() is None, f"it serves on: {run.out}{run.err}")


@timeout(LONG)
def test_pages_come_by_tls_1_2_and_1_3_and_by_http_2():
    page = (ROOT / "www/index.html").read_bytes()
    with site() as nginx:
        for version in ("1.2", "1.3"):
            said = nginx.get(f"--tlsv{version}", "--tls-max", version, "-w", SAYS, "/")
            equal(said, page + b"200 2 0 1", f"TLS {version}")
        equal(nginx.get("--http1.1", "-w", SAYS, "/", "/index.html"), page + b"200 1.1 0 1" + page + b"200 1.1 0 0", "kept alive")
        true(nginx.curl("--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", "/").returncode == 35, "TLS 1.1 is refused")
        true(nginx.curl(f"https://127.0.0.1:{nginx.http}/").returncode == 35, "http's port has no TLS")
        true(nginx.get("-w", "%{redirect_url}", f"http://localhost:{nginx.http}/a?b").endswith(b"https://localhost/a?b"), "http leads to https")
        equal(nginx.get("/index"), page, "rewritten")


@timeout(LONG)
def test_large_files_come_whole_and_text_compressed():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "root"
        shutil.copytree(ROOT, root)
        data, text = hashlib.shake_128(b"tls").digest(2_000_001), b"body { color: red }\n" * 5000
        (root / "www/large.bin").write_bytes(data)
        (root / "www/style.css").write_bytes(text)
        with site("--root", root) as nginx:
            true(nginx.get("/large.bin") == data, "all of it")
            equal(nginx.get("-r", "1000000-1000099", "/large.bin"), data[1000000:1000100])
            packed = nginx.get("-H", "Accept-Encoding: gzip", "/style.css")
            equal((gzip.decompress(packed), len(packed) < len(text) / 10), (text, True))

"""nginx 1.22 as its authors build it: the site of its example configuration, one of the test's, and a proxy for another guest."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from host import paths, ramdisk
from host.claims import equal, once, timeout, true
from host.dom0 import Dom0
from tests.e2e.lab import LONG, PATIENCE, Running, Talk, program, start, until

BROWSER = ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--dump-dom"]
BROWSED = {
    "index.html": '<!doctype html><title>Stardust</title><link rel="stylesheet" href="style.css"><p id="said">nothing'
                  '<script src="script.js"></script>',
    "style.css": "body { color: rgb(1, 2, 3) }",
    "script.js": "addEventListener('load', () => "
                 "{ document.getElementById('said').textContent = 'color ' + getComputedStyle(document.body).color })",
}
STALLED = 10
ROOT = paths.BUILD / "nginx.root"
PAGE = (ROOT / "www/index.html").read_bytes() if ROOT.exists() else b""


@contextmanager
def server(*words: object) -> Iterator[int]:
    """Its port at 127.0.0.1."""
    run = Running("run", "nginx", *words)
    yield run.port()
    true(run.process.poll() is None, f"it serves on: {run.out}{run.err}")


def curl(port: int, *words: str) -> bytes:
    """Words that begin with `/` are pages of the server's."""
    words = tuple(f"http://127.0.0.1:{port}{word}" if word.startswith("/") else word for word in words)
    return subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE), *words], stdout=subprocess.PIPE, check=True).stdout


def headers(port: int, *words: str) -> tuple[int, dict[str, str]]:
    """Status and headers, by names in lower case."""
    first, *lines = curl(port, "--head", *words).decode().strip().splitlines()
    return int(first.split()[1]), {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}


def active(port: int) -> int:
    """The connections that it counts, this one included."""
    return int(curl(port, "/status").split()[2])


@contextmanager
def site(configuration: str = "") -> Iterator[tuple[Path, bytes]]:
    """A root for a guest with a large file in it, and the file."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "root"
        shutil.copytree(ROOT, root)
        if configuration:
            (root / "etc/nginx/nginx.conf").write_text(configuration)
        data = hashlib.shake_128(b"nginx").digest(3_000_001)
        (root / "www/large.bin").write_bytes(data)
        yield root, data


def test_example_serves_its_page_with_what_browsers_and_caches_ask_for():
    with server() as port:
        equal(curl(port, "/"), PAGE)
        status, found = headers(port, "/index.html")
        equal((status, found["content-type"], found["content-length"]), (200, "text/html", str(len(PAGE))))
        equal(headers(port, "-H", f"If-None-Match: {found['etag']}", "/")[0], 304)
        equal(headers(port, "/nothing")[0], 404)
        equal(headers(port, "-X", "DELETE", "/")[0], 405)
        equal(re.findall(rb"#(\d)#", curl(port, "-w", "#%{num_connects}#", "/", "/nothing", "/")), [b"1", b"0", b"0"], "new connections")
        true(curl(port, "/status").startswith(b"Active connections: 1 \n"), "it counts its connections")


@timeout(LONG)
def test_large_files_and_parts_of_them_come_byte_exact_with_and_without_sendfile():
    for way in ("on", "off"):
        with site((paths.APPS / "nginx/nginx.conf").read_text().replace("sendfile on;", f"sendfile {way};")) as (root, data):
            with server("--root", root, "--memory", 24) as port:
                true(curl(port, "/large.bin") == data, f"sendfile {way}: all of it")
                equal(curl(port, "-r", "1000000-1000099", "/large.bin"), data[1000000:1000100], f"sendfile {way}")
                equal(curl(port, "-r", "-5", "/large.bin"), data[-5:])
                equal(headers(port, "-r", "4000000-", "/large.bin")[0], 416)


@timeout(LONG)
def test_many_clients_at_once_are_served_in_8_mb():
    """In domain 0: QEMU's user network resets what it cannot take in at once."""
    with program("nginx", memory=8, ramdisk=ramdisk.pack(ROOT)) as lab:
        lab.guest.serving(PATIENCE)
        url = f"http://{lab.guest.address}/index.html?[1-2000]"
        said = lab.dom0.check(f"{lab.dom0.push_program('curl')} -Z --parallel-max 100 '{url}' 2>/dev/null", timeout=LONG)
        true(said == PAGE.decode() * 2000, f"2,000 pages of {len(PAGE)} bytes, and not {len(said)} bytes")


@timeout(LONG)
def test_client_that_sends_a_byte_a_second_is_served_and_others_beside_it_at_once():
    with program("nginx", ramdisk=ramdisk.pack(ROOT)) as lab:
        lab.guest.serving(PATIENCE)
        request = b"GET / HTTP/1.0\r\n\r\n"
        fast, slow = lab.slow_client(80, request)
        pages = [answer.partition(b"\r\n\r\n")[2] for answer in (*fast, slow)]
        equal(pages, [PAGE] * len(request))


@timeout(LONG)
def test_clients_that_stall_and_reset_do_no_harm_and_leave_no_connection():
    patient = (paths.APPS / "nginx/nginx.conf").read_text().replace("sendfile on;", "sendfile on; send_timeout 1h;")
    with site(patient) as (root, data), program("nginx", memory=24, ramdisk=ramdisk.pack(root)) as lab:
        lab.guest.serving(PATIENCE)
        lab.dom0.push(Path(__file__).with_name("stall.py"), "/tmp/stall.py")
        digest = hashlib.sha256(data).hexdigest()
        clients = Talk(lab.dom0.spawn(f"python3 /tmp/stall.py {lab.guest.address} /large.bin /index.html {digest} {STALLED} 2>&1"))
        clients.until(f"stalled {STALLED}\n")
        port = lab.guest.forward(80)
        until("those that stall are open, and the one that asks", lambda: active(port) == STALLED + 1)
        clients.go_on()
        clients.ok()
        until(lambda: f"{active(port)} active connections", lambda: active(port) == 1)
        equal(curl(port, "/"), PAGE)


PROXY = """daemon off; master_process off; user root root; error_log stderr warn;
events {{ worker_connections 64; }}
http {{ include mime.types; server {{ listen 80;
    location / {{ root /www; }}
    location /api/ {{ proxy_pass http://{0}/; }}
    location /nobody/ {{ proxy_pass http://{0}:9/; }}
}} }}
"""


def test_proxy_passes_on_what_another_guest_answers():
    page = (paths.APPS / "http/root/www/index.html").read_bytes()
    with Dom0() as dom0:
        behind = start(dom0, "http", ramdisk=ramdisk.pack(paths.APPS / "http/root"))
        behind.serving(PATIENCE)
        with site(PROXY.format(behind.address)) as (root, _):
            front = start(dom0, "nginx", ramdisk=ramdisk.pack(root), memory=24)
        front.serving(PATIENCE)
        port = front.forward(80)
        equal((curl(port, "/api/"), curl(port, "/api/hello"), curl(port, "/")), (page, b"Hello from Stardust\n", PAGE))
        equal((headers(port, "/api/nothing")[0], headers(port, "/nobody/")[0]), (404, 502))


@timeout(LONG)
def test_browser_shows_a_page_with_its_style_and_its_script():
    with site() as (root, _):
        for name, text in BROWSED.items():
            (root / "www" / name).write_text(text)
        with server("--root", root) as port, tempfile.TemporaryDirectory() as profile:
            shown = subprocess.run([*BROWSER, f"--user-data-dir={profile}", f"http://127.0.0.1:{port}/"], capture_output=True, text=True,
                                   timeout=LONG)
    true("<title>Stardust</title>" in shown.stdout and "color rgb(1, 2, 3)" in shown.stdout,
         f"status {shown.returncode}: {shown.stdout}{shown.stderr[-1000:]}")


@timeout(LONG)
def test_wrk_finds_no_error_in_what_it_is_answered():
    with server() as port:
        said = subprocess.run(["wrk", "-t1", "-c8", "-d2s", "--timeout", "100", f"http://127.0.0.1:{port}/"], capture_output=True, text=True,
                              timeout=LONG).stdout
    found = re.search(r"(\d+) requests in", said)
    true(found and int(found[1]) > 20 and "errors" not in said and "Non-2xx" not in said, said)


@once
def test_image_is_small():
    true((paths.BUILD / "nginx").stat().st_size <= 1_200_000, f"{(paths.BUILD / 'nginx').stat().st_size} bytes")

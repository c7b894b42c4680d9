"""zlib 1.2.13 as its authors build it: the programs of its own tests."""

import gzip
import random

from host.claims import equal, true
from tests.e2e.lab import LONG, Running, banner, stardust

EXAMPLE = """zlib version 1.2.13 = 0x12d0, compile flags = 0xa9
uncompress(): hello, hello!
gzread(): hello, hello!
gzgets() after gzseek:  hello!
inflate(): hello, hello!
large_inflate(): OK
after inflateSync(): hello, hello!
inflate with dictionary: hello, hello!
"""


def test_example_finds_all_as_its_authors_do():
    run = stardust("run", "zlib", seconds=LONG)
    equal((run.status, run.out), (0, banner() + EXAMPLE), run.err)


def test_infcover_reaches_every_line_of_inflate():
    run = stardust("run", "zlib-infcover", seconds=LONG)
    equal(run.status, 0, run.out + run.err)
    lines = run.out.splitlines()
    true(len(lines) > 50 and lines[-1].startswith("copy direct from output: "), f"its last test is done: {run.out}")


def through(data: bytes, *words: str) -> bytes:
    """What a guest's minigzip makes of what comes from its standard input."""
    run = Running("run", "zlib-minigzip", *words)
    run.type(data)
    assert run.process.stdin
    run.process.stdin.close()
    run.process.wait(LONG)
    equal(run.end().status, 0, run.err)
    return run.bytes.removeprefix(banner().encode())


def test_minigzip_packs_for_others_and_unpacks_what_others_packed():
    words = [bytes(random.Random(seed).randbytes(9)) for seed in range(100)]
    data = b"".join(random.Random(1).choices(words, k=5000))
    packed = through(data)
    true(len(packed) < len(data) // 3, f"{len(data)} bytes are packed into {len(packed)}")
    equal(gzip.decompress(packed), data)
    equal(through(gzip.compress(data), "--", "-d"), data)

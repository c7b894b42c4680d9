"""For domain 0: clients that ask nginx for a large page and stall, reset, or leave in the midst of a request, and others beside them.

    stall.py ADDRESS PAGE SMALL_PAGE SHA256 COUNT

Prints `stalled N` with what has come to those that read nothing, then `ok` when the small page was served beside them every time, half
of them were reset, and the others have read on and got the large page whole.
"""

import hashlib
import socket
import struct
import sys

address, page, small, digest, count = sys.argv[1], *sys.argv[2:5], int(sys.argv[5])
WINDOW = 4096


def client(sent: bytes = b"") -> socket.socket:
    """Connected; how little it takes in unread is set before, for the window that it offers."""
    made = socket.socket()
    made.settimeout(120)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    made.connect((address, 80))
    made.sendall(sent)
    return made


def get(name: str) -> bytes:
    return b"GET %s HTTP/1.0\r\n\r\n" % name.encode()


def body(asked: socket.socket) -> bytes:
    """Of the answer, all of which is read."""
    head, _, rest = b"".join(iter(lambda: asked.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK"), head
    return rest


def reset(asked: socket.socket) -> None:
    asked.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asked.close()


def serves() -> None:
    with client(get(small)) as asked:
        assert body(asked), "the small page"


stalled = [client(get(page)) for _ in range(count)]
for one in stalled:
    assert one.recv(1, socket.MSG_PEEK) == b"H"
serves()
for stage in range(3 * count):      # a connection without a request; half of one; an answer that has begun
    leaving = client([b"", get(page)[:10], get(page)][stage % 3])
    if stage % 3 == 2:
        assert leaving.recv(100)
    reset(leaving)
    serves()
print("stalled", len(stalled), flush=True)
sys.stdin.readline()
for one in stalled[::2]:
    reset(one)
for one in stalled[1::2]:
    assert hashlib.sha256(body(one)).hexdigest() == digest, "the large page comes whole"
    one.close()
serves()
print("ok", count)

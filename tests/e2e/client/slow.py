"""For domain 0: a client that sends a byte a second of the request on standard input, and after each byte another that asks the same at
once. Prints what the fast ones were answered, and what the slow one was at last: a line each, as Python has bytes.

    slow.py ADDRESS PORT
"""

import socket
import sys
import time

there = (sys.argv[1], int(sys.argv[2]))
request = sys.stdin.buffer.read()


def answer(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    return b"".join(iter(lambda: client.recv(65536), b""))


slow = socket.create_connection(there, 60)
slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for at in range(len(request)):
    slow.sendall(request[at:at + 1])
    start = time.monotonic()
    if at < len(request) - 1:   # the last byte makes it the slow one's turn
        with socket.create_connection(there, 60) as fast:
            fast.sendall(request)
            print(answer(fast))
    time.sleep(max(0, start + 1 - time.monotonic()))
print(answer(slow))

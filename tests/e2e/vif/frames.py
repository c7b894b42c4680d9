"""In domain 0: `frames.py INTERFACE COUNT` sends frames that somebody reflects, and compares. The last one ends the reflection."""

import random
import socket
import sys

TYPE, END_TYPE = b"\x88\xb5", b"\x88\xb6"
HERE, THERE = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"
SIZES = [60, 61, 250, 256, 257, 270, 271, 1514, 4095, 4096, 4097, 9000, 20000, 30000]
WINDOW = 8      # frames under way

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
wire.bind((sys.argv[1], 0x88B5))
wire.settimeout(20)
count = int(sys.argv[2])
random.seed(1)
under_way = []
for number in range(count + WINDOW):
    if number < count:
        body = TYPE + random.randbytes(random.choice(SIZES) - 14)
        wire.send(THERE + HERE + body)
        under_way.append(body)
    if number >= WINDOW:
        wanted = HERE + THERE + under_way.pop(0)
        got = wire.recv(65536)
        if got != wanted:
            sys.exit(f"frame {number - WINDOW}: {len(got)} bytes came back, {len(wanted)} were sent")
wire.send(THERE + HERE + END_TYPE + bytes(46))
print(count, "frames came back")

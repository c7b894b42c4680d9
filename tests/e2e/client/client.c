/*
 * A client of the echo service, for domain 0: `e2e-client MODE ADDRESS PORT ARGUMENT...`
 *
 * - stream BYTES SEED: a connection with BYTES each way at once
 * - serial COUNT BYTES: COUNT connections one after another, each with BYTES and a half-close
 * - parallel COUNT BYTES: COUNT connections open at once, each with BYTES; says `all open`, and ends after a
 *   line on standard input
 * - half-close BYTES: sends, finishes, and only then begins to read, through a small window
 * - stall COUNT BYTES: COUNT connections that send and do not read until nothing is taken any more; says
 *   `stalled N`, and after a line on standard input sends the rest and reads everything
 * - trickle BYTES MILLISECONDS: a byte at a time
 * - udp SIZE...: a datagram of each size, sent again when no answer comes
 * - flood: asks for connections in the name of hosts that are not there, says `flooding`, and goes on until a
 *   line comes on standard input
 * - reset COUNT: COUNT connections ended by RST, at every stage (hostile.c)
 * - crowd COUNT: asks for COUNT connections at once, says `connected N` when no more come, and closes them
 *   after a line on standard input
 * - names: no client, but a name server at the address (names.c)
 *
 * What comes back is compared with what was sent, byte for byte. Prints `ok …` and ends with 0 if all is
 * right.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    exit(1);
}

/* splitmix64: every word follows from its number, so that any part of the stream can be made on its own. */
static uint64_t word(uint64_t seed, uint64_t number)
{
    uint64_t z = (seed << 32) + (number + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void fill(uint8_t *bytes, size_t count, uint64_t seed, uint64_t offset)
{
    for (size_t i = 0; i < count; i += 8) {
        uint64_t value = word(seed, (offset + i) / 8);

        memcpy(bytes + i, &value, count - i < 8 ? count - i : 8);
    }
}

void check(const uint8_t *bytes, size_t count, uint64_t seed, uint64_t offset)
{
    while (count) {
        uint64_t value = word(seed, offset / 8);
        size_t skip = offset % 8, part = count < 8 - skip ? count : 8 - skip;

        if (memcmp(bytes, (uint8_t *)&value + skip, part))
            fail("the bytes that came back differ at offset %llu", (unsigned long long)offset);
        bytes += part;
        offset += part;
        count -= part;
    }
}

struct peer parse_peer(const char *host, const char *port)
{
    struct peer peer = {.length = 0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&peer.address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer.address;
    char text[64];
    char *zone;

    snprintf(text, sizeof text, "%s", host);
    zone = strchr(text, '%');
    if (zone)
        *zone++ = '\0';
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)atoi(port));
        peer.length = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)atoi(port));
        v6->sin6_scope_id = zone ? if_nametoindex(zone) : 0;
        peer.length = sizeof *v6;
    } else {
        fail("%s is no address", host);
    }
    return peer;
}

void set_buffers(int fd, int bytes)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

int connect_to(const struct peer *peer, int buffers)
{
    int fd = socket(peer->address.ss_family, SOCK_STREAM, 0), one = 1;

    if (fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (buffers)
        set_buffers(fd, buffers);
    if (connect(fd, (const struct sockaddr *)&peer->address, peer->length))
        fail("connect: %s", strerror(errno));
    return fd;
}

void write_all(int fd, const uint8_t *bytes, size_t count)
{
    while (count) {
        ssize_t done = write(fd, bytes, count);

        if (done <= 0)
            fail("write: %s", strerror(errno));
        bytes += done;
        count -= (size_t)done;
    }
}

size_t read_all(int fd, uint8_t *bytes, size_t count)
{
    size_t had = 0;

    while (had < count) {
        ssize_t got = read(fd, bytes + had, count - had);

        if (got < 0)
            fail("read after %zu of %zu bytes: %s", had, count, strerror(errno));
        if (!got)
            break;
        had += (size_t)got;
    }
    return had;
}

void expect_end(int fd)
{
    uint8_t byte;
    ssize_t got = read(fd, &byte, 1);

    if (got < 0)
        fail("the connection ended badly: %s", strerror(errno));
    if (got > 0)
        fail("more came back than was sent");
}

static const struct {
    const char *name;
    void (*run)(const struct peer *peer, char **words);
    int words; /* at least */
} modes[] = {
    {"stream", mode_stream, 2},     {"serial", mode_serial, 2},
    {"parallel", mode_parallel, 2}, {"half-close", mode_half_close, 1},
    {"stall", mode_stall, 2},       {"trickle", mode_trickle, 2},
    {"flood", mode_flood, 0},       {"reset", mode_reset, 1},
    {"crowd", mode_crowd, 1},       {"udp", mode_udp, 1},
    {"names", mode_names, 0},
};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; argc > 3 && i < sizeof modes / sizeof *modes; i++) {
        if (!strcmp(argv[1], modes[i].name) && argc >= 4 + modes[i].words) {
            struct peer peer = parse_peer(argv[2], argv[3]);

            modes[i].run(&peer, argv + 4);
            return 0;
        }
    }
    fprintf(stderr, "usage: e2e-client MODE ADDRESS PORT ARGUMENT...\n");
    return 2;
}

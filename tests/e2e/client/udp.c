/* The mode that uses UDP. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES   4
#define WAIT_MS 1500
#define LARGEST 65535

/* True when the answer came, which is compared with what was sent. */
static int ask(int fd, size_t size, uint64_t seed)
{
    static uint8_t out[LARGEST], in[LARGEST];
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    fill(out, size, seed, 0);
    if (send(fd, out, size, 0) != (ssize_t)size)
        fail("a datagram of %zu bytes cannot be sent: %s", size, strerror(errno));
    while (poll(&poller, 1, WAIT_MS) == 1) {
        ssize_t got = recv(fd, in, sizeof in, 0);

        if (got < 0)
            fail("recv: %s", strerror(errno));
        if ((size_t)got != size)
            continue; /* late, and asked for once more meanwhile */
        check(in, size, seed, 0);
        return 1;
    }
    return 0;
}

void mode_udp(const struct peer *peer, char **words)
{
    unsigned sizes = 0;
    int fd = socket(peer->address.ss_family, SOCK_DGRAM, 0), room = 1 << 20;

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&peer->address, peer->length))
        fail("connect: %s", strerror(errno));
    for (; *words; words++, sizes++) {
        size_t size = strtoul(*words, NULL, 0);
        unsigned tries = 0;

        if (size > LARGEST)
            fail("no datagram has %zu bytes", size);
        while (!ask(fd, size, size) && ++tries < TRIES)
            ;
        if (tries == TRIES)
            fail("no answer to a datagram of %zu bytes, sent %d times", size, TRIES);
        if (tries)
            printf("lost %u of %zu bytes\n", tries, size);
    }
    printf("ok %u\n", sizes);
}

/* The modes of clients that mean no good, or of which there are too many. */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The last bytes of the addresses that a flood says it comes from: nobody has them. */
#define FLOOD_FIRST  128
#define FLOOD_LAST   254
#define FLOOD_TELL   2000
#define FLOOD_BURST  128
#define BURST_MS     1000 /* at most, until the guest has seen it */
#define CROWD_BURST  8
#define CROWD_PAUSE  2000 /* us: domain 0 is to have time for others */
#define SETTLE_MS    5000
#define RESET_STAGES 4

struct syn {
    struct iphdr ip;
    struct tcphdr tcp;
};

static uint32_t add(const void *bytes, size_t count)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i += 2) {
        uint16_t word;

        memcpy(&word, (const uint8_t *)bytes + i, sizeof(word));
        sum += word;
    }
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static struct syn make_syn(const struct sockaddr_in *to, uint32_t number)
{
    struct syn syn = {
        .ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .daddr = to->sin_addr.s_addr},
        .tcp = {.doff = 5, .syn = 1, .dest = to->sin_port, .window = htons(65535)},
    };
    uint32_t from = FLOOD_FIRST + number % (FLOOD_LAST - FLOOD_FIRST + 1);

    syn.ip.tot_len = htons(sizeof(syn));
    syn.ip.saddr = htonl((ntohl(to->sin_addr.s_addr) & ~255u) | from);
    syn.tcp.source = htons((uint16_t)(1024 + number % 60000));
    syn.tcp.seq = htonl(number * 2654435761u);
    syn.tcp.check = fold(add(&syn.ip.saddr, 8) + htons(IPPROTO_TCP) + htons(sizeof(syn.tcp)) +
                         add(&syn.tcp, sizeof(syn.tcp)));
    return syn;
}

static bool is_told(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, 0) > 0;
}

/* The guest answers a datagram behind what was sent before: a flood that is faster than the machine is would
 * only tell how fast that is. */
static void wait_until_seen(int fd)
{
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    char byte = 0;

    if (send(fd, &byte, 1, 0) == 1 && poll(&answer, 1, BURST_MS) > 0)
        (void)!recv(fd, &byte, 1, 0);
}

/* Asks for connections in the name of hosts that are not there, until it is told to stop. */
void mode_flood(const struct peer *peer, char **words)
{
    const struct sockaddr_in *to = (const void *)&peer->address;
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    uint32_t sent = 0;

    (void)words;
    if (fd < 0)
        fail("raw socket: %s", strerror(errno));
    if (connect(datagrams, (const void *)to, sizeof(*to)))
        fail("datagrams: %s", strerror(errno));
    while (sent < FLOOD_TELL || !is_told()) {
        struct syn syn = make_syn(to, sent);

        if (sendto(fd, &syn, sizeof(syn), 0, (const void *)to, sizeof(*to)) < 0 && errno != ENOBUFS)
            fail("sendto: %s", strerror(errno));
        if (++sent == FLOOD_TELL)
            printf("flooding\n");
        if (sent % FLOOD_BURST == 0)
            wait_until_seen(datagrams);
    }
    printf("ok %u\n", sent);
}

/* Ends connections by RST: at once, in the midst of sending, with an answer unread, and half closed. */
void mode_reset(const struct peer *peer, char **words)
{
    unsigned long count = strtoul(words[0], NULL, 0);
    const struct linger at_once = {.l_onoff = 1};
    static uint8_t data[60000];

    for (unsigned long i = 0; i < count; i++) {
        int fd = connect_to(peer, 0);

        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        if (i % RESET_STAGES)
            write_all(fd, data, i % RESET_STAGES == 1 ? 1 : sizeof(data));
        if (i % RESET_STAGES == 2 && read_all(fd, data, 100) != 100)
            fail("no answer before the reset");
        if (i % RESET_STAGES == 3)
            shutdown(fd, SHUT_WR);
        close(fd);
    }
    printf("ok %lu\n", count);
}

/* How many of the connections that were asked for are there, once no more come. */
static unsigned long settle(struct pollfd *pollers, unsigned long count)
{
    unsigned long there = 0, before = count + 1;

    while (there != before && there != count) {
        before = there;
        usleep(SETTLE_MS * 1000);
        for (unsigned long i = 0; i < count; i++)
            pollers[i].events = POLLOUT;
        poll(pollers, count, 0);
        there = 0;
        for (unsigned long i = 0; i < count; i++)
            there += (pollers[i].revents & (POLLOUT | POLLERR | POLLHUP)) == POLLOUT;
    }
    return there;
}

/* Asks for many connections, and waits for none: the guest may have no place for all of them. */
void mode_crowd(const struct peer *peer, char **words)
{
    unsigned long count = strtoul(words[0], NULL, 0);
    struct rlimit limit = {.rlim_cur = count + 16, .rlim_max = count + 16};
    struct pollfd *pollers = calloc(count, sizeof(*pollers));

    setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned long i = 0; i < count; i++) {
        pollers[i].fd = socket(peer->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (pollers[i].fd < 0 ||
            (connect(pollers[i].fd, (const void *)&peer->address, peer->length) && errno != EINPROGRESS))
            fail("connection %lu: %s", i, strerror(errno));
        if (i % CROWD_BURST == 0)
            usleep(CROWD_PAUSE);
    }
    printf("connected %lu\n", settle(pollers, count));
    if (getchar() == EOF)
        fail("nobody says that it may go on");
    for (unsigned long i = 0; i < count; i++)
        close(pollers[i].fd);
    printf("ok %lu\n", count);
}

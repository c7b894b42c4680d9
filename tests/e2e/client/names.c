/* The mode that is a name server (RFC 1035), of a handful of names. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28 };
#define HEADER    12
#define NXDOMAIN  3
#define DOMAIN    "\4test"
#define V4        "\xc0\x00\x02\x01"
#define V6        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define V4_NAME   "\0011\0012\0010\003192\7in-addr\4arpa"
#define PLAIN     "\5plain\4test"
#define ANSWER(s) (s), sizeof(s) - 1

/* Names as they stand in a question, with what is answered. */
static const struct {
    const char *name;
    int type;
    const char *data;
    size_t bytes;
} records[] = {
    {PLAIN, TYPE_A, ANSWER(V4)},
    {PLAIN, TYPE_AAAA, ANSWER(V6)},
    {"\4four" DOMAIN, TYPE_A, ANSWER(V4)},
    {V4_NAME, TYPE_PTR, PLAIN, sizeof(PLAIN)},
};

static size_t add_record(uint8_t *to, int type, const char *data, size_t bytes)
{
    const uint8_t head[] = {0xc0, HEADER, 0, (uint8_t)type, 0, 1, 0, 0, 0, 60, 0, (uint8_t)bytes};

    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, data, bytes);
    return sizeof head + bytes;
}

/* Turns the question into its answer: the length. */
static size_t answer(uint8_t *packet, size_t length)
{
    const char *name = (const char *)packet + HEADER;
    int type = packet[length - 3], known = 0, count = 0;

    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        if (strcasecmp(records[i].name, name))
            continue;
        known = 1;
        if (records[i].type != type)
            continue;
        length += add_record(packet + length, type, records[i].data, records[i].bytes);
        count++;
    }
    packet[2] = 0x84;
    packet[3] = known ? 0x80 : 0x80 | NXDOMAIN;
    packet[7] = (uint8_t)count;
    return length;
}

/* Before the true one, an answer to a question with another number: another address. */
static void send_forged(int fd, const uint8_t *packet, size_t length, const struct sockaddr *to,
                        socklen_t bytes)
{
    uint8_t forged[600];

    memcpy(forged, packet, length);
    forged[0] ^= 1;
    forged[length - 1] ^= 0x55;
    sendto(fd, forged, length, 0, to, bytes);
}

void mode_names(const struct peer *peer, char **words)
{
    int fd = socket(peer->address.ss_family, SOCK_DGRAM, 0);

    (void)words;
    if (fd < 0 || bind(fd, (const struct sockaddr *)&peer->address, peer->length))
        fail("bind: %s", strerror(errno));
    printf("answers\n");
    for (;;) {
        uint8_t packet[600] = {0};
        struct sockaddr_storage from;
        socklen_t bytes = sizeof from;
        ssize_t got = recvfrom(fd, packet, 300, 0, (struct sockaddr *)&from, &bytes);
        size_t length;

        if (got < HEADER + 5)
            continue;
        if (!strcasecmp((const char *)packet + HEADER, "\6silent" DOMAIN))
            continue;
        length = answer(packet, (size_t)got);
        send_forged(fd, packet, length, (const struct sockaddr *)&from, bytes);
        sendto(fd, packet, length, 0, (const struct sockaddr *)&from, bytes);
    }
}

/*
 * A name server (RFC 1035) on port 53 of UDP and TCP: every name has the same addresses, and a text. A
 * datagram is answered from the address that it was sent to, which recvmsg tells and sendmsg is told again.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PORT       53
#define HEADER     12
#define RECORD     12  /* its bytes before the data */
#define QUESTION   512 /* the largest */
#define PATIENCE   5   /* seconds that a connection may take for its question */
#define DATA(text) (text), sizeof(text) - 1

static const struct {
    uint8_t type;
    const char *data;
    uint8_t bytes;
} records[] = {
    {1, DATA("\xc0\x00\x02\x07")},                          /* A */
    {28, DATA("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7")}, /* AAAA */
    {16, DATA("\x15served by a unikernel")},                /* TXT */
};

/* Turns a question into its answer: the bytes, or 0 where it is none. There is room for one record more. */
static size_t answer(uint8_t *packet, size_t bytes)
{
    size_t end = HEADER;

    while (end < bytes && packet[end])
        end += packet[end] + 1u;
    end += 5; /* the name's end, type and class */
    if (end > bytes || packet[2] & 0x80)
        return 0;
    packet[2] |= 0x84; /* an answer, of the name's own server */
    packet[3] = 0;
    memset(packet + 6, 0, 6); /* no records so far; what stands behind the question is left out */
    for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
        const uint8_t head[RECORD] = {0xc0, HEADER, 0, records[i].type, 0, 1, 0, 0,
                                      0,    60,     0, records[i].bytes};

        if (packet[end - 3] != records[i].type)
            continue;
        packet[7] = 1;
        memcpy(packet + end, head, RECORD);
        memcpy(packet + end + RECORD, records[i].data, records[i].bytes);
        end += RECORD + records[i].bytes;
    }
    return end;
}

static void answer_datagram(int fd)
{
    uint8_t packet[2 * QUESTION], control[256];
    struct sockaddr_in6 peer;
    struct iovec piece = {packet, QUESTION};
    struct msghdr message = {.msg_name = &peer,
                             .msg_namelen = sizeof(peer),
                             .msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, 0);

    piece.iov_len = got > 0 ? answer(packet, (size_t)got) : 0;
    if (piece.iov_len && sendmsg(fd, &message, 0) < 0)
        perror("sendmsg");
}

/* One question, behind its length. */
static void answer_connection(int fd)
{
    uint8_t packet[2 * QUESTION], length[2];
    struct timeval patience = {.tv_sec = PATIENCE};
    struct iovec pieces[] = {{length, 2}, {packet, 0}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    size_t bytes;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (recv(fd, length, 2, MSG_WAITALL) == 2) {
        bytes = (size_t)length[0] << 8 | length[1];
        if (bytes <= QUESTION && recv(fd, packet, bytes, MSG_WAITALL) == (ssize_t)bytes) {
            bytes = answer(packet, bytes);
            length[0] = (uint8_t)(bytes >> 8);
            length[1] = (uint8_t)bytes;
            pieces[1].iov_len = bytes;
            if (bytes && sendmsg(fd, &message, 0) < 0)
                perror("sendmsg");
        }
    }
    close(fd);
}

static int open_at(int type)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    int fd = socket(AF_INET6, type, 0), on = 1;

    if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) ||
        bind(fd, (struct sockaddr *)&any, sizeof(any)) || (type == SOCK_STREAM && listen(fd, 16)))
        perror("port 53");
    return fd;
}

int main(void)
{
    struct pollfd fds[] = {{.fd = open_at(SOCK_DGRAM), .events = POLLIN},
                           {.fd = open_at(SOCK_STREAM), .events = POLLIN}};

    signal(SIGPIPE, SIG_IGN);
    while (poll(fds, 2, -1) > 0) {
        if (fds[0].revents)
            answer_datagram(fds[0].fd);
        if (fds[1].revents)
            answer_connection(accept(fds[1].fd, NULL, NULL));
    }
    return 1;
}

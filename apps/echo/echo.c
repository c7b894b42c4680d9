/*
 * The echo protocol (RFC 862) on TCP and UDP port 7 by sockets: one loop around epoll, edges, nothing waits.
 * What a client does not read is held in its connection's buffer, and no more is read until it is gone.
 * A port as argument serves that one instead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD        4096
#define DESCRIPTORS 20000

struct connection {
    int fd;
    size_t from, to; /* in `held` */
    bool peer_has_finished;
    char held[HELD];
};

static struct connection listener, datagrams; /* `fd` alone counts */
static int set, port = 7;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static bool watch(struct connection *connection, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    return !epoll_ctl(set, EPOLL_CTL_ADD, connection->fd, &event);
}

static int open_at(int type)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, type | SOCK_NONBLOCK, 0), on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fd, (struct sockaddr *)&any, sizeof(any)))
        fail("socket");
    if (type == SOCK_STREAM && listen(fd, 511))
        fail("listen");
    return fd;
}

static void take_all(void)
{
    int fd, on = 1;

    while ((fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = calloc(1, sizeof(*connection));

        if (!connection) {
            close(fd);
            continue;
        }
        connection->fd = fd;
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)); /* a peer that vanished is noticed */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (!watch(connection, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
            close(fd);
            free(connection);
        }
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        usleep(10000); /* until there are descriptors, or memory, again */
}

static void answer_all(void)
{
    static char packet[65536];
    struct sockaddr_in6 from;
    socklen_t bytes = sizeof(from);
    ssize_t got;

    /* Not another echo server's, which would answer for ever. */
    while ((got = recvfrom(datagrams.fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &bytes)) >= 0) {
        if (ntohs(from.sin6_port) != port)
            sendto(datagrams.fd, packet, (size_t)got, 0, (struct sockaddr *)&from, bytes);
    }
}

/* False once it is over. */
static bool echo(struct connection *connection)
{
    for (;;) {
        ssize_t now;

        if (connection->from == connection->to) {
            if (connection->peer_has_finished)
                return false;
            connection->from = connection->to = 0;
            now = read(connection->fd, connection->held, HELD);
            if (now < 0)
                return errno == EAGAIN;
            connection->to = (size_t)now;
            connection->peer_has_finished = !now;
            continue;
        }
        now = write(connection->fd, connection->held + connection->from, connection->to - connection->from);
        if (now < 0)
            return errno == EAGAIN;
        connection->from += (size_t)now;
    }
}

int main(int argc, char **argv)
{
    struct rlimit descriptors = {.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};
    struct epoll_event events[64];

    signal(SIGPIPE, SIG_IGN); /* a client that has gone is no reason to go */
    if (argc > 1)
        port = atoi(argv[1]);
    if (setrlimit(RLIMIT_NOFILE, &descriptors))
        fail("setrlimit");
    set = epoll_create1(0);
    listener.fd = open_at(SOCK_STREAM);
    datagrams.fd = open_at(SOCK_DGRAM);
    if (!watch(&listener, EPOLLIN) || !watch(&datagrams, EPOLLIN))
        fail("epoll");
    for (;;) {
        int count = epoll_wait(set, events, 64, -1);

        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;

            if (connection == &listener) {
                take_all();
            } else if (connection == &datagrams) {
                answer_all();
            } else if (!echo(connection)) {
                close(connection->fd);
                free(connection);
            }
        }
    }
}

/* What servers ask of their sockets besides. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "claims.h"

static int connect_to(struct name name, int flags)
{
    int fd = socket(name.any.sa_family, SOCK_STREAM | flags, 0);

    if (fd >= 0 && connect(fd, &name.any, name.bytes) && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A socket at that place, with SO_REUSEPORT. */
static int share(int type, struct name name)
{
    int fd = socket(name.any.sa_family, type, 0);

    CHECK(!set(fd, SOL_SOCKET, SO_REUSEPORT, 1) && !bind(fd, &name.any, name.bytes));
    CHECK(type == SOCK_DGRAM || !listen(fd, 100));
    return fd;
}

static void a_connected_datagram_socket_is_told_that_nobody_is_there(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (int i = 0; i < 2; i++) {
        int gone = socket(families[i], SOCK_DGRAM, 0), fd = socket(families[i], SOCK_DGRAM, 0),
            other = socket(families[i], SOCK_DGRAM, 0);
        struct name name = here(families[i], 0);

        CHECK(!bind(gone, &name.any, name.bytes));
        name = name_of(gone);
        close(gone);
        CHECK(!connect(fd, &name.any, name.bytes) && send(fd, data, 5, 0) == 5);
        CHECK(await(fd, POLLIN) == POLLERR);
        CHECK_ERRNO(recv(fd, back, 9, 0), ECONNREFUSED);
        CHECK_ERRNO(recv(fd, back, 9, MSG_DONTWAIT), EAGAIN);
        CHECK(send(fd, data, 5, 0) == 5 && await(fd, POLLIN) == POLLERR);
        CHECK(get(fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
        CHECK(sendto(other, data, 5, 0, &name.any, name.bytes) == 5);
        CHECK(send(fd, data, 5, 0) == 5 && await(fd, POLLIN) == POLLERR && !ready(other, POLLIN));
        close(fd);
        close(other);
    }
}

/* Takes what waits: how many. */
static int accept_all(int listener)
{
    int count = 0, fd;

    while ((ready(listener, POLLIN) & POLLIN) && (fd = accept(listener, NULL, NULL)) >= 0) {
        close(fd);
        count++;
    }
    return count;
}

static void listeners_that_share_a_port_share_its_connections(void)
{
    int client[64], first = share(SOCK_STREAM, here(AF_INET, 0)), second, third, in_first, in_second;
    struct name name = name_of(first);

    second = share(SOCK_STREAM, name);
    third = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERRNO(bind(third, &name.any, name.bytes), EADDRINUSE);
    CHECK(!set(third, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_ERRNO(bind(third, &name.any, name.bytes), EADDRINUSE);
    for (int i = 0; i < 64; i++)
        CHECK((client[i] = connect_to(name, 0)) >= 0);
    in_first = accept_all(first);
    in_second = accept_all(second);
    CHECK(in_first > 5 && in_second > 5 && in_first + in_second == 64);
    for (int i = 0; i < 64; i++)
        close(client[i]);
    CHECK(!close(first));
    for (int i = 0; i < 8; i++)
        CHECK((client[i] = connect_to(name, 0)) >= 0);
    CHECK(accept_all(second) == 8);
    for (int i = 0; i < 8; i++)
        close(client[i]);
    close(second);
    CHECK(connect_to(name, 0) < 0 && errno == ECONNREFUSED);
    close(third);
}

static void datagram_sockets_that_share_a_port_share_what_comes(void)
{
    int first = share(SOCK_DGRAM, here(AF_INET, 0)), second, in_first = 0, in_second = 0;
    struct name name = name_of(first);

    second = share(SOCK_DGRAM, name);
    for (int i = 0; i < 64; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        CHECK(sendto(fd, data, 3, 0, &name.any, name.bytes) == 3);
        close(fd);
    }
    while (recv(first, back, 9, MSG_DONTWAIT) == 3)
        in_first++;
    while (recv(second, back, 9, MSG_DONTWAIT) == 3)
        in_second++;
    CHECK(in_first > 5 && in_second > 5 && in_first + in_second == 64);
    close(first);
    close(second);
}

static void hundreds_may_wait_to_be_accepted(void)
{
    enum { COUNT = 400 };
    int listener = socket(AF_INET, SOCK_STREAM, 0), client[COUNT];
    struct name name = here(AF_INET, 0);

    CHECK(!bind(listener, &name.any, name.bytes) && !listen(listener, 4096));
    name = name_of(listener);
    for (int i = 0; i < COUNT; i++)
        CHECK((client[i] = connect_to(name, 0)) >= 0);
    for (int i = 0; i < COUNT; i++) {
        int fd = accept(listener, NULL, NULL);

        CHECK(fd >= 0 && write(client[i], &i, sizeof(i)) == sizeof(i) && !close(fd) && !close(client[i]));
    }
    CHECK(!ready(listener, POLLIN) && !close(listener));
}

/* A listener with as many waiting as it has places, and who they are. */
static int full_listener(int client[3])
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct name name = here(AF_INET, 0);

    CHECK(!bind(listener, &name.any, name.bytes) && !listen(listener, 2));
    name = name_of(listener);
    for (int i = 0; i < 3; i++)
        CHECK((client[i] = connect_to(name, 0)) >= 0);
    return listener;
}

static void who_finds_no_place_waits_until_there_is_one(void)
{
    int client[3], listener = full_listener(client), late = connect_to(name_of(listener), SOCK_NONBLOCK), fd;
    struct pollfd one = {.fd = late, .events = POLLOUT};

    CHECK(!poll(&one, 1, 300));
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0 && await(late, POLLOUT) == POLLOUT && get(late, SOL_SOCKET, SO_ERROR) == 0);
    close(fd);
    CHECK(await(listener, POLLIN) == POLLIN);
    close(late);
    for (int i = 0; i < 3; i++)
        close(client[i]);
    close(listener);
}

static void an_attempt_to_connect_ends_after_as_many_tries_as_are_wanted(void)
{
    int client[3], listener = full_listener(client), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct name name = name_of(listener);

    CHECK(!set(fd, IPPROTO_TCP, TCP_SYNCNT, 1) && get(fd, IPPROTO_TCP, TCP_SYNCNT) == 1);
    CHECK_ERRNO(connect(fd, &name.any, name.bytes), ETIMEDOUT);
    close(fd);
    for (int i = 0; i < 3; i++)
        close(client[i]);
    close(listener);
}

static void a_deferred_connection_is_accepted_with_its_first_bytes(void)
{
    int listener = listen_here(AF_INET, 0), fd, late;
    struct pollfd one = {.fd = listener, .events = POLLIN};

    CHECK(!set(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5) &&
          get(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT) == 7);
    fd = connect_to(name_of(listener), 0);
    CHECK(fd >= 0 && !poll(&one, 1, 200));
    CHECK(write(fd, "now", 3) == 3 && await(listener, POLLIN) == POLLIN);
    late = accept(listener, NULL, NULL);
    CHECK(late >= 0 && recv(late, back, 9, MSG_DONTWAIT) == 3);
    close(fd);
    close(late);
    fd = connect_to(name_of(listener), 0);
    CHECK(fd >= 0 && !close(listener));
    close(fd);
}

static void small_buffers_hold_a_sender_back(void)
{
    int listener = listen_here(AF_INET, 0), fd = socket(AF_INET, SOCK_STREAM, 0), peer = -1;
    size_t sent = 0, got = 0;
    struct name name = name_of(listener);
    ssize_t now;

    CHECK(!set(listener, SOL_SOCKET, SO_RCVBUF, 8192) && get(listener, SOL_SOCKET, SO_RCVBUF) == 16384);
    CHECK(!set(fd, SOL_SOCKET, SO_SNDBUF, 8192) && get(fd, SOL_SOCKET, SO_SNDBUF) == 16384);
    CHECK(!connect(fd, &name.any, name.bytes) && (peer = accept(listener, NULL, NULL)) >= 0);
    while ((now = send(fd, data + sent, 1000, MSG_DONTWAIT)) > 0 && sent < 200000)
        sent += (size_t)now;
    CHECK(
        sent >= 4000 &&
        sent <
            100000); /* a guest's first window has 64 KiB, as the SYN is answered before anything is known */
    CHECK(!ready(fd, POLLOUT));
    while (got < 300000) {
        while (sent < 300000 && (now = send(fd, data + sent, 300000 - sent, MSG_DONTWAIT)) > 0)
            sent += (size_t)now;
        if (await(peer, POLLIN) != POLLIN || (now = recv(peer, back + got, 3000, 0)) <= 0)
            break;
        got += (size_t)now;
    }
    CHECK(got == 300000 && !memcmp(data, back, got));
    close(fd);
    close(peer);
    close(listener);
}

static void what_is_not_acknowledged_for_too_long_ends_a_connection(void)
{
    int fds[2];

    connect_pair(AF_INET, fds);
    CHECK(!set(fds[0], IPPROTO_TCP, TCP_USER_TIMEOUT, 500) &&
          get(fds[0], IPPROTO_TCP, TCP_USER_TIMEOUT) == 500);
    while (send(fds[0], data, sizeof(data), MSG_DONTWAIT) > 0)
        ;
    CHECK(errno == EAGAIN && await(fds[0], 0) & POLLERR);
    CHECK_ERRNO(send(fds[0], data, 1, MSG_NOSIGNAL), ETIMEDOUT);
    close(fds[0]);
    close(fds[1]);
}

static void packets_carry_the_class_of_service_that_was_set(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (int i = 0; i < 2; i++) {
        bool is_v6 = i;
        int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, server = socket(families[i], SOCK_DGRAM, 0),
            client = socket(families[i], SOCK_DGRAM, 0);
        char control[64] __attribute__((aligned(8)));
        struct iovec in = {back, 9};
        struct msghdr header = {
            .msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        struct name name = here(families[i], 0);
        struct cmsghdr *first;

        CHECK(!bind(server, &name.any, name.bytes) &&
              !set(server, level, is_v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1));
        CHECK(!set(client, level, is_v6 ? IPV6_TCLASS : IP_TOS, 0x28));
        name = name_of(server);
        CHECK(sendto(client, data, 1, 0, &name.any, name.bytes) == 1 && recvmsg(server, &header, 0) == 1);
        first = CMSG_FIRSTHDR(&header);
        CHECK(first && first->cmsg_level == level && first->cmsg_type == (is_v6 ? IPV6_TCLASS : IP_TOS));
        CHECK(first->cmsg_len == CMSG_LEN(is_v6 ? sizeof(int) : 1) && *CMSG_DATA(first) == 0x28);
        close(server);
        close(client);
    }
}

const struct claim server_claims[] = {
    CLAIM(a_connected_datagram_socket_is_told_that_nobody_is_there),
    CLAIM(listeners_that_share_a_port_share_its_connections),
    CLAIM(datagram_sockets_that_share_a_port_share_what_comes),
    CLAIM(hundreds_may_wait_to_be_accepted),
    CLAIM(who_finds_no_place_waits_until_there_is_one),
    CLAIM(an_attempt_to_connect_ends_after_as_many_tries_as_are_wanted),
    CLAIM(a_deferred_connection_is_accepted_with_its_first_bytes),
    CLAIM(small_buffers_hold_a_sender_back),
    CLAIM(what_is_not_acknowledged_for_too_long_ends_a_connection),
    CLAIM(packets_carry_the_class_of_service_that_was_set),
    {0},
};

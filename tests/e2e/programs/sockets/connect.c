#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "claims.h"

static void names_are_those_of_both_ends(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (int i = 0; i < 2; i++) {
        int fds[2];

        connect_pair(families[i], fds);
        CHECK(same(name_of(fds[0]), peer_of(fds[1])) && same(name_of(fds[1]), peer_of(fds[0])));
        CHECK(name_of(fds[0]).any.sa_family == families[i] && port_of(name_of(fds[0])));
        close(fds[0]);
        close(fds[1]);
    }
}

static void accept_tells_who_and_sets_flags(void)
{
    int listener = listen_here(AF_INET, 0), client = socket(AF_INET, SOCK_STREAM, 0), fd;
    struct name name = name_of(listener), from = {.bytes = sizeof(from.v6)};

    CHECK(!connect(client, &name.any, name.bytes));
    fd = accept4(listener, &from.any, &from.bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(fd >= 0 && same(from, name_of(client)) && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    close(client);
    CHECK(!fcntl(listener, F_SETFL, O_NONBLOCK));
    CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
    close(listener);
    CHECK_ERRNO(accept(listener, NULL, NULL), EBADF);
}

static void all_of_127_is_this_machine(void)
{
    struct name name = here(AF_INET, 0), own, wild = here(AF_INET, 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), accepted, udp[2];

    name.v4.sin_addr.s_addr = htonl(0x7f010203);
    CHECK(!bind(listener, &name.any, name.bytes) && !listen(listener, 4));
    name = name_of(listener);
    CHECK(name.v4.sin_addr.s_addr == htonl(0x7f010203) && !connect(fd, &name.any, name.bytes));
    own = name_of(fd);
    CHECK(own.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && same(peer_of(fd), name));
    accepted = accept(listener, NULL, NULL);
    CHECK(write_all(fd, data, 100000) == 100000 && read_all(accepted, back, 100000) == 100000);
    CHECK(!close(accepted) && !close(fd) && !close(listener));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERRNO(connect(fd, &name.any, name.bytes), ECONNREFUSED);
    close(fd);
    udp[0] = socket(AF_INET, SOCK_DGRAM, 0);
    udp[1] = socket(AF_INET, SOCK_DGRAM, 0);
    wild.v4.sin_addr.s_addr = 0;
    CHECK(!bind(udp[0], &wild.any, wild.bytes));
    name.v4.sin_port = name_of(udp[0]).v4.sin_port;
    CHECK(!connect(udp[1], &name.any, name.bytes) && send(udp[1], "x", 1, 0) == 1);
    CHECK(recvfrom(udp[0], back, 9, 0, &own.any, &own.bytes) == 1);
    CHECK(sendto(udp[0], "y", 1, 0, &own.any, own.bytes) == 1);
    CHECK(own.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    close(udp[0]);
    close(udp[1]);
}

static void *connect_late(void *arg)
{
    struct name *name = arg;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    usleep(20000);
    CHECK(!connect(fd, &name->any, name->bytes) && write(fd, "late", 4) == 4);
    close(fd);
    return NULL;
}

static void accept_waits(void)
{
    int listener = listen_here(AF_INET, 0), fd;
    struct name name = name_of(listener);
    pthread_t thread;

    CHECK(!pthread_create(&thread, NULL, connect_late, &name));
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0 && read_all(fd, back, 9) == 4);
    pthread_join(thread, NULL);
    close(fd);
    close(listener);
}

static void accept_times_out(void)
{
    struct timeval time = {.tv_usec = 10000};
    int listener = listen_here(AF_INET, 0);

    CHECK(!setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
    close(listener);
}

static int port_of_nobody(void)
{
    int listener = listen_here(AF_INET, 0), port = port_of(name_of(listener));

    close(listener);
    return port;
}

static void nobody_there_is_a_refusal(void)
{
    struct name nobody = here(AF_INET, port_of_nobody()), somebody;
    int fd = socket(AF_INET, SOCK_STREAM, 0), listener;

    CHECK_ERRNO(connect(fd, &nobody.any, nobody.bytes), ECONNREFUSED);
    CHECK_ERRNO(connect(fd, &nobody.any, nobody.bytes), ECONNREFUSED);
    listener = listen_here(AF_INET, 0);
    somebody = name_of(listener);
    CHECK(!connect(fd, &somebody.any, somebody.bytes));
    CHECK_ERRNO(connect(fd, &somebody.any, somebody.bytes), EISCONN);
    close(fd);
    close(listener);
}

static void connecting_without_waiting_tells_how_it_went(void)
{
    int listener = listen_here(AF_INET, 0), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error;
    struct name name = name_of(listener), nobody;

    error = connect(fd, &name.any, name.bytes) ? errno : 0;
    CHECK(error == EINPROGRESS || !error);
    CHECK(await(fd, POLLOUT) == POLLOUT && get(fd, SOL_SOCKET, SO_ERROR) == 0);
    CHECK(write(fd, "x", 1) == 1);
    close(fd);
    close(listener);
    nobody = here(AF_INET, port_of_nobody());
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    error = connect(fd, &nobody.any, nobody.bytes) ? errno : 0;
    CHECK(error == EINPROGRESS || error == ECONNREFUSED);
    CHECK(await(fd, POLLOUT) & POLLHUP);
    if (error == EINPROGRESS)
        CHECK(get(fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
    close(fd);
}

static void what_is_not_connected_says_so(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct name name = {.bytes = sizeof(name.v6)};

    CHECK_ERRNO(getpeername(fd, &name.any, &name.bytes), ENOTCONN);
    CHECK_ERRNO(read(fd, back, 1), ENOTCONN);
    CHECK_ERRNO(send(fd, data, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERRNO(shutdown(fd, SHUT_WR), ENOTCONN);
    CHECK_ERRNO(accept(fd, NULL, NULL), EINVAL);
    CHECK(ready(fd, POLLIN | POLLOUT) == (POLLOUT | POLLHUP));
    name = name_of(fd);
    CHECK(name.bytes == sizeof(name.v4) && !port_of(name) && !name.v4.sin_addr.s_addr);
    close(fd);
}

static void a_port_is_bound_once(void)
{
    int first = listen_here(AF_INET, 0), second = socket(AF_INET, SOCK_STREAM, 0);
    struct name name = name_of(first), wild = here(AF_INET, port_of(name)), foreign = here(AF_INET, 0);

    CHECK_ERRNO(bind(second, &name.any, name.bytes), EADDRINUSE);
    CHECK(!set(second, SOL_SOCKET, SO_REUSEADDR, 1) && get(second, SOL_SOCKET, SO_REUSEADDR) == 1);
    CHECK_ERRNO(bind(second, &name.any, name.bytes), EADDRINUSE);
    wild.v4.sin_addr.s_addr = 0;
    CHECK_ERRNO(bind(second, &wild.any, wild.bytes), EADDRINUSE);
    foreign.v4.sin_addr.s_addr = htonl(0x08080808);
    CHECK_ERRNO(bind(second, &foreign.any, foreign.bytes), EADDRNOTAVAIL);
    close(first);
    CHECK(!bind(second, &name.any, name.bytes));
    CHECK_ERRNO(bind(second, &name.any, name.bytes), EINVAL);
    CHECK(!listen(second, 1) && !listen(second, 5));
    close(second);
}

static void reuse_lets_a_server_start_again_at_once(void)
{
    int listener = listen_here(AF_INET, 0), fd = socket(AF_INET, SOCK_STREAM, 0), accepted, again;
    struct name name = name_of(listener);

    CHECK(!set(listener, SOL_SOCKET, SO_REUSEADDR, 1) && !connect(fd, &name.any, name.bytes));
    accepted = accept(listener, NULL, NULL);
    CHECK(!close(accepted) && read(fd, back, 1) == 0 && !close(fd) && !close(listener));
    again = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!set(again, SOL_SOCKET, SO_REUSEADDR, 1) && !bind(again, &name.any, name.bytes) &&
          !listen(again, 1));
    close(again);
}

static void a_listener_on_both_families_takes_both(void)
{
    struct name wild = here(AF_INET6, 0), v4, v6, from;
    int listener = socket(AF_INET6, SOCK_STREAM, 0), fd[2], accepted;

    wild.v6.sin6_addr = in6addr_any;
    CHECK(!bind(listener, &wild.any, wild.bytes) && !listen(listener, 4));
    CHECK(get(listener, IPPROTO_IPV6, IPV6_V6ONLY) == 0);
    v4 = here(AF_INET, port_of(name_of(listener)));
    v6 = here(AF_INET6, port_of(v4));
    fd[0] = socket(AF_INET, SOCK_STREAM, 0);
    fd[1] = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK(!connect(fd[0], &v4.any, v4.bytes));
    from.bytes = sizeof(from.v6);
    accepted = accept(listener, &from.any, &from.bytes);
    CHECK(accepted >= 0 && from.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&from.v6.sin6_addr));
    CHECK(write(accepted, "4", 1) == 1 && read(fd[0], back, 1) == 1 && *back == '4' && !close(accepted));
    CHECK(!connect(fd[1], &v6.any, v6.bytes));
    accepted = accept(listener, &from.any, &from.bytes);
    CHECK(accepted >= 0 && IN6_IS_ADDR_LOOPBACK(&from.v6.sin6_addr));
    close(accepted);
    close(fd[0]);
    close(fd[1]);
    close(listener);
}

static void a_listener_on_ipv6_only_leaves_the_other_family_alone(void)
{
    struct name wild = here(AF_INET6, 0), v4;
    int listener = socket(AF_INET6, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

    wild.v6.sin6_addr = in6addr_any;
    CHECK(!set(listener, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    CHECK(!bind(listener, &wild.any, wild.bytes) && !listen(listener, 4));
    CHECK_ERRNO(set(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0), EINVAL);
    v4 = here(AF_INET, port_of(name_of(listener)));
    CHECK_ERRNO(connect(fd, &v4.any, v4.bytes), ECONNREFUSED);
    close(fd);
    close(listener);
}

static void an_ipv6_socket_reaches_ipv4_by_a_mapped_address(void)
{
    int listener = listen_here(AF_INET, 0), fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct name mapped = here(AF_INET6, port_of(name_of(listener))), peer;

    memcpy(mapped.v6.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    CHECK(!connect(fd, &mapped.any, mapped.bytes));
    peer = peer_of(fd);
    CHECK(same(peer, mapped));
    peer = name_of(fd);
    CHECK(IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr));
    close(fd);
    close(listener);
}

static void a_listener_that_closes_resets_who_waits(void)
{
    int listener = listen_here(AF_INET, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct name name = name_of(listener);

    CHECK(!connect(fd, &name.any, name.bytes) && await(listener, POLLIN) == POLLIN && !close(listener));
    CHECK(await(fd, POLLIN) & POLLHUP);
    CHECK_ERRNO(read(fd, back, 1), ECONNRESET);
    close(fd);
}

static void a_hundred_connections_at_once_are_apart(void)
{
    enum { COUNT = 100 };
    int listener = listen_here(AF_INET, 0), client[COUNT], server[COUNT];
    struct name name = name_of(listener);

    for (int i = 0; i < COUNT; i++) {
        client[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(!connect(client[i], &name.any, name.bytes));
        server[i] = accept(listener, NULL, NULL);
        CHECK(server[i] >= 0 && write(client[i], &i, sizeof(i)) == sizeof(i));
    }
    for (int i = COUNT - 1; i >= 0; i--) {
        int got = -1;

        CHECK(read_all(server[i], &got, sizeof(got)) == sizeof(got) && got == i);
        close(server[i]);
        CHECK(read(client[i], back, 1) == 0);
        close(client[i]);
    }
    close(listener);
}

static void bad_arguments_are_refused(void)
{
    struct name name = here(AF_INET, 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);

    CHECK_ERRNO(socket(AF_INET, 77, 0), EINVAL);
    CHECK_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    CHECK_ERRNO(socket(AF_APPLETALK + 30, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERRNO(bind(fd, &name.any, 4), EINVAL);
    CHECK_ERRNO(bind(fd, (struct sockaddr *)bad, 16), EFAULT);
    CHECK_ERRNO(connect(fd, &name.any, 7), EINVAL);
    CHECK_ERRNO(connect(six, &name.any, name.bytes), EINVAL);
    CHECK_ERRNO(connect(six, &name.any, 28), EAFNOSUPPORT);
    CHECK_ERRNO(bind(0, &name.any, name.bytes), ENOTSOCK);
    name.any.sa_family = AF_UNIX;
    CHECK_ERRNO(connect(fd, &name.any, name.bytes), EAFNOSUPPORT);
    close(fd);
    close(six);
}

const struct claim connect_claims[] = {
    CLAIM(names_are_those_of_both_ends),
    CLAIM(accept_tells_who_and_sets_flags),
    CLAIM(all_of_127_is_this_machine),
    CLAIM(accept_waits),
    CLAIM(accept_times_out),
    CLAIM(nobody_there_is_a_refusal),
    CLAIM(connecting_without_waiting_tells_how_it_went),
    CLAIM(what_is_not_connected_says_so),
    CLAIM(a_port_is_bound_once),
    CLAIM(reuse_lets_a_server_start_again_at_once),
    CLAIM(a_listener_on_both_families_takes_both),
    CLAIM(a_listener_on_ipv6_only_leaves_the_other_family_alone),
    CLAIM(an_ipv6_socket_reaches_ipv4_by_a_mapped_address),
    CLAIM(a_listener_that_closes_resets_who_waits),
    CLAIM(a_hundred_connections_at_once_are_apart),
    CLAIM(bad_arguments_are_refused),
    {0},
};

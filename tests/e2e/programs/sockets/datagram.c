#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "claims.h"

/* A socket at the loopback address. */
static int open_here(int family)
{
    struct name name = here(family, 0);
    int fd = socket(family, SOCK_DGRAM, 0);

    CHECK(fd >= 0 && !bind(fd, &name.any, name.bytes));
    return fd;
}

static void datagrams_keep_their_bounds_and_say_whence(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (int i = 0; i < 2; i++) {
        int server = open_here(families[i]), client = socket(families[i], SOCK_DGRAM, 0), count = 0;
        struct name to = name_of(server), from = {.bytes = sizeof(from.v6)};

        CHECK(sendto(client, data, 7, 0, &to.any, to.bytes) == 7);
        CHECK(sendto(client, data, 0, 0, &to.any, to.bytes) == 0);
        CHECK(sendto(client, data, 3, 0, &to.any, to.bytes) == 3);
        CHECK(await(server, POLLIN) == POLLIN && !ioctl(server, FIONREAD, &count) && count == 7);
        memset(back, 0, 10);
        CHECK(recvfrom(server, back, 99, 0, &from.any, &from.bytes) == 7 && !memcmp(data, back, 7));
        CHECK(port_of(from) == port_of(name_of(client)) && from.any.sa_family == families[i]);
        CHECK(recv(server, back, 99, 0) == 0 && recv(server, back, 99, 0) == 3);
        CHECK(sendto(server, "r", 1, 0, &from.any, from.bytes) == 1 && recv(client, back, 9, 0) == 1);
        close(server);
        close(client);
    }
}

static void large_datagrams_arrive_and_too_large_ones_are_refused(void)
{
    int server = open_here(AF_INET), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct name to = name_of(server);

    memset(back, 0, sizeof(back));
    CHECK(sendto(client, data, 65507, 0, &to.any, to.bytes) == 65507);
    CHECK(recv(server, back, sizeof(back), 0) == 65507 && !memcmp(data, back, 65507));
    CHECK_ERRNO(sendto(client, data, 65508, 0, &to.any, to.bytes), EMSGSIZE);
    close(server);
    close(client);
}

static void what_does_not_fit_is_cut_and_said_to_be(void)
{
    int server = open_here(AF_INET), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct iovec in[] = {{back, 2}, {back + 2, 3}};
    struct name to = name_of(server), from;
    struct msghdr header = {
        .msg_name = &from.any, .msg_namelen = sizeof(from.v6), .msg_iov = in, .msg_iovlen = 2};

    for (int i = 0; i < 3; i++)
        CHECK(sendto(client, data, 9, 0, &to.any, to.bytes) == 9);
    CHECK(recv(server, back, 2, MSG_PEEK | MSG_TRUNC) == 9 && recv(server, back, 4, 0) == 4);
    memset(back, 0, 10);
    CHECK(recvmsg(server, &header, 0) == 5 && header.msg_flags == MSG_TRUNC && !memcmp(data, back, 5));
    CHECK(header.msg_namelen == sizeof(from.v4) && from.v4.sin_family == AF_INET);
    CHECK(recv(server, back, 99, 0) == 9);
    CHECK_ERRNO(recv(server, back, 99, MSG_DONTWAIT), EAGAIN);
    close(server);
    close(client);
}

static void a_connected_one_hears_its_peer_alone(void)
{
    int a = open_here(AF_INET), b = open_here(AF_INET), c = open_here(AF_INET);
    struct name to_a = name_of(a), to_b = name_of(b), nobody = {.any.sa_family = AF_UNSPEC};

    CHECK_ERRNO(send(a, data, 1, 0), EDESTADDRREQ);
    CHECK(!connect(a, &to_b.any, to_b.bytes) && same(peer_of(a), to_b));
    CHECK(sendto(c, "c", 1, 0, &to_a.any, to_a.bytes) == 1 &&
          sendto(b, "b", 1, 0, &to_a.any, to_a.bytes) == 1);
    CHECK(recv(a, back, 9, 0) == 1 && *back == 'b');
    CHECK_ERRNO(recv(a, back, 9, MSG_DONTWAIT), EAGAIN);
    CHECK(send(a, data, 4, 0) == 4 && recv(b, back, 9, 0) == 4);
    CHECK(!connect(a, &nobody.any, sizeof(nobody.v4)));
    CHECK_ERRNO(send(a, data, 1, 0), EDESTADDRREQ);
    close(a);
    close(b);
    close(c);
}

static void connecting_chooses_the_own_address(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct name to = here(AF_INET, 9), own;

    CHECK(!connect(fd, &to.any, to.bytes));
    own = name_of(fd);
    CHECK(own.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && port_of(own));
    close(fd);
}

static void many_are_sent_and_received_by_one_call(void)
{
    int server = open_here(AF_INET), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct iovec out[3] = {{data, 1}, {data, 2}, {data, 3}},
                 in[3] = {{back, 9}, {back + 9, 9}, {back + 18, 9}};
    struct mmsghdr send[3] = {0}, get_[3] = {0};
    struct name to = name_of(server);

    CHECK(!connect(client, &to.any, to.bytes));
    for (int i = 0; i < 3; i++) {
        send[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
        get_[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
    }
    CHECK(sendmmsg(client, send, 3, 0) == 3 && send[2].msg_len == 3);
    CHECK(recvmmsg(server, get_, 3, 0, NULL) == 3 && get_[0].msg_len == 1 && get_[2].msg_len == 3);
    close(server);
    close(client);
}

static void what_is_too_much_to_hold_is_lost_and_no_more(void)
{
    int server = open_here(AF_INET), client = socket(AF_INET, SOCK_DGRAM, 0), got = 0;
    struct name to = name_of(server);

    for (int i = 0; i < 2000; i++)
        CHECK(sendto(client, data, 1000, 0, &to.any, to.bytes) == 1000);
    while (recv(server, back, 2000, MSG_DONTWAIT) == 1000)
        got++;
    CHECK(errno == EAGAIN && got > 10 && got < 2000);
    CHECK(sendto(client, data, 5, 0, &to.any, to.bytes) == 5 && recv(server, back, 9, 0) == 5);
    close(server);
    close(client);
}

static void the_address_that_it_was_for_is_told(void)
{
    int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct name wild = here(AF_INET, 0), to;
    char control[256] __attribute__((aligned(8)));
    struct iovec in = {back, 9};
    struct msghdr header = {
        .msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *first;
    struct in_pktinfo info;

    wild.v4.sin_addr.s_addr = 0;
    CHECK(!set(server, IPPROTO_IP, IP_PKTINFO, 1) && !bind(server, &wild.any, wild.bytes));
    to = here(AF_INET, port_of(name_of(server)));
    CHECK(sendto(client, data, 3, 0, &to.any, to.bytes) == 3 && recvmsg(server, &header, 0) == 3);
    first = CMSG_FIRSTHDR(&header);
    CHECK(first && first->cmsg_level == IPPROTO_IP && first->cmsg_type == IP_PKTINFO);
    memcpy(&info, CMSG_DATA(first), sizeof(info));
    CHECK(info.ipi_addr.s_addr == htonl(INADDR_LOOPBACK) && info.ipi_ifindex == 1);
    close(server);
    close(client);
}

static void datagrams_of_both_families_come_to_one_socket(void)
{
    int server = socket(AF_INET6, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct name wild = here(AF_INET6, 0), to, from = {.bytes = sizeof(from.v6)};

    wild.v6.sin6_addr = in6addr_any;
    CHECK(!bind(server, &wild.any, wild.bytes));
    to = here(AF_INET, port_of(name_of(server)));
    CHECK(sendto(client, data, 3, 0, &to.any, to.bytes) == 3);
    CHECK(recvfrom(server, back, 9, 0, &from.any, &from.bytes) == 3 &&
          IN6_IS_ADDR_V4MAPPED(&from.v6.sin6_addr));
    CHECK(sendto(server, data, 4, 0, &from.any, from.bytes) == 4 && recv(client, back, 9, 0) == 4);
    close(server);
    close(client);
}

static void shutting_down_and_binding_have_their_errors(void)
{
    int fd = open_here(AF_INET), other = socket(AF_INET, SOCK_DGRAM, 0);
    struct name name = name_of(fd);

    CHECK_ERRNO(shutdown(fd, SHUT_RD), ENOTCONN);
    CHECK_ERRNO(bind(other, &name.any, name.bytes), EADDRINUSE);
    CHECK_ERRNO(bind(fd, &name.any, name.bytes), EINVAL);
    CHECK_ERRNO(listen(fd, 1), EOPNOTSUPP);
    CHECK_ERRNO(accept(fd, NULL, NULL), EOPNOTSUPP);
    close(other);
    other = open_here(AF_INET);
    CHECK(!connect(other, &name.any, name.bytes) && !shutdown(other, SHUT_WR));
    CHECK_ERRNO(send(other, data, 1, 0), EPIPE);
    close(fd);
    close(other);
}

const struct claim datagram_claims[] = {
    CLAIM(datagrams_keep_their_bounds_and_say_whence),
    CLAIM(large_datagrams_arrive_and_too_large_ones_are_refused),
    CLAIM(what_does_not_fit_is_cut_and_said_to_be),
    CLAIM(a_connected_one_hears_its_peer_alone),
    CLAIM(connecting_chooses_the_own_address),
    CLAIM(many_are_sent_and_received_by_one_call),
    CLAIM(what_is_too_much_to_hold_is_lost_and_no_more),
    CLAIM(the_address_that_it_was_for_is_told),
    CLAIM(datagrams_of_both_families_come_to_one_socket),
    CLAIM(shutting_down_and_binding_have_their_errors),
    {0},
};

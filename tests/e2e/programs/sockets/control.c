/* Control data of datagrams: what a program says with one, and what it is told with one. */
#define _GNU_SOURCE
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "claims.h"

/* A message of a few bytes, with room for control data. */
struct letter {
    struct msghdr header;
    struct iovec vector;
    char text[16], control[256] __attribute__((aligned(8)));
};

static void begin(struct letter *letter, struct name *to)
{
    memset(letter, 0, sizeof(*letter));
    letter->vector = (struct iovec){letter->text, sizeof(letter->text)};
    letter->header =
        (struct msghdr){.msg_iov = &letter->vector, .msg_iovlen = 1, .msg_control = letter->control};
    if (to) {
        letter->header.msg_name = &to->any;
        letter->header.msg_namelen = to->bytes;
    }
}

static void add(struct letter *letter, int level, int type, const void *value, size_t bytes)
{
    struct cmsghdr *piece = (void *)(letter->control + letter->header.msg_controllen);

    piece->cmsg_len = (socklen_t)CMSG_LEN(bytes);
    piece->cmsg_level = level;
    piece->cmsg_type = type;
    memcpy(CMSG_DATA(piece), value, bytes);
    letter->header.msg_controllen = (socklen_t)(letter->header.msg_controllen + CMSG_SPACE(bytes));
}

/* Receives one, with a poll's patience. */
static bool take(int fd, struct letter *letter, struct name *from)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    begin(letter, from);
    letter->header.msg_controllen = sizeof(letter->control);
    return poll(&one, 1, 3000) == 1 && recvmsg(fd, &letter->header, 0) >= 0;
}

/* The number that came with it; -1 if none did. */
static int told(struct letter *letter, int level, int type)
{
    struct cmsghdr piece;

    for (size_t at = 0; at + sizeof(piece) <= letter->header.msg_controllen;
         at += CMSG_ALIGN(piece.cmsg_len)) {
        int number = 0;

        memcpy(&piece, letter->control + at, sizeof(piece));
        memcpy(&number, letter->control + at + sizeof(piece),
               piece.cmsg_len == CMSG_LEN(1) ? 1 : sizeof(number));
        if (piece.cmsg_level == level && piece.cmsg_type == type)
            return number;
    }
    return -1;
}

static struct name at_two(int port)
{
    struct name name = here(AF_INET, port);

    name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    return name;
}

static void an_answer_comes_from_the_address_that_was_asked(void)
{
    int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct name name = here(AF_INET, 0), from = {.bytes = sizeof(from.v6)};
    struct letter letter;

    name.v4.sin_addr.s_addr = 0;
    CHECK(!set(server, IPPROTO_IP, IP_PKTINFO, 1) && !bind(server, &name.any, name.bytes));
    name = at_two(port_of(name_of(server)));
    CHECK(!connect(client, &name.any, name.bytes) && send(client, "ask", 3, 0) == 3);
    CHECK(take(server, &letter, &from));
    CHECK(sendmsg(server, &letter.header, 0) == sizeof(letter.text)); /* with what came with it */
    CHECK(take(client, &letter, NULL) && !memcmp(letter.text, "ask", 3));
    close(server);
    close(client);
}

static void an_answer_of_ipv6_too(void)
{
    int server = socket(AF_INET6, SOCK_DGRAM, 0), client = socket(AF_INET6, SOCK_DGRAM, 0),
        four = socket(AF_INET, SOCK_DGRAM, 0);
    struct name name = here(AF_INET6, 0), from = {.bytes = sizeof(from.v6)};
    struct letter letter;

    name.v6.sin6_addr = in6addr_any;
    CHECK(!set(server, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) && !bind(server, &name.any, name.bytes));
    name = here(AF_INET6, port_of(name_of(server)));
    CHECK(!connect(client, &name.any, name.bytes) && send(client, "ask", 3, 0) == 3);
    CHECK(take(server, &letter, &from) && sendmsg(server, &letter.header, 0) > 0 &&
          take(client, &letter, NULL));
    name = at_two(port_of(name_of(server)));
    CHECK(!connect(four, &name.any, name.bytes) && send(four, "ask", 3, 0) == 3);
    CHECK(take(server, &letter, &from) && sendmsg(server, &letter.header, 0) > 0 &&
          take(four, &letter, NULL));
    close(server);
    close(client);
    close(four);
}

static void each_loopback_address_answers_in_its_own_name(void)
{
    int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct name name = at_two(0), from = {.bytes = sizeof(from.v6)};
    struct letter letter;

    CHECK(!bind(server, &name.any, name.bytes));
    name = name_of(server);
    CHECK(!connect(client, &name.any, name.bytes) && send(client, "ask", 3, 0) == 3);
    CHECK(take(server, &letter, &from) && sendto(server, "a", 1, 0, &from.any, from.bytes) == 1);
    CHECK(take(client, &letter, NULL));
    close(server);
    close(client);
}

static void one_datagram_has_a_class_and_a_limit_of_its_own(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (int i = 0; i < 2; i++) {
        bool is_v6 = i;
        int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, tos = is_v6 ? IPV6_TCLASS : IP_TOS,
            ttl = is_v6 ? IPV6_HOPLIMIT : IP_TTL, class = 0x28, limit = 7;
        int server = socket(families[i], SOCK_DGRAM, 0), client = socket(families[i], SOCK_DGRAM, 0);
        struct name name = here(families[i], 0);
        struct letter letter;

        CHECK(!bind(server, &name.any, name.bytes));
        CHECK(!set(server, level, is_v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1) &&
              !set(server, level, is_v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1));
        CHECK(get(server, level, is_v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL) == 1);
        name = name_of(server);
        begin(&letter, &name);
        add(&letter, level, tos, &class, sizeof(class));
        add(&letter, level, ttl, &limit, sizeof(limit));
        CHECK(sendmsg(client, &letter.header, 0) > 0 && take(server, &letter, NULL));
        CHECK(told(&letter, level, tos) == 0x28 && told(&letter, level, ttl) == 7);
        begin(&letter, &name);
        CHECK(sendmsg(client, &letter.header, 0) > 0 && take(server, &letter, NULL));
        CHECK(told(&letter, level, tos) == 0 && told(&letter, level, ttl) == 64);
        close(server);
        close(client);
    }
}

/* What sending with one piece of control data gives: 0 or an errno. */
static int tell(int fd, struct name *to, int level, int type, const void *value, size_t bytes)
{
    struct letter letter;

    begin(&letter, to);
    add(&letter, level, type, value, bytes);
    return sendmsg(fd, &letter.header, MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

static void control_data_that_mean_nothing_are_refused(void)
{
    static const struct {
        int level, type, value;
        size_t bytes;
        int error;
    } all[] = {
        {IPPROTO_IP, 99, 1, 4, EINVAL},
        {IPPROTO_IP, IP_TTL, 0, 4, EINVAL},
        {IPPROTO_IP, IP_TTL, 256, 4, EINVAL},
        {IPPROTO_IP, IP_TTL, 9, 1, EINVAL},
        {IPPROTO_IP, IP_TOS, 0x10, 1, 0},
        {IPPROTO_IP, IP_TOS, 256, 4, EINVAL},
        {IPPROTO_IP, IP_PKTINFO, 0, 4, EINVAL},
        {SOL_SOCKET, 99, 1, 4, EINVAL},
        {SOL_SOCKET, SCM_RIGHTS, 1, 4, 0},
        {IPPROTO_UDP, 99, 1, 4, EINVAL},
        {77, 1, 1, 4, 0},
        {IPPROTO_IPV6, IPV6_TCLASS, 1, 4, 0},
    };
    struct name outside = {.v4 = {.sin_family = AF_INET, .sin_port = htons(9)}, .bytes = sizeof(outside.v4)};
    struct in_pktinfo home = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK + 1)};
    struct in_pktinfo foreign = {.ipi_spec_dst.s_addr = htonl(0xc0000201)}, nowhere = {.ipi_ifindex = 200};
    int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct name name = here(AF_INET, 0);
    struct letter letter;

    CHECK(!bind(server, &name.any, name.bytes));
    name = name_of(server);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        CHECK(tell(client, &name, all[i].level, all[i].type, &all[i].value, all[i].bytes) == all[i].error);
    CHECK(tell(client, &name, IPPROTO_IP, IP_PKTINFO, &foreign, sizeof(foreign)) == ENETUNREACH);
    outside.v4.sin_addr.s_addr = foreign.ipi_spec_dst.s_addr;
    CHECK(tell(client, &outside, IPPROTO_IP, IP_PKTINFO, &home, sizeof(home)) != 0);
    CHECK(tell(client, &name, IPPROTO_IP, IP_PKTINFO, &nowhere, sizeof(nowhere)) == ENODEV);
    begin(&letter, &name);
    add(&letter, IPPROTO_IP, IP_TTL, &(int){9}, sizeof(int));
    ((struct cmsghdr *)(void *)letter.control)->cmsg_len = 8;
    CHECK_ERRNO(sendmsg(client, &letter.header, 0), EINVAL);
    ((struct cmsghdr *)(void *)letter.control)->cmsg_len = 64;
    CHECK_ERRNO(sendmsg(client, &letter.header, 0), EINVAL);
    letter.header.msg_control = bad;
    CHECK_ERRNO(syscall(SYS_sendmsg, client, &letter.header, 0), EFAULT); /* the library copies them first */
    close(server);
    close(client);
}

static void a_stream_heeds_none_that_is_well_formed(void)
{
    int fds[2], number = 9;

    connect_pair(AF_INET, fds);
    CHECK(tell(fds[0], NULL, IPPROTO_IP, 99, &number, sizeof(number)) == 0);
    CHECK(tell(fds[0], NULL, SOL_SOCKET, SCM_RIGHTS, &number, sizeof(number)) == 0);
    CHECK(tell(fds[0], NULL, SOL_SOCKET, 99, &number, sizeof(number)) == EINVAL);
    close(fds[0]);
    close(fds[1]);
}

const struct claim control_claims[] = {
    CLAIM(an_answer_comes_from_the_address_that_was_asked),
    CLAIM(an_answer_of_ipv6_too),
    CLAIM(each_loopback_address_answers_in_its_own_name),
    CLAIM(one_datagram_has_a_class_and_a_limit_of_its_own),
    CLAIM(control_data_that_mean_nothing_are_refused),
    CLAIM(a_stream_heeds_none_that_is_well_formed),
    {0},
};

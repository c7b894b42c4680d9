#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "claims.h"

static void options_are_kept(void)
{
    static const struct {
        int level, option, value;
    } all[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1},   {SOL_SOCKET, SO_REUSEPORT, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},   {SOL_SOCKET, SO_BROADCAST, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},   {IPPROTO_TCP, TCP_CORK, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 77}, {IPPROTO_TCP, TCP_KEEPINTVL, 33},
        {IPPROTO_TCP, TCP_KEEPCNT, 5},   {IPPROTO_IP, IP_TOS, 0x10},
        {IPPROTO_IP, IP_TTL, 33},        {IPPROTO_TCP, TCP_USER_TIMEOUT, 5000},
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        CHECK(!set(fd, all[i].level, all[i].option, all[i].value));
        CHECK(get(fd, all[i].level, all[i].option) == all[i].value);
    }
    CHECK(!set(fd, SOL_SOCKET, SO_KEEPALIVE, 0) && get(fd, SOL_SOCKET, SO_KEEPALIVE) == 0);
    close(fd);
}

static void defaults_are_those_of_linux(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

    CHECK(get(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM && get(six, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
    CHECK(get(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET && get(six, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP);
    CHECK(get(fd, SOL_SOCKET, SO_ERROR) == 0 && get(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0);
    CHECK(get(fd, SOL_SOCKET, SO_RCVBUF) > 4096 && get(fd, SOL_SOCKET, SO_SNDBUF) > 4096);
    CHECK(get(fd, IPPROTO_TCP, TCP_NODELAY) == 0 && get(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 7200);
    CHECK(get(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 75 && get(fd, IPPROTO_TCP, TCP_KEEPCNT) == 9);
    CHECK(get(fd, IPPROTO_IP, IP_TTL) == 64 && get(fd, IPPROTO_IP, IP_TOS) == 0);
    close(fd);
    close(six);
    fd = listen_here(AF_INET, 0);
    CHECK(get(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1);
    close(fd);
}

static void the_buffers_sizes_are_doubled(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK(!set(fd, SOL_SOCKET, SO_RCVBUF, 30000) && get(fd, SOL_SOCKET, SO_RCVBUF) == 60000);
    CHECK(!set(fd, SOL_SOCKET, SO_SNDBUF, 40000) && get(fd, SOL_SOCKET, SO_SNDBUF) == 80000);
    close(fd);
}

static void times_and_linger_have_their_own_types(void)
{
    struct timeval time = {.tv_sec = 3, .tv_usec = 500000}, got = {0};
    struct linger linger = {.l_onoff = 1, .l_linger = 7}, found = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t bytes = sizeof(got);

    CHECK(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
    CHECK(!getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &got, &bytes) && got.tv_sec == 3 && got.tv_usec == 500000);
    bytes = sizeof(found);
    CHECK(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    CHECK(!getsockopt(fd, SOL_SOCKET, SO_LINGER, &found, &bytes) && found.l_onoff == 1 &&
          found.l_linger == 7);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 4), EINVAL);
    close(fd);
}

static void wrong_options_are_refused(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), value = 1;
    socklen_t bytes = sizeof(value);

    CHECK_ERRNO(set(fd, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
    CHECK_ERRNO(set(fd, IPPROTO_TCP, 9999, 1), ENOPROTOOPT);
    CHECK_ERRNO(set(fd, IPPROTO_IP, IP_TTL, 256), EINVAL);
    CHECK_ERRNO(set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0), EINVAL);
    CHECK_ERRNO(set(fd, IPPROTO_TCP, TCP_KEEPCNT, 128), EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 2), EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, bad, 4), EFAULT);
    CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, 9999, &value, &bytes), ENOPROTOOPT);
    close(fd);
}

static void an_accepted_socket_has_its_listener_s_options(void)
{
    int listener = listen_here(AF_INET, 0), fd = socket(AF_INET, SOCK_STREAM, 0), accepted;
    struct name name = name_of(listener);

    CHECK(!set(listener, IPPROTO_TCP, TCP_NODELAY, 1) && !set(listener, SOL_SOCKET, SO_KEEPALIVE, 1));
    CHECK(!set(listener, IPPROTO_TCP, TCP_KEEPIDLE, 99) && !connect(fd, &name.any, name.bytes));
    accepted = accept(listener, NULL, NULL);
    CHECK(get(accepted, IPPROTO_TCP, TCP_NODELAY) == 1 && get(accepted, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(get(accepted, IPPROTO_TCP, TCP_KEEPIDLE) == 99);
    close(accepted);
    close(fd);
    close(listener);
}

static void a_cork_holds_small_pieces_together_and_loses_none(void)
{
    int fds[2];

    connect_pair(AF_INET, fds);
    CHECK(!set(fds[0], IPPROTO_TCP, TCP_CORK, 1));
    for (int i = 0; i < 100; i++)
        CHECK(write(fds[0], data + i, 1) == 1);
    CHECK(!set(fds[0], IPPROTO_TCP, TCP_CORK, 0));
    CHECK(read_all(fds[1], back, 100) == 100 && !memcmp(data, back, 100));
    close(fds[0]);
    close(fds[1]);
}

static void what_is_held_back_goes_out_before_long(void)
{
    struct pollfd one = {.events = POLLIN};
    int fds[2];

    connect_pair(AF_INET, fds);
    one.fd = fds[1];
    CHECK(send(fds[0], data, 1, MSG_MORE) == 1 && poll(&one, 1, 3000) == 1 && read(fds[1], back, 9) == 1);
    CHECK(!set(fds[0], IPPROTO_TCP, TCP_CORK, 1));
    CHECK(write(fds[0], data, 1) == 1 && poll(&one, 1, 3000) == 1 && read(fds[1], back, 9) == 1);
    close(fds[0]);
    close(fds[1]);
}

static void so_many_bytes_are_waited_for_and_no_fewer(void)
{
    int listener = listen_here(AF_INET, 0), fds[2];
    struct name name = name_of(listener);

    CHECK(!set(listener, SOL_SOCKET, SO_RCVLOWAT, 10) && get(listener, SOL_SOCKET, SO_RCVLOWAT) == 10);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!set(fds[0], IPPROTO_TCP, TCP_NODELAY, 1) && !connect(fds[0], &name.any, name.bytes));
    fds[1] = accept(listener, NULL, NULL);
    CHECK(fds[1] >= 0 && get(fds[1], SOL_SOCKET, SO_RCVLOWAT) == 10);
    CHECK(write(fds[0], data, 9) == 9);
    usleep(100000);
    CHECK(!(ready(fds[1], POLLIN) & POLLIN));
    CHECK(recv(fds[1], back, 9, MSG_PEEK) == 9 && recv(fds[1], back, 99, MSG_PEEK | MSG_DONTWAIT) == 9);
    CHECK(write(fds[0], data, 1) == 1 && await(fds[1], POLLIN) == POLLIN);
    CHECK(recv(fds[1], back, 99, 0) == 10);
    CHECK(write(fds[0], data, 4) == 4 && recv(fds[1], back, 4, 0) == 4); /* no more than there is place for */
    CHECK(write(fds[0], data, 4) == 4);
    usleep(100000);
    CHECK(!ready(fds[1], POLLIN) && !set(fds[1], SOL_SOCKET, SO_RCVLOWAT, 0) &&
          ready(fds[1], POLLIN) == POLLIN);
    CHECK(get(fds[1], SOL_SOCKET, SO_RCVLOWAT) == 1 && !set(fds[1], SOL_SOCKET, SO_RCVLOWAT, 100));
    CHECK(!ready(fds[1], POLLIN));
    CHECK(!shutdown(fds[0], SHUT_WR) && await(fds[1], POLLIN) == POLLIN);
    CHECK(recv(fds[1], back, 200, 0) == 4 && recv(fds[1], back, 200, 0) == 0);
    close(fds[0]);
    close(fds[1]);
    close(listener);
}

static void what_is_waited_for_is_never_more_than_there_is_room_for(void)
{
    struct pollfd one = {.events = POLLIN};
    size_t sent = 0, got = 0;
    int fds[2];
    ssize_t now;

    connect_pair(AF_INET, fds);
    one.fd = fds[1];
    CHECK(!set(fds[1], SOL_SOCKET, SO_RCVBUF, 16384) && !set(fds[1], SOL_SOCKET, SO_RCVLOWAT, -1));
    while (got < sizeof(data)) {
        while (sent < sizeof(data) &&
               (now = send(fds[0], data + sent, sizeof(data) - sent, MSG_DONTWAIT)) > 0)
            sent += (size_t)now;
        if (sent == sizeof(data) && shutdown(fds[0], SHUT_WR) && errno != ENOTCONN)
            break;
        if (poll(&one, 1, 10000) != 1 ||
            (now = recv(fds[1], back + got, sizeof(back) - got, MSG_DONTWAIT)) <= 0)
            break;
        got += (size_t)now;
    }
    CHECK(got == sizeof(data) && !memcmp(data, back, got));
    close(fds[0]);
    close(fds[1]);
}

static void the_connection_s_state_can_be_asked_for(void)
{
    struct tcp_info info = {0};
    socklen_t bytes = sizeof(info);
    int fds[2];

    connect_pair(AF_INET, fds);
    CHECK(!getsockopt(fds[0], IPPROTO_TCP, TCP_INFO, &info, &bytes) && bytes >= 104);
    CHECK(info.tcpi_state == TCP_ESTABLISHED && info.tcpi_snd_mss > 500);
    close(fds[0]);
    close(fds[1]);
}

static void reno_controls_congestion_and_nothing_unknown_does(void)
{
    char name[32] = {0};
    socklen_t bytes = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(!setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    CHECK(!getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &bytes) && bytes == 16 && !strcmp(name, "reno"));
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nonsense", 8) == -1 && errno == ENOENT);
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0) == -1 && errno == EINVAL);
    close(fd);
}

const struct claim option_claims[] = {
    CLAIM(options_are_kept),
    CLAIM(defaults_are_those_of_linux),
    CLAIM(the_buffers_sizes_are_doubled),
    CLAIM(times_and_linger_have_their_own_types),
    CLAIM(wrong_options_are_refused),
    CLAIM(an_accepted_socket_has_its_listener_s_options),
    CLAIM(a_cork_holds_small_pieces_together_and_loses_none),
    CLAIM(what_is_held_back_goes_out_before_long),
    CLAIM(so_many_bytes_are_waited_for_and_no_fewer),
    CLAIM(what_is_waited_for_is_never_more_than_there_is_room_for),
    CLAIM(the_connection_s_state_can_be_asked_for),
    CLAIM(reno_controls_congestion_and_nothing_unknown_does),
    {0},
};

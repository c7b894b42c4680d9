/*
 * Checks itself: sockets of the Internet's families within one machine. The same source is an ordinary Linux
 * program, which must find the same. One claim's name as argument runs that alone.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "claims.h"

char *volatile bad = (char *)8;
char data[300000], back[300000];

static int poll_one(int fd, int events, int time)
{
    struct pollfd one = {.fd = fd, .events = (short)events};

    return poll(&one, 1, time) < 0 ? -1 : one.revents;
}

int ready(int fd, int events)
{
    return poll_one(fd, events, 0);
}

int await(int fd, int events)
{
    return poll_one(fd, events, 60000);
}

struct name here(int family, int port)
{
    struct name name = {.bytes = family == AF_INET ? sizeof(name.v4) : sizeof(name.v6)};

    if (family == AF_INET) {
        name.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        name.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        name.v6.sin6_addr = in6addr_loopback;
    }
    return name;
}

struct name name_of(int fd)
{
    struct name name = {.bytes = sizeof(name.v6)};

    CHECK(!getsockname(fd, &name.any, &name.bytes));
    return name;
}

struct name peer_of(int fd)
{
    struct name name = {.bytes = sizeof(name.v6)};

    CHECK(!getpeername(fd, &name.any, &name.bytes));
    return name;
}

int port_of(struct name name)
{
    return ntohs(name.any.sa_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port);
}

bool same(struct name a, struct name b)
{
    if (a.bytes != b.bytes || a.any.sa_family != b.any.sa_family || port_of(a) != port_of(b))
        return false;
    return a.any.sa_family == AF_INET ? a.v4.sin_addr.s_addr == b.v4.sin_addr.s_addr
                                      : !memcmp(&a.v6.sin6_addr, &b.v6.sin6_addr, 16);
}

int listen_here(int family, int flags)
{
    struct name name = here(family, 0);
    int fd = socket(family, SOCK_STREAM | flags, 0);

    CHECK(fd >= 0 && !bind(fd, &name.any, name.bytes) && !listen(fd, 8));
    return fd;
}

void connect_pair(int family, int fds[2])
{
    int listener = listen_here(family, 0);
    struct name name = name_of(listener);

    fds[0] = socket(family, SOCK_STREAM, 0);
    CHECK(!connect(fds[0], &name.any, name.bytes));
    fds[1] = accept(listener, NULL, NULL);
    CHECK(fds[1] >= 0);
    close(listener);
}

ssize_t read_all(int fd, void *to, size_t bytes)
{
    size_t done = 0;
    ssize_t now;

    while (done < bytes && (now = read(fd, (char *)to + done, bytes - done)) > 0)
        done += (size_t)now;
    return (ssize_t)done;
}

ssize_t write_all(int fd, const void *from, size_t bytes)
{
    size_t done = 0;
    ssize_t now;

    while (done < bytes && (now = write(fd, (const char *)from + done, bytes - done)) > 0)
        done += (size_t)now;
    return (ssize_t)done;
}

int get(int fd, int level, int option)
{
    int value = -1;
    socklen_t bytes = sizeof(value);

    CHECK(!getsockopt(fd, level, option, &value, &bytes) && bytes == sizeof(value));
    return value;
}

int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 13 + (i >> 9));
    run_claims(stream_claims, only);
    run_claims(connect_claims, only);
    run_claims(datagram_claims, only);
    run_claims(control_claims, only);
    run_claims(ready_claims, only);
    run_claims(option_claims, only);
    run_claims(ending_claims, only);
    run_claims(server_claims, only);
    run_claims(sendfile_claims, only);
    run_claims(unix_claims, only);
    run_claims(exhaust_claims, only);
    return end_claims();
}

/* Nothing left: of descriptors, of ports, of memory. Each call says so, and with something given back all
 * goes on. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "claims.h"

#define MANY  40000 /* more than there are ports to choose from */
#define PAIRS 1000

/* So many descriptors in all; what was allowed before. */
static rlim_t allow(rlim_t descriptors)
{
    struct rlimit limit;
    rlim_t before;

    CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
    before = limit.rlim_cur;
    limit.rlim_cur = descriptors < limit.rlim_max ? descriptors : limit.rlim_max;
    CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
    return before;
}

static void connection_waits_until_there_is_a_descriptor(void)
{
    int listener = listen_here(AF_INET, 0), client = socket(AF_INET, SOCK_STREAM, 0), next, server, pair[2];
    struct name name = name_of(listener);
    rlim_t before;
    char byte = 'x';

    CHECK(!connect(client, &name.any, name.bytes) && write(client, &byte, 1) == 1);
    next = dup(client);
    CHECK(next >= 0 && !close(next));
    before = allow((rlim_t)next);
    for (int i = 0; i < 3; i++) {
        CHECK_ERRNO(accept(listener, NULL, NULL), EMFILE);
        CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EMFILE);
        CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
    }
    CHECK(ready(listener, POLLIN) == POLLIN);
    allow((rlim_t)next + 1);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
    server = accept(listener, NULL, NULL);
    CHECK(server == next && read(server, &byte, 1) == 1);
    allow(before);
    close(server);
    close(client);
    close(listener);
}

static int bound(void)
{
    struct name name = here(AF_INET, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0), error;

    if (fd < 0 || !bind(fd, &name.any, name.bytes))
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Connections to different places may have the one port that is left, a second one to the same place may not.
 */
static void share_a_port(struct name one, struct name other)
{
    int client[3];

    for (int i = 0; i < 3; i++)
        client[i] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!connect(client[0], &one.any, one.bytes) && !connect(client[1], &other.any, other.bytes));
    CHECK(port_of(name_of(client[0])) == port_of(name_of(client[1])));
    CHECK_ERRNO(connect(client[2], &one.any, one.bytes), EADDRNOTAVAIL);
    for (int i = 0; i < 3; i++)
        close(client[i]);
}

static void ports_that_run_out_are_said(void)
{
    int *fds = malloc(MANY * sizeof(*fds)), count = 0, listener = listen_here(AF_INET, 0),
        other = listen_here(AF_INET, 0), client;
    struct name name = name_of(listener);
    struct rlimit limit;
    rlim_t before = allow(MANY + 100);

    CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_cur < MANY)
        printf("# a process may have %lu descriptors: not all ports are taken\n",
               (unsigned long)limit.rlim_cur);
    /* In a guest it takes 64 MB. */
    while (limit.rlim_cur > MANY && count < MANY && (fds[count] = bound()) >= 0)
        count++;
    client = socket(AF_INET, SOCK_STREAM, 0);
    if (count) {
        CHECK(count > 28000 && count < MANY && errno == EADDRINUSE);
        CHECK_ERRNO(connect(client, &name.any, name.bytes), EADDRNOTAVAIL);
        close(fds[--count]);
        share_a_port(name, name_of(other));
        close(fds[--count]);
    }
    CHECK(!connect(client, &name.any, name.bytes));
    close(client);
    while (count)
        close(fds[--count]);
    close(listener);
    close(other);
    free(fds);
    allow(before);
}

/* What ends a direction that is filled: EAGAIN while there is memory for more. */
static int filled(int fd)
{
    while (write(fd, data, sizeof(data)) > 0)
        ;
    return errno;
}

/* Both directions of pairs filled until there is no memory for one more; where there is always more, a Linux
 * machine, that is told, and they are many. */
static void memory_that_runs_out_is_said(void)
{
    static int fds[PAIRS][2];
    int count = 0, error = EAGAIN, after[2];
    rlim_t before = allow(2 * PAIRS + 100);
    char byte = 'x';

    while (count < PAIRS && error == EAGAIN) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds[count])) {
            error = errno;
            break;
        }
        error = filled(fds[count][0]);
        if (error == EAGAIN)
            error = filled(fds[count][1]);
        count++;
    }
    printf("# %d pairs are full: %s\n", count,
           error == EAGAIN ? "there is memory for more" : strerror(error));
    CHECK(count > 10 && (error == EAGAIN || error == ENOBUFS || error == ENOMEM));
    for (int i = 0; i < count; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
    connect_pair(AF_INET, after);
    CHECK(write(after[0], &byte, 1) == 1 && read(after[1], &byte, 1) == 1);
    close(after[0]);
    close(after[1]);
    allow(before);
}

const struct claim exhaust_claims[] = {
    CLAIM(connection_waits_until_there_is_a_descriptor),
    CLAIM(ports_that_run_out_are_said),
    CLAIM(memory_that_runs_out_is_said),
    {0},
};

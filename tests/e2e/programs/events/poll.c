#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "claims.h"

#define MS 1000000

static void poll_waits_as_long_as_it_was_told(void)
{
    struct pollfd one = {.fd = eventfd(0, 0), .events = POLLIN};
    struct timespec time = {0, 20 * MS}, wrong = {0, 1000000000};
    int64_t before = now();

    CHECK(!poll(&one, 1, 20) && now() - before >= 20 * MS && now() - before < 60000ll * MS);
    before = now();
    CHECK(!poll(NULL, 0, 20) && now() - before >= 20 * MS);
    before = now();
    CHECK(!ppoll(&one, 1, &time, NULL) && now() - before >= 20 * MS);
    CHECK(!poll(&one, 1, 0));
    CHECK_ERRNO(ppoll(&one, 1, &wrong, NULL), EINVAL);
    CHECK_ERRNO(poll((struct pollfd *)(void *)bad, 1, 0), EFAULT);
    close(one.fd);
}

static void poll_says_which_and_what(void)
{
    int one = eventfd(1, 0), other = eventfd(0, 0);
    struct pollfd fds[] = {{one, POLLIN, 99},
                           {other, POLLIN, 99},
                           {-1, POLLIN, 99},
                           {900, POLLIN, 99},
                           {one, POLLOUT, 99},
                           {one, 0, 99},
                           {other, POLLIN | POLLOUT | POLLPRI, 99}};

    CHECK(poll(fds, 7, -1) == 4);
    CHECK(fds[0].revents == POLLIN && !fds[1].revents && !fds[2].revents && fds[3].revents == POLLNVAL);
    CHECK(fds[4].revents == POLLOUT && !fds[5].revents && fds[6].revents == POLLOUT);
    close(one);
    close(other);
}

static void poll_takes_a_thousand_descriptors(void)
{
    struct pollfd *fds = calloc(1024, sizeof(*fds));
    volatile nfds_t many = 1u << 30;
    int count = 0;

    for (int i = 0; i < 1000; i++)
        fds[count++] = (struct pollfd){.fd = eventfd(i == 777, 0), .events = POLLIN};
    CHECK(fds[999].fd >= 0);
    CHECK(poll(fds, (nfds_t)count, -1) == 1 && fds[777].revents == POLLIN);
    CHECK(eventfd_write(fds[999].fd, 1) == 0 && poll(fds, (nfds_t)count, 1000) == 2);
    for (int i = 0; i < count; i++)
        close(fds[i].fd);
    CHECK_ERRNO(poll(fds, many, 0), EINVAL);
    free(fds);
}

static void select_says_which_and_what(void)
{
    int one = eventfd(1, 0), other = eventfd(0, 0), high = fcntl(one, F_DUPFD, 700);
    fd_set in, out, except;
    struct timeval time = {0, 20000};
    int64_t before;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET((unsigned)one, &in);
    FD_SET((unsigned)other, &in);
    FD_SET((unsigned)high, &in);
    FD_SET((unsigned)other, &out);
    FD_SET((unsigned)one, &except);
    CHECK(select(high + 1, &in, &out, &except, NULL) == 3);
    CHECK(FD_ISSET((unsigned)one, &in) && !FD_ISSET((unsigned)other, &in) && FD_ISSET((unsigned)high, &in) &&
          FD_ISSET((unsigned)other, &out));
    CHECK(!FD_ISSET((unsigned)one, &except));
    FD_ZERO(&in);
    FD_SET((unsigned)other, &in);
    before = now();
    CHECK(!select(other + 1, &in, NULL, NULL, &time) && now() - before >= 20 * MS &&
          !FD_ISSET((unsigned)other, &in));
    FD_SET((unsigned)high, &in);
    FD_SET((unsigned)other, &in);
    CHECK(!close(high));
    CHECK_ERRNO(select(high + 1, &in, NULL, NULL, NULL), EBADF);
    CHECK_ERRNO(select(-1, NULL, NULL, NULL, NULL), EINVAL);
    CHECK_ERRNO(select(1, (fd_set *)(void *)bad, NULL, NULL, NULL), EFAULT);
    close(one);
    close(other);
}

static void select_leaves_what_is_left_of_the_time(void)
{
    long time[2] = {5, 2000000}; /* microseconds carry */
    uint64_t in;
    int fd = eventfd(1, 0);

    in = 1ull << fd;
    CHECK(syscall(SYS_select, fd + 1, &in, NULL, NULL, time) == 1);
    CHECK(time[0] == 6 && time[1] > 0 && time[1] < 1000000);
    close(fd);
}

const struct claim poll_claims[] = {
    CLAIM(poll_waits_as_long_as_it_was_told),      CLAIM(poll_says_which_and_what),
    CLAIM(poll_takes_a_thousand_descriptors),      CLAIM(select_says_which_and_what),
    CLAIM(select_leaves_what_is_left_of_the_time), {NULL, NULL},
};

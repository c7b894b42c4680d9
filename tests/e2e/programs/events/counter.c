#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "claims.h"

static uint64_t value, values[2];

static void eventfd_adds_up_and_is_read_at_once(void)
{
    int fd = eventfd(3, EFD_NONBLOCK);

    CHECK(fd >= 0 && ready(fd, POLLIN | POLLOUT) == (POLLIN | POLLOUT));
    CHECK(read(fd, &value, 8) == 8 && value == 3);
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
    CHECK(ready(fd, POLLIN | POLLOUT) == POLLOUT);
    value = 5;
    CHECK(write(fd, &value, 8) == 8 && write(fd, &value, 8) == 8);
    CHECK(read(fd, values, 16) == 8 && values[0] == 10 && !values[1]);
    close(fd);
}

static void eventfd_as_a_semaphore_is_read_by_one(void)
{
    int fd = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE | EFD_CLOEXEC);

    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(read(fd, &value, 8) == 8 && value == 1);
    CHECK(read(fd, &value, 8) == 8 && value == 1);
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
    close(fd);
}

static void eventfd_never_overflows(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);

    value = UINT64_MAX;
    CHECK_ERRNO(write(fd, &value, 8), EINVAL);
    value = UINT64_MAX - 1;
    CHECK(write(fd, &value, 8) == 8 && ready(fd, POLLIN | POLLOUT) == POLLIN);
    value = 1;
    CHECK_ERRNO(write(fd, &value, 8), EAGAIN);
    CHECK(read(fd, &value, 8) == 8 && value == UINT64_MAX - 1);
    CHECK_ERRNO(read(fd, &value, 7), EINVAL);
    CHECK_ERRNO(write(fd, &value, 7), EINVAL);
    CHECK_ERRNO(write(fd, bad, 8), EFAULT);
    CHECK_ERRNO(eventfd(0, 1 << 20), EINVAL);
    close(fd);
}

const struct claim counter_claims[] = {
    CLAIM(eventfd_adds_up_and_is_read_at_once),
    CLAIM(eventfd_as_a_semaphore_is_read_by_one),
    CLAIM(eventfd_never_overflows),
    {NULL, NULL},
};

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claims.h"

#define ROOM 65536

static char data[ROOM + 1], back[ROOM + 1];

static void fill(void)
{
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 + (i >> 8));
}

static void what_is_written_is_read_in_order_over_the_ring_s_end(void)
{
    int fds[2], count = -1;
    size_t in = 0, out = 0;

    fill();
    CHECK(!pipe2(fds, O_NONBLOCK));
    /* Pieces of sizes that go round the ring at all places. */
    for (size_t size = 1; out < 1000000; size = size * 5 % 9973 + 1) {
        ssize_t wrote = write(fds[1], data, size), got;

        in += wrote > 0 ? (size_t)wrote : 0;
        CHECK(!ioctl(fds[0], FIONREAD, &count) && (size_t)count == in - out);
        got = read(fds[0], back, wrote > 0 ? (size_t)wrote : size);
        CHECK(got > 0 && (wrote <= 0 || !memcmp(data, back, (size_t)got)));
        if (got <= 0)
            break;
        out += (size_t)got;
    }
    CHECK(in == out);
    close(fds[0]);
    close(fds[1]);
}

static void pipe_holds_64_kib_and_says_so(void)
{
    int fds[2], count = 0;

    fill();
    CHECK(!pipe2(fds, O_NONBLOCK));
    CHECK(fcntl(fds[0], F_GETPIPE_SZ) == ROOM);
    CHECK(write(fds[1], data, sizeof(data)) == ROOM);
    CHECK_ERRNO(write(fds[1], data, 1), EAGAIN);
    CHECK(!ioctl(fds[1], FIONREAD, &count) && count == ROOM);
    CHECK(ready(fds[1], POLLOUT) == 0 && ready(fds[0], POLLIN) == POLLIN);
    CHECK(read(fds[0], back, 4096) == 4096 && ready(fds[1], POLLOUT) == POLLOUT);
    CHECK(read(fds[0], back + 4096, sizeof(back) - 4096) == ROOM - 4096 && !memcmp(back, data, ROOM));
    CHECK_ERRNO(read(fds[0], back, 1), EAGAIN);
    close(fds[0]);
    close(fds[1]);
}

static void up_to_pipe_buf_is_written_whole_or_not_at_all(void)
{
    int fds[2];

    CHECK(!pipe2(fds, O_NONBLOCK));
    CHECK(write(fds[1], data, ROOM - 100) == ROOM - 100);
    CHECK_ERRNO(write(fds[1], data, 4096), EAGAIN);
    CHECK(read(fds[0], back, 8192) == 8192);
    CHECK(write(fds[1], data, 4096) == 4096);
    close(fds[0]);
    close(fds[1]);
}

static void ends_that_close_are_noticed(void)
{
    int fds[2];

    signal(SIGPIPE, SIG_IGN);
    CHECK(!pipe(fds));
    CHECK(write(fds[1], "ab", 2) == 2 && !close(fds[1]));
    CHECK(ready(fds[0], POLLIN) == (POLLIN | POLLHUP));
    CHECK(read(fds[0], back, 10) == 2 && !read(fds[0], back, 10) && ready(fds[0], POLLIN) == POLLHUP);
    CHECK(!close(fds[0]));
    CHECK(!pipe(fds) && !close(fds[0]));
    CHECK_ERRNO(write(fds[1], "ab", 2), EPIPE);
    CHECK(ready(fds[1], POLLOUT) == (POLLOUT | POLLERR));
    close(fds[1]);
}

static volatile int caught;

static void catch (int number)
{
    caught = number;
}

static void writing_without_a_reader_raises_sigpipe(void)
{
    int fds[2];

    signal(SIGPIPE, catch);
    caught = 0;
    CHECK(!pipe(fds) && !close(fds[0]));
    CHECK_ERRNO(write(fds[1], "ab", 2), EPIPE);
    CHECK(caught == SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    close(fds[1]);
}

static void ends_are_for_one_direction_and_have_no_places(void)
{
    struct stat status;
    int fds[2];

    CHECK(!pipe2(fds, O_CLOEXEC));
    CHECK_ERRNO(write(fds[0], "x", 1), EBADF);
    CHECK_ERRNO(read(fds[1], back, 1), EBADF);
    CHECK_ERRNO(lseek(fds[0], 0, SEEK_SET), ESPIPE);
    CHECK(!fstat(fds[0], &status) && S_ISFIFO(status.st_mode));
    CHECK(fcntl(fds[0], F_GETFD) == FD_CLOEXEC && fcntl(fds[1], F_GETFD) == FD_CLOEXEC);
    CHECK((fcntl(fds[0], F_GETFL) & O_ACCMODE) == O_RDONLY &&
          (fcntl(fds[1], F_GETFL) & O_ACCMODE) == O_WRONLY);
    CHECK_ERRNO(pipe2(fds, 1 << 30), EINVAL);
    CHECK_ERRNO(pipe2((int *)(void *)bad, 0), EFAULT);
    CHECK_ERRNO(write(fds[1], bad, 1), EFAULT);
    CHECK(write(fds[1], "x", 1) == 1);
    CHECK_ERRNO(read(fds[0], bad, 1), EFAULT);
    CHECK(ready(fds[0], POLLIN) == POLLIN && read(fds[0], back, 9) == 1 && *back == 'x');
    close(fds[0]);
    close(fds[1]);
}

static void capacity_changes_and_keeps_what_is_inside(void)
{
    int fds[2];

    fill();
    CHECK(!pipe2(fds, O_NONBLOCK));
    CHECK(write(fds[1], data, 12288) == 12288 && read(fds[0], back, 4096) == 4096);
    CHECK(fcntl(fds[1], F_SETPIPE_SZ, 4096) == -1 && errno == EBUSY);
    CHECK(fcntl(fds[1], F_SETPIPE_SZ, 200000) == 262144 && fcntl(fds[0], F_GETPIPE_SZ) == 262144);
    CHECK(fcntl(fds[1], F_SETPIPE_SZ, 9000) == 16384);
    CHECK(write(fds[1], data + 12288, 20000) == 16384 - 8192);
    CHECK(read(fds[0], back, 20000) == 16384 && !memcmp(back, data + 4096, 16384));
    CHECK(fcntl(fds[1], F_SETPIPE_SZ, 1) == 4096);
    CHECK_ERRNO(fcntl(eventfd(0, 0), F_GETPIPE_SZ), EBADF);
    close(fds[1] + 1);
    close(fds[0]);
    close(fds[1]);
}

const struct claim pipe_claims[] = {
    CLAIM(what_is_written_is_read_in_order_over_the_ring_s_end),
    CLAIM(pipe_holds_64_kib_and_says_so),
    CLAIM(up_to_pipe_buf_is_written_whole_or_not_at_all),
    CLAIM(ends_that_close_are_noticed),
    CLAIM(writing_without_a_reader_raises_sigpipe),
    CLAIM(ends_are_for_one_direction_and_have_no_places),
    CLAIM(capacity_changes_and_keeps_what_is_inside),
    {NULL, NULL},
};

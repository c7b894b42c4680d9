#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "claims.h"

#define NAME "/tmp/claimed-fifo"

static char back[8192];

static void make(void)
{
    unlink(NAME);
    CHECK(!mkfifo(NAME, 0640));
}

static void fifo_carries_bytes_and_keeps_its_name_s_attributes(void)
{
    struct stat by_name, open_one;
    int in, out;

    make();
    in = open(NAME, O_RDONLY | O_NONBLOCK);
    out = open(NAME, O_WRONLY);
    CHECK(in >= 0 && out >= 0 && !stat(NAME, &by_name) && !fstat(in, &open_one));
    CHECK(by_name.st_ino == open_one.st_ino && S_ISFIFO(open_one.st_mode) &&
          (open_one.st_mode & 0777) == 0640);
    CHECK(write(out, "through", 7) == 7 && read(in, back, 9) == 7 && !memcmp(back, "through", 7));
    CHECK_ERRNO(read(in, back, 9), EAGAIN);
    CHECK_ERRNO(write(in, "x", 1), EBADF);
    CHECK_ERRNO(lseek(in, 0, SEEK_SET), ESPIPE);
    CHECK(fcntl(out, F_GETPIPE_SZ) == 65536 && !fchmod(out, 0600));
    CHECK(!fstat(in, &open_one) && (open_one.st_mode & 0777) == 0600);
    close(in);
    close(out);
    CHECK(!unlink(NAME));
}

static void ends_without_another_are_as_posix_says(void)
{
    int in, out, both;

    make();
    CHECK_ERRNO(open(NAME, O_WRONLY | O_NONBLOCK), ENXIO);
    in = open(NAME, O_RDONLY | O_NONBLOCK);
    CHECK(in >= 0 && !ready(in, POLLIN) && !read(in, back, 1));
    out = open(NAME, O_WRONLY | O_NONBLOCK);
    CHECK(out >= 0 && write(out, "a", 1) == 1 && !close(out));
    CHECK(ready(in, POLLIN) == (POLLIN | POLLHUP) && read(in, back, 9) == 1 && !read(in, back, 9));
    CHECK(ready(in, POLLIN) == POLLHUP && !close(in));
    both = open(NAME, O_RDWR);
    CHECK(both >= 0 && write(both, "b", 1) == 1 && read(both, back, 9) == 1 && !close(both));
    both = open(NAME, O_RDWR);
    CHECK(write(both, "lost", 4) == 4 && !close(both));
    in = open(NAME, O_RDONLY | O_NONBLOCK);
    CHECK(in >= 0 && !read(in, back, 9) && !close(in));
    CHECK(!unlink(NAME));
}

static void *writer(void *result)
{
    int out = open(NAME, O_WRONLY);

    *(int *)result = out >= 0 && write(out, "met", 3) == 3 && !close(out);
    return NULL;
}

static void opening_waits_for_the_other_side(void)
{
    pthread_t thread;
    int wrote = 0, in;

    make();
    CHECK(!pthread_create(&thread, NULL, writer, &wrote));
    in = open(NAME, O_RDONLY);
    CHECK(in >= 0 && read(in, back, 9) == 3 && !read(in, back, 9) && !close(in));
    CHECK(!pthread_join(thread, NULL) && wrote && !unlink(NAME));
}

static void on_alarm(int number)
{
    (void)number;
}

static void signal_interrupts_an_open_that_waits(void)
{
    struct sigaction action = {.sa_handler = on_alarm};

    make();
    CHECK(!sigaction(SIGALRM, &action, NULL));
    ualarm(20000, 20000); /* again and again: the first may come before the wait */
    CHECK_ERRNO(open(NAME, O_RDONLY), EINTR);
    CHECK_ERRNO(open(NAME, O_WRONLY), EINTR);
    ualarm(0, 0);
    CHECK_ERRNO(open(NAME, O_WRONLY | O_NONBLOCK), ENXIO);
    CHECK(!unlink(NAME));
}

static void removed_fifo_lives_while_it_is_open(void)
{
    int in, out;

    make();
    in = open(NAME, O_RDONLY | O_NONBLOCK);
    out = open(NAME, O_WRONLY);
    CHECK(!unlink(NAME) && write(out, "on", 2) == 2 && read(in, back, 9) == 2);
    CHECK_ERRNO(open(NAME, O_RDONLY | O_NONBLOCK), ENOENT);
    close(in);
    close(out);
}

static void vectors_are_filled_with_what_is_there(void)
{
    struct iovec in[3] = {{back, 2}, {back + 2, 0}, {back + 2, 5}}, out[2] = {{back, 2048}, {back, 2049}};
    int fds[2];

    CHECK(!pipe2(fds, O_NONBLOCK) && write(fds[1], "abcd", 4) == 4);
    CHECK(readv(fds[0], in, 3) == 4 && !memcmp(back, "abcd", 4));
    CHECK(write(fds[1], "ef", 2) == 2 && readv(fds[0], in, 3) == 2);
    CHECK_ERRNO(readv(fds[0], in, 3), EAGAIN);
    CHECK_ERRNO(readv(fds[1], in, 3), EBADF);
    /* What is written at once is, as one: 4,097 bytes may be cut, 4,096 not. */
    CHECK(fcntl(fds[1], F_SETPIPE_SZ, 4096) == 4096 && write(fds[1], back, 1) == 1);
    out[1].iov_len = 2048;
    CHECK_ERRNO(writev(fds[1], out, 2), EAGAIN);
    CHECK(read(fds[0], back, 9) == 1 && writev(fds[1], out, 2) == 4096);
    close(fds[0]);
    close(fds[1]);
}

static void ioctl_changes_what_fcntl_does(void)
{
    int fds[2], on = 1;

    CHECK(!pipe(fds) && !ioctl(fds[0], FIONBIO, &on) && fcntl(fds[0], F_GETFL) == (O_RDONLY | O_NONBLOCK));
    CHECK_ERRNO(read(fds[0], back, 1), EAGAIN);
    on = 0;
    CHECK(!ioctl(fds[0], FIONBIO, &on) && fcntl(fds[0], F_GETFL) == O_RDONLY);
    CHECK_ERRNO(ioctl(fds[0], FIONBIO, bad), EFAULT);
    CHECK(!ioctl(fds[0], FIOCLEX) && fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
    CHECK(!ioctl(fds[0], FIONCLEX) && !fcntl(fds[0], F_GETFD));
    close(fds[0]);
    close(fds[1]);
}

const struct claim fifo_claims[] = {
    CLAIM(fifo_carries_bytes_and_keeps_its_name_s_attributes),
    CLAIM(ends_without_another_are_as_posix_says),
    CLAIM(opening_waits_for_the_other_side),
    CLAIM(signal_interrupts_an_open_that_waits),
    CLAIM(removed_fifo_lives_while_it_is_open),
    CLAIM(vectors_are_filled_with_what_is_there),
    CLAIM(ioctl_changes_what_fcntl_does),
    {NULL, NULL},
};

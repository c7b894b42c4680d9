#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "claims.h"

static int fds[2];

static void close_pair(void)
{
    close(fds[0]);
    close(fds[1]);
}

static void bytes_go_both_ways_over_both_families(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (int i = 0; i < 2; i++) {
        connect_pair(families[i], fds);
        memset(back, 0, sizeof(back));
        CHECK(write(fds[0], data, 5) == 5 && read_all(fds[1], back, 5) == 5 && !memcmp(data, back, 5));
        CHECK(send(fds[1], data + 5, 7, 0) == 7 && read_all(fds[0], back, 7) == 7 &&
              !memcmp(data + 5, back, 7));
        close_pair();
    }
}

static void *write_data(void *arg)
{
    int fd = *(int *)arg;

    for (int i = 0; i < 10; i++)
        CHECK(write_all(fd, data, sizeof(data)) == sizeof(data));
    CHECK(!shutdown(fd, SHUT_WR));
    return NULL;
}

static void megabytes_arrive_as_they_were_sent_both_ways_at_once(void)
{
    pthread_t threads[2];
    long got[2] = {0, 0};

    connect_pair(AF_INET, fds);
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&threads[i], NULL, write_data, &fds[i]));
    for (int turn = 0; turn < 10; turn++) {
        for (int i = 0; i < 2; i++) {
            memset(back, 0, sizeof(back));
            got[i] += read_all(fds[i], back, sizeof(back));
            CHECK(!memcmp(data, back, sizeof(data)));
        }
    }
    CHECK(got[0] == 3000000 && got[1] == 3000000);
    CHECK(read(fds[0], back, 1) == 0 && read(fds[1], back, 1) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    close_pair();
}

static void vectors_are_gathered_and_scattered(void)
{
    struct iovec out[] = {{data, 3}, {NULL, 0}, {data + 3, 4}}, in[] = {{back, 2}, {back + 2, 100}};
    struct msghdr header = {.msg_iov = out, .msg_iovlen = 3};

    connect_pair(AF_INET, fds);
    memset(back, 0, sizeof(back));
    CHECK(writev(fds[0], out, 3) == 7 && await(fds[1], POLLIN) == POLLIN);
    CHECK(readv(fds[1], in, 2) == 7 && !memcmp(data, back, 7));
    CHECK(sendmsg(fds[0], &header, 0) == 7);
    header = (struct msghdr){.msg_iov = in, .msg_iovlen = 2, .msg_flags = -1};
    CHECK(await(fds[1], POLLIN) == POLLIN && recvmsg(fds[1], &header, 0) == 7 && !header.msg_flags);
    CHECK(!header.msg_controllen);
    close_pair();
}

static void flags_of_receiving_do_what_they_say(void)
{
    int count = 0;

    connect_pair(AF_INET, fds);
    CHECK_ERRNO(recv(fds[1], back, 9, MSG_DONTWAIT), EAGAIN);
    CHECK(write(fds[0], data, 10) == 10 && await(fds[1], POLLIN) == POLLIN);
    memset(back, 0, sizeof(back));
    CHECK(recv(fds[1], back, 4, MSG_PEEK) == 4 && !memcmp(back, data, 4));
    CHECK(!ioctl(fds[1], FIONREAD, &count) && count == 10);
    CHECK(recv(fds[1], back, 3, MSG_TRUNC) == 3);
    CHECK(recv(fds[1], back, 3, 0) == 3 && !memcmp(back, data + 3, 3));
    CHECK(recv(fds[1], back, 100, MSG_PEEK) == 4 && recv(fds[1], back, 100, 0) == 4);
    CHECK_ERRNO(recv(fds[1], back, 1, MSG_OOB), EINVAL);
    close_pair();
}

static void *write_late(void *arg)
{
    (void)arg;
    CHECK(write(fds[0], data, 3) == 3);
    usleep(20000);
    CHECK(write(fds[0], data + 3, 4) == 4);
    return NULL;
}

static void waitall_waits_for_all(void)
{
    pthread_t thread;

    connect_pair(AF_INET, fds);
    memset(back, 0, sizeof(back));
    CHECK(!pthread_create(&thread, NULL, write_late, NULL));
    CHECK(recv(fds[1], back, 7, MSG_WAITALL) == 7 && !memcmp(data, back, 7));
    pthread_join(thread, NULL);
    CHECK(write(fds[0], data, 5) == 5 && !shutdown(fds[0], SHUT_WR));
    CHECK(recv(fds[1], back, 7, MSG_WAITALL) == 5);
    close_pair();
}

static void a_stream_is_full_at_some_time_and_loses_nothing(void)
{
    ssize_t in = 0, out = 0, now;

    connect_pair(AF_INET, fds);
    CHECK(!fcntl(fds[0], F_SETFL, O_NONBLOCK));
    while ((now = write(fds[0], data + in % 200000, 50000)) > 0)
        in += now;
    CHECK(in > 50000 && errno == EAGAIN && !ready(fds[0], POLLOUT));
    while (out < in && (now = read(fds[1], back, (size_t)(in - out < 30000 ? in - out : 30000))) > 0)
        out += now;
    CHECK(out == in && await(fds[0], POLLOUT) == POLLOUT);
    close_pair();
}

static volatile int caught;

static void on_pipe(int signal_)
{
    caught = signal_;
}

static void the_peer_s_end_is_the_end_of_file_then_a_broken_pipe(void)
{
    connect_pair(AF_INET, fds);
    CHECK(write(fds[1], "ab", 2) == 2 && !close(fds[1]));
    CHECK(read_all(fds[0], back, 9) == 2 && read(fds[0], back, 9) == 0 && read(fds[0], back, 9) == 0);
    CHECK(await(fds[0], POLLRDHUP) == POLLRDHUP);
    CHECK(write(fds[0], "x", 1) == 1); /* is answered by a reset */
    CHECK(await(fds[0], 0) == (POLLERR | POLLHUP));
    signal(SIGPIPE, on_pipe);
    caught = 0;
    CHECK_ERRNO(write(fds[0], "x", 1), EPIPE);
    CHECK(!caught || caught == SIGPIPE);
    CHECK_ERRNO(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    caught = 0;
    CHECK_ERRNO(write(fds[0], "x", 1), EPIPE);
    CHECK(caught == SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    close(fds[0]);
}

static void unread_bytes_at_close_reset_the_connection(void)
{
    connect_pair(AF_INET, fds);
    CHECK(write(fds[0], "ab", 2) == 2 && await(fds[1], POLLIN) == POLLIN && !close(fds[1]));
    CHECK(await(fds[0], POLLIN) & POLLERR && get(fds[0], SOL_SOCKET, SO_ERROR) == ECONNRESET);
    CHECK(get(fds[0], SOL_SOCKET, SO_ERROR) == 0 && read(fds[0], back, 1) == 0);
    close(fds[0]);
    connect_pair(AF_INET, fds);
    CHECK(write(fds[0], "ab", 2) == 2 && await(fds[1], POLLIN) == POLLIN && !close(fds[1]));
    CHECK(await(fds[0], POLLIN) & POLLERR);
    CHECK_ERRNO(read(fds[0], back, 1), ECONNRESET);
    CHECK(read(fds[0], back, 1) == 0);
    CHECK_ERRNO(write(fds[0], "x", 1), EPIPE);
    close(fds[0]);
}

static void linger_of_0_seconds_resets(void)
{
    struct linger linger = {.l_onoff = 1};

    connect_pair(AF_INET, fds);
    CHECK(!setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) && !close(fds[1]));
    CHECK(await(fds[0], POLLIN) & POLLHUP);
    CHECK_ERRNO(read(fds[0], back, 1), ECONNRESET);
    close(fds[0]);
}

static void linger_waits_until_all_is_received(void)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 60};

    connect_pair(AF_INET, fds);
    CHECK(!setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    CHECK(write(fds[1], data, 10000) == 10000 && !close(fds[1]));
    CHECK(read_all(fds[0], back, 20000) == 10000);
    close(fds[0]);
}

static void each_half_is_shut_down_alone(void)
{
    connect_pair(AF_INET, fds);
    CHECK(!shutdown(fds[0], SHUT_WR));
    CHECK_ERRNO(write(fds[0], "x", 1), EPIPE);
    CHECK(read(fds[1], back, 9) == 0 && write(fds[1], data, 9) == 9 && read_all(fds[0], back, 9) == 9);
    CHECK(ready(fds[1], POLLIN | POLLOUT | POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP));
    CHECK(ready(fds[0], POLLIN | POLLOUT) == POLLOUT);
    CHECK(!shutdown(fds[1], SHUT_WR) && read(fds[0], back, 9) == 0);
    CHECK(ready(fds[0], POLLIN | POLLOUT | POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
    CHECK(await(fds[1], 0) == POLLHUP);
    close_pair();
    connect_pair(AF_INET, fds);
    CHECK(!shutdown(fds[0], SHUT_RD) && read(fds[0], back, 1) == 0 && write(fds[0], "x", 1) == 1);
    CHECK(read(fds[1], back, 1) == 1);
    CHECK_ERRNO(shutdown(fds[0], 3), EINVAL);
    close_pair();
}

static void times_out_as_it_was_told_to(void)
{
    struct timeval time = {.tv_usec = 30000};

    connect_pair(AF_INET, fds);
    CHECK(!setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) &&
          !setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
    CHECK_ERRNO(read(fds[0], back, 1), EAGAIN);
    while (write(fds[0], data, 100000) > 0)
        ;
    CHECK(errno == EAGAIN);
    close_pair();
}

static void bad_memory_is_an_errno_and_the_stream_goes_on(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(page != MAP_FAILED && !munmap(page + 4096, 4096));
    memcpy(page + 4090, data, 6);
    connect_pair(AF_INET, fds);
    CHECK_ERRNO(write(fds[0], bad, 1), EFAULT);
    CHECK(write(fds[0], data, 5) == 5 && await(fds[1], POLLIN) == POLLIN);
    CHECK_ERRNO(read(fds[1], bad, 5), EFAULT);
    memset(back, 0, sizeof(back));
    CHECK(read_all(fds[1], back, 5) == 5 && !memcmp(data, back, 5));
    close_pair();
    munmap(page, 4096);
}

static void a_socket_is_a_file(void)
{
    struct stat status;
    int copy, on = 1;

    connect_pair(AF_INET, fds);
    CHECK(!fstat(fds[0], &status) && S_ISSOCK(status.st_mode));
    CHECK_ERRNO(lseek(fds[0], 0, SEEK_SET), ESPIPE);
    CHECK((fcntl(fds[0], F_GETFL) & O_ACCMODE) == O_RDWR && !ioctl(fds[0], FIONBIO, &on));
    CHECK_ERRNO(read(fds[0], back, 1), EAGAIN);
    copy = dup(fds[0]);
    CHECK(copy >= 0 && !close(fds[0]) && write(copy, "abc", 3) == 3);
    CHECK(read_all(fds[1], back, 3) == 3 && !close(copy) && read(fds[1], back, 1) == 0);
    close(fds[1]);
}

static void *send_and_close(void *arg)
{
    (void)arg;
    CHECK(write_all(fds[0], data, 200000) == 200000 && !close(fds[0]));
    return NULL;
}

static void what_was_written_before_close_arrives(void)
{
    pthread_t thread;

    connect_pair(AF_INET, fds);
    memset(back, 0, sizeof(back));
    CHECK(!pthread_create(&thread, NULL, send_and_close, NULL));
    CHECK(read_all(fds[1], back, sizeof(back)) == 200000 && !memcmp(data, back, 200000));
    pthread_join(thread, NULL);
    close(fds[1]);
}

const struct claim stream_claims[] = {
    CLAIM(bytes_go_both_ways_over_both_families),
    CLAIM(megabytes_arrive_as_they_were_sent_both_ways_at_once),
    CLAIM(vectors_are_gathered_and_scattered),
    CLAIM(flags_of_receiving_do_what_they_say),
    CLAIM(waitall_waits_for_all),
    CLAIM(a_stream_is_full_at_some_time_and_loses_nothing),
    CLAIM(the_peer_s_end_is_the_end_of_file_then_a_broken_pipe),
    CLAIM(unread_bytes_at_close_reset_the_connection),
    CLAIM(linger_of_0_seconds_resets),
    CLAIM(linger_waits_until_all_is_received),
    CLAIM(each_half_is_shut_down_alone),
    CLAIM(times_out_as_it_was_told_to),
    CLAIM(bad_memory_is_an_errno_and_the_stream_goes_on),
    CLAIM(a_socket_is_a_file),
    CLAIM(what_was_written_before_close_arrives),
    {0},
};

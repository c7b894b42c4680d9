#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "claims.h"

static char data[300000], back[300000];
static int fds[2];

static void open_pair(int type)
{
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 13 + (i >> 9));
    memset(back, 0, sizeof(back));
    CHECK(!socketpair(AF_UNIX, type, 0, fds));
}

static void close_pair(void)
{
    close(fds[0]);
    close(fds[1]);
}

static void stream_carries_bytes_both_ways(void)
{
    struct iovec vectors[] = {{data, 3}, {data + 3, 4}};
    int count = 0;

    open_pair(SOCK_STREAM);
    CHECK(writev(fds[0], vectors, 2) == 7 && write(fds[1], "x", 1) == 1);
    CHECK(!ioctl(fds[1], FIONREAD, &count) && count == 7);
    CHECK(recv(fds[1], back, 2, MSG_PEEK) == 2 && !memcmp(back, data, 2));
    CHECK(read(fds[1], back, 2) == 2 && read(fds[1], back + 2, 100) == 5 && !memcmp(back, data, 7));
    CHECK(recv(fds[0], back, 9, MSG_DONTWAIT) == 1 && *back == 'x');
    CHECK_ERRNO(recv(fds[0], back, 9, MSG_DONTWAIT), EAGAIN);
    CHECK(send(fds[0], data, 10, 0) == 10 && send(fds[0], data + 10, 10, 0) == 10);
    CHECK(recv(fds[1], back, 20, MSG_WAITALL) == 20 && !memcmp(back, data, 20));
    close_pair();
}

static void stream_is_full_at_some_time_and_loses_nothing(void)
{
    ssize_t in = 0, out = 0, now_;

    open_pair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(fcntl(fds[0], F_GETFD) == FD_CLOEXEC && fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    for (int turn = 0; turn < 1000 && (now_ = write(fds[0], data + in, 3001)) > 0 && in < 290000; turn++)
        in += now_;
    CHECK(in > 50000 && in < 290000 && errno == EAGAIN && ready(fds[0], POLLOUT) == 0);
    while ((now_ = read(fds[1], back + out, 7777)) > 0)
        out += now_;
    CHECK(in == out && errno == EAGAIN && !memcmp(data, back, (size_t)in) &&
          ready(fds[0], POLLOUT) == POLLOUT);
    close_pair();
}

static void packets_keep_their_bounds(void)
{
    static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};

    for (int i = 0; i < 2; i++) {
        struct iovec out[] = {{data, 3}, {data + 3, 4}}, in[] = {{back, 2}, {back + 2, 3}};
        struct msghdr header = {.msg_iov = in, .msg_iovlen = 2};
        int count = 0;

        open_pair(types[i] | SOCK_NONBLOCK);
        CHECK(writev(fds[0], out, 2) == 7 && send(fds[0], data, 5, 0) == 5);
        CHECK(!ioctl(fds[1], FIONREAD, &count) && count == (i ? 12 : 7));
        CHECK(recvmsg(fds[1], &header, MSG_PEEK) == 5 && header.msg_flags & MSG_TRUNC &&
              !memcmp(back, data, 5));
        CHECK(recv(fds[1], back, 2, MSG_PEEK | MSG_TRUNC) == 7);
        CHECK(recv(fds[1], back, 100, 0) == 7 && !memcmp(back, data, 7));
        CHECK(readv(fds[1], in, 2) == 5);
        CHECK_ERRNO(read(fds[1], back, 100), EAGAIN);
        CHECK(send(fds[0], data, 0, 0) == 0 && recv(fds[1], back, 10, 0) == 0);
        CHECK_ERRNO(send(fds[0], data, 250000, 0), EMSGSIZE);
        close_pair();
    }
}

static volatile int caught;

static void on_pipe(int number)
{
    caught = number;
}

static void peer_that_goes_is_noticed(void)
{
    signal(SIGPIPE, on_pipe);
    open_pair(SOCK_STREAM);
    CHECK(write(fds[1], "ab", 2) == 2 && !close(fds[1]));
    CHECK(ready(fds[0], POLLIN | POLLOUT | POLLRDHUP) == (POLLIN | POLLOUT | POLLHUP | POLLRDHUP));
    CHECK(read(fds[0], back, 9) == 2 && read(fds[0], back, 9) == 0);
    caught = 0;
    CHECK_ERRNO(send(fds[0], data, 1, MSG_NOSIGNAL), EPIPE);
    CHECK(!caught);
    CHECK_ERRNO(write(fds[0], data, 1), EPIPE);
    CHECK(caught == SIGPIPE);
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    open_pair(SOCK_STREAM);
    CHECK(write(fds[0], "ab", 2) == 2 && !close(fds[1]));
    CHECK_ERRNO(read(fds[0], back, 9), ECONNRESET);
    close(fds[0]);
    open_pair(SOCK_DGRAM);
    CHECK(!close(fds[1]));
    CHECK_ERRNO(send(fds[0], data, 1, 0), ECONNREFUSED);
    close(fds[0]);
}

static void shutting_down_one_direction_leaves_the_other(void)
{
    open_pair(SOCK_STREAM);
    CHECK(write(fds[0], "ab", 2) == 2 && !shutdown(fds[0], SHUT_WR));
    CHECK(ready(fds[1], POLLIN | POLLOUT | POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP));
    CHECK(read(fds[1], back, 9) == 2 && read(fds[1], back, 9) == 0);
    CHECK(write(fds[1], "c", 1) == 1 && read(fds[0], back, 9) == 1);
    CHECK_ERRNO(send(fds[0], data, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERRNO(shutdown(fds[0], 5), EINVAL);
    close_pair();
}

static long send_files(int through, const int *files, int count)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * 8)];
    } control;
    struct iovec vector = {data, 1};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control};

    memset(&control, 0, sizeof(control));
    header.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * (unsigned)count);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * (unsigned)count);
    memcpy(CMSG_DATA(&control.header), files, sizeof(int) * (unsigned)count);
    return sendmsg(through, &header, 0);
}

/* How many came; they are in `files`. */
static int receive_files(int through, int *files, int room, int *flags)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * 8)];
    } control;
    struct iovec vector = {back, 100};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control};
    int count = 0;

    memset(&control, 0, sizeof(control));
    header.msg_controllen = (socklen_t)CMSG_LEN(sizeof(int) * (unsigned)room);
    if (recvmsg(through, &header, MSG_CMSG_CLOEXEC) < 0)
        return -1;
    *flags = header.msg_flags;
    if (header.msg_controllen >= sizeof(struct cmsghdr) && control.header.cmsg_type == SCM_RIGHTS) {
        count = (int)((control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(files, CMSG_DATA(&control.header), (unsigned)count * sizeof(int));
    }
    return count;
}

static void open_files_travel_with_a_message(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    int pipes[2], got[8], flags = 0, wrong = 1000;

    for (int i = 0; i < 2; i++) {
        open_pair(types[i]);
        CHECK(!pipe(pipes));
        CHECK(send_files(fds[0], pipes, 2) == 1 && send(fds[0], data, 5, 0) == 5);
        CHECK(!close(pipes[0]) && !close(pipes[1]));
        CHECK(receive_files(fds[1], got, 2, &flags) == 2 && !(flags & MSG_CTRUNC));
        CHECK(fcntl(got[0], F_GETFD) == FD_CLOEXEC);
        CHECK(write(got[1], "through", 7) == 7 && read(got[0], back, 100) == 7 &&
              !memcmp(back, "through", 7));
        CHECK(recv(fds[1], back, 100, 0) == 5);
        CHECK(send_files(fds[0], got, 2) == 1 && receive_files(fds[1], got + 2, 1, &flags) == 1);
        CHECK(flags & MSG_CTRUNC);
        for (int j = 0; j < 3; j++)
            CHECK(!close(got[j]));
        CHECK(send_files(fds[0], &wrong, 1) == -1 && errno == EBADF);
        /* Sent and never received: closed with the socket. */
        CHECK(!pipe(pipes) && send_files(fds[0], pipes, 1) == 1 && !close(pipes[0]));
        close_pair();
        signal(SIGPIPE, SIG_IGN);
        CHECK_ERRNO(write(pipes[1], data, 1), EPIPE);
        close(pipes[1]);
    }
}

static void options_names_and_kinds_are_told(void)
{
    int value = 0;
    socklen_t bytes = sizeof(value);
    struct sockaddr_un name;
    struct timeval time = {0, 20000};
    struct stat status;
    int64_t before;

    open_pair(SOCK_SEQPACKET);
    CHECK(!getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &value, &bytes) && value == SOCK_SEQPACKET && bytes == 4);
    CHECK(!getsockopt(fds[0], SOL_SOCKET, SO_DOMAIN, &value, &bytes) && value == AF_UNIX);
    CHECK(!getsockopt(fds[0], SOL_SOCKET, SO_ERROR, &value, &bytes) && !value);
    CHECK_ERRNO(getsockopt(fds[0], SOL_SOCKET, 9999, &value, &bytes), ENOPROTOOPT);
    CHECK_ERRNO(getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &bytes), ENOTSOCK);
    CHECK_ERRNO(getsockopt(-1, SOL_SOCKET, SO_TYPE, &value, &bytes), EBADF);
    bytes = sizeof(name);
    CHECK(!getsockname(fds[0], (struct sockaddr *)&name, &bytes) && bytes == 2 && name.sun_family == AF_UNIX);
    bytes = sizeof(name);
    CHECK(!getpeername(fds[0], (struct sockaddr *)&name, &bytes) && bytes == 2);
    CHECK(!fstat(fds[0], &status) && S_ISSOCK(status.st_mode));
    CHECK(!setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    before = now();
    CHECK_ERRNO(recv(fds[0], back, 1, 0), EAGAIN);
    CHECK(now() - before >= 20000000);
    CHECK_ERRNO(listen(fds[0], 1), EINVAL);
    CHECK_ERRNO(lseek(fds[0], 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_RDM, 0, fds), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socketpair(AF_UNIX, 77, 0, fds), EINVAL);
    CHECK_ERRNO(socketpair(99, SOCK_STREAM, 0, fds), EAFNOSUPPORT);
    close_pair();
}

static void several_messages_go_at_once(void)
{
    struct iovec out[2] = {{data, 3}, {data, 4}}, in[3] = {{back, 10}, {back + 10, 10}, {back + 20, 10}};
    struct mmsghdr sent[2] = {{.msg_hdr = {.msg_iov = out, .msg_iovlen = 1}},
                              {.msg_hdr = {.msg_iov = out + 1, .msg_iovlen = 1}}},
                   got[3] = {{.msg_hdr = {.msg_iov = in, .msg_iovlen = 1}},
                             {.msg_hdr = {.msg_iov = in + 1, .msg_iovlen = 1}},
                             {.msg_hdr = {.msg_iov = in + 2, .msg_iovlen = 1}}};

    open_pair(SOCK_DGRAM);
    CHECK(sendmmsg(fds[0], sent, 2, 0) == 2 && sent[0].msg_len == 3 && sent[1].msg_len == 4);
    CHECK(recvmmsg(fds[1], got, 3, MSG_WAITFORONE, NULL) == 2 && got[0].msg_len == 3 && got[1].msg_len == 4);
    close_pair();
}

static void edge_of_a_socket_is_told_for_its_own_direction(void)
{
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};

    open_pair(SOCK_STREAM);
    CHECK(write(fds[1], "a", 1) == 1 && !epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    CHECK(epoll_wait(set, &event, 1, 0) == 1 && !epoll_wait(set, &event, 1, 0));
    CHECK(write(fds[0], "b", 1) == 1 && read(fds[1], back, 9) == 1);
    CHECK(!epoll_wait(set, &event, 1, 0));
    CHECK(write(fds[1], "a", 1) == 1 && epoll_wait(set, &event, 1, 0) == 1);
    close(set);
    close_pair();
}

const struct claim socket_claims[] = {
    CLAIM(stream_carries_bytes_both_ways),
    CLAIM(stream_is_full_at_some_time_and_loses_nothing),
    CLAIM(packets_keep_their_bounds),
    CLAIM(peer_that_goes_is_noticed),
    CLAIM(shutting_down_one_direction_leaves_the_other),
    CLAIM(open_files_travel_with_a_message),
    CLAIM(options_names_and_kinds_are_told),
    CLAIM(several_messages_go_at_once),
    CLAIM(edge_of_a_socket_is_told_for_its_own_direction),
    {NULL, NULL},
};

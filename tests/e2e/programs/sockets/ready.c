#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "claims.h"

#define ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP)

static int set_of(int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    int set_ = epoll_create1(0);

    CHECK(set_ >= 0 && !epoll_ctl(set_, EPOLL_CTL_ADD, fd, &event));
    return set_;
}

/* What epoll says within `time` ms: -1 for nothing. */
static int events_of(int set_, int time)
{
    struct epoll_event event = {0};
    int count = epoll_wait(set_, &event, 1, time);

    return count == 1 ? (int)event.events : -1;
}

static void a_listener_is_ready_when_somebody_waits(void)
{
    int listener = listen_here(AF_INET, SOCK_NONBLOCK), fd = socket(AF_INET, SOCK_STREAM, 0), set_, accepted;
    struct name name = name_of(listener);

    set_ = set_of(listener, EPOLLIN | EPOLLOUT | EPOLLET);
    CHECK(ready(listener, POLLIN | POLLOUT) == 0 && events_of(set_, 0) == -1);
    CHECK(!connect(fd, &name.any, name.bytes));
    CHECK(events_of(set_, 60000) == EPOLLIN && events_of(set_, 0) == -1 && ready(listener, POLLIN) == POLLIN);
    accepted = accept(listener, NULL, NULL);
    CHECK(accepted >= 0 && ready(listener, POLLIN) == 0);
    close(accepted);
    close(fd);
    close(set_);
    close(listener);
}

static void edges_come_once_for_each_change(void)
{
    int fds[2], set_;

    connect_pair(AF_INET, fds);
    set_ = set_of(fds[1], ALL | EPOLLET);
    CHECK(events_of(set_, 60000) == EPOLLOUT && events_of(set_, 0) == -1);
    CHECK(write(fds[0], "a", 1) == 1 && events_of(set_, 60000) == (EPOLLIN | EPOLLOUT));
    CHECK(events_of(set_, 0) == -1);
    CHECK(write(fds[0], "b", 1) == 1 && events_of(set_, 60000) == (EPOLLIN | EPOLLOUT));
    CHECK(read_all(fds[1], back, 2) == 2 && events_of(set_, 0) == -1);
    CHECK(!shutdown(fds[0], SHUT_WR));
    CHECK(events_of(set_, 60000) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP) && events_of(set_, 0) == -1);
    close(fds[0]);
    close(fds[1]);
    close(set_);
}

static void room_to_send_is_an_edge(void)
{
    int fds[2], set_;
    ssize_t in = 0, out = 0, now;

    connect_pair(AF_INET, fds);
    CHECK(!fcntl(fds[0], F_SETFL, O_NONBLOCK) && !fcntl(fds[1], F_SETFL, O_NONBLOCK));
    set_ = set_of(fds[0], EPOLLOUT | EPOLLET);
    CHECK(events_of(set_, 60000) == EPOLLOUT);
    while ((now = write(fds[0], data, sizeof(data))) > 0)
        in += now;
    /* What the other side took of it meanwhile may have been an edge. */
    while (events_of(set_, 100) != -1)
        while ((now = write(fds[0], data, sizeof(data))) > 0)
            in += now;
    CHECK(errno == EAGAIN);
    while (out < in) {
        CHECK(await(fds[1], POLLIN) == POLLIN);
        now = read(fds[1], back, sizeof(back));
        CHECK(now > 0);
        out += now > 0 ? now : in;
    }
    CHECK(out == in && events_of(set_, 60000) == EPOLLOUT);
    close(fds[0]);
    close(fds[1]);
    close(set_);
}

static void ends_show_as_hangups_and_errors(void)
{
    struct linger linger = {.l_onoff = 1};
    int fds[2], set_;

    connect_pair(AF_INET, fds);
    set_ = set_of(fds[0], ALL);
    CHECK(!shutdown(fds[0], SHUT_WR) && !shutdown(fds[1], SHUT_WR));
    CHECK(await(fds[0], POLLIN) && events_of(set_, 60000) == (ALL | EPOLLHUP));
    close(fds[0]);
    close(fds[1]);
    close(set_);
    connect_pair(AF_INET, fds);
    set_ = set_of(fds[0], ALL);
    CHECK(!setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) && !close(fds[1]));
    CHECK(await(fds[0], POLLIN) && events_of(set_, 60000) == (ALL | EPOLLHUP | EPOLLERR));
    close(fds[0]);
    close(set_);
}

static void *read_one(void *arg)
{
    long got = read(*(int *)arg, back, 100);

    return (void *)got;
}

static void shutdown_wakes_who_waits(void)
{
    int fds[2];
    pthread_t thread;
    void *result;

    connect_pair(AF_INET, fds);
    CHECK(!pthread_create(&thread, NULL, read_one, &fds[0]));
    usleep(20000);
    CHECK(!shutdown(fds[0], SHUT_RD) && !pthread_join(thread, &result) && result == NULL);
    close(fds[0]);
    close(fds[1]);
}

static void select_sees_both_directions(void)
{
    fd_set in, out;
    int fds[2];

    connect_pair(AF_INET, fds);
    CHECK(write(fds[0], "x", 1) == 1 && await(fds[1], POLLIN) == POLLIN);
    FD_ZERO(&in);
    FD_ZERO(&out);
    for (int i = 0; i < 2; i++) {
        FD_SET((unsigned)fds[i], &in);
        FD_SET((unsigned)fds[i], &out);
    }
    CHECK(select((fds[0] > fds[1] ? fds[0] : fds[1]) + 1, &in, &out, NULL, NULL) == 3);
    CHECK(!FD_ISSET((unsigned)fds[0], &in) && FD_ISSET((unsigned)fds[1], &in) &&
          FD_ISSET((unsigned)fds[0], &out));
    close(fds[0]);
    close(fds[1]);
}

/* A server as servers are: one loop, edges, no waiting. */
static void *serve(void *arg)
{
    int listener = *(int *)arg, set_ = set_of(listener, EPOLLIN), left = 20;
    struct epoll_event events[8];
    char buffer[4096];

    while (left) {
        int count = epoll_wait(set_, events, 8, 60000);

        CHECK(count > 0);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            ssize_t got;

            if (fd == listener) {
                struct epoll_event event = {.events = EPOLLIN | EPOLLET};

                event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                CHECK(event.data.fd >= 0 && !epoll_ctl(set_, EPOLL_CTL_ADD, event.data.fd, &event));
                continue;
            }
            while ((got = read(fd, buffer, sizeof(buffer))) > 0)
                CHECK(write(fd, buffer, (size_t)got) == got);
            if (!got) {
                close(fd);
                left--;
            }
        }
    }
    close(set_);
    return NULL;
}

static void an_event_loop_serves_many_clients(void)
{
    int listener = listen_here(AF_INET, SOCK_NONBLOCK), fd[20];
    struct name name = name_of(listener);
    pthread_t thread;

    CHECK(!pthread_create(&thread, NULL, serve, &listener));
    for (int i = 0; i < 20; i++) {
        fd[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(!connect(fd[i], &name.any, name.bytes));
    }
    for (int turn = 0; turn < 10; turn++) {
        for (int i = 0; i < 20; i++)
            CHECK(write(fd[i], data + i, 1000) == 1000);
        for (int i = 0; i < 20; i++)
            CHECK(read_all(fd[i], back, 1000) == 1000 && !memcmp(back, data + i, 1000));
    }
    for (int i = 0; i < 20; i++)
        close(fd[i]);
    pthread_join(thread, NULL);
    close(listener);
}

const struct claim ready_claims[] = {
    CLAIM(a_listener_is_ready_when_somebody_waits),
    CLAIM(edges_come_once_for_each_change),
    CLAIM(room_to_send_is_an_edge),
    CLAIM(ends_show_as_hangups_and_errors),
    CLAIM(shutdown_wakes_who_waits),
    CLAIM(select_sees_both_directions),
    CLAIM(an_event_loop_serves_many_clients),
    {0},
};

/* How connections end: what a close or a shutdown, of this thread or of another, does to whoever waits. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "claims.h"

enum { MANY = 200000 };

/* Sends all and closes at once, with much of it still to be sent; the peer has to get it whole, and then the
 * end. */
static void *answer(void *listener)
{
    int fd = accept(*(int *)listener, NULL, NULL);
    char request[4];

    CHECK(read_all(fd, request, 4) == 4 && write_all(fd, data, MANY) == MANY && !close(fd));
    return NULL;
}

static void a_server_with_a_small_receive_buffer_loses_nothing_at_its_close(void)
{
    int listener = listen_here(AF_INET, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct name name = name_of(listener);
    pthread_t thread;
    size_t got = 0;
    ssize_t now;

    CHECK(!set(fd, SOL_SOCKET, SO_RCVBUF, 4096) && !set(listener, SOL_SOCKET, SO_RCVBUF, 8192));
    CHECK(!pthread_create(&thread, NULL, answer, &listener));
    CHECK(!connect(fd, &name.any, name.bytes) && write(fd, "send", 4) == 4);
    while ((now = read(fd, back + got, 4096)) > 0) {
        got += (size_t)now;
        usleep(1000);
    }
    CHECK(!now && got == MANY && !memcmp(data, back, MANY));
    pthread_join(thread, NULL);
    close(fd);
    close(listener);
}

/* A thread waits in a call of `fd`. */
static struct {
    int fd;
    struct name name;
    int error;
} waiter;

static void *wait_to_connect(void *unused)
{
    (void)unused;
    waiter.error = connect(waiter.fd, &waiter.name.any, waiter.name.bytes) ? errno : 0;
    return NULL;
}

static void *wait_to_read(void *unused)
{
    (void)unused;
    waiter.error = read(waiter.fd, back, 1) < 0 ? errno : 0;
    return NULL;
}

/* The queue of this listener is full; nobody answers who wants to connect. */
static int listen_deaf(int more[8])
{
    int listener = listen_here(AF_INET, 0);

    waiter.name = name_of(listener);
    CHECK(!listen(listener, 0));
    for (int i = 0; i < 8; i++) {
        more[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK(!connect(more[i], &waiter.name.any, waiter.name.bytes) || errno == EINPROGRESS);
    }
    return listener;
}

static void a_shutdown_ends_another_thread_s_attempt_to_connect(void)
{
    int more[8], listener = listen_deaf(more);
    pthread_t thread;

    waiter.fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!pthread_create(&thread, NULL, wait_to_connect, NULL));
    usleep(200000);
    CHECK(!shutdown(waiter.fd, SHUT_RDWR) && !pthread_join(thread, NULL));
    CHECK(waiter.error == ECONNRESET);
    close(waiter.fd);
    for (int i = 0; i < 8; i++)
        close(more[i]);
    close(listener);
}

static void a_disconnection_wakes_who_reads(void)
{
    struct sockaddr nothing = {.sa_family = AF_UNSPEC};
    pthread_t thread;
    int fds[2];

    connect_pair(AF_INET, fds);
    waiter.fd = fds[0];
    CHECK(!pthread_create(&thread, NULL, wait_to_read, NULL));
    usleep(200000);
    CHECK(!connect(fds[0], &nothing, sizeof(nothing)) && !pthread_join(thread, NULL));
    close(fds[0]);
    close(fds[1]);
}

static void lingering_is_over_when_the_peer_has_all_though_it_keeps_its_half_open(void)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 50};
    struct timespec start, end;
    int fds[2];

    connect_pair(AF_INET, fds);
    CHECK(write(fds[0], "all", 3) == 3 && read_all(fds[1], back, 3) == 3);
    usleep(500000); /* the acknowledgement is there */
    CHECK(!setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    clock_gettime(CLOCK_MONOTONIC, &start);
    CHECK(!close(fds[0]));
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK(end.tv_sec - start.tv_sec < 25);
    close(fds[1]);
}

const struct claim ending_claims[] = {
    CLAIM(a_server_with_a_small_receive_buffer_loses_nothing_at_its_close),
    CLAIM(a_shutdown_ends_another_thread_s_attempt_to_connect),
    CLAIM(a_disconnection_wakes_who_reads),
    CLAIM(lingering_is_over_when_the_peer_has_all_though_it_keeps_its_half_open),
    {0},
};

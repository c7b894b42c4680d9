/* The modes that use TCP. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHUNK           65536
#define SMALL_BUFFER    4096
#define LARGE_BUFFER    (1 << 20)
#define STALL_SECONDS   3
#define CONNECTIONS_MAX 256

/* One connection's transfer: what is on its way out, and how much has come back. */
struct transfer {
    int fd;
    uint64_t seed, total, sent, received;
    uint8_t out[CHUNK];
    size_t out_from, out_to;
};

/* What the peer takes now. */
static void send_some(struct transfer *t)
{
    ssize_t done;

    if (t->out_from == t->out_to) {
        uint64_t at = t->sent, left = t->total - at;

        t->out_from = 0;
        t->out_to = left < CHUNK ? left : CHUNK;
        fill(t->out, t->out_to, t->seed, at);
    }
    done = send(t->fd, t->out + t->out_from, t->out_to - t->out_from, MSG_DONTWAIT);
    if (done < 0 && errno != EAGAIN)
        fail("send after %llu bytes: %s", (unsigned long long)t->sent, strerror(errno));
    if (done <= 0)
        return;
    t->out_from += (size_t)done;
    t->sent += (uint64_t)done;
    if (t->sent == t->total)
        shutdown(t->fd, SHUT_WR);
}

/* False at the end. */
static bool receive_some(struct transfer *t)
{
    static uint8_t in[4 * CHUNK];
    ssize_t got = recv(t->fd, in, sizeof in, MSG_DONTWAIT);

    if (got < 0 && errno != EAGAIN)
        fail("recv after %llu bytes: %s", (unsigned long long)t->received, strerror(errno));
    if (got < 0)
        return true;
    check(in, (size_t)got, t->seed, t->received);
    t->received += (uint64_t)got;
    return got > 0;
}

static bool is_done(const struct transfer *t)
{
    return t->fd < 0;
}

static void finish(struct transfer *t)
{
    if (t->received != t->total)
        fail("%llu bytes came back of %llu", (unsigned long long)t->received, (unsigned long long)t->total);
    close(t->fd);
    t->fd = -1;
}

/* All at once, each in both directions, until every peer has finished. */
static void transfer(struct transfer *all, unsigned count)
{
    struct pollfd pollers[CONNECTIONS_MAX];
    unsigned open = count;

    while (open) {
        for (unsigned i = 0; i < count; i++)
            pollers[i] = (struct pollfd){
                .fd = all[i].fd,
                .events = (short)(POLLIN | (all[i].sent < all[i].total ? POLLOUT : 0)),
            };
        if (poll(pollers, count, -1) < 0)
            fail("poll: %s", strerror(errno));
        for (unsigned i = 0; i < count; i++) {
            if (is_done(&all[i]))
                continue;
            if (pollers[i].revents & POLLOUT)
                send_some(&all[i]);
            if (pollers[i].revents & (POLLIN | POLLERR | POLLHUP) && !receive_some(&all[i])) {
                finish(&all[i]);
                open--;
            }
        }
    }
}

void mode_stream(const struct peer *peer, char **words)
{
    static struct transfer t;

    t.total = strtoull(words[0], NULL, 0);
    t.seed = strtoull(words[1], NULL, 0);
    t.fd = connect_to(peer, 0);
    transfer(&t, 1);
    printf("ok %llu\n", (unsigned long long)t.total);
}

static uint8_t *data_for(size_t bytes)
{
    uint8_t *data = malloc(2 * bytes + 16);

    if (!data)
        fail("no memory");
    return data;
}

void mode_serial(const struct peer *peer, char **words)
{
    unsigned long count = strtoul(words[0], NULL, 0);
    size_t bytes = strtoul(words[1], NULL, 0);
    uint8_t *data = data_for(bytes);

    for (unsigned long i = 0; i < count; i++) {
        int fd = connect_to(peer, 0);
        size_t got;

        fill(data, bytes, i, 0);
        write_all(fd, data, bytes);
        shutdown(fd, SHUT_WR);
        got = read_all(fd, data, bytes);
        if (got != bytes)
            fail("connection %lu: %zu bytes came back of %zu", i, got, bytes);
        check(data, bytes, i, 0);
        expect_end(fd);
        close(fd);
    }
    printf("ok %lu\n", count);
}

void mode_parallel(const struct peer *peer, char **words)
{
    unsigned long count = strtoul(words[0], NULL, 0);
    size_t bytes = strtoul(words[1], NULL, 0), got;
    uint8_t *data = data_for(bytes);
    struct rlimit limit = {.rlim_cur = count + 16, .rlim_max = count + 16};
    int *fds = calloc(count, sizeof *fds);

    setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned long i = 0; i < count; i++)
        fds[i] = connect_to(peer, 0);
    for (unsigned long i = 0; i < count; i++) {
        fill(data, bytes, i, 0);
        write_all(fds[i], data, bytes);
    }
    /* The last first: nobody's answer waits for another's being read. */
    for (unsigned long i = count; i-- > 0;) {
        got = read_all(fds[i], data, bytes);
        if (got != bytes)
            fail("connection %lu: %zu bytes came back of %zu", i, got, bytes);
        check(data, bytes, i, 0);
    }
    printf("all open\n");
    if (getchar() == EOF)
        fail("nobody says that it may go on");
    for (unsigned long i = 0; i < count; i++) {
        shutdown(fds[i], SHUT_WR);
        expect_end(fds[i]);
        close(fds[i]);
    }
    printf("ok %lu\n", count);
}

void mode_half_close(const struct peer *peer, char **words)
{
    size_t bytes = strtoul(words[0], NULL, 0), got;
    uint8_t *data = data_for(bytes);
    int fd = connect_to(peer, SMALL_BUFFER);

    fill(data, bytes, 1, 0);
    write_all(fd, data, bytes);
    shutdown(fd, SHUT_WR);
    sleep(1);
    got = read_all(fd, data, bytes);
    if (got != bytes)
        fail("%zu bytes came back of %zu", got, bytes);
    check(data, bytes, 1, 0);
    expect_end(fd);
    printf("ok %zu\n", bytes);
}

/* Sends on all connections until none takes any more for a while; how much it was. */
static uint64_t send_until_stalled(struct transfer *all, unsigned count)
{
    struct pollfd pollers[CONNECTIONS_MAX];
    uint64_t sent = 0;

    for (unsigned i = 0; i < count; i++)
        pollers[i] = (struct pollfd){.fd = all[i].fd, .events = POLLOUT};
    while (poll(pollers, count, STALL_SECONDS * 1000) > 0) {
        for (unsigned i = 0; i < count; i++) {
            if (pollers[i].revents && all[i].sent < all[i].total)
                send_some(&all[i]);
            if (all[i].sent == all[i].total)
                fail("all %llu bytes were taken although nobody reads", (unsigned long long)all[i].total);
        }
    }
    for (unsigned i = 0; i < count; i++)
        sent += all[i].sent;
    return sent;
}

void mode_stall(const struct peer *peer, char **words)
{
    unsigned count = (unsigned)strtoul(words[0], NULL, 0);
    struct transfer *all = calloc(count, sizeof *all);

    if (!all || count > CONNECTIONS_MAX)
        fail("%u connections are too many", count);
    for (unsigned i = 0; i < count; i++) {
        all[i].total = strtoull(words[1], NULL, 0);
        all[i].seed = i;
        all[i].fd = connect_to(peer, SMALL_BUFFER);
    }
    printf("stalled %llu\n", (unsigned long long)send_until_stalled(all, count));
    if (getchar() == EOF)
        fail("nobody says that it may go on");
    for (unsigned i = 0; i < count; i++)
        set_buffers(all[i].fd, LARGE_BUFFER);
    transfer(all, count);
    printf("ok %u\n", count);
}

void mode_trickle(const struct peer *peer, char **words)
{
    size_t bytes = strtoul(words[0], NULL, 0);
    useconds_t pause = (useconds_t)strtoul(words[1], NULL, 0) * 1000;
    uint8_t *data = data_for(bytes);
    int fd = connect_to(peer, 0);

    fill(data, bytes, 3, 0);
    for (size_t i = 0; i < bytes; i++) {
        uint8_t back;

        write_all(fd, data + i, 1);
        if (read_all(fd, &back, 1) != 1)
            fail("the connection ended after %zu bytes", i);
        if (back != data[i])
            fail("the byte that came back differs at offset %zu", i);
        usleep(pause);
    }
    shutdown(fd, SHUT_WR);
    expect_end(fd);
    printf("ok %zu\n", bytes);
}

/*
 * Requests to a server, from domain 0, the same for every server:
 *
 *     load PROTOCOL ADDRESS PORT CONNECTIONS PIPELINE REQUESTS [PATH]
 *
 * PROTOCOL is redis-set, redis-get, memcached-set, memcached-get, http (by connections that stay) or
 * http-close (one for each request). Each connection sends PIPELINE requests in one piece, and the next when
 * all are answered. Every answer is compared; the first wrong one ends it. Printed are the requests made, the
 * nanoseconds they took together, and the median and the 99th percentile of what one took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define ROOM            (256 * 1024)
#define HTTP_OK         "HTTP/1.1 200 OK\r\n"
#define VALUE           "the quick brown fox jumps over it"
#define LENGTH          "33"

/* `head` of an answer must be this; `tail` too, which is the page with HTTP. What is between differs (Date).
 */
struct answer {
    size_t length, head, tail;
    const char *bytes;
};

struct connection {
    int fd;
    size_t sent, received;
    uint64_t start;
    bool active;
};

static const char *const protocols[][3] = {
    {"redis-set", "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$" LENGTH "\r\n" VALUE "\r\n", "+OK\r\n"},
    {"redis-get", "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", "$" LENGTH "\r\n" VALUE "\r\n"},
    {"memcached-set", "set key 0 0 " LENGTH "\r\n" VALUE "\r\n", "STORED\r\n"},
    {"memcached-get", "get key\r\n", "VALUE key 0 " LENGTH "\r\n" VALUE "\r\nEND\r\n"},
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static struct connection connections[CONNECTIONS_MAX];
static struct answer answer;
static char request[512], *batch, buffer[ROOM];
static size_t request_bytes;
static unsigned pipeline, left, batches;
static bool closes;
static uint64_t *took;
static int events;

static void fail(const char *what)
{
    fprintf(stderr, "load: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int connect_to_server(int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | flags, 0), one = 1;

    if (fd < 0 || (connect(fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* ---- what is asked, and what the answer is ---- */

/* What the server answers to one request, by a connection of its own. */
static void learn_page(void)
{
    int fd = connect_to_server(0);
    size_t length = 0;
    const char *end, *field;

    if (write(fd, request, request_bytes) != (ssize_t)request_bytes)
        fail("write");
    for (;;) {
        ssize_t n = read(fd, buffer + length, sizeof buffer - 1 - length);

        if (n <= 0)
            fail("no whole page");
        length += (size_t)n;
        buffer[length] = '\0';
        end = strstr(buffer, "\r\n\r\n");
        field = end ? strcasestr(buffer, "\r\nContent-Length: ") : NULL;
        if (field && length == (size_t)(end + 4 - buffer) + strtoul(field + 18, NULL, 10))
            break;
    }
    close(fd);
    if (strncmp(buffer, HTTP_OK, sizeof HTTP_OK - 1))
        fail("not 200 OK");
    answer.bytes = memcpy(malloc(length), buffer, length);
    answer.length = length;
    answer.head = sizeof HTTP_OK - 1;
    answer.tail = length - (size_t)(end + 4 - buffer);
}

static void choose_protocol(const char *name, const char *path)
{
    for (unsigned i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        if (strcmp(name, protocols[i][0]))
            continue;
        request_bytes = (size_t)sprintf(request, "%s", protocols[i][1]);
        answer.bytes = protocols[i][2];
        answer.length = answer.head = strlen(answer.bytes);
        return;
    }
    closes = !strcmp(name, "http-close");
    if (!closes && strcmp(name, "http"))
        fail("no such protocol");
    request_bytes = (size_t)snprintf(request, sizeof request,
                                     "GET %s HTTP/1.1\r\nHost: guest\r\nUser-Agent: load\r\n%s\r\n", path,
                                     closes ? "Connection: close\r\n" : "");
    learn_page();
}

/* A piece of one connection's stream of answers. */
static void check(const char *bytes, size_t count, size_t at)
{
    for (; count; at = 0) {
        size_t piece = answer.length - at < count ? answer.length - at : count;

        for (size_t i = 0; i < piece; i++) {
            bool compared = at + i < answer.head || at + i >= answer.length - answer.tail;

            if (compared && bytes[i] != answer.bytes[at + i])
                fail("a wrong answer");
        }
        bytes += piece;
        count -= piece;
    }
}

/* ---- connections ---- */

static void send_more(struct connection *connection)
{
    size_t total = request_bytes * pipeline;
    ssize_t n;

    while (connection->sent < total) {
        n = write(connection->fd, batch + connection->sent, total - connection->sent);
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return;
        if (n <= 0)
            fail("write");
        connection->sent += (size_t)n;
    }
}

/* A new one, which tells when something can be done. */
static void open_connection(struct connection *connection, int flags)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};

    connection->fd = connect_to_server(flags);
    if (epoll_ctl(events, EPOLL_CTL_ADD, connection->fd, &event))
        fail("epoll_ctl");
}

static void begin(struct connection *connection)
{
    connection->active = left > 0;
    if (!left)
        return;
    left--;
    connection->sent = connection->received = 0;
    connection->start = now();
    if (closes)
        open_connection(connection, SOCK_NONBLOCK);
    else
        send_more(connection);
}

static void finish(struct connection *connection)
{
    took[batches++] = now() - connection->start;
    if (closes)
        close(connection->fd);
    begin(connection);
}

static void receive(struct connection *connection)
{
    size_t total = answer.length * pipeline;

    for (;;) {
        ssize_t n = read(connection->fd, buffer, sizeof buffer);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 || (!n && (!closes || connection->received != total)))
            fail("the server has ended a connection");
        if (connection->received + (size_t)n > total)
            fail("more than was asked for");
        check(buffer, (size_t)n, connection->received % answer.length);
        connection->received += (size_t)n;
        if (closes ? !n : connection->received == total) {
            finish(connection);
            return;
        }
    }
}

static void open_all(unsigned count)
{
    for (unsigned i = 0; i < count && !closes; i++) {
        open_connection(&connections[i], 0);
        fcntl(connections[i].fd, F_SETFL, O_NONBLOCK);
    }
}

static void run(unsigned wanted)
{
    struct epoll_event ready[CONNECTIONS_MAX];

    while (batches < wanted) {
        int count = epoll_wait(events, ready, CONNECTIONS_MAX, -1);

        for (int i = 0; i < count; i++) {
            struct connection *connection = ready[i].data.ptr;

            if (!connection->active)
                continue;
            send_more(connection);
            if (ready[i].events & ~(unsigned)EPOLLOUT)
                receive(connection);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    unsigned count, wanted;
    uint64_t start;

    if (argc < 7)
        return 2;
    if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1)
        fail("no address");
    server.sin_port = htons((uint16_t)atoi(argv[3]));
    choose_protocol(argv[1], argc > 7 ? argv[7] : "/");
    count = (unsigned)atoi(argv[4]);
    pipeline = (unsigned)atoi(argv[5]);
    if (!pipeline || !count || count > CONNECTIONS_MAX || (closes && pipeline != 1))
        fail("arguments");
    left = wanted = (unsigned)atoi(argv[6]) / pipeline;
    batch = malloc(request_bytes * pipeline);
    took = calloc(wanted, sizeof *took);
    if (!batch || !took)
        fail("memory");
    for (unsigned i = 0; i < pipeline; i++)
        memcpy(batch + i * request_bytes, request, request_bytes);
    events = epoll_create1(0);
    open_all(count);
    start = now();
    for (unsigned i = 0; i < count; i++)
        begin(&connections[i]);
    run(wanted);
    start = now() - start;
    qsort(took, wanted, sizeof *took, by_size);
    printf("%u %lu %lu %lu\n", wanted * pipeline, start, took[wanted / 2], took[wanted * 99 / 100]);
    return 0;
}

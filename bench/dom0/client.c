/*
 * The client in domain 0, the same for every server:
 *
 *     client rtt  ADDRESS PORT BYTES COUNT     round trips of so many bytes; nanoseconds of each, one a line
 *     client in   ADDRESS PORT MIB             into the server, until it has taken everything; nanoseconds
 *     client out  ADDRESS PORT MIB             out of the server; nanoseconds
 *     client both ADDRESS PORT MIB             to an echo server and back, both at once; nanoseconds
 *     client hold ADDRESS PORT COUNT OVER TRIPS
 *         so many connections, each asked once; `held`, and for each line that is read so many round trips of
 *         a byte, in turn by OVER of the connections, and `done`
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int connect_to(const char *address, const char *port)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    if (fd < 0 || inet_pton(AF_INET, address, &there.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&there, sizeof there))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void send_bytes(int fd, uint64_t bytes)
{
    while (bytes) {
        ssize_t n = write(fd, buffer, bytes < sizeof buffer ? bytes : sizeof buffer);

        if (n <= 0)
            fail("write");
        bytes -= (uint64_t)n;
    }
}

static void receive_bytes(int fd, uint64_t bytes)
{
    while (bytes) {
        ssize_t n = read(fd, buffer, bytes < sizeof buffer ? bytes : sizeof buffer);

        if (n <= 0)
            fail("read");
        bytes -= (uint64_t)n;
    }
}

static void expect_end(int fd)
{
    if (read(fd, buffer, 1) != 0)
        fail("the server did not finish");
}

static void round_trips(int fd, uint64_t bytes, unsigned count)
{
    uint64_t *took = calloc(count, sizeof *took);

    if (!took || !bytes || bytes > sizeof buffer)
        fail("arguments");
    for (unsigned i = 0; i < count; i++) {
        uint64_t start = now();

        send_bytes(fd, bytes);
        receive_bytes(fd, bytes);
        took[i] = now() - start;
    }
    for (unsigned i = 0; i < count; i++)
        printf("%lu\n", took[i]);
}

static void into(int fd, uint64_t mib)
{
    send_bytes(fd, mib << 20);
    shutdown(fd, SHUT_WR);
    expect_end(fd);
}

static void out_of(int fd, uint64_t mib)
{
    uint8_t request = (uint8_t)mib;

    if (write(fd, &request, 1) != 1)
        fail("write");
    receive_bytes(fd, mib << 20);
    expect_end(fd);
}

static void both_ways(int fd, uint64_t mib)
{
    int status;

    if (fork() == 0) {
        send_bytes(fd, mib << 20);
        shutdown(fd, SHUT_WR);
        _exit(0);
    }
    receive_bytes(fd, mib << 20);
    expect_end(fd);
    if (wait(&status) < 0 || status)
        fail("the sender");
}

static void hold(const char *address, const char *port, char **words)
{
    unsigned count = (unsigned)atoi(words[0]), over = (unsigned)atoi(words[1]),
             trips = (unsigned)atoi(words[2]);
    struct rlimit limit = {.rlim_cur = count + 16, .rlim_max = count + 16};
    int *fds = calloc(count, sizeof *fds);

    if (!fds || !over || over > count || setrlimit(RLIMIT_NOFILE, &limit))
        fail("hold");
    for (unsigned i = 0; i < count; i++) {
        fds[i] = connect_to(address, port);
        send_bytes(fds[i], 1);
        receive_bytes(fds[i], 1);
    }
    puts("held");
    while (fflush(stdout), getchar() != EOF) {
        for (unsigned i = 0; i < trips; i++) {
            int fd = fds[i % over * (count / over)];

            send_bytes(fd, 1);
            receive_bytes(fd, 1);
        }
        puts("done");
    }
}

int main(int argc, char **argv)
{
    uint64_t start, amount;
    int fd;

    if (argc < 5)
        return 2;
    if (!strcmp(argv[1], "hold") && argc == 7) {
        hold(argv[2], argv[3], argv + 4);
        return 0;
    }
    fd = connect_to(argv[2], argv[3]);
    amount = strtoul(argv[4], NULL, 10);
    start = now();
    if (!strcmp(argv[1], "rtt") && argc == 6) {
        round_trips(fd, amount, (unsigned)atoi(argv[5]));
        return 0;
    }
    if (!strcmp(argv[1], "in"))
        into(fd, amount);
    else if (!strcmp(argv[1], "out"))
        out_of(fd, amount);
    else if (!strcmp(argv[1], "both"))
        both_ways(fd, amount);
    else
        return 2;
    printf("%lu\n", now() - start);
    return 0;
}

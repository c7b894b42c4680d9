/*
 * The Linux peer's servers: echo on port 7, bytes taken and forgotten on 9, and on 19 as many MiB sent as the
 * first byte received says. Blocking calls on 64 KiB, a process for each connection: the plainest program
 * that does not give away speed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[65536];

static bool send_all(int fd, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t n = write(fd, buffer + at, bytes - at);

        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static void echo(int fd)
{
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer)) > 0 && send_all(fd, (size_t)n))
        ;
}

static void sink(int fd)
{
    while (read(fd, buffer, sizeof buffer) > 0)
        ;
}

static void source(int fd)
{
    uint8_t mib;

    if (read(fd, &mib, 1) != 1)
        return;
    for (unsigned i = 0; i < mib * 16u && send_all(fd, sizeof buffer); i++)
        ;
}

static void serve(int listener, void (*work)(int fd))
{
    for (;;) {
        int fd = accept(listener, NULL, NULL), one = 1;

        if (fd < 0)
            continue;
        if (fork() == 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            work(fd);
            exit(0);
        }
        close(fd);
    }
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 128)) {
        perror("serve");
        exit(1);
    }
    return fd;
}

int main(void)
{
    static void (*const work[])(int fd) = {echo, sink, source};
    static const uint16_t port[] = {7, 9, 19};
    int listener[3];

    signal(SIGCHLD, SIG_IGN);
    for (unsigned i = 0; i < 3; i++)
        listener[i] = listen_on(port[i]);
    puts("serving");
    fflush(stdout);
    for (unsigned i = 0; i < 2; i++)
        if (fork() == 0)
            serve(listener[i], work[i]);
    serve(listener[2], work[2]);
}

/*
 * Checks itself: pipes, FIFOs, counters, timers and sockets as descriptors, and waiting for them. The same
 * source is an ordinary Linux program, which must find the same. One claim's name as argument runs that
 * alone.
 */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "claims.h"

char *volatile bad = (char *)8;

int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

int ready(int fd, int events)
{
    struct pollfd one = {.fd = fd, .events = (short)events};

    return poll(&one, 1, 0) < 0 ? -1 : one.revents;
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IONBF, 0);
    run_claims(pipe_claims, only);
    run_claims(fifo_claims, only);
    run_claims(counter_claims, only);
    run_claims(poll_claims, only);
    run_claims(epoll_claims, only);
    run_claims(timer_claims, only);
    run_claims(socket_claims, only);
    return end_claims();
}

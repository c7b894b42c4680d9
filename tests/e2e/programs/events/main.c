/*
 * Checks itself: pipes, FIFOs, counters, timers and sockets as descriptors, and waiting for them. The same
 * source is an ordinary Linux program, which must find the same. One claim's name as argument runs that
 * alone.
 */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "claims.h"

const char *failed;
char *volatile bad = (char *)8;

static int number, failures;

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

static void run(const struct claim *claim, const char *only)
{
    for (; claim->name; claim++) {
        if (only && strcmp(only, claim->name) != 0)
            continue;
        failed = NULL;
        claim->run();
        if (failed)
            printf("# %s\n", failed);
        printf("%sok %d - %s\n", failed ? "not " : "", ++number, claim->name);
        failures += failed != NULL;
    }
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IONBF, 0);
    run(pipe_claims, only);
    run(fifo_claims, only);
    run(counter_claims, only);
    run(poll_claims, only);
    run(epoll_claims, only);
    run(timer_claims, only);
    run(socket_claims, only);
    printf("1..%d\n", number);
    return failures || !number ? 1 : 0;
}

/*
 * Checks itself: what signals do. With a claim's name as argument it runs that alone; some other words make
 * it end in a way that is told by its end (modes.c).
 */
#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#include "check.h"

volatile int noted[64], count;
siginfo_t last;

void forget(void)
{
    count = 0;
    memset(&last, 0, sizeof(last));
}

void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (count < 64)
        noted[count] = signal;
    count++;
    last = *info;
}

void handle(int signal, int flags, void (*handler)(int number, siginfo_t *info, void *context))
{
    struct sigaction action = {.sa_flags = flags | SA_SIGINFO};

    action.sa_sigaction = handler ? handler : note;
    forget();
    CHECK(!sigaction(signal, &action, NULL));
}

static void change(int how, int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    CHECK(!sigprocmask(how, &set, NULL));
}

void block(int signal)
{
    change(SIG_BLOCK, signal);
}

void unblock(int signal)
{
    change(SIG_UNBLOCK, signal);
}

bool is_blocked(int signal)
{
    sigset_t set;

    CHECK(!sigprocmask(SIG_BLOCK, NULL, &set));
    return sigismember(&set, signal);
}

int64_t now(clockid_t clock)
{
    struct timespec time = {0};

    CHECK(!clock_gettime(clock, &time));
    return time.tv_sec * 1000 * MS + time.tv_nsec;
}

void compute(int64_t ns)
{
    int64_t end = now(CLOCK_MONOTONIC) + ns;

    while (now(CLOCK_MONOTONIC) < end)
        for (volatile int i = 0; i < 1000; i++)
            ;
}

void compute_until(int signals)
{
    for (int64_t end = now(CLOCK_MONOTONIC) + 60000 * MS; count < signals && now(CLOCK_MONOTONIC) < end;)
        compute(MS);
    CHECK(count >= signals);
}

void settle(void)
{
    struct timespec moment = {0, 2 * MS};

    for (int i = 0; i < 12; i++)
        nanosleep(&moment, NULL);
}

static void run_afresh(const struct claim *claim, const char *only)
{
    for (; claim->name; claim++) {
        forget();
        if (!only || !strcmp(only, claim->name))
            run_one(claim);
    }
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (only && run_mode(only))
        return 1;
    run_afresh(send_claims, only);
    run_afresh(handler_claims, only);
    run_afresh(wait_claims, only);
    run_afresh(fault_claims, only);
    run_afresh(time_claims, only);
    run_afresh(thread_claims, only);
    return end_claims();
}

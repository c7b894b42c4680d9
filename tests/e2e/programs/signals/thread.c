/* Signals among threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile bool stop, begun;
static pthread_t handled_by;

static void who(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    handled_by = pthread_self();
    stop = true;
}

static void *spin(void *arg)
{
    begun = true;
    while (!stop)
        ;
    return arg;
}

static pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t thread = 0;

    stop = begun = false;
    CHECK(!pthread_create(&thread, NULL, run, arg));
    while (!begun && !failed)
        sched_yield();
    return thread;
}

static void signal_reaches_a_thread_that_computes(void)
{
    pthread_t thread;

    handle(SIGUSR1, 0, who);
    thread = start(spin, NULL);
    CHECK(!pthread_kill(thread, SIGUSR1));
    CHECK(!pthread_join(thread, NULL));
    CHECK(count == 1 && pthread_equal(handled_by, thread) && last.si_code == SI_TKILL);
}

static void signal_to_the_process_finds_who_does_not_block_it(void)
{
    pthread_t thread;

    handle(SIGUSR1, 0, who);
    thread = start(spin, NULL);
    block(SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(!pthread_join(thread, NULL) && count == 1 && pthread_equal(handled_by, thread));
    unblock(SIGUSR1);
    CHECK(count == 1);
}

static void *wait_for_it(void *arg)
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    begun = true;
    CHECK(!sigwait(&set, &number) && number == SIGUSR2);
    return arg;
}

static void blocked_everywhere_it_goes_to_who_waits_for_it(void)
{
    pthread_t thread;
    sigset_t set;

    block(SIGUSR2);
    thread = start(wait_for_it, NULL);
    settle();
    kill(getpid(), SIGUSR2);
    CHECK(!pthread_join(thread, NULL) && !sigpending(&set) && !sigismember(&set, SIGUSR2));
    unblock(SIGUSR2);
}

static void *sleep_long(void *arg)
{
    struct timespec time = {100, 0};

    begun = true;
    CHECK_ERRNO(nanosleep(&time, NULL), EINTR);
    return arg;
}

static void signal_wakes_a_thread_that_waits(void)
{
    pthread_t thread;

    handle(SIGUSR1, SA_RESTART, who);
    thread = start(sleep_long, NULL);
    settle();
    CHECK(!pthread_kill(thread, SIGUSR1) && !pthread_join(thread, NULL));
    CHECK(count == 1 && pthread_equal(handled_by, thread));
}

static void *inherit(void *arg)
{
    sigset_t set;
    stack_t stack;

    begun = true;
    CHECK(is_blocked(SIGHUP) && !sigpending(&set) && !sigismember(&set, SIGHUP));
    CHECK(!sigaltstack(NULL, &stack) && stack.ss_flags == SS_DISABLE);
    unblock(SIGHUP);
    return arg;
}

static void new_thread_has_its_maker_s_mask_and_nothing_else(void)
{
    handle(SIGHUP, 0, NULL);
    block(SIGHUP);
    raise(SIGHUP);
    CHECK(!pthread_join(start(inherit, NULL), NULL) && !count);
    unblock(SIGHUP);
    CHECK(count == 1);
}

static volatile int expired;

static void expire(union sigval value)
{
    expired += value.sival_int;
}

static void timers_call_functions_on_threads(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD};
    struct itimerspec time = {{0, 10 * MS}, {0, 10 * MS}};
    struct timespec moment = {0, 5 * MS};
    timer_t timer;

    event.sigev_value.sival_int = 5;
    event.sigev_notify_function = expire;
    CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer) && !timer_settime(timer, 0, &time, NULL));
    for (int i = 0; i < 10000 && expired < 15; i++)
        nanosleep(&moment, NULL);
    CHECK(expired >= 15 && expired % 5 == 0 && !timer_delete(timer));
}

static void *spin_for_ever(void *arg)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    return spin(arg);
}

static void thread_that_computes_or_waits_is_cancelled(void)
{
    pthread_t thread = start(spin_for_ever, NULL);
    void *result;

    CHECK(!pthread_cancel(thread) && !pthread_join(thread, &result) && result == PTHREAD_CANCELED);
    thread = start(sleep_long, NULL);
    CHECK(!pthread_cancel(thread) && !pthread_join(thread, &result) && result == PTHREAD_CANCELED);
}

static void threads_have_clocks_of_their_own(void)
{
    clockid_t clock;
    int64_t before, own;
    pthread_t thread = start(spin, NULL);

    CHECK(!pthread_getcpuclockid(thread, &clock));
    /* Again if the machine stood still in this thread's turn, which is then its time. */
    for (int i = 0; i < 20; i++) {
        before = now(clock);
        own = now(CLOCK_THREAD_CPUTIME_ID);
        nanosleep(&(struct timespec){0, 200 * MS}, NULL);
        before = now(clock) - before;
        own = now(CLOCK_THREAD_CPUTIME_ID) - own;
        if (before >= 50 * MS && own < 50 * MS)
            break;
    }
    CHECK(before >= 50 * MS && own < 50 * MS);
    stop = true;
    CHECK(!pthread_join(thread, NULL));
}

const struct claim thread_claims[] = {
    CLAIM(signal_reaches_a_thread_that_computes),
    CLAIM(signal_to_the_process_finds_who_does_not_block_it),
    CLAIM(blocked_everywhere_it_goes_to_who_waits_for_it),
    CLAIM(signal_wakes_a_thread_that_waits),
    CLAIM(new_thread_has_its_maker_s_mask_and_nothing_else),
    CLAIM(timers_call_functions_on_threads),
    CLAIM(thread_that_computes_or_waits_is_cancelled),
    CLAIM(threads_have_clocks_of_their_own),
    {NULL, NULL},
};

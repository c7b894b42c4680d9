/* Waiting for signals, and calls that they interrupt. */
#define _GNU_SOURCE
#include <poll.h>
#include <setjmp.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* And again every half second: on a slow machine the first may come before its claim waits for it. */
static void alarm_in(int64_t ns)
{
    struct itimerval time = {{0, 500000}, {ns / (1000 * MS), ns % (1000 * MS) / 1000}};

    CHECK(!setitimer(ITIMER_REAL, &time, NULL));
}

static void alarm_off(void)
{
    alarm(0);
}

static void alarm_wakes_pause(void)
{
    int64_t before = now(CLOCK_MONOTONIC), passed;

    handle(SIGALRM, SA_RESTART, NULL);
    CHECK(!alarm(1));
    CHECK_ERRNO(pause(), EINTR);
    passed = now(CLOCK_MONOTONIC) - before;
    CHECK(count == 1 && last.si_code == SI_KERNEL && passed >= 1000 * MS && passed < 60000 * MS);
}

static void sigsuspend_waits_with_its_mask_and_goes_back_to_the_old_one(void)
{
    sigset_t none;

    sigemptyset(&none);
    handle(SIGUSR1, SA_RESTART, NULL);
    block(SIGUSR1);
    block(SIGHUP);
    raise(SIGUSR1);
    CHECK(!count);
    CHECK_ERRNO(sigsuspend(&none), EINTR);
    CHECK(count == 1 && is_blocked(SIGUSR1) && is_blocked(SIGHUP));
    handle(SIGALRM, 0, NULL);
    alarm_in(20 * MS);
    CHECK_ERRNO(sigsuspend(&none), EINTR);
    alarm_off();
    CHECK(count >= 1 && is_blocked(SIGUSR1) && is_blocked(SIGHUP));
    unblock(SIGUSR1);
    unblock(SIGHUP);
}

static sigset_t set_of(int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

static void sigtimedwait_takes_a_signal_without_its_handler(void)
{
    sigset_t set = set_of(SIGALRM);
    struct timespec time = {60, 0};
    siginfo_t info;
    int number;

    handle(SIGALRM, 0, NULL);
    block(SIGALRM);
    alarm_in(20 * MS);
    CHECK(sigtimedwait(&set, &info, &time) == SIGALRM && info.si_signo == SIGALRM && !count);
    alarm_off();
    raise(SIGALRM);
    CHECK(!sigwait(&set, &number) && number == SIGALRM && !count);
    unblock(SIGALRM);
    CHECK(!count);
}

static void sigtimedwait_ends_with_its_time_or_another_handler(void)
{
    sigset_t set = set_of(SIGUSR1);
    struct timespec time = {0, 20 * MS}, wrong = {0, 1000 * MS}, negative = {-1, 0}, zero = {0, 0};
    int64_t before = now(CLOCK_MONOTONIC);

    block(SIGUSR1);
    CHECK_ERRNO(sigtimedwait(&set, NULL, &time), EAGAIN);
    CHECK(now(CLOCK_MONOTONIC) - before >= 20 * MS);
    CHECK_ERRNO(sigtimedwait(&set, NULL, &zero), EAGAIN);
    CHECK_ERRNO(sigtimedwait(&set, NULL, &wrong), EINVAL);
    CHECK_ERRNO(sigtimedwait(&set, NULL, &negative), EINVAL);
    handle(SIGALRM, SA_RESTART, NULL);
    alarm_in(20 * MS);
    time.tv_sec = 60;
    /* Not by musl's function, which makes the call again. */
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, NULL, &time, 8), EINTR);
    alarm_off();
    CHECK(count >= 1);
    unblock(SIGUSR1);
}

static void sleep_is_cut_short_and_tells_what_is_left(void)
{
    struct timespec time = {100, 0}, left = {0, 0};

    handle(SIGALRM, SA_RESTART, NULL);
    alarm_in(50 * MS);
    CHECK_ERRNO(nanosleep(&time, &left), EINTR);
    CHECK(count >= 1 && left.tv_sec >= 40 && left.tv_sec < 100);
    alarm_in(50 * MS);
    left.tv_sec = 77;
    time.tv_sec += now(CLOCK_MONOTONIC) / (1000 * MS);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, &left) == EINTR);
    CHECK(count >= 2 && left.tv_sec == 77);
    alarm_in(50 * MS);
    time.tv_sec = 100;
    CHECK(clock_nanosleep(CLOCK_REALTIME, 0, &time, &left) == EINTR && left.tv_sec >= 40);
    alarm_off();
}

static void ignored_signal_does_not_cut_a_sleep_short(void)
{
    struct timespec time = {0, 100 * MS};
    int64_t before = now(CLOCK_MONOTONIC);

    signal(SIGALRM, SIG_IGN);
    alarm_in(20 * MS);
    CHECK(!nanosleep(&time, NULL) && now(CLOCK_MONOTONIC) - before >= 100 * MS);
    alarm_off();
}

static void poll_and_select_are_never_made_again(void)
{
    struct timeval time = {100, 0};
    sigset_t none;

    handle(SIGALRM, SA_RESTART, NULL);
    alarm_in(20 * MS);
    CHECK_ERRNO(poll(NULL, 0, 100000), EINTR);
    alarm_in(20 * MS);
    CHECK_ERRNO(select(0, NULL, NULL, NULL, &time), EINTR);
    sigemptyset(&none);
    block(SIGALRM);
    alarm_in(20 * MS);
    CHECK_ERRNO(ppoll(NULL, 0, NULL, &none), EINTR);
    CHECK(count >= 3 && is_blocked(SIGALRM));
    alarm_in(20 * MS);
    CHECK_ERRNO(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
    alarm_off();
    CHECK(count >= 4 && is_blocked(SIGALRM));
    unblock(SIGALRM);
}

static int ends[2];

static void write_one(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    CHECK(write(ends[1], "x", 1) == 1);
}

static void read_of_a_pipe_is_made_again_only_with_restart(void)
{
    char byte = 0;

    CHECK(!pipe(ends));
    handle(SIGALRM, 0, write_one);
    alarm_in(20 * MS);
    CHECK_ERRNO(read(ends[0], &byte, 1), EINTR);
    alarm_off();
    CHECK(count >= 1 && read(ends[0], &byte, 1) == 1 && byte == 'x');
    for (; count > 1; count--)
        CHECK(read(ends[0], &byte, 1) == 1);
    handle(SIGALRM, SA_RESTART, write_one);
    alarm_in(20 * MS);
    byte = 0;
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x' && count >= 1);
    alarm_off();
    close(ends[0]);
    close(ends[1]);
}

static sigjmp_buf place;

static void jump(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    siglongjmp(place, 1);
}

static void handler_may_jump_out_of_a_call_that_waits(void)
{
    char byte;

    handle(SIGALRM, SA_RESTART, jump);
    CHECK(!pipe(ends));
    for (volatile int i = 0; i < 3; i++) {
        if (!sigsetjmp(place, 1)) {
            alarm_in(10 * MS);
            if (read(ends[0], &byte, 1))
                CHECK(false);
        }
        if (!sigsetjmp(place, 1)) {
            alarm_in(10 * MS);
            pause();
            CHECK(false);
        }
    }
    alarm_off();
    CHECK(count >= 6 && !is_blocked(SIGALRM));
    close(ends[0]);
    close(ends[1]);
}

static void writing_where_nobody_reads_sends_sigpipe(void)
{
    CHECK(!pipe(ends) && !close(ends[0]));
    handle(SIGPIPE, 0, NULL);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK(count == 1 && noted[0] == SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK(count == 1);
    signal(SIGPIPE, SIG_DFL);
    close(ends[1]);
}

const struct claim wait_claims[] = {
    CLAIM(alarm_wakes_pause),
    CLAIM(sigsuspend_waits_with_its_mask_and_goes_back_to_the_old_one),
    CLAIM(sigtimedwait_takes_a_signal_without_its_handler),
    CLAIM(sigtimedwait_ends_with_its_time_or_another_handler),
    CLAIM(sleep_is_cut_short_and_tells_what_is_left),
    CLAIM(ignored_signal_does_not_cut_a_sleep_short),
    CLAIM(poll_and_select_are_never_made_again),
    CLAIM(read_of_a_pipe_is_made_again_only_with_restart),
    CLAIM(handler_may_jump_out_of_a_call_that_waits),
    CLAIM(writing_where_nobody_reads_sends_sigpipe),
    {NULL, NULL},
};

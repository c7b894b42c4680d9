/* Timers that send signals, and the clocks. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static struct itimerval every(int64_t ns)
{
    struct timeval time = {ns / (1000 * MS), ns % (1000 * MS) / 1000};

    return (struct itimerval){time, time};
}

static void interval_timer_interrupts_what_computes(void)
{
    struct itimerval time = every(20 * MS), left, none = {0};
    int64_t started;

    handle(SIGALRM, 0, NULL);
    CHECK(!setitimer(ITIMER_REAL, &time, NULL));
    CHECK(!getitimer(ITIMER_REAL, &left) && left.it_interval.tv_usec == 20000 &&
          left.it_value.tv_usec <= 20000);
    started = now(CLOCK_MONOTONIC);
    compute_until(3);
    CHECK(!setitimer(ITIMER_REAL, &none, &left) && left.it_interval.tv_usec == 20000);
    CHECK(count <= (now(CLOCK_MONOTONIC) - started) / (20 * MS) + 2);
    count = 0;
    compute(50 * MS);
    CHECK(!count && !getitimer(ITIMER_REAL, &left) && !left.it_value.tv_sec && !left.it_value.tv_usec);
}

static void interval_timer_of_what_ends_by_a_flag(void)
{
    struct itimerval time = {.it_value = {0, 30000}};

    handle(SIGALRM, 0, NULL);
    CHECK(!setitimer(ITIMER_REAL, &time, NULL));
    while (!count)
        ;
    CHECK(count == 1);
}

static void alarm_tells_what_was_left(void)
{
    struct itimerval left;

    signal(SIGALRM, SIG_IGN);
    CHECK(!alarm(100));
    CHECK(!getitimer(ITIMER_REAL, &left) && left.it_value.tv_sec >= 98 && !left.it_interval.tv_sec);
    CHECK(alarm(50) == 100);
    CHECK(alarm(0) == 50 && !alarm(0));
}

static void timers_of_cpu_time_run_while_it_is_used(void)
{
    static const struct {
        int which, number;
    } rows[] = {{ITIMER_VIRTUAL, SIGVTALRM}, {ITIMER_PROF, SIGPROF}};
    struct timespec sleep = {0, 60 * MS};

    for (int i = 0; i < 2; i++) {
        struct itimerval time = every(30 * MS), none = {0};

        handle(rows[i].number, 0, NULL);
        CHECK(!setitimer(rows[i].which, &time, NULL));
        nanosleep(&sleep, NULL);
        CHECK(count <= 1);
        compute_until(3);
        CHECK(!setitimer(rows[i].which, &none, NULL));
    }
}

static void timer_sends_its_signal_with_its_value(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec time = {.it_value = {0, 20 * MS}}, left;
    timer_t timer;

    event.sigev_value.sival_int = 4711;
    handle(SIGUSR1, 0, NULL);
    CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer) && !timer_settime(timer, 0, &time, NULL));
    while (!count)
        compute(MS);
    CHECK(count == 1 && last.si_code == SI_TIMER && last.si_value.sival_int == 4711 && !last.si_overrun);
    CHECK(!timer_gettime(timer, &left) && !left.it_value.tv_sec && !left.it_value.tv_nsec);
    time.it_value.tv_sec = 50;
    CHECK(!timer_settime(timer, 0, &time, NULL) && !timer_gettime(timer, &left));
    CHECK(left.it_value.tv_sec >= 45 && left.it_value.tv_sec <= 50);
    CHECK(!timer_delete(timer));
    CHECK_ERRNO(syscall(SYS_timer_delete, (int)(intptr_t)timer), EINVAL);
}

static void timer_that_nobody_hears_counts_its_overruns(void)
{
    struct itimerspec time = {{0, 10 * MS}, {0, 10 * MS}};
    struct timespec sleep = {0, 105 * MS};
    timer_t timer;

    handle(SIGALRM, 0, NULL);
    CHECK(!timer_create(CLOCK_MONOTONIC, NULL, &timer));
    block(SIGALRM);
    CHECK(!timer_settime(timer, 0, &time, NULL) && !nanosleep(&sleep, NULL));
    unblock(SIGALRM);
    CHECK(count >= 1 && last.si_code == SI_TIMER);
    CHECK(timer_getoverrun(timer) == last.si_overrun || count > 1);
    CHECK(count > 1 || last.si_overrun >= 8);
    count = 0;
    compute_until(2);
    CHECK(!timer_delete(timer));
    count = 0;
    compute(25 * MS);
    CHECK(!count);
}

static void timers_know_absolute_times_and_several_clocks(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
                                       CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};

    handle(SIGALRM, 0, NULL);
    for (int i = 0; i < 5; i++) {
        int64_t at = now(clocks[i]) + 30 * MS;
        struct itimerspec time = {.it_value = {at / (1000 * MS), at % (1000 * MS)}};
        timer_t timer;

        count = 0;
        CHECK(!timer_create(clocks[i], NULL, &timer));
        CHECK(!timer_settime(timer, TIMER_ABSTIME, &time, NULL));
        while (!count)
            ;
        CHECK(now(clocks[i]) >= at);
        CHECK(!timer_delete(timer));
    }
}

static void timer_that_tells_nobody_counts_down(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec time = {.it_value = {100, 0}}, old;
    timer_t timer;

    CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer) && !timer_settime(timer, 0, &time, NULL));
    time.it_value.tv_sec = 0;
    CHECK(!timer_settime(timer, 0, &time, &old) && old.it_value.tv_sec >= 95 && old.it_value.tv_sec < 100 &&
          !timer_getoverrun(timer));
    CHECK(!timer_delete(timer));
}

static void bad_timers_are_refused(void)
{
    struct sigevent event = {.sigev_notify = 17, .sigev_signo = SIGUSR1};
    struct itimerspec time = {.it_value = {0, 1000 * MS}};
    struct itimerval interval = {.it_value = {0, 1000000}};
    timer_t timer;
    int id;

    CHECK_ERRNO(timer_create(77, NULL, &timer), EINVAL);
    CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC_COARSE, NULL, &id) < 0 && errno == EOPNOTSUPP);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 65;
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, GARBAGE, &id), EFAULT);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, GARBAGE), EFAULT);
    CHECK(!timer_create(CLOCK_MONOTONIC, NULL, &timer));
    CHECK_ERRNO(timer_settime(timer, 0, &time, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_settime, (int)(intptr_t)timer, 0, GARBAGE, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_timer_gettime, 999, &time), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_getoverrun, -1), EINVAL);
    CHECK(!timer_delete(timer));
    CHECK_ERRNO(setitimer(ITIMER_REAL, &interval, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_setitimer, 3, &interval, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_getitimer, -1, &interval), EINVAL);
    CHECK_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, GARBAGE), EFAULT);
}

static void all_clocks_go_and_none_can_be_set(void)
{
    static const clockid_t clocks[] = {
        CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
        CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
        CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,      CLOCK_TAI,
    };
    struct timespec time = {1, 0};
    clockid_t own;

    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        int64_t before = now(clocks[i]);

        compute(20 * MS);
        CHECK(now(clocks[i]) > before && !clock_getres(clocks[i], &time) && time.tv_nsec > 0);
    }
    CHECK(!pthread_getcpuclockid(pthread_self(), &own) && now(own) > 0);
    CHECK(!clock_getcpuclockid(0, &own) && now(own) > 0);
    CHECK(!clock_getcpuclockid(getpid(), &own) && now(own) > 0);
    CHECK_ERRNO(clock_gettime(77, &time), EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_gettime, -1000006, &time), EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, GARBAGE), EFAULT);
    time = (struct timespec){0, 1000 * MS};
    CHECK_ERRNO(clock_settime(CLOCK_REALTIME, &time), EINVAL);
    CHECK_ERRNO(clock_settime(CLOCK_MONOTONIC, &time), EINVAL);
}

static void thread_and_process_use_their_time(void)
{
    int64_t thread = 0, process = now(CLOCK_PROCESS_CPUTIME_ID);
    struct timespec sleep = {0, 200 * MS};
    struct tms used;

    for (int i = 0; i < 20; i++) {
        thread = now(CLOCK_THREAD_CPUTIME_ID);
        nanosleep(&sleep, NULL);
        thread = now(CLOCK_THREAD_CPUTIME_ID) - thread;
        if (thread < 100 * MS)
            break; /* else the machine stood still just here, perhaps */
    }
    CHECK(thread < 100 * MS);
    thread = now(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < 600 && now(CLOCK_THREAD_CPUTIME_ID) - thread < 20 * MS; i++)
        compute(100 * MS);
    CHECK(now(CLOCK_THREAD_CPUTIME_ID) - thread >= 20 * MS &&
          now(CLOCK_PROCESS_CPUTIME_ID) - process >= 20 * MS);
    CHECK(times(&used) > 0 && used.tms_utime + used.tms_stime > 0 && !used.tms_cutime);
    CHECK_ERRNO(syscall(SYS_times, GARBAGE), EFAULT);
    CHECK(syscall(SYS_time, NULL) == time(NULL));
    CHECK_ERRNO(syscall(SYS_time, GARBAGE), EFAULT);
}

static void sleeps_know_their_clocks(void)
{
    struct timespec time = {0, 30 * MS}, past = {1, 0};
    int64_t before = now(CLOCK_MONOTONIC);

    CHECK(!clock_nanosleep(CLOCK_BOOTTIME, 0, &time, NULL) && now(CLOCK_MONOTONIC) - before >= 30 * MS);
    CHECK(!clock_nanosleep(CLOCK_TAI, 0, &time, NULL));
    CHECK(!clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL));
    CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL) == EINVAL);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &time, NULL) == EOPNOTSUPP);
    CHECK(clock_nanosleep(77, 0, &time, NULL) == EINVAL);
    time.tv_nsec = -1;
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL) == EINVAL);
    CHECK_ERRNO(syscall(SYS_nanosleep, GARBAGE, NULL), EFAULT);
}

const struct claim time_claims[] = {
    CLAIM(interval_timer_interrupts_what_computes),
    CLAIM(interval_timer_of_what_ends_by_a_flag),
    CLAIM(alarm_tells_what_was_left),
    CLAIM(timers_of_cpu_time_run_while_it_is_used),
    CLAIM(timer_sends_its_signal_with_its_value),
    CLAIM(timer_that_nobody_hears_counts_its_overruns),
    CLAIM(timers_know_absolute_times_and_several_clocks),
    CLAIM(timer_that_tells_nobody_counts_down),
    CLAIM(bad_timers_are_refused),
    CLAIM(all_clocks_go_and_none_can_be_set),
    CLAIM(thread_and_process_use_their_time),
    CLAIM(sleeps_know_their_clocks),
    {NULL, NULL},
};

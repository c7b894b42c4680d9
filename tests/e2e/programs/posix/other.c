#define _GNU_SOURCE
#include <grp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static __thread int initialised = 42, zero;
static __thread volatile char aligned[3] __attribute__((aligned(64)));

static void thread_local_variables_have_their_values(void)
{
    CHECK(initialised == 42 && !zero && !aligned[0]);
    CHECK((uintptr_t)aligned % 64 == 0);
    initialised = zero = 7;
    CHECK(initialised == 7 && zero == 7);
}

static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed++;
}

static void constructors_have_run_once(void)
{
    CHECK(constructed == 1);
}

static int64_t now(clockid_t clock)
{
    struct timespec time;

    CHECK(!clock_gettime(clock, &time));
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void sleeping_takes_its_time_and_not_the_cpu_s(void)
{
    int64_t before = now(CLOCK_MONOTONIC), wall = now(CLOCK_REALTIME), cpu = now(CLOCK_PROCESS_CPUTIME_ID),
            passed;
    struct timespec time = {0, 50000000};

    CHECK(!nanosleep(&time, NULL));
    passed = now(CLOCK_MONOTONIC) - before;
    CHECK(passed >= 50000000 && passed < 60000000000);
    passed = now(CLOCK_REALTIME) - wall;
    CHECK(passed >= 49000000 && passed < 60000000000);
    CHECK(now(CLOCK_PROCESS_CPUTIME_ID) > cpu);
    before = now(CLOCK_REALTIME) + 50000000;
    time = (struct timespec){before / 1000000000, before % 1000000000};
    CHECK(!clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL));
    CHECK(now(CLOCK_REALTIME) >= before - 1000000);
    time = (struct timespec){1, 0};
    CHECK(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL));
    time.tv_nsec = 1000000000;
    CHECK_ERRNO(nanosleep(&time, NULL), EINVAL);
    CHECK_ERRNO(nanosleep(NULL, NULL), EFAULT);
    CHECK_ERRNO(clock_gettime(77, &time), EINVAL);
    CHECK(now(CLOCK_REALTIME) / 1000000000 > 1600000000);
}

static void random_bytes_differ(void)
{
    unsigned char first[200] = {0}, second[200] = {0};
    int bits = 0;

    CHECK(getrandom(first, 200, 0) == 200 && getrandom(second, 200, GRND_NONBLOCK) == 200);
    CHECK(memcmp(first, second, 200) != 0);
    for (int i = 0; i < 200; i++)
        bits += __builtin_popcount(first[i]);
    CHECK(bits > 650 && bits < 950);
    CHECK_ERRNO(getrandom(first, 1, 0x100), EINVAL);
}

static long futex(int *address, int operation, int value, const struct timespec *time)
{
    return syscall(SYS_futex, address, operation, value, time, NULL, 0);
}

static void futex_waits_as_long_as_it_was_told(void)
{
    struct timespec time = {0, 20000000};
    int word = 5;
    int64_t before = now(CLOCK_MONOTONIC);

    CHECK_ERRNO(futex(&word, 0, 4, NULL), EAGAIN);
    CHECK_ERRNO(futex(&word, 128, 5, &time), ETIMEDOUT);
    CHECK(now(CLOCK_MONOTONIC) - before >= 20000000);
    CHECK(futex(&word, 1, 1, NULL) == 0);
    CHECK_ERRNO(futex((int *)8, 0, 4, NULL), EFAULT);
    CHECK_ERRNO(futex((int *)((char *)&word + 1), 0, 4, NULL), EINVAL);
}

static volatile int handled;

static void handler(int number)
{
    handled = number;
}

static void signals_to_oneself_reach_their_handler(void)
{
    sigset_t set;

    CHECK(signal(SIGUSR1, handler) == SIG_DFL);
    CHECK(!raise(SIGUSR1) && handled == SIGUSR1);
    handled = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
    CHECK(!kill(getpid(), SIGUSR1) && !handled);
    CHECK(!sigprocmask(SIG_UNBLOCK, &set, NULL) && handled == SIGUSR1);
    handled = 0;
    CHECK(signal(SIGUSR1, SIG_IGN) == handler);
    CHECK(!raise(SIGUSR1) && !handled);
    CHECK_ERRNO(kill(12345, SIGTERM), ESRCH);
    CHECK_ERRNO(kill(getpid(), 99), EINVAL);
}

/* So that ids are changed in two threads. */
static void *stay(void *pipe)
{
    char byte;

    return read(*(int *)pipe, &byte, 1) < 0 ? pipe : NULL;
}

static void ids_change_as_root_and_others_may_change_them(void)
{
    unsigned real, effective, saved;
    gid_t groups[3] = {5, 6, 7}, back[3] = {0};
    int ends[2];
    pthread_t thread;

    CHECK(!pipe(ends) && !pthread_create(&thread, NULL, stay, &ends[0]));
    CHECK(!setgroups(3, groups) && getgroups(0, NULL) == 3);
    CHECK_ERRNO(getgroups(2, back), EINVAL);
    CHECK(getgroups(3, back) == 3 && !memcmp(groups, back, sizeof(back)));
    CHECK(!setgroups(0, NULL) && getgroups(0, NULL) == 0);
    CHECK(!setresgid(9, 10, 0) && getgid() == 9 && getegid() == 10 && !setgid(0) && getgid() == 0);
    CHECK(!setresuid(1000, 1001, 0) && !getresuid(&real, &effective, &saved));
    CHECK(real == 1000 && effective == 1001 && saved == 0 && getuid() == 1000 && geteuid() == 1001);
    CHECK_ERRNO(setuid(1002), EPERM);
    CHECK_ERRNO(setgid(5), EPERM);
    CHECK_ERRNO(setgroups(3, groups), EPERM);
    CHECK_ERRNO(setreuid(1002, (uid_t)-1), EPERM);
    CHECK(!setuid(1000) && geteuid() == 1000 && !getresuid(&real, &effective, &saved) && saved == 0);
    CHECK(!seteuid(0) && geteuid() == 0 && getuid() == 1000);
    CHECK(!setreuid(0, 1000) && !getresuid(&real, &effective, &saved) && real == 0 && saved == 1000);
    CHECK(!setreuid((uid_t)-1, 0) && !setuid(0) && !getresuid(&real, &effective, &saved) && !real && !saved);
    CHECK_ERRNO(setuid((uid_t)-1), EINVAL);
    close(ends[1]);
    CHECK(!pthread_join(thread, NULL));
    close(ends[0]);
}

static void what_is_not_offered_fails_cleanly(void)
{
    CHECK_ERRNO(fork(), ENOSYS);
    CHECK_ERRNO(vfork(), ENOSYS);
    CHECK_ERRNO(syscall(100000), ENOSYS);
    CHECK_ERRNO(syscall(-1), ENOSYS);
    CHECK_ERRNO(syscall(SYS_io_setup, 1, NULL), ENOSYS);
    CHECK(!fopen("/nowhere", "r"));
}

static void calls_by_number_reach_their_service(void)
{
    struct utsname name;

    CHECK(syscall(SYS_getpid) == 1 && syscall(SYS_gettid) == 1);
    CHECK(!syscall(SYS_uname, &name) && !strcmp(name.machine, "x86_64"));
    CHECK_ERRNO(syscall(SYS_uname, NULL), EFAULT);
}

static void *jump(void *to)
{
    longjmp(to, 3);
}

static void jumps_and_floating_point_work(void)
{
    jmp_buf place;
    int result = setjmp(place);
    char text[40];

    if (!result)
        jump(place);
    CHECK(result == 3);
    snprintf(text, sizeof(text), "%.10g %Lg", strtod("0.1", NULL) * 3, (long double)1 / 4);
    CHECK(!strcmp(text, "0.3 0.25"));
}

const struct claim other_claims[] = {
    CLAIM(thread_local_variables_have_their_values),
    CLAIM(constructors_have_run_once),
    CLAIM(sleeping_takes_its_time_and_not_the_cpu_s),
    CLAIM(random_bytes_differ),
    CLAIM(futex_waits_as_long_as_it_was_told),
    CLAIM(signals_to_oneself_reach_their_handler),
    CLAIM(ids_change_as_root_and_others_may_change_them),
    CLAIM(what_is_not_offered_fails_cleanly),
    CLAIM(calls_by_number_reach_their_service),
    CLAIM(jumps_and_floating_point_work),
    {NULL, NULL},
};

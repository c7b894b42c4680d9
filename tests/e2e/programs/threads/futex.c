/* futex(2) itself, where the C library asks for less than there is. */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

enum {
    WAIT = 0,
    WAKE = 1,
    REQUEUE = 3,
    CMP_REQUEUE = 4,
    WAKE_OP = 5,
    LOCK_PI = 6,
    UNLOCK_PI = 7,
    TRYLOCK_PI = 8,
    WAIT_BITSET = 9,
    WAKE_BITSET = 10,
};
#define PRIVATE  128
#define REALTIME 256

static long futex(volatile int *address, int operation, int value, uintptr_t fourth, volatile int *other,
                  int extra)
{
    return syscall(SYS_futex, address, operation | PRIVATE, value, fourth, other, extra);
}

static void bad_calls_give_their_errno(void)
{
    struct timespec bad = {.tv_nsec = 1000000000};
    volatile int word = 3, nobody_s = 0x3ffffffe;

    CHECK_ERRNO(futex(&word, WAIT, 4, 0, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex((int *)((uintptr_t)&word + 1), WAIT, 3, 0, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((int *)16, WAIT, 3, 0, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(&word, WAIT, 3, (uintptr_t)&bad, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, WAIT_BITSET, 3, 0, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, CMP_REQUEUE, 1, 1, &word, 4), EAGAIN);
    CHECK_ERRNO(futex(&word, REQUEUE, -1, 0, &word, 0), EINVAL);
    CHECK_ERRNO(futex(&word, 99, 0, 0, NULL, 0), ENOSYS);
    CHECK_ERRNO(futex(&word, UNLOCK_PI, 0, 0, NULL, 0), EPERM);
    CHECK_ERRNO(futex(&nobody_s, LOCK_PI, 0, 0, NULL, 0), ESRCH);
    CHECK(futex(&word, WAKE, INT_MAX, 0, NULL, 0) == 0 && word == 3);
}

static volatile int words[2];
static volatile int arrived, woken;

struct wait {
    pthread_t thread;
    volatile int *word;
    int bits;
};

static void *wait(void *arg)
{
    struct wait *self = arg;

    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    CHECK(!futex(self->word, WAIT_BITSET, 0, 0, NULL, self->bits));
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void begin(struct wait *waits, int count, int bits)
{
    arrived = woken = 0;
    for (int i = 0; i < count; i++) {
        waits[i] = (struct wait){.word = &words[0], .bits = bits ? bits : 1 << i};
        CHECK(!pthread_create(&waits[i].thread, NULL, wait, &waits[i]));
    }
    while (arrived < count)
        sleep_ms(1);
    settle();
}

/* So many are woken, and no more. */
static void are_woken(int count)
{
    while (woken < count)
        sleep_ms(1);
    settle();
    CHECK(woken == count);
}

static void end(struct wait *waits, int count)
{
    for (int i = 0; i < count; i++)
        CHECK(!pthread_join(waits[i].thread, NULL));
}

static void a_bitset_wakes_those_who_wait_for_one_of_its_bits(void)
{
    struct wait waits[4];

    begin(waits, 4, 0);
    CHECK(futex(&words[0], WAKE_BITSET, INT_MAX, 0, NULL, 1 << 7) == 0);
    CHECK(futex(&words[0], WAKE_BITSET, INT_MAX, 0, NULL, 1 << 1 | 1 << 3) == 2);
    are_woken(2);
    CHECK(futex(&words[0], WAKE, INT_MAX, 0, NULL, 0) == 2);
    end(waits, 4);
}

static void a_requeue_wakes_some_and_moves_some(void)
{
    struct wait waits[6];

    begin(waits, 6, -1);
    CHECK(futex(&words[0], CMP_REQUEUE, 1, 3, &words[1], 0) == 4);
    are_woken(1);
    CHECK(futex(&words[1], WAKE, INT_MAX, 0, NULL, 0) == 3);
    CHECK(futex(&words[0], WAKE, INT_MAX, 0, NULL, 0) == 2);
    end(waits, 6);
}

static void wake_op_changes_a_word_and_wakes_by_what_it_was(void)
{
    struct wait waits[2];

    words[1] = 5;
    begin(waits, 2, -1);
    /* words[1] += 3, and if it was 5, those there as well: nobody. */
    CHECK(futex(&words[0], WAKE_OP, 1, 1, &words[1], 1 << 28 | 0 << 24 | 3 << 12 | 5) == 1);
    CHECK(words[1] == 8);
    CHECK(futex(&words[1], WAKE_OP, 1, 1, &words[0], 0 << 28 | 4 << 24 | 0 << 12 | 0) == 0);
    CHECK(futex(&words[1], WAKE_OP, 1, 1, &words[0], 0 << 28 | 5 << 24 | 0 << 12 | 0) == 1);
    end(waits, 2);
    words[1] = 0;
}

static void time_outs_are_from_now_or_by_either_clock(void)
{
    volatile int word = 0;
    long began = now(CLOCK_MONOTONIC);
    struct timespec at = {.tv_nsec = 20000000};

    CHECK_ERRNO(futex(&word, WAIT, 0, (uintptr_t)&at, NULL, 0), ETIMEDOUT);
    at = in_ms(CLOCK_MONOTONIC, 20);
    CHECK_ERRNO(futex(&word, WAIT_BITSET, 0, (uintptr_t)&at, NULL, -1), ETIMEDOUT);
    at = in_ms(CLOCK_REALTIME, 20);
    CHECK_ERRNO(futex(&word, WAIT_BITSET | REALTIME, 0, (uintptr_t)&at, NULL, -1), ETIMEDOUT);
    CHECK(now(CLOCK_MONOTONIC) - began >= 59000000);
    at = (struct timespec){.tv_sec = 1};
    CHECK_ERRNO(futex(&word, WAIT_BITSET | REALTIME, 0, (uintptr_t)&at, NULL, -1), ETIMEDOUT);
}

static volatile int pi;

static void *lock_pi(void *arg)
{
    int id = (int)syscall(SYS_gettid);

    CHECK_ERRNO(futex(&pi, TRYLOCK_PI, 0, 0, NULL, 0), EAGAIN);
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    CHECK(!futex(&pi, LOCK_PI, 0, 0, NULL, 0));
    CHECK((pi & 0x3fffffff) == id);
    CHECK_ERRNO(futex(&pi, LOCK_PI, 0, 0, NULL, 0), EDEADLK);
    CHECK(!futex(&pi, UNLOCK_PI, 0, 0, NULL, 0));
    return arg;
}

static void a_lock_is_handed_to_who_waited(void)
{
    struct timespec at;
    pthread_t threads[3];

    arrived = 0;
    CHECK(!futex(&pi, LOCK_PI, 0, 0, NULL, 0) && pi == (int)syscall(SYS_gettid));
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_create(&threads[i], NULL, lock_pi, NULL));
    while (arrived < 3)
        sleep_ms(1);
    settle();
    CHECK(pi < 0 && (pi & 0x3fffffff) == (int)syscall(SYS_gettid));
    CHECK_ERRNO(futex(&pi, WAKE, 1, 0, NULL, 0), EINVAL);
    CHECK(!futex(&pi, UNLOCK_PI, 0, 0, NULL, 0));
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_join(threads[i], NULL));
    at = in_ms(CLOCK_REALTIME, 10);
    CHECK(!futex(&pi, LOCK_PI, 0, (uintptr_t)&at, NULL, 0) && !futex(&pi, UNLOCK_PI, 0, 0, NULL, 0) && !pi);
}

static void *hold_and_die(void *arg)
{
    CHECK(!futex(&pi, LOCK_PI, 0, 0, NULL, 0));
    while (!(pi & 1 << 31)) /* FUTEX_WAITERS */
        sleep_ms(1);
    return arg;
}

static void a_lock_goes_to_who_waits_when_its_owner_dies(void)
{
    pthread_t thread;

    CHECK(!pthread_create(&thread, NULL, hold_and_die, NULL));
    while (!pi)
        sleep_ms(1);
    CHECK(!futex(&pi, LOCK_PI, 0, 0, NULL, 0));
    CHECK((pi & 0x3fffffff) == (int)syscall(SYS_gettid) && pi & 0x40000000);
    CHECK(!futex(&pi, UNLOCK_PI, 0, 0, NULL, 0));
    CHECK(!pthread_join(thread, NULL));
}

const struct claim futex_claims[] = {
    {"bad_calls_give_their_errno", bad_calls_give_their_errno},
    {"a_bitset_wakes_those_who_wait_for_one_of_its_bits", a_bitset_wakes_those_who_wait_for_one_of_its_bits},
    {"a_requeue_wakes_some_and_moves_some", a_requeue_wakes_some_and_moves_some},
    {"wake_op_changes_a_word_and_wakes_by_what_it_was", wake_op_changes_a_word_and_wakes_by_what_it_was},
    {"time_outs_are_from_now_or_by_either_clock", time_outs_are_from_now_or_by_either_clock},
    {"a_lock_is_handed_to_who_waited", a_lock_is_handed_to_who_waited},
    {"a_lock_goes_to_who_waits_when_its_owner_dies", a_lock_goes_to_who_waits_when_its_owner_dies},
    {0},
};

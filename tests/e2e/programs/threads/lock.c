/* Mutexes of all kinds, condition variables, read-write locks, barriers, semaphores. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "check.h"

#define ROUNDS 2000

static void *start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    CHECK(!pthread_create(thread, NULL, run, arg));
    return arg;
}

static void make(pthread_mutex_t *mutex, int type, int robust, int protocol)
{
    pthread_mutexattr_t attr;

    CHECK(!pthread_mutexattr_init(&attr));
    CHECK(!pthread_mutexattr_settype(&attr, type));
    CHECK(!pthread_mutexattr_setrobust(&attr, robust));
    CHECK(!pthread_mutexattr_setprotocol(&attr, protocol));
    CHECK(!pthread_mutex_init(mutex, &attr));
    pthread_mutexattr_destroy(&attr);
}

struct counted {
    pthread_mutex_t mutex;
    volatile int count;
};

static void *count(void *arg)
{
    struct counted *it = arg;

    for (int i = 0; i < ROUNDS; i++) {
        int before;

        CHECK(!pthread_mutex_lock(&it->mutex));
        before = it->count;
        if (i % 50 == 0)
            sched_yield();
        it->count = before + 1;
        CHECK(!pthread_mutex_unlock(&it->mutex));
    }
    return NULL;
}

static void a_mutex_of_any_kind_lets_one_in(void)
{
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};

    for (int kind = 0; kind < 12; kind++) {
        struct counted it = {.count = 0};
        pthread_t threads[4];

        make(&it.mutex, types[kind % 3], kind / 3 % 2 ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED,
             kind / 6 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
        for (int i = 0; i < 4; i++)
            start(&threads[i], count, &it);
        for (int i = 0; i < 4; i++)
            CHECK(!pthread_join(threads[i], NULL));
        CHECK(it.count == 4 * ROUNDS);
        CHECK(!pthread_mutex_destroy(&it.mutex));
    }
}

static void kinds_of_mutex_differ_for_their_owner(void)
{
    pthread_mutex_t mutex;

    make(&mutex, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    CHECK(!pthread_mutex_lock(&mutex) && pthread_mutex_lock(&mutex) == EDEADLK);
    CHECK(!pthread_mutex_unlock(&mutex));
    make(&mutex, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
    CHECK(!pthread_mutex_lock(&mutex) && !pthread_mutex_lock(&mutex) && !pthread_mutex_trylock(&mutex));
    CHECK(!pthread_mutex_unlock(&mutex) && !pthread_mutex_unlock(&mutex) && !pthread_mutex_unlock(&mutex));
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    make(&mutex, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
    CHECK(!pthread_mutex_lock(&mutex) && pthread_mutex_lock(&mutex) == EDEADLK);
    CHECK(!pthread_mutex_unlock(&mutex));
}

static sem_t held, enough;

/* Locks, says so, and goes on when it is told to. */
static void hold_until_told(pthread_mutex_t *mutex)
{
    CHECK(!pthread_mutex_lock(mutex));
    CHECK(!sem_post(&held));
    CHECK(!sem_wait(&enough));
}

static void *die_with(void *arg)
{
    hold_until_told(arg);
    return NULL;
}

static void *lock_after_death(void *arg)
{
    int error = pthread_mutex_lock(arg);

    CHECK(error == EOWNERDEAD);
    CHECK(!pthread_mutex_consistent(arg));
    CHECK(!pthread_mutex_unlock(arg));
    return NULL;
}

/* With somebody waiting at the owner's death, and with nobody. */
static void robust(int protocol)
{
    pthread_mutex_t mutex;
    pthread_t owner, waiter;

    make(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, protocol);
    CHECK(!sem_init(&held, 0, 0) && !sem_init(&enough, 0, 0));
    start(&owner, die_with, &mutex);
    CHECK(!sem_wait(&held));
    CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
    start(&waiter, lock_after_death, &mutex);
    settle();
    CHECK(!sem_post(&enough));
    CHECK(!pthread_join(owner, NULL) && !pthread_join(waiter, NULL));
    CHECK(!pthread_mutex_lock(&mutex) && !pthread_mutex_unlock(&mutex));
    CHECK(!sem_post(&enough));
    start(&owner, die_with, &mutex);
    CHECK(!pthread_join(owner, NULL));
    CHECK(pthread_mutex_trylock(&mutex) == EOWNERDEAD);
    /* Not made consistent: of no use any more. */
    CHECK(!pthread_mutex_unlock(&mutex));
    CHECK(pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
}

static void robust_mutexes_tell_that_their_owner_died(void)
{
    robust(PTHREAD_PRIO_NONE);
}

static void robust_inheriting_mutexes_do_too(void)
{
    robust(PTHREAD_PRIO_INHERIT);
}

static void *hold(void *arg)
{
    hold_until_told(arg);
    CHECK(!pthread_mutex_unlock(arg));
    return NULL;
}

static void a_lock_s_time_out_is_kept(void)
{
    for (int protocol = 0; protocol < 2; protocol++) {
        pthread_mutex_t mutex;
        struct timespec at;
        pthread_t thread;
        long began;

        make(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED,
             protocol ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
        CHECK(!sem_init(&held, 0, 0) && !sem_init(&enough, 0, 0));
        start(&thread, hold, &mutex);
        CHECK(!sem_wait(&held));
        began = now(CLOCK_MONOTONIC);
        at = in_ms(CLOCK_REALTIME, 20);
        CHECK(pthread_mutex_timedlock(&mutex, &at) == ETIMEDOUT);
        CHECK(now(CLOCK_MONOTONIC) - began >= 19000000);
        CHECK(!sem_post(&enough));
        at = in_ms(CLOCK_REALTIME, 60000);
        CHECK(!pthread_mutex_timedlock(&mutex, &at) && !pthread_mutex_unlock(&mutex));
        CHECK(!pthread_join(thread, NULL));
    }
}

struct table {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    volatile int waiting, free, taken;
};

static void *take(void *arg)
{
    struct table *table = arg;

    pthread_mutex_lock(&table->mutex);
    table->waiting++;
    while (!table->free)
        CHECK(!pthread_cond_wait(&table->condition, &table->mutex));
    table->free--;
    table->taken++;
    pthread_mutex_unlock(&table->mutex);
    return NULL;
}

/* How many took one, of which there is at least one; none comes after. */
static int taken(struct table *table)
{
    int result;

    while (!table->taken)
        sleep_ms(1);
    settle();
    pthread_mutex_lock(&table->mutex);
    result = table->taken;
    pthread_mutex_unlock(&table->mutex);
    return result;
}

static void a_condition_wakes_one_or_all(void)
{
    struct table table = {.mutex = PTHREAD_MUTEX_INITIALIZER, .condition = PTHREAD_COND_INITIALIZER};
    pthread_t threads[5];

    for (int i = 0; i < 5; i++)
        start(&threads[i], take, &table);
    while (table.waiting < 5)
        sleep_ms(1);
    pthread_mutex_lock(&table.mutex);
    table.free = 1;
    pthread_cond_signal(&table.condition);
    pthread_mutex_unlock(&table.mutex);
    CHECK(taken(&table) == 1);
    pthread_mutex_lock(&table.mutex);
    table.free = 4;
    pthread_cond_broadcast(&table.condition);
    pthread_mutex_unlock(&table.mutex);
    for (int i = 0; i < 5; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(table.taken == 5);
}

static void a_condition_s_time_out_is_kept_on_both_clocks(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    for (int i = 0; i < 2; i++) {
        pthread_condattr_t attr;
        pthread_cond_t condition;
        struct timespec at;
        long began = now(CLOCK_MONOTONIC);

        pthread_condattr_init(&attr);
        CHECK(!pthread_condattr_setclock(&attr, clocks[i]) && !pthread_cond_init(&condition, &attr));
        at = in_ms(clocks[i], 30);
        pthread_mutex_lock(&mutex);
        CHECK(pthread_cond_timedwait(&condition, &mutex, &at) == ETIMEDOUT);
        pthread_mutex_unlock(&mutex);
        CHECK(now(CLOCK_MONOTONIC) - began >= 29000000);
    }
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile int readers, most_readers, written;

static void *read_some(void *arg)
{
    for (int i = 0; i < 20; i++) {
        int value;

        CHECK(!pthread_rwlock_rdlock(&rwlock));
        value = written;
        if (++readers > most_readers)
            most_readers = readers;
        sched_yield();
        CHECK(value == written);
        readers--;
        CHECK(!pthread_rwlock_unlock(&rwlock));
        sched_yield();
    }
    return arg;
}

static void *write_some(void *arg)
{
    for (int i = 0; i < 20; i++) {
        int value;

        CHECK(!pthread_rwlock_wrlock(&rwlock));
        CHECK(!readers);
        value = written;
        sched_yield();
        written = value + 1;
        CHECK(!pthread_rwlock_unlock(&rwlock));
        sched_yield();
    }
    return arg;
}

static void many_read_or_one_writes(void)
{
    pthread_t threads[6];

    for (int i = 0; i < 6; i++)
        start(&threads[i], i < 4 ? read_some : write_some, NULL);
    for (int i = 0; i < 6; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(written == 40 && most_readers > 1);
    CHECK(!pthread_rwlock_wrlock(&rwlock) && pthread_rwlock_tryrdlock(&rwlock) == EBUSY);
    CHECK(!pthread_rwlock_unlock(&rwlock));
}

static pthread_barrier_t barrier;
static volatile int arrived, serial;

static void *meet(void *arg)
{
    for (int round = 1; round <= 10; round++) {
        int result;

        __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
        result = pthread_barrier_wait(&barrier);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_fetch_add(&serial, 1, __ATOMIC_SEQ_CST);
        else
            CHECK(!result);
        CHECK(arrived >= 3 * round);
        pthread_barrier_wait(&barrier);
    }
    return arg;
}

static void a_barrier_lets_all_pass_when_all_are_there(void)
{
    pthread_t threads[3];

    CHECK(!pthread_barrier_init(&barrier, NULL, 3));
    for (int i = 0; i < 3; i++)
        start(&threads[i], meet, NULL);
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(arrived == 30 && serial == 10);
    CHECK(!pthread_barrier_destroy(&barrier));
}

static sem_t ping, pong;

static void *answer(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(!sem_wait(&ping));
        CHECK(!sem_post(&pong));
    }
    return arg;
}

static void semaphores_count_and_time_out(void)
{
    struct timespec at = in_ms(CLOCK_REALTIME, 20);
    pthread_t thread;
    int value = 0;

    CHECK(!sem_init(&ping, 0, 2) && !sem_init(&pong, 0, 0));
    CHECK(!sem_getvalue(&ping, &value) && value == 2);
    CHECK(!sem_wait(&ping) && !sem_trywait(&ping));
    errno = 0;
    CHECK(sem_trywait(&ping) == -1 && errno == EAGAIN);
    CHECK(sem_timedwait(&ping, &at) == -1 && errno == ETIMEDOUT);
    start(&thread, answer, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(!sem_post(&ping));
        CHECK(!sem_wait(&pong));
    }
    CHECK(!pthread_join(thread, NULL));
}

const struct claim lock_claims[] = {
    {"a_mutex_of_any_kind_lets_one_in", a_mutex_of_any_kind_lets_one_in},
    {"kinds_of_mutex_differ_for_their_owner", kinds_of_mutex_differ_for_their_owner},
    {"robust_mutexes_tell_that_their_owner_died", robust_mutexes_tell_that_their_owner_died},
    {"robust_inheriting_mutexes_do_too", robust_inheriting_mutexes_do_too},
    {"a_lock_s_time_out_is_kept", a_lock_s_time_out_is_kept},
    {"a_condition_wakes_one_or_all", a_condition_wakes_one_or_all},
    {"a_condition_s_time_out_is_kept_on_both_clocks", a_condition_s_time_out_is_kept_on_both_clocks},
    {"many_read_or_one_writes", many_read_or_one_writes},
    {"a_barrier_lets_all_pass_when_all_are_there", a_barrier_lets_all_pass_when_all_are_there},
    {"semaphores_count_and_time_out", semaphores_count_and_time_out},
    {0},
};

/* Cancellation: at its points, at any time, and not at all. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "check.h"

static volatile int cleaned, step;
static int fds[2];
static sem_t never, cancelled;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void clean(void *arg)
{
    cleaned += *(int *)arg;
}

static void block_read(void)
{
    char byte;

    CHECK(read(fds[0], &byte, 1) == 0);
}

static void block_sleep(void)
{
    struct timespec long_time = {.tv_sec = 1000};

    nanosleep(&long_time, NULL);
}

static void block_semaphore(void)
{
    sem_wait(&never);
}

static void block_pause(void)
{
    pause();
}

static void unlock(void *arg)
{
    /* The lock is held again before handlers run. */
    CHECK(pthread_mutex_trylock(arg) == EBUSY);
    pthread_mutex_unlock(arg);
}

static void block_condition(void)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
}

static pthread_t sleeper;

static void *wait_to_be_cancelled(void *arg)
{
    block_pause();
    return arg;
}

static void block_join(void)
{
    pthread_join(sleeper, NULL);
}

static void *run(void *arg)
{
    int one = 1, ten = 10;

    pthread_cleanup_push(clean, &one);
    pthread_cleanup_push(clean, &ten);
    step = 1;
    ((void (*)(void))arg)();
    step = 2;
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Whether a thread that does this is cancelled there: before it begins, and while it waits. */
static void is_cancelled(void (*block)(void))
{
    for (int late = 0; late < 2; late++) {
        pthread_t thread;
        void *result = NULL;

        step = cleaned = 0;
        CHECK(!pthread_create(&thread, NULL, run, (void *)block));
        while (late && !step)
            sleep_ms(1);
        if (late)
            settle();
        CHECK(!pthread_cancel(thread));
        CHECK(!pthread_join(thread, &result) && result == PTHREAD_CANCELED);
        CHECK(step != 2);
        CHECK(cleaned == 11 || (!late && !step));
    }
}

static void blocking_calls_are_points_of_cancellation(void)
{
    CHECK(!pipe(fds) && !sem_init(&never, 0, 0));
    is_cancelled(block_read);
    is_cancelled(block_sleep);
    is_cancelled(block_semaphore);
    is_cancelled(block_pause);
    is_cancelled(block_condition);
    CHECK(!pthread_mutex_trylock(&mutex) && !pthread_mutex_unlock(&mutex));
    close(fds[0]);
    close(fds[1]);
}

static void a_thread_that_joins_can_be_cancelled(void)
{
    CHECK(!pthread_create(&sleeper, NULL, wait_to_be_cancelled, NULL));
    is_cancelled(block_join);
    CHECK(!pthread_cancel(sleeper) && !pthread_join(sleeper, NULL));
}

static void spin(void)
{
    for (;;)
        step = step;
}

static void spin_asynchronously(void)
{
    CHECK(!pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    spin();
}

static void an_asynchronous_one_stops_a_computation(void)
{
    is_cancelled(spin_asynchronously);
}

static void *go_on(void *arg)
{
    int before = -1;

    CHECK(!pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before) && before == PTHREAD_CANCEL_ENABLE);
    step = 1;
    while (sem_wait(&cancelled))
        ;
    pthread_testcancel();
    step = 2;
    CHECK(!pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL));
    pthread_testcancel();
    step = 3;
    return arg;
}

static void a_disabled_one_waits_until_it_is_enabled(void)
{
    pthread_t thread;
    void *result = NULL;

    step = 0;
    CHECK(!sem_init(&cancelled, 0, 0));
    CHECK(!pthread_create(&thread, NULL, go_on, NULL));
    while (!step)
        sleep_ms(1);
    CHECK(!pthread_cancel(thread));
    CHECK(!sem_post(&cancelled));
    CHECK(!pthread_join(thread, &result) && result == PTHREAD_CANCELED && step == 2);
}

const struct claim cancel_claims[] = {
    {"blocking_calls_are_points_of_cancellation", blocking_calls_are_points_of_cancellation},
    {"a_thread_that_joins_can_be_cancelled", a_thread_that_joins_can_be_cancelled},
    {"an_asynchronous_one_stops_a_computation", an_asynchronous_one_stops_a_computation},
    {"a_disabled_one_waits_until_it_is_enabled", a_disabled_one_waits_until_it_is_enabled},
    {0},
};

/*
 * Checks itself: threads as POSIX and C have them. One claim's name as argument runs that alone; `exhaust`
 * makes threads until there is no more memory; `exit` ends the process from another thread than the first.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static sem_t go;

/* Uses its stack only when there is no more memory. */
static void *wait_and_work(void *arg)
{
    char text[2000];

    while (sem_wait(&go))
        ;
    memset(text, 'x', sizeof(text));
    snprintf(text, sizeof(text), "%p", arg);
    return strlen(text) > 2 ? arg : NULL;
}

/* Makes as many as fit, and ends them again: how many. */
static int make_all(int *error)
{
    static pthread_t threads[4000];
    pthread_attr_t attr;
    int count = 0, worked = 0;

    sem_init(&go, 0, 0);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    while (count < 4000 && !(*error = pthread_create(&threads[count], &attr, wait_and_work, &go)))
        count++;
    for (int i = 0; i < count; i++)
        sem_post(&go);
    for (int i = 0; i < count; i++) {
        void *result = NULL;

        worked += !pthread_join(threads[i], &result) && result;
    }
    return worked == count ? count : -1;
}

/* As many as fit, then EAGAIN; then again as many. */
static int exhaust(void)
{
    int error, count = make_all(&error), again, more = make_all(&again);

    printf("%d threads, then %s\n", count, error == EAGAIN ? "EAGAIN" : strerror(error));
    printf("%d threads again\n", more);
    return error == EAGAIN && again == EAGAIN && count > 20 && more > count * 3 / 4 ? 0 : 1;
}

static void *leave(void *arg)
{
    (void)arg;
    exit(5);
}

static int exit_from_thread(void)
{
    pthread_t thread;

    if (!pthread_create(&thread, NULL, leave, NULL))
        for (;;)
            ;
    return 1;
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (only && !strcmp(only, "exhaust"))
        return exhaust();
    if (only && !strcmp(only, "exit"))
        return exit_from_thread();
    run_claims(thread_claims, only);
    run_claims(lock_claims, only);
    run_claims(futex_claims, only);
    run_claims(cancel_claims, only);
    run_claims(turn_claims, only);
    return end_claims();
}

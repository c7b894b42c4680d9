/*
 * Checks itself: threads as POSIX and C have them. One claim's name as argument runs that alone; `exhaust`
 * makes threads until there is no more memory; `exit` ends the process from another thread than the first.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

const char *volatile failed;

static int number, failures;

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

static void *wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

/* As many as fit, then EAGAIN; then again as many. */
static int exhaust(void)
{
    pthread_attr_t attr;
    int count = 0, error;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    do {
        pthread_t thread;

        error = pthread_create(&thread, &attr, wait_for_ever, NULL);
        count += !error;
    } while (!error);
    printf("%d threads, then %s\n", count, error == EAGAIN ? "EAGAIN" : strerror(error));
    return error == EAGAIN && count > 20 ? 0 : 1;
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
    run(thread_claims, only);
    run(lock_claims, only);
    run(futex_claims, only);
    run(cancel_claims, only);
    run(turn_claims, only);
    printf("1..%d\n", number);
    return failures || !number ? 1 : 0;
}

/*
 * What a switch from one thread to another costs: two of them hand a turn to and fro, by a futex each. With
 * one processor every turn is a FUTEX_WAKE, a FUTEX_WAIT and the switch.
 */
#include "../best.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS             250
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static atomic_int turn[2];

static void give(atomic_int *word)
{
    atomic_store(word, 1);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
}

static void take(atomic_int *word)
{
    while (!atomic_exchange(word, 0))
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL);
}

static void *other(void *unused)
{
    for (;;) {
        take(&turn[1]);
        give(&turn[0]);
    }
    return unused;
}

static int batch(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        give(&turn[1]);
        take(&turn[0]);
    }
    return 0;
}

int main(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, other, NULL);

    if (error) {
        fprintf(stderr, "pthread_create: %d\n", error);
        return 1;
    }
    return say_best("switch", batch, 2 * ROUNDS);
}

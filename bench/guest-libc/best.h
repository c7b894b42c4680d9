/* For programs that measure, on Stardust and on Linux: the best of several batches, which is one that nothing
 * came into. */
#ifndef BENCH_BEST_H
#define BENCH_BEST_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define BATCHES 40

static inline int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Runs the batch BATCHES times, and says how long the best took. A batch gives 0, or what the program shall
 * end with. */
static inline int say_best(const char *name, int (*batch)(void), int count)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < BATCHES; i++) {
        int64_t start = now_ns();
        int failed = batch();
        int64_t took = now_ns() - start;

        if (failed)
            return failed;
        if (took < best)
            best = took;
    }
    printf("%s: %lld ns for %d\n", name, (long long)best, count);
    return 0;
}

#endif

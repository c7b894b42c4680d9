/* What the claims of this program stand on. */
#ifndef CHECK_H
#define CHECK_H

#include "../../claims.h"

#include <time.h>

/* Each ends with an entry without a name. */
extern const struct claim thread_claims[], lock_claims[], futex_claims[], cancel_claims[], turn_claims[];

/* Nanoseconds of a clock. */
static inline long now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The clock's time in so many milliseconds. */
static inline struct timespec in_ms(clockid_t clock, long ms)
{
    long at = now(clock) + ms * 1000000;

    return (struct timespec){.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
}

static inline void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/*
 * Until threads that said they are about to wait do wait: many short sleeps and no long one, since a machine
 * that stands still makes one sleep of any length as good as none.
 */
static inline void settle(void)
{
    for (int i = 0; i < 12; i++)
        sleep_ms(2);
}

#endif

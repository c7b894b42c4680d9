/*
 * Timers: a function at a time. Callbacks run in thread context on the scheduler's way, in the order of their
 * deadlines; they may start, stop and wake, and must not wait, nor start threads.
 *
 * There is no tick: the vCPU's one-shot timer is set to the earliest deadline only when nothing is left to
 * run.
 */
#ifndef STARDUST_TIMER_H
#define STARDUST_TIMER_H

#include <xenlib/list.h>
#include <xenlib/types.h>

struct sd_timer {
    struct xen_list link; /* the module's: in the list of running timers, by deadline */
    uint64_t deadline;
    void (*fired)(struct sd_timer *timer);
};

void sd_timer_init(struct sd_timer *timer, void (*fired)(struct sd_timer *timer));
/* Starts it, or moves it, to system time `deadline` in ns. Any context. */
void sd_timer_start(struct sd_timer *timer, uint64_t deadline);
/* Any context. Harmless when it does not run. */
void sd_timer_stop(struct sd_timer *timer);
bool sd_timer_is_running(const struct sd_timer *timer);

#define SD_SECOND 1000000000ull
#define SD_MS     1000000ull

#endif

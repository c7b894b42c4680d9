/* The clocks, and moments of them that something waits for. Private to stardust/posix. */
#ifndef STARDUST_POSIX_CLOCK_H
#define STARDUST_POSIX_CLOCK_H

#include <stardust/timer.h>
#include <xenlib/types.h>

/* Nanoseconds that a clock of clock_gettime shows. 0 or -EINVAL. Any context but upcalls. */
int sd_clock_read(int clock, uint64_t *ns) xen_must_check;

/* cpu_clock.c: the same for the clocks of the process's and its threads' use of the CPU. */
int sd_cpu_clock_read(int clock, uint64_t *ns) xen_must_check;
bool sd_clock_is_cpu(int clock);
/* The clock of a thread by its id. */
int sd_cpu_clock_of(int thread);

/* Whether sleeps and timers can be had of the clock: 0, -EOPNOTSUPP, -EINVAL. */
int sd_clock_can_wait(int clock) xen_must_check;

/*
 * A time from now on, or an absolute one of the clock, as what the clock then shows: saturated at INT64_MAX.
 * What is relative to the wall clock is to the monotonic one, as its being set does not change how long that
 * lasts: *clock is made that. 0 or -EINVAL.
 */
struct timespec;
int sd_clock_moment(int *clock, bool absolute, const struct timespec *time, uint64_t *at) xen_must_check;

/* Whether it is a time: nanoseconds below a second, nothing negative. */
bool sd_timespec_is_valid(const struct timespec *time);
uint64_t sd_timespec_ns(const struct timespec *time); /* saturated at INT64_MAX */
struct timespec sd_timespec_from(uint64_t ns);

/* ---- alarm.c ---- */

/*
 * Calls `fired` when the clock shows `at` or more: as a timer's callback (stardust/timer.h), not before its
 * next turn. For a clock of CPU time it looks again whenever that could be, at most 1,000 times a second.
 */
struct sd_alarm {
    struct sd_timer timer;
    int clock;
    uint64_t at;       /* XEN_FOREVER while it is not set */
    uint64_t last;     /* what `at` was when it fired */
    uint64_t interval; /* for sd_alarm_again */
    void (*fired)(struct sd_alarm *alarm);
};

void sd_alarm_init(struct sd_alarm *alarm, int clock, void (*fired)(struct sd_alarm *alarm));
/* XEN_FOREVER stops it. As a timer's callback may. */
void sd_alarm_set(struct sd_alarm *alarm, uint64_t at);
/* What `gap` is for an alarm that nobody notices: the vCPU has other things to do, too. */
#define SD_ALARM_IDLE SD_MS
/* Sets it, after it fired, to the first multiple of its interval after that which is still to come, and at
 * least `gap` ahead. How many have passed till then, that one included. */
uint64_t sd_alarm_again(struct sd_alarm *alarm, uint64_t gap);
/* How long until it fires; 0 when it is not set. */
uint64_t sd_alarm_left(const struct sd_alarm *alarm);

#endif

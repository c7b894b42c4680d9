/*
 * Clocks and sleeping. Monotonic time is Xen's system time.
 */
#include "sys.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/sched.h>
#include <xenlib/time.h>

#include "copy.h"
#include "timespec.h"

static struct timespec from_ns(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / SD_SECOND), .tv_nsec = (long)(ns % SD_SECOND)};
}

static int read_clock(int clock, struct timespec *time)
{
    struct xen_wall_time wall;

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        wall = xen_time_wall();
        *time = (struct timespec){.tv_sec = (time_t)wall.seconds, .tv_nsec = wall.nanoseconds};
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *time = from_ns(xen_time_now());
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *time = from_ns(xen_sched_cpu_time());
        return 0;
    default:
        return -EINVAL;
    }
}

long sd_sys_clock_gettime(int clock, struct timespec *time)
{
    struct timespec now = {0};
    int error = read_clock(clock, &now);

    return error ? error : sd_copy_out(time, &now, sizeof(now));
}

long sd_sys_clock_getres(int clock, struct timespec *resolution)
{
    static const struct timespec one = {.tv_nsec = 1};
    struct timespec now;
    int error = read_clock(clock, &now);

    return error || !resolution ? error : sd_copy_out(resolution, &one, sizeof(one));
}

int sd_timespec_deadline(const struct timespec *time, bool absolute, bool wall, uint64_t *deadline)
{
    uint64_t now = xen_time_now(), base = now, ns;
    struct timespec wanted = {0};

    if (sd_copy_in(&wanted, time, sizeof(wanted)))
        return -EFAULT;
    if (wanted.tv_sec < 0 || wanted.tv_nsec < 0 || wanted.tv_nsec >= (long)SD_SECOND)
        return -EINVAL;
    /* 292 years are for ever. */
    if ((uint64_t)wanted.tv_sec >= INT64_MAX / SD_SECOND) {
        *deadline = XEN_FOREVER;
        return 0;
    }
    ns = (uint64_t)wanted.tv_sec * SD_SECOND + (uint64_t)wanted.tv_nsec;
    if (absolute)
        base = 0;
    if (absolute && wall) {
        struct xen_wall_time at = xen_time_wall();
        uint64_t passed = at.seconds * SD_SECOND + at.nanoseconds;

        ns = ns > passed ? ns - passed : 0;
        base = now;
    }
    *deadline = base + ns;
    return 0;
}

long sd_sys_clock_nanosleep(int clock, int flags, const struct timespec *wanted, struct timespec *left)
{
    uint64_t deadline;
    int error;

    /* What is left is told after a signal only, and none interrupts a sleep. */
    (void)left;
    if (clock == CLOCK_THREAD_CPUTIME_ID)
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return clock == CLOCK_PROCESS_CPUTIME_ID ? -EOPNOTSUPP : -EINVAL;
    error = sd_timespec_deadline(wanted, flags & TIMER_ABSTIME, clock == CLOCK_REALTIME, &deadline);
    if (!error)
        sd_thread_sleep_until(deadline);
    return error;
}

long sd_sys_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    return sd_sys_clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left);
}

long sd_sys_gettimeofday(struct timeval *time, void *zone)
{
    struct xen_wall_time wall = xen_time_wall();
    struct timeval now = {.tv_sec = (time_t)wall.seconds, .tv_usec = wall.nanoseconds / 1000};
    static const struct timezone utc;

    if (time && sd_copy_out(time, &now, sizeof(now)))
        return -EFAULT;
    return zone ? sd_copy_out(zone, &utc, sizeof(utc)) : 0;
}

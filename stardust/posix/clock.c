/*
 * The clocks. Monotonic time is Xen's system time, the wall clock is Xen's, too; a guest sets neither.
 */
#include "clock.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include <xenlib/time.h>

#include "copy.h"
#include "sys.h"
#include "timespec.h"

#define FOR_EVER ((uint64_t)INT64_MAX) /* 292 years */

struct timespec sd_timespec_from(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / SD_SECOND), .tv_nsec = (long)(ns % SD_SECOND)};
}

bool sd_timespec_is_valid(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < (long)SD_SECOND;
}

uint64_t sd_timespec_ns(const struct timespec *time)
{
    if ((uint64_t)time->tv_sec >= FOR_EVER / SD_SECOND)
        return FOR_EVER;
    return (uint64_t)time->tv_sec * SD_SECOND + (uint64_t)time->tv_nsec;
}

static uint64_t wall_now(void)
{
    struct xen_wall_time wall = xen_time_wall();

    return wall.seconds * SD_SECOND + wall.nanoseconds;
}

int sd_clock_read(int clock, uint64_t *ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI: /* nobody has told the difference: as Linux has it then */
        *ns = wall_now();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *ns = xen_time_now();
        return 0;
    default:
        return sd_cpu_clock_read(clock, ns);
    }
}

long sd_sys_clock_gettime(int clock, struct timespec *time)
{
    struct timespec now;
    uint64_t ns;
    int error = sd_clock_read(clock, &ns);

    if (error)
        return error;
    now = sd_timespec_from(ns);
    return sd_copy_out(time, &now, sizeof(now));
}

long sd_sys_clock_getres(int clock, struct timespec *resolution)
{
    static const struct timespec one = {.tv_nsec = 1};
    uint64_t ns;
    int error = sd_clock_read(clock, &ns);

    return error || !resolution ? error : sd_copy_out(resolution, &one, sizeof(one));
}

/* The clocks are Xen's. */
long sd_sys_clock_settime(int clock, const struct timespec *time)
{
    struct timespec wanted;
    uint64_t ns;
    int error = sd_clock_read(clock, &ns);

    if (error || (clock != CLOCK_REALTIME && !sd_clock_is_cpu(clock)))
        return -EINVAL;
    if (sd_copy_in(&wanted, time, sizeof(wanted)))
        return -EFAULT;
    return sd_timespec_is_valid(&wanted) ? -EPERM : -EINVAL;
}

long sd_sys_settimeofday(const struct timeval *time, const void *zone)
{
    struct timeval wanted;

    (void)zone;
    if (time && sd_copy_in(&wanted, time, sizeof(wanted)))
        return -EFAULT;
    if (time && (wanted.tv_sec < 0 || wanted.tv_usec < 0 || wanted.tv_usec >= 1000000))
        return -EINVAL;
    return -EPERM;
}

int sd_timespec_deadline(const struct timespec *time, bool absolute, bool wall, uint64_t *deadline)
{
    uint64_t now = xen_time_now(), ns;
    struct timespec wanted = {0};

    if (sd_copy_in(&wanted, time, sizeof(wanted)))
        return -EFAULT;
    if (!sd_timespec_is_valid(&wanted))
        return -EINVAL;
    ns = sd_timespec_ns(&wanted);
    if (ns == FOR_EVER) {
        *deadline = XEN_FOREVER;
        return 0;
    }
    if (absolute && wall) {
        uint64_t passed = wall_now();

        ns = ns > passed ? ns - passed : 0;
    }
    *deadline = absolute && !wall ? ns : now + ns;
    return 0;
}

long sd_sys_time(long *seconds)
{
    long now = (long)xen_time_wall().seconds;

    return seconds && sd_copy_out(seconds, &now, sizeof(now)) ? -EFAULT : now;
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

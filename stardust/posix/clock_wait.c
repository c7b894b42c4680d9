/* Moments of clocks, and sleeping until one. */
#include "clock.h"

#include <errno.h>
#include <time.h>

#include "copy.h"
#include "sys.h"
#include "wait.h"

#define FOR_EVER ((uint64_t)INT64_MAX)

/* How long to sleep at least where only the use of the CPU tells when it is over. */
#define LOOK_AGAIN (10 * SD_MS)

int sd_clock_can_wait(int clock)
{
    uint64_t ns;

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
        return 0;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_REALTIME_COARSE:
        return -EOPNOTSUPP;
    default:
        return sd_clock_read(clock, &ns);
    }
}

int sd_clock_moment(int *clock, bool absolute, const struct timespec *time, uint64_t *at)
{
    uint64_t now = 0, ns;

    if (!sd_timespec_is_valid(time))
        return -EINVAL;
    ns = sd_timespec_ns(time);
    if (!absolute) {
        int error;

        if (!sd_clock_is_cpu(*clock))
            *clock = CLOCK_MONOTONIC;
        error = sd_clock_read(*clock, &now);
        if (error)
            return error;
    }
    *at = ns > FOR_EVER - now ? FOR_EVER : now + ns;
    return 0;
}

/* What is left is looked up again after each wait: the wall clock may have been set meanwhile, and CPU time
 * goes on as it is used. 0, or as sd_wait. */
static int sleep_until(int clock, uint64_t at)
{
    struct xen_waitq nobody;
    struct xen_lock lock = {0};

    xen_waitq_init(&nobody);
    for (;;) {
        uint64_t shown, now, step;
        int error = sd_clock_read(clock, &shown);

        if (error || shown >= at)
            return error;
        step = at - shown;
        if (sd_clock_is_cpu(clock) && step < LOOK_AGAIN)
            step = LOOK_AGAIN;
        error = sd_clock_read(CLOCK_MONOTONIC, &now);
        xen_platform_lock(&lock);
        while (!error)
            error = sd_wait(&nobody, &lock, at == FOR_EVER ? XEN_FOREVER : now + step);
        xen_platform_unlock(&lock);
        if (error != -ETIMEDOUT)
            return error;
    }
}

/* What is left is told of relative sleeps only. */
static long tell_left(int clock, uint64_t at, struct timespec *left)
{
    struct timespec rest;
    uint64_t now;

    if (sd_clock_read(clock, &now))
        return -EINTR;
    rest = sd_timespec_from(at > now ? at - now : 0);
    return sd_copy_out(left, &rest, sizeof(rest)) ? -EFAULT : -EINTR;
}

long sd_sys_clock_nanosleep(int clock, int flags, const struct timespec *wanted, struct timespec *left)
{
    bool absolute = flags & TIMER_ABSTIME;
    struct timespec time;
    uint64_t at = 0;
    int error = sd_clock_can_wait(clock);

    /* The caller's own CPU time stands still while it sleeps. */
    if (clock == CLOCK_THREAD_CPUTIME_ID)
        error = -EOPNOTSUPP;
    if (error)
        return error;
    if (sd_copy_in(&time, wanted, sizeof(time)))
        return -EFAULT;
    error = sd_clock_moment(&clock, absolute, &time, &at);
    if (!error)
        error = sleep_until(clock, at);
    if (error != -SD_RESTART)
        return error;
    return absolute || !left ? -EINTR : tell_left(clock, at, left);
}

long sd_sys_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    return sd_sys_clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left);
}

/*
 * timerfd. A periodic timer that nobody reads fires once: how often it would have is reckoned when somebody
 * looks, so that it does not keep waking the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

#include <stardust/memory.h>
#include <stardust/timer.h>
#include <xenlib/time.h>

#include "anonymous.h"
#include "copy.h"
#include "file.h"
#include "readiness.h"
#include "sys.h"
#include "timespec.h"
#include "wait.h"

struct alarm {
    struct sd_file file;
    struct sd_timer timer;
    struct xen_lock lock; /* guards the rest */
    struct xen_waitq fired;
    struct sd_readiness readiness;
    uint64_t deadline; /* the next time or, with `ticks`, the last; XEN_FOREVER when it is off */
    uint64_t interval; /* 0: once */
    uint64_t ticks;    /* since the last read */
    bool wall;
};

static struct alarm *alarm_of(struct sd_file *file)
{
    return xen_container_of(file, struct alarm, file);
}

static void on_time(struct sd_timer *timer)
{
    struct alarm *alarm = xen_container_of(timer, struct alarm, timer);

    xen_platform_lock(&alarm->lock);
    alarm->ticks++;
    xen_platform_wake(&alarm->fired);
    sd_readiness_events(&alarm->readiness, POLLIN);
    xen_platform_unlock(&alarm->lock);
}

/* Counts what has passed since it fired, and goes on. The lock is held. */
static void catch_up(struct alarm *alarm)
{
    uint64_t now = xen_time_now(), missed;

    if (!alarm->ticks || sd_timer_is_running(&alarm->timer))
        return;
    if (!alarm->interval) {
        alarm->deadline = XEN_FOREVER;
        return;
    }
    missed = now > alarm->deadline ? (now - alarm->deadline) / alarm->interval : 0;
    alarm->ticks += missed;
    alarm->deadline += (missed + 1) * alarm->interval;
    sd_timer_start(&alarm->timer, alarm->deadline);
}

static long alarm_read(struct sd_file *file, void *buffer, size_t bytes)
{
    struct alarm *alarm = alarm_of(file);
    uint64_t ticks = 0;
    int error = 0;

    if (bytes < sizeof(ticks))
        return -EINVAL;
    xen_platform_lock(&alarm->lock);
    while (!alarm->ticks && !error)
        error = file->flags & O_NONBLOCK ? -EAGAIN : sd_wait(&alarm->fired, &alarm->lock, XEN_FOREVER);
    if (!error) {
        catch_up(alarm);
        ticks = alarm->ticks;
        alarm->ticks = 0;
    }
    xen_platform_unlock(&alarm->lock);
    if (!error)
        error = sd_copy_out(buffer, &ticks, sizeof(ticks));
    return error ? error : (long)sizeof(ticks);
}

static unsigned alarm_ready(struct sd_file *file)
{
    return READ_ONCE(alarm_of(file)->ticks) ? POLLIN : 0;
}

static struct sd_readiness *alarm_readiness(struct sd_file *file)
{
    return &alarm_of(file)->readiness;
}

static void alarm_close(struct sd_file *file)
{
    sd_timer_stop(&alarm_of(file)->timer);
    sd_free(alarm_of(file));
}

static const struct sd_file_ops ops = {
    .read = alarm_read,
    .stat = sd_anonymous_stat,
    .ready = alarm_ready,
    .readiness = alarm_readiness,
    .close = alarm_close,
};

long sd_sys_timerfd_create(int clock, int flags)
{
    struct alarm *alarm;

    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
        return -EINVAL;
    alarm = sd_calloc(1, sizeof(*alarm));
    if (!alarm)
        return -ENOMEM;
    alarm->file = (struct sd_file){.ops = &ops, .references = 1, .flags = O_RDWR | (flags & TFD_NONBLOCK)};
    sd_timer_init(&alarm->timer, on_time);
    xen_waitq_init(&alarm->fired);
    sd_readiness_init(&alarm->readiness);
    alarm->deadline = XEN_FOREVER;
    alarm->wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
    return sd_file_offer(&alarm->file, flags);
}

/* With a reference. NULL and an errno for a descriptor that is none of ours. */
static struct alarm *get(int fd, long *error)
{
    struct sd_file *file = sd_fd_get(fd);

    *error = file ? -EINVAL : -EBADF;
    if (!file)
        return NULL;
    if (file->ops == &ops)
        return alarm_of(file);
    sd_file_put(file);
    return NULL;
}

static struct timespec time_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / SD_SECOND), .tv_nsec = (long)(ns % SD_SECOND)};
}

/* The lock is held. */
static struct itimerspec what_is_left(struct alarm *alarm)
{
    uint64_t now = xen_time_now();
    struct itimerspec left = {.it_interval = time_of(alarm->interval)};

    catch_up(alarm);
    if (alarm->deadline != XEN_FOREVER)
        left.it_value = time_of(alarm->deadline > now ? alarm->deadline - now : 1);
    return left;
}

/* The program's times as a deadline and an interval. 0, -EFAULT, -EINVAL. */
static long read_times(const struct alarm *alarm, bool absolute, const struct itimerspec *wanted,
                       uint64_t *deadline, uint64_t *interval)
{
    struct itimerspec times;
    long error;

    if (sd_copy_in(&times, wanted, sizeof(times)))
        return -EFAULT;
    error = sd_timespec_deadline(&wanted->it_interval, true, false, interval);
    if (!error)
        error = sd_timespec_deadline(&wanted->it_value, absolute, alarm->wall, deadline);
    if (!times.it_value.tv_sec && !times.it_value.tv_nsec)
        *deadline = XEN_FOREVER;
    return error;
}

long sd_sys_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *old)
{
    uint64_t deadline = 0, interval = 0;
    struct itimerspec before = {0};
    struct alarm *alarm;
    long error;

    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    alarm = get(fd, &error);
    if (!alarm)
        return error;
    error = read_times(alarm, flags & TFD_TIMER_ABSTIME, wanted, &deadline, &interval);
    if (error)
        goto put;
    xen_platform_lock(&alarm->lock);
    before = what_is_left(alarm);
    sd_timer_stop(&alarm->timer);
    alarm->ticks = 0;
    alarm->deadline = deadline;
    alarm->interval = interval;
    if (deadline != XEN_FOREVER)
        sd_timer_start(&alarm->timer, deadline);
    xen_platform_unlock(&alarm->lock);
    error = old ? sd_copy_out(old, &before, sizeof(before)) : 0;
put:
    sd_file_put(&alarm->file);
    return error;
}

long sd_sys_timerfd_gettime(int fd, struct itimerspec *left)
{
    struct itimerspec now;
    struct alarm *alarm;
    long error;

    alarm = get(fd, &error);
    if (!alarm)
        return error;
    xen_platform_lock(&alarm->lock);
    now = what_is_left(alarm);
    xen_platform_unlock(&alarm->lock);
    error = sd_copy_out(left, &now, sizeof(now));
    sd_file_put(&alarm->file);
    return error;
}

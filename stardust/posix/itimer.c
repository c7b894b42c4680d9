/*
 * The interval timers, and alarm. The real one is by the monotonic clock; the process's own time is all its
 * CPU's, so that the other two differ in their signal alone. A timer starts again when its signal is taken.
 */
#include "sys.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include "clock.h"
#include "copy.h"
#include "signals.h"

struct itimer {
    struct sd_alarm alarm;
    struct sd_signal signal;
    bool starts_again; /* as soon as the signal is taken */
};

static struct itimer itimers[3];

static void fired(struct sd_alarm *alarm)
{
    struct itimer *timer = xen_container_of(alarm, struct itimer, alarm);
    enum sd_signal_sent sent = sd_signal_send_own(&timer->signal);

    if (!alarm->interval)
        return;
    timer->starts_again = sent == SD_SIGNAL_QUEUED;
    if (!timer->starts_again)
        (void)sd_alarm_again(alarm, SD_ALARM_IDLE);
}

static void taken(struct sd_signal *signal, siginfo_t *info)
{
    struct itimer *timer = xen_container_of(signal, struct itimer, signal);

    (void)info;
    if (timer->starts_again)
        (void)sd_alarm_again(&timer->alarm, 0);
    timer->starts_again = false;
}

/* NULL when there is none. */
static struct itimer *itimer_of(int which)
{
    static const struct {
        int clock, number;
    } kinds[] = {
        [ITIMER_REAL] = {CLOCK_MONOTONIC, SIGALRM},
        [ITIMER_VIRTUAL] = {CLOCK_PROCESS_CPUTIME_ID, SIGVTALRM},
        [ITIMER_PROF] = {CLOCK_PROCESS_CPUTIME_ID, SIGPROF},
    };
    struct itimer *timer;

    if (which < 0 || which > ITIMER_PROF)
        return NULL;
    timer = &itimers[which];
    if (!timer->signal.taken) {
        sd_alarm_init(&timer->alarm, kinds[which].clock, fired);
        sd_signal_init(&timer->signal);
        timer->signal.info.si_signo = kinds[which].number;
        timer->signal.info.si_code = SI_KERNEL;
        timer->signal.taken = taken;
    }
    return timer;
}

static struct timeval timeval_from(uint64_t ns)
{
    ns += 999;
    return (struct timeval){.tv_sec = (time_t)(ns / SD_SECOND), .tv_usec = (long)(ns % SD_SECOND / 1000)};
}

static bool timeval_ns(const struct timeval *time, uint64_t *ns)
{
    struct timespec wanted = {.tv_sec = time->tv_sec, .tv_nsec = time->tv_usec * 1000};

    if (time->tv_sec < 0 || time->tv_usec < 0 || time->tv_usec >= 1000000)
        return false;
    *ns = sd_timespec_ns(&wanted);
    return true;
}

static struct itimerval state_of(const struct itimer *timer)
{
    return (struct itimerval){timeval_from(timer->alarm.interval),
                              timeval_from(sd_alarm_left(&timer->alarm))};
}

static void set(struct itimer *timer, uint64_t first, uint64_t interval)
{
    struct timespec time = sd_timespec_from(first);
    int clock = timer->alarm.clock;
    uint64_t at = XEN_FOREVER;

    if (first && sd_clock_moment(&clock, false, &time, &at))
        at = XEN_FOREVER;
    timer->starts_again = false;
    timer->alarm.interval = first ? interval : 0;
    sd_alarm_set(&timer->alarm, at);
}

long sd_sys_getitimer(int which, struct itimerval *left)
{
    struct itimer *timer = itimer_of(which);
    struct itimerval now;

    if (!timer)
        return -EINVAL;
    now = state_of(timer);
    return sd_copy_out(left, &now, sizeof(now));
}

long sd_sys_setitimer(int which, const struct itimerval *wanted, struct itimerval *old)
{
    struct itimerval next = {0}, before;
    struct itimer *timer = itimer_of(which);
    uint64_t first, interval;

    if (wanted && sd_copy_in(&next, wanted, sizeof(next)))
        return -EFAULT;
    if (!timer || !timeval_ns(&next.it_value, &first) || !timeval_ns(&next.it_interval, &interval))
        return -EINVAL;
    before = state_of(timer);
    set(timer, first, interval);
    return old ? sd_copy_out(old, &before, sizeof(before)) : 0;
}

/* What is left is told in seconds, of which there is at least one. */
long sd_sys_alarm(unsigned seconds)
{
    struct itimer *timer = itimer_of(ITIMER_REAL);
    uint64_t left = sd_alarm_left(&timer->alarm), whole = (left + SD_SECOND / 2) / SD_SECOND;

    set(timer, seconds * SD_SECOND, 0);
    return left && !whole ? 1 : (long)whole;
}

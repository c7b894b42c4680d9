/*
 * The timers of timer_create. One whose signal waits stands still, and starts again when it is taken: how
 * often it would have fired meanwhile is what that tells as its overrun.
 */
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include <stardust/memory.h>

#include "clock.h"
#include "copy.h"
#include "signals.h"
#include "task.h"

#define TIMERS_MAX 1024

struct timer {
    struct xen_list link;
    int id, clock, notify;
    int thread; /* whom the signal is for; 0: the process */
    struct sd_alarm alarm;
    struct sd_signal signal;
    bool starts_again;
    uint64_t overrun, last_overrun;
};

/* struct sigevent as the call takes it. */
struct event {
    union sigval value;
    int number, notify, thread, unused;
};

static struct xen_list timers = {&timers, &timers}; /* by their numbers */

static struct timer *find(int id)
{
    xen_list_each(at, &timers)
    {
        struct timer *timer = xen_container_of(at, struct timer, link);

        if (timer->id == id)
            return timer;
    }
    return NULL;
}

static void fired(struct sd_alarm *alarm)
{
    struct timer *timer = xen_container_of(alarm, struct timer, alarm);
    enum sd_signal_sent sent = SD_SIGNAL_IGNORED;

    if (timer->thread)
        timer->signal.task = sd_task_find(timer->thread);
    if (timer->notify != SIGEV_NONE && (!timer->thread || timer->signal.task))
        sent = sd_signal_send_own(&timer->signal);
    if (sent == SD_SIGNAL_WAITS_ALREADY)
        timer->overrun++;
    if (!alarm->interval)
        return;
    timer->starts_again = sent != SD_SIGNAL_IGNORED;
    if (!timer->starts_again)
        (void)sd_alarm_again(alarm, SD_ALARM_IDLE);
}

static void taken(struct sd_signal *signal, siginfo_t *info)
{
    struct timer *timer = xen_container_of(signal, struct timer, signal);

    if (timer->starts_again)
        timer->overrun += sd_alarm_again(&timer->alarm, 0) - 1;
    timer->starts_again = false;
    timer->last_overrun = timer->overrun < INT_MAX ? timer->overrun : INT_MAX;
    timer->overrun = 0;
    info->si_overrun = (int)timer->last_overrun;
}

static int check_event(const struct event *event)
{
    if (event->notify == SIGEV_NONE)
        return 0;
    if (event->notify != SIGEV_SIGNAL && event->notify != SIGEV_THREAD && event->notify != SIGEV_THREAD_ID)
        return -EINVAL;
    if (event->notify == SIGEV_THREAD_ID && !sd_task_find(event->thread))
        return -EINVAL;
    return event->number < 1 || event->number > SD_SIGNALS ? -EINVAL : 0;
}

/* A timer with the lowest free number, in the list at its place. NULL without memory. */
static struct timer *make(void)
{
    struct timer *timer = sd_calloc(1, sizeof(*timer));
    struct xen_list *place = timers.next;

    if (!timer)
        return NULL;
    for (; place != &timers && xen_container_of(place, struct timer, link)->id == timer->id;
         place = place->next)
        timer->id++;
    if (timer->id == TIMERS_MAX) {
        sd_free(timer);
        return NULL;
    }
    xen_list_insert(place, &timer->link);
    return timer;
}

static void delete (struct timer *timer)
{
    sd_alarm_set(&timer->alarm, XEN_FOREVER);
    sd_signal_withdraw(&timer->signal);
    xen_list_remove(&timer->link);
    sd_free(timer);
}

long sd_sys_timer_create(int clock, void *event, int *id)
{
    struct event wanted = {.number = SIGALRM, .notify = SIGEV_SIGNAL};
    struct timer *timer;
    int error = sd_clock_can_wait(clock);

    if (error)
        return error;
    if (event && sd_copy_in(&wanted, event, sizeof(wanted)))
        return -EFAULT;
    error = check_event(&wanted);
    if (error)
        return error;
    timer = make();
    if (!timer)
        return -EAGAIN;
    if (!event)
        wanted.value = (union sigval){.sival_int = timer->id};
    timer->clock = clock == CLOCK_THREAD_CPUTIME_ID ? sd_cpu_clock_of(sd_task_self()->id) : clock;
    timer->notify = wanted.notify;
    timer->thread = wanted.notify == SIGEV_THREAD_ID ? wanted.thread : 0;
    sd_alarm_init(&timer->alarm, timer->clock, fired);
    sd_signal_init(&timer->signal);
    timer->signal.info = (siginfo_t){.si_signo = wanted.number, .si_code = SI_TIMER};
    timer->signal.info.si_timerid = timer->id;
    timer->signal.info.si_value = wanted.value;
    timer->signal.taken = taken;
    error = sd_copy_out(id, &timer->id, sizeof(timer->id));
    if (error)
        delete (timer);
    return error;
}

/* While its signal waits it is as if it went on. */
static struct itimerspec state_of(const struct timer *timer)
{
    const struct sd_alarm *alarm = &timer->alarm;
    uint64_t left = sd_alarm_left(alarm), shown;

    if (timer->starts_again && !sd_clock_read(alarm->clock, &shown))
        left = alarm->interval - (shown - alarm->last) % alarm->interval;
    return (struct itimerspec){sd_timespec_from(alarm->interval), sd_timespec_from(left)};
}

long sd_sys_timer_gettime(int id, struct itimerspec *left)
{
    struct timer *timer = find(id);
    struct itimerspec now;

    if (!timer)
        return -EINVAL;
    now = state_of(timer);
    return sd_copy_out(left, &now, sizeof(now));
}

long sd_sys_timer_settime(int id, int flags, const struct itimerspec *wanted, struct itimerspec *old)
{
    struct timer *timer = find(id);
    struct itimerspec next, before;
    uint64_t at = XEN_FOREVER, first;
    int clock, error;

    if (sd_copy_in(&next, wanted, sizeof(next)))
        return -EFAULT;
    if (!timer || !sd_timespec_is_valid(&next.it_value) || !sd_timespec_is_valid(&next.it_interval))
        return -EINVAL;
    before = state_of(timer);
    clock = timer->clock;
    first = sd_timespec_ns(&next.it_value);
    error = first ? sd_clock_moment(&clock, flags & TIMER_ABSTIME, &next.it_value, &at) : 0;
    if (error)
        return error;
    timer->starts_again = false;
    timer->overrun = timer->last_overrun = 0;
    timer->alarm.clock = clock;
    timer->alarm.interval = sd_timespec_ns(&next.it_interval);
    sd_alarm_set(&timer->alarm, at);
    return old ? sd_copy_out(old, &before, sizeof(before)) : 0;
}

long sd_sys_timer_getoverrun(int id)
{
    const struct timer *timer = find(id);

    return timer ? (long)timer->last_overrun : -EINVAL;
}

long sd_sys_timer_delete(int id)
{
    struct timer *timer = find(id);

    if (!timer)
        return -EINVAL;
    delete (timer);
    return 0;
}

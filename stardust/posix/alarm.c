/* Moments of clocks that something is called at. */
#include "clock.h"

#include <xenlib/time.h>

/* A clock of CPU time is not looked at more often. */
#define CPU_STEP SD_MS

static void start(struct sd_alarm *alarm, uint64_t shown)
{
    uint64_t left = alarm->at > shown ? alarm->at - shown : 0, now = xen_time_now();

    if (sd_clock_is_cpu(alarm->clock) && left < CPU_STEP)
        left = CPU_STEP;
    sd_timer_start(&alarm->timer, left > INT64_MAX - now ? XEN_FOREVER - 1 : now + left);
}

static void on_timer(struct sd_timer *timer)
{
    struct sd_alarm *alarm = xen_container_of(timer, struct sd_alarm, timer);
    uint64_t shown;

    /* The clock of a thread that has ended. */
    if (sd_clock_read(alarm->clock, &shown)) {
        alarm->at = XEN_FOREVER;
        return;
    }
    if (shown < alarm->at) {
        start(alarm, shown);
        return;
    }
    alarm->last = alarm->at;
    alarm->at = XEN_FOREVER;
    alarm->fired(alarm);
}

void sd_alarm_init(struct sd_alarm *alarm, int clock, void (*fired)(struct sd_alarm *alarm))
{
    *alarm = (struct sd_alarm){.clock = clock, .at = XEN_FOREVER, .fired = fired};
    sd_timer_init(&alarm->timer, on_timer);
}

void sd_alarm_set(struct sd_alarm *alarm, uint64_t at)
{
    uint64_t shown;

    sd_timer_stop(&alarm->timer);
    alarm->at = at;
    if (at == XEN_FOREVER)
        return;
    if (sd_clock_read(alarm->clock, &shown))
        alarm->at = XEN_FOREVER;
    else
        start(alarm, shown);
}

uint64_t sd_alarm_again(struct sd_alarm *alarm, uint64_t gap)
{
    uint64_t shown, passed = 1;

    if (sd_clock_read(alarm->clock, &shown))
        return 1;
    shown += gap;
    if (shown > alarm->last)
        passed = (shown - alarm->last) / alarm->interval + 1;
    sd_alarm_set(alarm, alarm->last + passed * alarm->interval);
    return passed;
}

uint64_t sd_alarm_left(const struct sd_alarm *alarm)
{
    uint64_t shown;

    if (alarm->at == XEN_FOREVER || sd_clock_read(alarm->clock, &shown))
        return 0;
    /* It has not fired yet, so something is left. */
    return alarm->at > shown ? alarm->at - shown : 1;
}

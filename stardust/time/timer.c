/*
 * Timers in a list by deadline. What a guest has at one time is a handful (a time-out for each waiting
 * thread, the network's one), so that a walk beats a heap.
 */
#include <stardust/timer.h>

#include <xenlib/platform.h>

#include "../sched/sched.h"
#include "timer.h"

static struct xen_list running = XEN_LIST_INIT(running);
static struct xen_lock lock; /* guards `running` and what is in it */

static struct sd_timer *timer_of(struct xen_list *link)
{
    return xen_container_of(link, struct sd_timer, link);
}

void sd_timer_init(struct sd_timer *timer, void (*fired)(struct sd_timer *timer))
{
    xen_list_init(&timer->link);
    timer->deadline = XEN_FOREVER;
    timer->fired = fired;
}

void sd_timer_start(struct sd_timer *timer, uint64_t deadline)
{
    struct xen_list *place;

    xen_platform_lock(&lock);
    xen_list_remove(&timer->link);
    timer->deadline = deadline;
    /* From the end: new deadlines are mostly later ones. Equal ones stay in the order in which they came. */
    for (place = running.prev; place != &running && timer_of(place)->deadline > deadline; place = place->prev)
        ;
    xen_list_insert(place->next, &timer->link);
    if (place == &running)
        sd_want_attention();
    xen_platform_unlock(&lock);
}

void sd_timer_stop(struct sd_timer *timer)
{
    xen_platform_lock(&lock);
    xen_list_remove(&timer->link);
    xen_platform_unlock(&lock);
}

bool sd_timer_is_running(const struct sd_timer *timer)
{
    return !xen_list_is_empty(&timer->link);
}

uint64_t sd_timers_next(void)
{
    return xen_list_is_empty(&running) ? XEN_FOREVER : timer_of(running.next)->deadline;
}

void sd_timers_run(uint64_t now)
{
    for (;;) {
        struct sd_timer *timer = NULL;

        xen_platform_lock(&lock);
        if (!xen_list_is_empty(&running) && timer_of(running.next)->deadline <= now) {
            timer = timer_of(running.next);
            xen_list_remove(&timer->link);
        }
        xen_platform_unlock(&lock);
        if (!timer)
            return;
        timer->fired(timer);
    }
}

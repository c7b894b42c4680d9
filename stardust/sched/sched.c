/*
 * The scheduler: a queue of threads that are ready, run in order until they wait. When none is, the vCPU
 * blocks in Xen until an event or the next timer, and does nothing in between: there is no tick.
 *
 * A lock keeps this vCPU's upcalls away and, once there are more vCPUs, will keep them out too. A thread that
 * waits hands its lock's hold over to whoever runs next: the depth stays 1 across a switch, the flag in the
 * lock is cleared.
 */
#include "sched.h"

#include <errno.h>

#include <stardust/memory.h>
#include <xenlib/event.h>
#include <xenlib/sched.h>
#include <xenlib/time.h>

#include "../time/timer.h"

struct sd_cpu sd_cpus[1];
uint32_t sd_depth = SD_CALM | 1;

static struct xen_lock queues; /* guards every run queue and wait queue */

/* The two are called from everywhere here, and made part of nothing. */
__attribute__((noinline)) void xen_platform_lock(struct xen_lock *lock)
{
    bool were_on = xen_upcalls_off();
    struct sd_cpu *cpu = sd_this_cpu();

    if (!cpu->lock_depth++)
        cpu->upcalls_were_on = were_on;
    if (lock->held)
        xen_platform_panic("lock %p is taken twice", (void *)lock);
    lock->held = 1;
}

__attribute__((noinline)) void xen_platform_unlock(struct xen_lock *lock)
{
    struct sd_cpu *cpu = sd_this_cpu();

    if (!lock->held)
        xen_platform_panic("lock %p is not held", (void *)lock);
    lock->held = 0;
    if (!--cpu->lock_depth && cpu->upcalls_were_on)
        xen_upcalls_on();
}

static void make_ready(struct sd_thread *thread)
{
    thread->queue = NULL;
    xen_list_insert(sd_ready_place(sd_this_cpu()), &thread->link);
}

void xen_platform_wake(struct xen_waitq *queue)
{
    xen_platform_lock(&queues);
    while (!xen_list_is_empty(&queue->waiters)) {
        struct sd_thread *thread = xen_container_of(queue->waiters.next, struct sd_thread, link);

        xen_list_remove(&thread->link);
        make_ready(thread);
    }
    xen_platform_unlock(&queues);
}

uint64_t sd_sched_run_timers(struct sd_cpu *cpu)
{
    uint64_t next = sd_timers_next() < cpu->delayed ? sd_timers_next() : cpu->delayed;
    uint64_t now;

    if (next == XEN_FOREVER)
        return next;
    now = xen_time_now();
    if (next > now)
        return next;
    sd_timers_run(now);
    if (cpu->delayed <= now) {
        cpu->delayed = XEN_FOREVER;
        xen_event_run_delayed(now);
    }
    return sd_timers_next() < cpu->delayed ? sd_timers_next() : cpu->delayed;
}

void sd_sched_program(struct sd_cpu *cpu, uint64_t deadline)
{
    xen_timer_set(deadline);
    cpu->programmed = deadline;
}

/* Waits until a thread is ready. Upcalls are off on entry and on return. */
static void idle(struct sd_cpu *cpu)
{
    for (;;) {
        uint64_t next = sd_sched_run_timers(cpu);

        if (!xen_list_is_empty(&cpu->ready))
            return;
        if (next != cpu->programmed)
            sd_sched_program(cpu, next);
        xen_sched_block();
        xen_upcalls_off();
    }
}

/* Goes on with the next thread that is ready, which may be this one. The lock depth is 1 on entry and on
 * return. */
static void switch_away(void)
{
    struct sd_cpu *cpu = sd_this_cpu();
    struct sd_thread *self = cpu->current, *next;
    bool were_on = cpu->upcalls_were_on;

    if (cpu->lock_depth != 1)
        xen_platform_panic("thread %s waits with %u locks held", self->name, cpu->lock_depth);
    idle(cpu);
    next = xen_container_of(cpu->ready.next, struct sd_thread, link);
    xen_list_remove(&next->link);
    if (next != self) {
        cpu->current = next;
        sd_switch(&self->rsp, next->rsp);
    }
    cpu = sd_this_cpu();
    cpu->upcalls_were_on = were_on;
    sd_switched(cpu);
}

struct timeout {
    struct sd_timer timer;
    struct sd_thread *thread;
    bool passed;
};

static void on_timeout(struct sd_timer *timer)
{
    struct timeout *timeout = xen_container_of(timer, struct timeout, timer);

    /* Woken already and only waiting to run: then the wake-up counts. */
    timeout->passed = sd_thread_rouse(timeout->thread);
}

static void wait(struct sd_thread *self, struct xen_waitq *queue, struct xen_lock *lock)
{
    self->queue = queue;
    xen_list_insert(&queue->waiters, &self->link);
    lock->held = 0;
    switch_away();
    lock->held = 1;
}

static __attribute__((noinline)) int wait_until(struct sd_thread *self, struct xen_waitq *queue,
                                                struct xen_lock *lock, uint64_t deadline)
{
    struct timeout timeout = {.thread = self};

    sd_timer_init(&timeout.timer, on_timeout);
    sd_timer_start(&timeout.timer, deadline);
    wait(self, queue, lock);
    sd_timer_stop(&timeout.timer);
    return timeout.passed ? -ETIMEDOUT : 0;
}

int xen_platform_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline)
{
    struct sd_thread *self = sd_this_cpu()->current;

    if (deadline != XEN_FOREVER)
        return wait_until(self, queue, lock, deadline);
    wait(self, queue, lock);
    return 0;
}

void xen_platform_delayed_events(uint64_t deadline)
{
    struct sd_cpu *cpu = sd_this_cpu();

    if (deadline < cpu->delayed)
        cpu->delayed = deadline;
    sd_want_attention();
}

struct sd_thread *sd_thread_self(void)
{
    return sd_this_cpu()->current;
}

const char *sd_thread_name(const struct sd_thread *thread)
{
    return thread->name;
}

/* Puts a thread that is to run into the queue. */
void sd_thread_ready(struct sd_thread *thread)
{
    xen_platform_lock(&queues);
    make_ready(thread);
    xen_platform_unlock(&queues);
}

bool sd_thread_rouse(struct sd_thread *thread)
{
    bool waits;

    xen_platform_lock(&queues);
    waits = thread->queue;
    if (waits) {
        xen_list_remove(&thread->link);
        make_ready(thread);
    }
    xen_platform_unlock(&queues);
    return waits;
}

void sd_thread_yield(void)
{
    xen_platform_lock(&queues);
    make_ready(sd_this_cpu()->current);
    queues.held = 0;
    switch_away();
    queues.held = 1;
    xen_platform_unlock(&queues);
}

void sd_thread_sleep_until(uint64_t deadline)
{
    struct xen_waitq nobody;
    struct xen_lock lock = {0};

    xen_waitq_init(&nobody);
    xen_platform_lock(&lock);
    while (xen_platform_wait(&nobody, &lock, deadline) != -ETIMEDOUT)
        ;
    xen_platform_unlock(&lock);
}

_Noreturn void sd_sched_end_current(void)
{
    xen_platform_lock(&queues);
    queues.held = 0;
    switch_away();
    xen_platform_panic("a thread that ended runs again");
}

/* A new thread comes from switch_away, which it leaves here: with the depth 1 and no lock held. */
void sd_sched_first_run(void)
{
    struct sd_cpu *cpu = sd_this_cpu();

    sd_switched(cpu);
    cpu->lock_depth = 0;
    xen_upcalls_on();
}

void sd_sched_init(void)
{
    struct sd_cpu *cpu = sd_this_cpu();

    xen_list_init(&cpu->ready);
    xen_list_init(&cpu->main.link);
    xen_waitq_init(&cpu->main.ended);
    cpu->main.name = "main";
    cpu->current = &cpu->main;
    cpu->programmed = cpu->delayed = XEN_FOREVER;
}

/* The vCPU has left its block; the scheduler looks at the timers by itself. */
static void timer_fired(void)
{
    struct sd_cpu *cpu = sd_this_cpu();

    cpu->programmed = XEN_FOREVER;
    cpu->turn_over = true;
    sd_want_attention();
}

int sd_sched_start(void)
{
    return xen_timer_init(timer_fired);
}

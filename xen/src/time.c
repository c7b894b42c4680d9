/*
 * Time: the vCPU's time record, which Xen rewrites under a version number that is odd meanwhile (xen/xen.h).
 */
#include <xenlib/time.h>

#include <xenlib/event.h>
#include <xenlib/start.h>
#include <xensys/hypercall.h>

/* Xen lets a timer further ahead than this fire early (xen/common/sched: the 2^50 cut). */
#define TIMER_FARTHEST (1ull << 50)

static void (*timer_fired)(void);

static uint64_t read_ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

uint64_t xen_time_now(void)
{
    const struct vcpu_time_info *time = &xen_start()->shared->vcpu_info[0].time;
    static uint64_t latest;
    uint32_t version;
    uint64_t now;

    do {
        uint64_t start, base, ticks;

        version = __atomic_load_n(&time->version, __ATOMIC_ACQUIRE);
        start = READ_ONCE(time->tsc_timestamp);
        base = READ_ONCE(time->system_time);
        ticks = read_ticks();
        /* Around an update the counter read here can lie just before the new start. */
        ticks = ticks > start ? ticks - start : 0;
        now = base + xen_time_scale(ticks, READ_ONCE(time->tsc_to_system_mul), READ_ONCE(time->tsc_shift));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) || READ_ONCE(time->version) != version);

    /* A new record can say a few ns less than the old one did. */
    if (now < latest)
        return latest;
    latest = now;
    return now;
}

struct xen_wall_time xen_time_wall(void)
{
    const struct shared_info *shared = xen_start()->shared;
    uint64_t seconds, nanoseconds;
    uint32_t version;

    do {
        version = __atomic_load_n(&shared->wc_version, __ATOMIC_ACQUIRE);
        seconds = (uint64_t)READ_ONCE(shared->wc_sec_hi) << 32 | READ_ONCE(shared->wc_sec);
        nanoseconds = READ_ONCE(shared->wc_nsec);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) || READ_ONCE(shared->wc_version) != version);

    nanoseconds += xen_time_now();
    return (struct xen_wall_time){seconds + nanoseconds / 1000000000, (uint32_t)(nanoseconds % 1000000000)};
}

static void on_timer(xen_port_t port, void *arg)
{
    (void)port;
    (void)arg;
    timer_fired();
}

int xen_timer_init(void (*fired)(void))
{
    xen_port_t port;

    timer_fired = fired;
    return xen_event_bind_virq(VIRQ_TIMER, 0, on_timer, NULL, &port);
}

void xen_timer_set(uint64_t deadline)
{
    uint64_t now = xen_time_now();

    if (deadline == XEN_FOREVER)
        deadline = 0;
    else if (deadline > now && deadline - now > TIMER_FARTHEST)
        deadline = now + TIMER_FARTHEST;
    else if (deadline == 0)
        deadline = 1;
    HYPERVISOR_set_timer_op(deadline);
}

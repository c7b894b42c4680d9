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

/* A consistent copy of the vCPU's record. */
static struct vcpu_time_info read_record(void)
{
    const struct vcpu_time_info *live = &xen_start()->shared->vcpu_info[0].time;
    struct vcpu_time_info copy;

    do {
        copy.version = __atomic_load_n(&live->version, __ATOMIC_ACQUIRE);
        copy.tsc_timestamp = READ_ONCE(live->tsc_timestamp);
        copy.system_time = READ_ONCE(live->system_time);
        copy.tsc_to_system_mul = READ_ONCE(live->tsc_to_system_mul);
        copy.tsc_shift = READ_ONCE(live->tsc_shift);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((copy.version & 1) || READ_ONCE(live->version) != copy.version);
    return copy;
}

uint64_t xen_time_at(uint64_t ticks)
{
    struct vcpu_time_info record = read_record();
    uint64_t since = ticks - record.tsc_timestamp;

    /* Xen may have renewed its record after `ticks` was read. */
    if ((int64_t)since < 0)
        return record.system_time - xen_time_scale(-since, record.tsc_to_system_mul, record.tsc_shift);
    return record.system_time + xen_time_scale(since, record.tsc_to_system_mul, record.tsc_shift);
}

uint64_t xen_time_now(void)
{
    static uint64_t latest;
    uint64_t now = xen_time_at(read_ticks());

    /* A new record can say a few ns less than the old one did. */
    if (now > latest)
        latest = now;
    return latest;
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

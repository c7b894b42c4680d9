/*
 * Time as Xen keeps it: system time counts nanoseconds from the host's boot, does not jump, and is what every
 * deadline here means. The wall clock is a start plus system time (vcpu_time_info and shared_info in
 * xen/xen.h).
 */
#ifndef XENLIB_TIME_H
#define XENLIB_TIME_H

#include <xenlib/types.h>

/* System time in nanoseconds. Never goes back. Any context. */
uint64_t xen_time_now(void);

/* System time when the time-stamp counter stood at `ticks`, which is not long ago. Any context. */
uint64_t xen_time_at(uint64_t ticks);

/* Seconds and nanoseconds since 1970-01-01 UTC. Any context. */
struct xen_wall_time {
    uint64_t seconds;
    uint32_t nanoseconds;
};
struct xen_wall_time xen_time_wall(void);

/*
 * Ticks of the time-stamp counter to nanoseconds: ((ticks << shift) * multiplier) >> 32, computed in 128
 * bits; a negative shift shifts right.
 */
static inline uint64_t xen_time_scale(uint64_t ticks, uint32_t multiplier, int8_t shift)
{
    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return (uint64_t)(((unsigned __int128)ticks * multiplier) >> 32);
}

/* Binds the timer's VIRQ on this vCPU to a handler (upcall context). Once for each vCPU. 0 or a negative
 * errno. */
int xen_timer_init(void (*fired)(void)) xen_must_check;

/*
 * One event at `deadline`, or at once when that has passed; replaces the one before. XEN_FOREVER stops it.
 * Deadlines more than 2^50 ns ahead are cut to that, as Xen would let them fire early. Any context.
 */
void xen_timer_set(uint64_t deadline);

#endif

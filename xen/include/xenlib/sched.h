/*
 * The vCPU and the domain as Xen schedules them (xen/sched.h).
 */
#ifndef XENLIB_SCHED_H
#define XENLIB_SCHED_H

#include <xenlib/types.h>

enum xen_shutdown {
    XEN_SHUTDOWN_POWEROFF,
    XEN_SHUTDOWN_REBOOT,
    XEN_SHUTDOWN_SUSPEND,
    XEN_SHUTDOWN_CRASH,
    XEN_SHUTDOWN_WATCHDOG,
    XEN_SHUTDOWN_SOFT_RESET,
};

/* Lets other vCPUs run. Any context. */
void xen_sched_yield(void);

/* Blocks until an event is pending, with upcalls on from before the check: nothing is missed. Upcalls are on
 * after. */
void xen_sched_block(void);

/*
 * Blocks until one of `count` (at most 128) ports is pending or the deadline has come. The ports should be
 * masked, and upcalls off. 0 or -EINVAL. Does not tell why it returned,
 * which may also be any other event: look, and call again.
 */
int xen_sched_poll(const xen_port_t *ports, size_t count, uint64_t deadline) xen_must_check;

/* Ends the domain. Suspend is not for this function: it returns (xenlib/memory.h and the devices take part).
 */
_Noreturn void xen_sched_shutdown(enum xen_shutdown reason);

/* Nanoseconds for which this vCPU has run (VCPUOP_get_runstate_info, xen/vcpu.h). Any context. */
uint64_t xen_sched_cpu_time(void);

/* Sets the base of the %fs segment, where thread-local variables are. 0 or a negative errno. Thread context.
 */
int xen_cpu_set_thread_pointer(const void *address) xen_must_check;

/* Whether the instruction wrfsbase may be used instead, from now on. Thread context. */
bool xen_cpu_has_wrfsbase(void);

/*
 * A watchdog of the domain: unless set again within `seconds`, Xen ends it with XEN_SHUTDOWN_WATCHDOG. *id is
 * 0 for a new one and then names it; 0 seconds stops it. 0 or a negative errno (-EINVAL: no such watchdog;
 * -EEXIST: both taken).
 */
int xen_sched_watchdog(uint32_t *id, uint32_t seconds) xen_must_check;

#endif

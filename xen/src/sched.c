/* The vCPU and the domain, by SCHEDOP (xen/sched.h). */
#include <xenlib/sched.h>

#include <errno.h>

#include <xensys/hypercall.h>

_Static_assert(XEN_SHUTDOWN_POWEROFF == SHUTDOWN_poweroff, "reason");
_Static_assert(XEN_SHUTDOWN_REBOOT == SHUTDOWN_reboot, "reason");
_Static_assert(XEN_SHUTDOWN_SUSPEND == SHUTDOWN_suspend, "reason");
_Static_assert(XEN_SHUTDOWN_CRASH == SHUTDOWN_crash, "reason");
_Static_assert(XEN_SHUTDOWN_WATCHDOG == SHUTDOWN_watchdog, "reason");
_Static_assert(XEN_SHUTDOWN_SOFT_RESET == SHUTDOWN_soft_reset, "reason");

#define POLL_MAX 128

void xen_sched_yield(void)
{
    HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
}

int xen_sched_poll(const xen_port_t *ports, size_t count, uint64_t deadline)
{
    evtchn_port_t numbers[POLL_MAX];
    struct sched_poll poll = {.nr_ports = (unsigned)count, .timeout = deadline};

    /* To Xen 0 is no deadline; to us, one that has passed. */
    if (deadline == XEN_FOREVER || !deadline)
        poll.timeout = !deadline;
    if (count > POLL_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        numbers[i] = ports[i].n;
    set_xen_guest_handle(poll.ports, numbers);
    return (int)HYPERVISOR_sched_op(SCHEDOP_poll, &poll);
}

_Noreturn void xen_sched_shutdown(enum xen_shutdown reason)
{
    struct sched_shutdown shutdown = {.reason = reason};

    /* Xen does not come back from it. Should it, there is nothing else left to do than to ask again. */
    for (;;)
        HYPERVISOR_sched_op(SCHEDOP_shutdown, &shutdown);
}

int xen_sched_watchdog(uint32_t *id, uint32_t seconds)
{
    struct sched_watchdog watchdog = {.id = *id, .timeout = seconds};
    long result = HYPERVISOR_sched_op(SCHEDOP_watchdog, &watchdog);

    if (result < 0)
        return (int)result;
    if (!*id)
        *id = (uint32_t)result;
    return 0;
}

uint64_t xen_sched_cpu_time(void)
{
    struct vcpu_runstate_info info = {0};

    return HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, 0, &info) ? 0 : info.time[RUNSTATE_running];
}

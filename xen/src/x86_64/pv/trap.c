/*
 * Exceptions and upcalls of a PV guest: registered with Xen, entered through entry.S.
 */
#include <xenlib/trap.h>

#include <xenlib/event.h>
#include <xensys/hypercall.h>

#include "pv.h"

uintptr_t xen_pv_trap_fault_address(void)
{
    return READ_ONCE(xen_room_vcpu()->arch.cr2);
}

bool xen_pv_trap_stacks_may_fault(void)
{
    return false;
}

static long register_callback(uint16_t type, void (*entry)(void))
{
    struct callback_register callback = {.type = type, .address = (xen_callback_t)(uintptr_t)entry};

    return HYPERVISOR_callback_op(CALLBACKOP_register, &callback);
}

long pv_trap_init(void)
{
    long error = HYPERVISOR_set_trap_table(xen_pv_trap_table);

    if (!error)
        error = register_callback(CALLBACKTYPE_event, xen_pv_upcall);
    if (!error)
        error = register_callback(CALLBACKTYPE_failsafe, xen_pv_failsafe);
    return error;
}

bool xen_pv_upcalls_off(void)
{
    struct vcpu_info *vcpu = xen_room_vcpu();
    bool were_on = !READ_ONCE(vcpu->evtchn_upcall_mask);

    WRITE_ONCE(vcpu->evtchn_upcall_mask, 1);
    return were_on;
}

/* Clearing the mask does not deliver what became pending meanwhile: that is looked for, and run from here. */
void xen_pv_upcalls_on(void)
{
    struct vcpu_info *vcpu = xen_room_vcpu();

    WRITE_ONCE(vcpu->evtchn_upcall_mask, 0);
    while (READ_ONCE(vcpu->evtchn_upcall_pending)) {
        WRITE_ONCE(vcpu->evtchn_upcall_mask, 1);
        xen_event_dispatch();
        WRITE_ONCE(vcpu->evtchn_upcall_mask, 0);
    }
}

/* The hypercall clears the upcall mask before it looks for events, so none can slip between. */
void xen_pv_sched_block(void)
{
    HYPERVISOR_sched_op(SCHEDOP_block, NULL);
    xen_pv_upcalls_on();
}

/*
 * The door: each function that differs between guest types, passed on to the room that the image runs in.
 *
 * A function for each, and no table of pointers: a table would bring all of both rooms into every image.
 */
#include <xenlib/event.h>
#include <xenlib/sched.h>
#include <xenlib/trap.h>

#include "../grant_room.h"
#include "room.h"

#define CALL(name, ...) (xen_room_is_pvh ? xen_pvh_##name(__VA_ARGS__) : xen_pv_##name(__VA_ARGS__))

bool xen_room_is_pvh;

mfn_t xen_pfn_to_mfn(pfn_t pfn)
{
    return CALL(pfn_to_mfn, pfn);
}

pfn_t xen_mfn_to_pfn(mfn_t mfn)
{
    return CALL(mfn_to_pfn, mfn);
}

int xen_memory_map_direct(pfn_t first, size_t count)
{
    return CALL(memory_map_direct, first, count);
}

bool xen_upcalls_off(void)
{
    return CALL(upcalls_off);
}

void xen_upcalls_on(void)
{
    CALL(upcalls_on);
}

void xen_sched_block(void)
{
    CALL(sched_block);
}

uintptr_t xen_trap_fault_address(void)
{
    return CALL(trap_fault_address);
}

bool xen_trap_stacks_may_fault(void)
{
    return CALL(trap_stacks_may_fault);
}

void xen_start_log(void)
{
    CALL(start_log);
}

void xen_start_store(struct xenstore_domain_interface **ring, xen_port_t *port)
{
    CALL(start_store, ring, port);
}

int xen_cpu_set_thread_pointer(const void *address)
{
    return CALL(cpu_set_thread_pointer, address);
}

bool xen_cpu_has_wrfsbase(void)
{
    return CALL(cpu_has_wrfsbase);
}

int xen_room_pt_apply(const struct xen_pt_update *updates, size_t count)
{
    return CALL(pt_apply, updates, count);
}

int xen_room_pt_adopt(void *page)
{
    return CALL(pt_adopt, page);
}

void xen_room_frame_changed(pfn_t pfn, mfn_t frame)
{
    CALL(frame_changed, pfn, frame);
}

int xen_room_grant_frame(unsigned index, mfn_t *frame)
{
    return CALL(grant_frame, index, frame);
}

uint64_t xen_grant_window_address(const void *page)
{
    return CALL(grant_window_address, page);
}

int xen_grant_window_show(void *page, bool readonly)
{
    return CALL(grant_window_show, page, readonly);
}

void xen_grant_window_hide(void *page)
{
    CALL(grant_window_hide, page);
}

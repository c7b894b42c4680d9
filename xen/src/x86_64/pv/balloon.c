/*
 * Memory given to Xen and taken back, in a PV guest: the frame keeps its PFN, and loses and gets a machine
 * frame.
 */
#include <xenlib/memory.h>

#include <errno.h>

#include <xensys/hypercall.h>

#include "pv.h"

#define NO_FRAME UINT64_MAX

static int change_direct(pfn_t pfn, uint64_t entry)
{
    return (int)HYPERVISOR_update_va_mapping((uintptr_t)xen_pfn_to_virt(pfn), entry, UVMF_INVLPG);
}

static long reservation(unsigned op, xen_pfn_t *frame)
{
    struct xen_memory_reservation what = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(what.extent_start, frame);
    return HYPERVISOR_memory_op(op, &what);
}

static int give(pfn_t pfn)
{
    xen_pfn_t frame;
    int error;

    if (pfn.n >= xen_layout.end.n || xen_pv_p2m[pfn.n] == NO_FRAME)
        return -EINVAL;
    frame = xen_pv_p2m[pfn.n];
    error = change_direct(pfn, 0);
    if (error)
        return error;
    if (reservation(XENMEM_decrease_reservation, &frame) != 1) {
        /* Somebody else holds on to it, through a grant: it stays ours. */
        error =
            change_direct(pfn, pv_entry(pfn, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX));
        return error ? error : -EBUSY;
    }
    xen_pv_p2m[pfn.n] = NO_FRAME;
    return 0;
}

static int take(pfn_t pfn)
{
    xen_pfn_t frame = pfn.n;
    long result;

    if (pfn.n >= xen_layout.end.n || xen_pv_p2m[pfn.n] != NO_FRAME)
        return -EINVAL;
    result = reservation(XENMEM_populate_physmap, &frame);
    if (result != 1)
        return result < 0 ? (int)result : -ENOMEM;
    /* Xen gave a machine frame, put it where the PFN was, and has entered it in the M2P. */
    xen_pv_p2m[pfn.n] = frame;
    return change_direct(pfn, pv_entry(pfn, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX));
}

static int each(int (*change)(pfn_t pfn), const pfn_t *frames, size_t count, size_t *done)
{
    int error = 0;

    for (*done = 0; *done < count && !error; *done += !error)
        error = change(frames[*done]);
    return error;
}

int xen_memory_decrease(const pfn_t *frames, size_t count, size_t *done)
{
    return each(give, frames, count, done);
}

int xen_memory_increase(const pfn_t *frames, size_t count, size_t *done)
{
    return each(take, frames, count, done);
}

/* Memory given to Xen and taken back: the frame keeps its PFN, and loses and gets what is behind it. */
#include <xenlib/memory.h>

#include <errno.h>

#include <xenlib/pagetable.h>
#include <xensys/hypercall.h>

#include "room.h"

static int map(pfn_t pfn)
{
    return xen_pt_map(xen_pfn_to_virt(pfn), pfn, 1, XEN_PROT_WRITE);
}

/* Whether there is memory behind it: what is given away is not mapped. */
static bool is_ours(pfn_t pfn)
{
    return xen_pt_query(xen_pfn_to_virt(pfn), NULL, NULL);
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

    if (pfn.n >= xen_layout.end.n || !is_ours(pfn))
        return -EINVAL;
    frame = xen_pfn_to_mfn(pfn).n;
    error = xen_pt_unmap(xen_pfn_to_virt(pfn), 1);
    if (error)
        return error;
    if (reservation(XENMEM_decrease_reservation, &frame) != 1) {
        /* Somebody else holds on to it, through a grant: it stays ours. */
        error = map(pfn);
        return error ? error : -EBUSY;
    }
    xen_room_frame_changed(pfn, (mfn_t){UINT64_MAX});
    return 0;
}

static int take(pfn_t pfn)
{
    xen_pfn_t frame = pfn.n;
    long result;

    if (pfn.n >= xen_layout.end.n || is_ours(pfn))
        return -EINVAL;
    result = reservation(XENMEM_populate_physmap, &frame);
    if (result != 1)
        return result < 0 ? (int)result : -ENOMEM;
    xen_room_frame_changed(pfn, (mfn_t){frame});
    return map(pfn);
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

/* The grant table's frames and window in a PV guest. Both stand in the range for single mappings. */
#include "../../grant_room.h"

#include <errno.h>

#include <xenlib/platform.h>
#include <xensys/hypercall.h>

#include "pv.h"

#define WINDOW_PAGES 512

/* One call names all frames up to the one that is asked for; a page holds as many as any host allows. */
static int frame_of(unsigned index, mfn_t *frame)
{
    uint64_t *list = xen_platform_page_alloc();
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = index + 1};
    long result;

    if (!list)
        return -ENOMEM;
    set_xen_guest_handle(setup.frame_list, list);
    result = index < XEN_PAGE_SIZE / sizeof(*list)
                 ? HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1)
                 : -ENOSPC;
    if (!result && setup.status != GNTST_okay)
        result = -ENOSPC;
    frame->n = list[index % PT_ENTRIES];
    xen_platform_page_free(list);
    return (int)result;
}

int xen_grant_map_frame(unsigned index, void **table_page)
{
    void *va = (void *)(XEN_MAPPINGS + ((WINDOW_PAGES + (uintptr_t)index) << XEN_PAGE_SHIFT));
    mfn_t frame;
    int error = frame_of(index, &frame);

    if (!error)
        error = xen_pt_map_frame(va, frame);
    if (!error)
        *table_page = va;
    return error;
}

int xen_grant_map_window(void **window)
{
    int error = xen_pt_reserve((void *)XEN_MAPPINGS);

    if (!error)
        *window = (void *)XEN_MAPPINGS;
    return error;
}

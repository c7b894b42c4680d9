/* The grant table's frames in a PV guest, and its window: there Xen writes the page-table entries itself. */
#include "../../grant_room.h"

#include <errno.h>

#include <xenlib/platform.h>
#include <xensys/hypercall.h>

#include "pv.h"

/* One call names all frames up to the one that is asked for; a page holds as many as any host allows. */
int xen_pv_grant_frame(unsigned index, mfn_t *frame)
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

uint64_t xen_pv_grant_window_address(const void *page)
{
    return (uintptr_t)page;
}

int xen_pv_grant_window_show(void *page, bool readonly)
{
    (void)page;
    (void)readonly;
    return 0;
}

void xen_pv_grant_window_hide(void *page)
{
    (void)page;
}

/* The grant table's frames and the window for foreign pages: both stand in the range for single mappings. */
#include "../grant_room.h"

#include "room.h"

#define WINDOW_PAGES 512

int xen_grant_map_frame(unsigned index, void **table_page)
{
    void *va = (void *)(XEN_MAPPINGS + ((WINDOW_PAGES + (uintptr_t)index) << XEN_PAGE_SHIFT));
    mfn_t frame;
    int error = xen_room_grant_frame(index, &frame);

    if (!error)
        error = xen_pt_map_frame(va, frame, false);
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

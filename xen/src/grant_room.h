/*
 * What the grant table needs of the room (xen/src/x86_64/{pv,pvh}): its frames, and a place for foreign
 * pages.
 */
#ifndef XEN_SRC_GRANT_ROOM_H
#define XEN_SRC_GRANT_ROOM_H

#include <xenlib/types.h>

/*
 * Makes Xen provide frame `index` of the table (GNTTABOP_setup_table on PV), and maps it writable. Indices
 * come in order, each once. 0 with its address in *table_page; -ENOMEM; or the errno that Xen gave.
 */
int xen_grant_map_frame(unsigned index, void **table_page) xen_must_check;

/*
 * The window for foreign pages: 512 pages of address space at XEN_MAPPINGS whose page tables exist, with
 * nothing mapped. Called once. 0 with its address in *window, or -ENOMEM.
 */
int xen_grant_map_window(void **window) xen_must_check;

/* How Xen is told where to map a foreign page (host_addr of gnttab_map_grant_ref): the virtual address on PV,
 * and the guest-physical one of the frame behind it on PVH. */
uint64_t xen_grant_window_address(const void *page);

/* After Xen has mapped a page there: makes it seen at its place in the window. 0 or -ENOMEM. Before Xen
 * unmaps it: the reverse. */
int xen_grant_window_show(void *page, bool readonly) xen_must_check;
void xen_grant_window_hide(void *page);

#endif

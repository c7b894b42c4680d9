/* The facts of the start, which each room fills in and everybody may read. */
#include <xenlib/start.h>

#include <xenlib/memory.h>
#include <xensys/asm.h>

#include "room.h"

/* In .data, not .bss: the entry code writes it before anything else has run. */
struct xen_start xen_start_facts = {.type = "?"};
struct xen_memory_layout xen_layout;

_Static_assert(offsetof(struct xen_start, entry_ticks) == XEN_START_ENTRY_TICKS,
               "entry.S writes entry_ticks");

const struct xen_start *xen_start(void)
{
    return &xen_start_facts;
}

const struct xen_memory_layout *xen_memory_layout(void)
{
    return &xen_layout;
}

/* The facts of the start, which each room fills in and everybody may read. */
#include <xenlib/start.h>

#include <string.h>

#include <xenlib/console.h>
#include <xenlib/memory.h>
#include <xenlib/sched.h>
#include <xensys/abi.h>
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

struct vcpu_info *xen_room_vcpu(void)
{
    return &xen_start_facts.shared->vcpu_info[0];
}

uint64_t xen_image_rights(size_t page)
{
    if (page < xen_image_page(xen_text_end))
        return PTE_PRESENT | PTE_ACCESSED;
    if (page < xen_image_page(xen_rodata_end))
        return PTE_PRESENT | PTE_ACCESSED | PTE_NX;
    if (page == xen_image_page(xen_boot_stack_guard) || page == xen_image_page(xen_upcall_stack_guard))
        return 0;
    return PTE_DATA;
}

_Noreturn void xen_start_fail(const char *what)
{
    static const char head[] = "*** stardust crash: cannot start: ", tail[] = "\n*** end of report\n";

    xen_console_emergency(head, sizeof(head) - 1);
    xen_console_emergency(what, strlen(what));
    xen_console_emergency(tail, sizeof(tail) - 1);
    xen_sched_shutdown(XEN_SHUTDOWN_CRASH);
}

/* Between trap.c and try.S. Private. */
#ifndef XEN_X86_64_TRAP_H
#define XEN_X86_64_TRAP_H

#include <xenlib/trap.h>

struct xen_trap_try_state {
    uint64_t rsp; /* offset 0: try.S */
    struct xen_trap_try_state *outer;
    struct xen_trap_caught *caught;
};

/* Calls function(arg): 0 when it returned, 1 when xen_trap_enter cut it short. */
int xen_trap_call(struct xen_trap_try_state *state, void (*function)(void *arg), void *arg);
void xen_trap_resume(void);

/* xen_trap_copy's end when it is cut short (try.S). */
void xen_trap_copy_failed(void);

/* Whether there is a page now where there was none (xen_platform_page_fault). */
bool xen_trap_fill(uintptr_t address, uint64_t error);

/* Called by the room's entry code for every exception. */
void xen_trap_enter(struct xen_trap_frame *frame);

#endif

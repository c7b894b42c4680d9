/*
 * Exceptions, the part that no room differs in: their names, and recovery.
 */
#include <xenlib/trap.h>

#include <xenlib/platform.h>
#include <xensys/asm.h>

#include "room.h"
#include "trap.h"

const char *xen_trap_name(uint64_t vector)
{
    static const char *const names[] = {
        [XEN_TRAP_DIVIDE] = "divide error",
        [XEN_TRAP_DEBUG] = "debug exception",
        [XEN_TRAP_NMI] = "non-maskable interrupt",
        [XEN_TRAP_BREAKPOINT] = "breakpoint",
        [XEN_TRAP_OVERFLOW] = "overflow",
        [XEN_TRAP_BOUNDS] = "bound range exceeded",
        [XEN_TRAP_INVALID_OPCODE] = "invalid opcode",
        [XEN_TRAP_NO_DEVICE] = "device not available",
        [XEN_TRAP_DOUBLE_FAULT] = "double fault",
        [XEN_TRAP_INVALID_TSS] = "invalid TSS",
        [XEN_TRAP_NO_SEGMENT] = "segment not present",
        [XEN_TRAP_STACK] = "stack-segment fault",
        [XEN_TRAP_PROTECTION] = "general protection fault",
        [XEN_TRAP_PAGE_FAULT] = "page fault",
        [XEN_TRAP_FPU] = "x87 floating-point error",
        [XEN_TRAP_ALIGNMENT] = "alignment check",
        [XEN_TRAP_MACHINE_CHECK] = "machine check",
        [XEN_TRAP_SIMD] = "SIMD floating-point exception",
        [XENSYS_TRAP_FAILSAFE] = "segment reload failure",
    };

    if (vector < sizeof(names) / sizeof(names[0]) && names[vector])
        return names[vector];
    return "unknown exception";
}

/* The innermost xen_trap_try. What it runs does not wait, so that it belongs to whoever runs. */
static struct xen_trap_try_state *innermost;

/* No stack is larger: an exception further away than this from a try is not that try's. */
#define STACK_MAX 65536

bool xen_trap_fill(uintptr_t address, uint64_t error)
{
    return xen_platform_page_fault && !(error & XEN_FAULT_PRESENT) && xen_platform_page_fault(address, error);
}

void xen_trap_enter(struct xen_trap_frame *frame)
{
    struct xen_trap_try_state *state = innermost;

    if (frame->vector == XEN_TRAP_PAGE_FAULT && xen_trap_fill(xen_trap_fault_address(), frame->error))
        return;
    if (frame->rip - (uintptr_t)xen_trap_copy < (uintptr_t)xen_trap_copy_failed - (uintptr_t)xen_trap_copy) {
        frame->rip = (uintptr_t)xen_trap_copy_failed;
        return;
    }
    if (!state || state->rsp - frame->rsp > STACK_MAX) {
        xen_platform_trap(frame);
        return;
    }
    innermost = state->outer;
    *state->caught = (struct xen_trap_caught){
        .vector = frame->vector,
        .error = frame->error,
        .address = frame->vector == XEN_TRAP_PAGE_FAULT ? xen_trap_fault_address() : 0,
        .rip = frame->rip,
    };
    /* Resume as if xen_trap_call had returned 1; it restores the other registers from its stack. */
    frame->rip = (uintptr_t)xen_trap_resume;
    frame->rsp = state->rsp;
}

bool xen_trap_try(void (*function)(void *arg), void *arg, struct xen_trap_caught *caught)
{
    struct xen_trap_try_state state = {.outer = innermost, .caught = caught};

    innermost = &state;
    if (xen_trap_call(&state, function, arg))
        return false;
    innermost = state.outer;
    return true;
}

/*
 * Exceptions: entry and return for every vector, and recovery from an expected one.
 *
 * Which exceptions exist and how they enter differs between guest types; the frame here is the same for all.
 */
#ifndef XENLIB_TRAP_H
#define XENLIB_TRAP_H

#include <xenlib/types.h>

/* What the entry code saves. `error` is 0 for vectors without an error code. */
struct xen_trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

enum xen_trap_vector {
    XEN_TRAP_DIVIDE = 0,
    XEN_TRAP_DEBUG = 1,
    XEN_TRAP_NMI = 2,
    XEN_TRAP_BREAKPOINT = 3,
    XEN_TRAP_OVERFLOW = 4,
    XEN_TRAP_BOUNDS = 5,
    XEN_TRAP_INVALID_OPCODE = 6,
    XEN_TRAP_NO_DEVICE = 7,
    XEN_TRAP_DOUBLE_FAULT = 8,
    XEN_TRAP_INVALID_TSS = 10,
    XEN_TRAP_NO_SEGMENT = 11,
    XEN_TRAP_STACK = 12,
    XEN_TRAP_PROTECTION = 13,
    XEN_TRAP_PAGE_FAULT = 14,
    XEN_TRAP_FPU = 16,
    XEN_TRAP_ALIGNMENT = 17,
    XEN_TRAP_MACHINE_CHECK = 18,
    XEN_TRAP_SIMD = 19,
    XEN_TRAP_VECTORS = 32,
};

/* Bits of a page fault's error code. */
#define XEN_FAULT_PRESENT 1u
#define XEN_FAULT_WRITE   2u
#define XEN_FAULT_FETCH   16u

/* Short name of a vector, as in Intel's manual: "page fault". Never NULL. */
const char *xen_trap_name(uint64_t vector);

/* The address of the latest page fault on this vCPU. */
uintptr_t xen_trap_fault_address(void);

/* Whether a stack may be absent in part, as page faults have a stack of their own. */
bool xen_trap_stacks_may_fault(void);

/* What stopped a function that was run by xen_trap_try. */
struct xen_trap_caught {
    uint64_t vector, error;
    uintptr_t address, rip;
};

/*
 * Runs function(arg). True when it returned; false when an exception stopped it, described in *caught. What
 * it did until then stays done, and locks it took stay taken: for probing memory, and for tests. It must not
 * wait. Nests. Thread context.
 */
bool xen_trap_try(void (*function)(void *arg), void *arg, struct xen_trap_caught *caught);

/*
 * Copies between places that may not be mapped. 0, or -EFAULT with part of the bytes copied. Any context but
 * upcalls.
 */
int xen_trap_copy(void *to, const void *from, size_t bytes) xen_must_check;

#endif

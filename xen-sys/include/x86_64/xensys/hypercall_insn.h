/*
 * The instruction that enters Xen, in a guest.
 *
 * A guest enters Xen by `syscall` (PV), `vmcall` or `vmmcall` (PVH on Intel, on AMD). Which one is known when
 * the guest starts, so the calls go through one pointer that the room (xen/src/x86_64/{pv,pvh}) sets before
 * the first of them. Register convention: docs/guest-guide/x86/hypercall-abi.rst in Xen's tree; argument
 * registers may be clobbered.
 */
#ifndef XENSYS_HYPERCALL_INSN_H
#define XENSYS_HYPERCALL_INSN_H

/* Address of `instruction; ret`. Written once, at entry, before anything else runs. */
extern void (*xensys_hypercall_stub)(void);

static inline long xensys_hypercall(unsigned long number, long a1, long a2, long a3, long a4, long a5)
{
    register long r10 __asm__("r10") = a4;
    register long r8 __asm__("r8") = a5;
    long result;

    __asm__ volatile("call *%[stub]"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : "a"(number), [stub] "m"(xensys_hypercall_stub)
                     : "memory", "rcx", "r11", "r9", "cc");
    return result;
}

#endif

/*
 * Typed hypercalls: one inline function for each that Stardust uses.
 *
 * Each returns what Xen returns: 0 or a count, or a negative errno of xen/errno.h (whose numbers are
 * Linux's). Many operations report per element in a `status` field besides: check both. Pointers are guest
 * virtual addresses of memory that is mapped; Xen copies the arguments, so nothing is kept after the return.
 *
 * The instruction itself is chosen by path: <xensys/hypercall_insn.h> comes from include/x86_64 for a guest,
 * and from tests/host for a program that plays Xen itself.
 */
#ifndef XENSYS_HYPERCALL_H
#define XENSYS_HYPERCALL_H

#include <xensys/abi.h>
#include <xensys/hypercall_insn.h>

static inline long xensys_arg(const void *pointer)
{
    return (long)(uintptr_t)pointer;
}

/* Traps and entry points (PV only). `table` ends with an entry whose address is 0. */
static inline long HYPERVISOR_set_trap_table(const struct trap_info *table)
{
    return xensys_hypercall(__HYPERVISOR_set_trap_table, xensys_arg(table), 0, 0, 0, 0);
}

static inline long HYPERVISOR_callback_op(unsigned op, void *arg)
{
    return xensys_hypercall(__HYPERVISOR_callback_op, op, xensys_arg(arg), 0, 0, 0);
}

/* Page tables (PV only). `done`, when not NULL, receives how many of the `count` were carried out. */
static inline long HYPERVISOR_mmu_update(const struct mmu_update *updates, unsigned count, unsigned *done)
{
    return xensys_hypercall(__HYPERVISOR_mmu_update, xensys_arg(updates), count, xensys_arg(done), DOMID_SELF,
                            0);
}

static inline long HYPERVISOR_mmuext_op(const struct mmuext_op *ops, unsigned count, unsigned *done)
{
    return xensys_hypercall(__HYPERVISOR_mmuext_op, xensys_arg(ops), count, xensys_arg(done), DOMID_SELF, 0);
}

static inline long HYPERVISOR_update_va_mapping(uintptr_t va, uint64_t pte, unsigned long flags)
{
    return xensys_hypercall(__HYPERVISOR_update_va_mapping, (long)va, (long)pte, (long)flags, 0, 0);
}

static inline long HYPERVISOR_memory_op(unsigned op, void *arg)
{
    return xensys_hypercall(__HYPERVISOR_memory_op, op, xensys_arg(arg), 0, 0, 0);
}

static inline long HYPERVISOR_event_channel_op(unsigned op, void *arg)
{
    return xensys_hypercall(__HYPERVISOR_event_channel_op, op, xensys_arg(arg), 0, 0, 0);
}

/* `ops` is an array of `count` structures of the operation's own type, each with a status of its own. */
static inline long HYPERVISOR_grant_table_op(unsigned op, void *ops, unsigned count)
{
    return xensys_hypercall(__HYPERVISOR_grant_table_op, op, xensys_arg(ops), count, 0, 0);
}

static inline long HYPERVISOR_sched_op(unsigned op, void *arg)
{
    return xensys_hypercall(__HYPERVISOR_sched_op, op, xensys_arg(arg), 0, 0, 0);
}

/* The base of a segment register (PV only): SEGBASE_FS and others of xen/arch-x86/xen-x86_64.h. */
static inline long HYPERVISOR_set_segment_base(unsigned which, uintptr_t base)
{
    return xensys_hypercall(__HYPERVISOR_set_segment_base, which, (long)base, 0, 0, 0);
}

static inline long HYPERVISOR_vcpu_op(unsigned op, unsigned vcpu, void *arg)
{
    return xensys_hypercall(__HYPERVISOR_vcpu_op, op, vcpu, xensys_arg(arg), 0, 0);
}

/* One-shot timer of the calling vCPU, in nanoseconds of system time; 0 stops it. */
static inline long HYPERVISOR_set_timer_op(uint64_t deadline)
{
    return xensys_hypercall(__HYPERVISOR_set_timer_op, (long)deadline, 0, 0, 0, 0);
}

/* HVM and PVH only: parameters, and how events are delivered. */
static inline long HYPERVISOR_hvm_op(unsigned op, void *arg)
{
    return xensys_hypercall(__HYPERVISOR_hvm_op, op, xensys_arg(arg), 0, 0, 0);
}

static inline long HYPERVISOR_xen_version(unsigned op, void *arg)
{
    return xensys_hypercall(__HYPERVISOR_xen_version, op, xensys_arg(arg), 0, 0, 0);
}

#endif

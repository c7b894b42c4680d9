/* The thread pointer of a PV guest. */
#include "pv.h"

#include <xenlib/trap.h>
#include <xensys/hypercall.h>

int xen_pv_cpu_set_thread_pointer(const void *address)
{
    return (int)HYPERVISOR_set_segment_base(SEGBASE_FS, (uintptr_t)address);
}

#define CR4_FSGSBASE (1u << 16)

/* Xen keeps a CR4 for each guest, and lets it set this bit where the CPU has it. */
static void try_rdfsbase(void *arg)
{
    uint64_t cr4, base;

    (void)arg;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | CR4_FSGSBASE));
    __asm__ volatile("rdfsbase %0" : "=r"(base));
}

bool xen_pv_cpu_has_wrfsbase(void)
{
    struct xen_trap_caught caught;

    return xen_trap_try(try_rdfsbase, NULL, &caught);
}

/* The thread pointer of a PVH guest. */
#include <errno.h>

#include <xenlib/trap.h>

#include "pvh.h"

#define MSR_FS_BASE 0xc0000100

int xen_pvh_cpu_set_thread_pointer(const void *address)
{
    uint64_t base = (uintptr_t)address;

    /* One that is not canonical would fault. */
    if (base >> 47)
        return -EINVAL;
    __asm__ volatile("wrmsr" ::"c"(MSR_FS_BASE), "a"((uint32_t)base), "d"((uint32_t)(base >> 32)));
    return 0;
}

/* The entry code has set CR4 as the CPU allows. */
static void try_rdfsbase(void *arg)
{
    uint64_t base;

    (void)arg;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
}

bool xen_pvh_cpu_has_wrfsbase(void)
{
    struct xen_trap_caught caught;

    return xen_trap_try(try_rdfsbase, NULL, &caught);
}

/* The thread pointer of a PVH guest. */
#include <errno.h>

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

/* The thread pointer of a PV guest. */
#include "pv.h"

#include <xensys/hypercall.h>

int xen_pv_cpu_set_thread_pointer(const void *address)
{
    return (int)HYPERVISOR_set_segment_base(SEGBASE_FS, (uintptr_t)address);
}

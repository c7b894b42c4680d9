/* The domain's reservation (xen/memory.h). */
#include <xenlib/memory.h>

#include <errno.h>

#include <xensys/hypercall.h>

static int query(unsigned op, uint64_t *pages)
{
    domid_t self = DOMID_SELF;
    long result = HYPERVISOR_memory_op(op, &self);

    if (result < 0)
        return (int)result;
    *pages = (uint64_t)result;
    return 0;
}

int xen_memory_current(uint64_t *pages)
{
    return query(XENMEM_current_reservation, pages);
}

int xen_memory_maximum(uint64_t *pages)
{
    return query(XENMEM_maximum_reservation, pages);
}

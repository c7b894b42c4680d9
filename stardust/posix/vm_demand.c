/*
 * Memory that comes when it is touched: the page fault behind an area that was mapped without a charge.
 *
 * The handler asks the page allocator and changes page tables in the middle of whatever runs. It may: that is
 * the program itself, which is in neither, or a service within sd_copy_in or sd_copy_out, as nothing else of
 * the kernel's touches a program's memory; and a kernel thread's stack is never such memory.
 */
#define _GNU_SOURCE /* for the flags of mmap */
#include <errno.h>
#include <sys/mman.h>

#include <xenlib/platform.h>
#include <xenlib/trap.h>

#include "../trap/trap.h"
#include "vm.h"

int sd_vm_demand(int flags)
{
    if (!(flags & MAP_NORESERVE))
        return 0;
    /* The frames of exceptions and events are pushed onto the running stack: where that cannot be waited for,
     * it has its memory from the start. */
    return (flags & MAP_STACK) && !xen_trap_stacks_may_fault() ? 0 : SD_AREA_DEMAND;
}

int sd_vm_populate(uintptr_t start, uintptr_t end, int rights)
{
    unsigned prot = (unsigned)rights & SD_AREA_PROT;
    int error = 0;

    for (; prot && start < end && !error; start += XEN_PAGE_SIZE)
        if (!sd_vm_is_there(start))
            error = sd_vm_fill_page(start, prot);
    return error;
}

/* Whether the area says that the access is allowed, and that there need be no memory yet. */
static bool is_demanded(uintptr_t address, uint64_t error, unsigned *prot)
{
    const struct sd_area *area = sd_areas_find(&sd_vm_areas, address);
    unsigned needed = error & XEN_FAULT_FETCH ? PROT_EXEC : error & XEN_FAULT_WRITE ? PROT_WRITE : 0;

    if (!area || area->start > address || !(area->rights & SD_AREA_DEMAND))
        return false;
    *prot = (unsigned)area->rights & SD_AREA_PROT;
    return *prot && (*prot & needed) == needed;
}

bool xen_platform_page_fault(uintptr_t address, uint64_t error)
{
    uintptr_t page = address & ~(XEN_PAGE_SIZE - 1);
    unsigned prot;

    return is_demanded(address, error, &prot) && !sd_vm_fill_page(page, prot);
}

bool sd_page_fault_lacks_memory(uintptr_t address, uint64_t error)
{
    unsigned prot;

    return !(error & XEN_FAULT_PRESENT) && is_demanded(address, error, &prot);
}

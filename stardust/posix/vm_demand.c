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
#include "main_stack.h"
#include "vm.h"

/* musl's, at a stack's upper end: keys' values and the thread itself. And what its first functions need. */
#define OF_THREAD    2048
#define FIRST_FRAMES 8192

extern const char sd_tls_start[], sd_tls_end[], sd_tls_align[]; /* image.lds */

int sd_vm_demand(int flags)
{
    if (!(flags & MAP_NORESERVE))
        return 0;
    if (!(flags & MAP_STACK))
        return SD_AREA_DEMAND;
    /* The frames of exceptions and events are pushed onto the running stack: where that cannot be waited for,
     * it has its memory from the start. */
    if (!xen_trap_stacks_may_fault())
        return 0;
    sd_vm_keep_for_stacks();
    return SD_AREA_DEMAND | SD_AREA_STACK;
}

uintptr_t sd_vm_stack_top(uintptr_t start, uintptr_t end)
{
    size_t tls = (size_t)(sd_tls_end - sd_tls_start) + (uintptr_t)sd_tls_align;
    size_t bytes = sd_vm_round_up(tls + OF_THREAD + FIRST_FRAMES);

    return bytes < end - start ? end - bytes : start;
}

int sd_vm_populate(uintptr_t start, uintptr_t end, int rights)
{
    unsigned prot = (unsigned)rights & SD_AREA_PROT;
    int error = 0;

    for (; prot && start < end && !error; start += XEN_PAGE_SIZE)
        if (!sd_vm_is_there(start))
            error = sd_vm_fill_page(start, prot, false);
    return error;
}

/* The area, if it says that the access is allowed, and that there need be nothing yet. */
static const struct sd_area *demanded(uintptr_t address, uint64_t error)
{
    const struct sd_area *area = sd_areas_find(&sd_vm_areas, address);
    unsigned needed = error & XEN_FAULT_FETCH ? PROT_EXEC : error & XEN_FAULT_WRITE ? PROT_WRITE : 0, prot;

    if (!area || area->start > address || !(area->file || (area->rights & SD_AREA_DEMAND)))
        return NULL;
    prot = (unsigned)area->rights & SD_AREA_PROT;
    return prot && (prot & needed) == needed ? area : NULL;
}

bool sd_vm_page_fault(uintptr_t address, uint64_t error)
{
    uintptr_t page = address & ~(XEN_PAGE_SIZE - 1);
    const struct sd_area *area = demanded(address, error);

    if (!area)
        return false;
    if (area->file)
        return !sd_vm_show(area, page);
    return !sd_vm_fill_page(page, (unsigned)area->rights & SD_AREA_PROT, area->rights & SD_AREA_STACK);
}

bool sd_vm_lacks_memory(uintptr_t address, uint64_t error)
{
    const struct sd_area *area = error & XEN_FAULT_PRESENT ? NULL : demanded(address, error);

    return area && !area->file;
}

bool sd_page_fault_lacks_file(uintptr_t address, uint64_t error)
{
    const struct sd_area *area = error & XEN_FAULT_PRESENT ? NULL : demanded(address, error);

    return area && area->file;
}

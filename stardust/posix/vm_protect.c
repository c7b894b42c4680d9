/*
 * mprotect: of what was mapped, and of pages of the program's own image.
 */
#include "sys.h"

#include <errno.h>
#include <sys/mman.h>

#include "vm.h"

/* The area that the range begins in, cut to the range. The range is covered. */
static struct sd_area part(uintptr_t start, uintptr_t end)
{
    const struct sd_area *area = sd_areas_find(&sd_vm_areas, start);

    return (struct sd_area){start, sd_vm_smaller(area->end, end), area->rights, area->file};
}

/* Whether none of it shows a file that is open for less. */
static bool is_allowed(uintptr_t start, uintptr_t end, int prot)
{
    while ((prot & PROT_WRITE) && start < end) {
        struct sd_area area = part(start, end);

        if (area.rights & SD_AREA_READ_ONLY)
            return false;
        start = area.end;
    }
    return true;
}

/* Pages that have to be had for it. */
static size_t charge(uintptr_t start, uintptr_t end, int prot)
{
    size_t pages = 0;

    while (prot && start < end) {
        struct sd_area area = part(start, end);

        if (!(area.rights & SD_AREA_DEMAND) && !area.file)
            pages += sd_vm_absent(area.start, area.end);
        start = area.end;
    }
    return pages;
}

/* A thread's stack, of which its guard page is the rest, becomes usable. */
static int begin_stack(const struct sd_area *area, int prot)
{
    if (!(area->rights & SD_AREA_STACK) || (area->rights & SD_AREA_PROT) || !prot)
        return 0;
    return sd_vm_populate(sd_vm_stack_top(area->start, area->end), area->end, prot);
}

static int protect(uintptr_t start, uintptr_t end, int prot)
{
    int error = 0;

    while (start < end && !error) {
        struct sd_area area = part(start, end);
        int rights = (area.rights & ~SD_AREA_PROT) | prot;
        uintptr_t done;

        start = area.end;
        if (area.file) {
            sd_vm_protect_shared(&area, prot);
            continue;
        }
        error = sd_vm_set(area.start, area.end, (unsigned)prot, !(rights & SD_AREA_DEMAND), &done);
        sd_areas_set(&sd_vm_areas, area.start, done, rights);
        if (!error)
            error = begin_stack(&area, prot);
    }
    return error;
}

long sd_sys_mprotect(void *address, size_t bytes, int prot)
{
    uintptr_t start = (uintptr_t)address, end;
    int error = sd_vm_check_prot(prot);
    size_t pages;

    if (error || start % XEN_PAGE_SIZE)
        return error ? error : -EINVAL;
    if (!bytes)
        return 0;
    if (bytes > SD_VM_HIDDEN)
        return -ENOMEM;
    end = start + sd_vm_round_up(bytes);
    if (start < SD_VM_LOW)
        return sd_vm_protect_image(start, end, prot);
    if (sd_vm_check_range(start, &bytes) || !sd_areas_cover(&sd_vm_areas, start, end))
        return -ENOMEM;
    if (!is_allowed(start, end, prot))
        return -EACCES;
    pages = charge(start, end, prot);
    if (pages && !sd_vm_has(pages))
        return -ENOMEM;
    /* Of the areas within the range only the first and the last can be cut. */
    error = sd_areas_reserve(&sd_vm_areas, 2);
    return error ? error : protect(start, end, prot);
}

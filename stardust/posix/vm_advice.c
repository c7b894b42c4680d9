/*
 * What a program says of its memory, and asks: madvise, mlock and mincore. Nothing is ever swapped out, so
 * that locking is no more than making sure that the memory is there.
 */
#define _GNU_SOURCE /* for all advices, and mincore */
#include "sys.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "copy.h"
#include "vm.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* Those that Linux knows of normal memory, by number. */
#define KNOWN                                                                                                \
    (1u << MADV_NORMAL | 1u << MADV_RANDOM | 1u << MADV_SEQUENTIAL | 1u << MADV_WILLNEED |                   \
     1u << MADV_DONTNEED | 1u << MADV_FREE | 1u << MADV_REMOVE | 1u << MADV_DONTFORK | 1u << MADV_DOFORK |   \
     1u << MADV_MERGEABLE | 1u << MADV_UNMERGEABLE | 1u << MADV_HUGEPAGE | 1u << MADV_NOHUGEPAGE |           \
     1u << MADV_DONTDUMP | 1u << MADV_DODUMP | 1u << MADV_WIPEONFORK | 1u << MADV_KEEPONFORK |               \
     1u << MADV_COLD | 1u << MADV_PAGEOUT | 1u << MADV_POPULATE_READ | 1u << MADV_POPULATE_WRITE)

/* The contents go: what was charged keeps its pages. */
static void forget(const struct sd_area *area)
{
    if (area->rights & SD_AREA_DEMAND)
        sd_vm_drop(area->start, area->end);
    else
        sd_vm_clear(area->start, area->end);
}

/* Of an area, or a part of one. */
static int advise(const struct sd_area *area, int advice)
{
    bool shared = area->rights & SD_AREA_SHARED, copy = area->rights & SD_AREA_COPY;

    switch (advice) {
    case MADV_DONTNEED:
        /* Shared contents stay. A file is not read anew: a copy that may have changed would have to be. */
        if (copy && (area->rights & PROT_WRITE))
            return -EINVAL;
        if (!shared && !copy)
            forget(area);
        return 0;
    case MADV_FREE:
        if (shared || copy)
            return -EINVAL;
        if (area->rights & SD_AREA_DEMAND)
            forget(area);
        return 0;
    case MADV_REMOVE:
        if (!shared)
            return -EINVAL;
        if (area->file)
            return sd_vm_punch(area);
        forget(area);
        return 0;
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        if (!(area->rights & (advice == MADV_POPULATE_WRITE ? PROT_WRITE : SD_AREA_PROT)))
            return -EFAULT;
        return area->file ? sd_vm_show_all(area) : sd_vm_populate(area->start, area->end, area->rights);
    default:
        return 0;
    }
}

/* Every part of the range that is mapped; -ENOMEM besides when some is not. */
static int advise_range(uintptr_t start, uintptr_t end, int advice)
{
    int error = 0, result = 0;

    while (start < end && !error) {
        const struct sd_area *found = sd_areas_find(&sd_vm_areas, start);
        struct sd_area area = found ? *found : (struct sd_area){end, end, 0, 0};

        if (area.start > start)
            result = -ENOMEM;
        if (area.start >= end)
            break;
        area.start = area.start > start ? area.start : start;
        area.end = sd_vm_smaller(area.end, end);
        error = advise(&area, advice);
        start = area.end;
    }
    return error ? error : result;
}

long sd_sys_madvise(void *address, size_t bytes, int advice)
{
    uintptr_t start = (uintptr_t)address;

    if (start % XEN_PAGE_SIZE || (unsigned)advice > 31 || !(KNOWN >> advice & 1) ||
        bytes > SIZE_MAX - XEN_PAGE_SIZE || start + sd_vm_round_up(bytes) < start)
        return -EINVAL;
    if (!bytes)
        return 0;
    if (!sd_vm_is_in_range(start, bytes)) {
        /* The image and the stack: there is nothing to do, and what would change them is not for them. */
        if (!sd_vm_is_mapped(start, bytes))
            return -ENOMEM;
        return advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE ? -EINVAL : 0;
    }
    return advise_range(start, start + sd_vm_round_up(bytes), advice);
}

long sd_sys_msync(void *address, size_t bytes, int flags)
{
    uintptr_t start = (uintptr_t)address;

    if (start % XEN_PAGE_SIZE || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    return sd_vm_is_mapped(start, bytes) ? 0 : -ENOMEM;
}

long sd_sys_mincore(void *address, size_t bytes, unsigned char *resident)
{
    uintptr_t start = (uintptr_t)address;

    if (start % XEN_PAGE_SIZE)
        return -EINVAL;
    if (!sd_vm_is_mapped(start, bytes))
        return -ENOMEM;
    for (size_t i = 0; i < sd_vm_round_up(bytes) >> XEN_PAGE_SHIFT; i++) {
        uintptr_t page = start + (i << XEN_PAGE_SHIFT);
        unsigned char is_there = !sd_vm_is_in_range(page, XEN_PAGE_SIZE) || sd_vm_is_there(page);

        if (sd_copy_out(resident + i, &is_there, 1))
            return -EFAULT;
    }
    return 0;
}

long sd_sys_mlock(const void *address, size_t bytes)
{
    uintptr_t start = (uintptr_t)address, end = sd_vm_round_up(start + bytes);
    int error;

    start &= ~(XEN_PAGE_SIZE - 1);
    if (end < start)
        return -EINVAL;
    if (!sd_vm_is_mapped(start, end - start))
        return -ENOMEM;
    if (start == end || !sd_vm_is_in_range(start, end - start))
        return 0;
    error = advise_range(start, end, MADV_POPULATE_READ);
    return error == -EFAULT ? -ENOMEM : error;
}

long sd_sys_munlock(const void *address, size_t bytes)
{
    uintptr_t start = (uintptr_t)address;

    if (start + bytes < start)
        return -EINVAL;
    return sd_vm_is_mapped(start, bytes) ? 0 : -ENOMEM;
}

long sd_sys_mlockall(int flags)
{
    int known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;

    return !(flags & ~known) && (flags & (MCL_CURRENT | MCL_FUTURE)) ? 0 : -EINVAL;
}

long sd_sys_munlockall(void)
{
    return 0;
}

/*
 * mremap: a mapping grows, shrinks or moves, with its memory.
 */
#define _GNU_SOURCE /* for the flags */
#include "sys.h"

#include <errno.h>
#include <sys/mman.h>

#include "main_stack.h"
#include "vm.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* One request: what becomes what. */
struct remap {
    uintptr_t from;
    size_t bytes, new_bytes;
    int rights;
    unsigned file;
    bool keeps; /* the old place stays mapped, without its contents */
};

static struct sd_area area_of(const struct remap *remap)
{
    return (struct sd_area){remap->from, remap->from + remap->bytes, remap->rights, remap->file};
}

/* Grows where it is, if nothing is behind. */
static bool extend(const struct remap *remap)
{
    uintptr_t end = remap->from + remap->bytes, new_end = remap->from + remap->new_bytes;

    struct sd_area area = area_of(remap);

    if (!sd_vm_is_in_range(end - 1, new_end - end + 1) || (end <= SD_VM_BRK_END && new_end > SD_VM_BRK_END) ||
        !sd_areas_are_free(&sd_vm_areas, end, new_end))
        return false;
    return remap->file ? sd_vm_extend_shared(&area, new_end) : !sd_vm_add(end, new_end, remap->rights);
}

static long move(const struct remap *remap, uintptr_t to)
{
    uintptr_t from = remap->from;
    size_t bytes = remap->bytes, kept = bytes < remap->new_bytes ? bytes : remap->new_bytes;
    struct sd_area area = area_of(remap);
    int error = 0;

    if (remap->file)
        return sd_vm_move_shared(&area, to, remap->new_bytes);
    if (remap->keeps && remap->rights & SD_AREA_PROT && !(remap->rights & SD_AREA_DEMAND) &&
        !sd_vm_has(bytes >> XEN_PAGE_SHIFT))
        return -ENOMEM;
    if (bytes < remap->new_bytes)
        error = sd_vm_add(to + bytes, to + remap->new_bytes, remap->rights);
    if (error)
        return error;
    error = sd_vm_move(from, to, kept, (unsigned)remap->rights & SD_AREA_PROT);
    if (error) {
        sd_vm_remove(to, to + remap->new_bytes);
        return error;
    }
    sd_areas_set(&sd_vm_areas, to, to + kept, remap->rights);
    sd_vm_remove(from, from + bytes);
    if (remap->keeps && sd_vm_add(from, from + bytes, remap->rights)) {
        /* Its page tables took the last page: the old place is gone, as without the flag. */
    }
    return (long)to;
}

/* A fixed place: in the range, apart from the old one, and made free. */
static int take_place(const struct remap *remap, uintptr_t to)
{
    size_t bytes = remap->new_bytes;

    if (sd_vm_check_range(to, &bytes) || (to < remap->from + remap->bytes && remap->from < to + bytes))
        return -EINVAL;
    sd_vm_remove(to, to + bytes);
    return 0;
}

static int check_flags(int flags, size_t bytes, size_t new_bytes)
{
    int moves = flags & MREMAP_MAYMOVE;

    if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) || (flags && !moves))
        return -EINVAL;
    if ((flags & MREMAP_DONTUNMAP) && bytes != new_bytes)
        return -EINVAL;
    return bytes && new_bytes ? 0 : -EINVAL;
}

/* What stands in one area may be remapped; a copy of a file may not grow, as the file is not known any more.
 */
static int check_area(struct remap *remap)
{
    const struct sd_area *area = sd_areas_find(&sd_vm_areas, remap->from);

    if (!area || area->start > remap->from || area->end < remap->from + remap->bytes)
        return -EFAULT;
    remap->rights = area->rights;
    remap->file = area->file;
    if ((area->rights & SD_AREA_COPY) && (remap->keeps || remap->new_bytes > remap->bytes))
        return -EINVAL;
    return remap->keeps && (area->rights & SD_AREA_SHARED) ? -EINVAL : 0;
}

long sd_sys_mremap(void *address, size_t old_bytes, size_t new_bytes, int flags, void *place)
{
    struct remap remap = {.from = (uintptr_t)address, .keeps = flags & MREMAP_DONTUNMAP};
    uintptr_t to = (uintptr_t)place;
    int error = check_flags(flags, old_bytes, new_bytes);

    /* The main thread's stack stays as it is: how pthread_getattr_np finds its size. */
    if (!error && remap.from >= sd_main_stack_low && remap.from < SD_MAIN_STACK_TOP)
        return -ENOMEM;
    if (error || sd_vm_check_range(remap.from, &old_bytes))
        return -EINVAL;
    if (new_bytes > SD_VM_HIDDEN)
        return -ENOMEM;
    remap.bytes = old_bytes;
    remap.new_bytes = sd_vm_round_up(new_bytes);
    error = check_area(&remap);
    if (!error)
        error = sd_areas_reserve(&sd_vm_areas, 5);
    if (error)
        return error;
    if (flags & MREMAP_FIXED) {
        error = take_place(&remap, to);
        return error ? error : move(&remap, to);
    }
    if (!remap.keeps && remap.new_bytes <= remap.bytes) {
        sd_vm_remove(remap.from + remap.new_bytes, remap.from + remap.bytes);
        return (long)remap.from;
    }
    if (!remap.keeps && extend(&remap))
        return (long)remap.from;
    if (!(flags & MREMAP_MAYMOVE) || !sd_vm_place(remap.new_bytes, &to))
        return -ENOMEM;
    return move(&remap, to);
}

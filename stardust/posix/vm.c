/*
 * mmap and its family: anonymous memory, charged when it is mapped.
 *
 * brk has the first 4 GiB of the range to itself. Memory is writable or executable, never both (EACCES). The
 * image is not part of all this: its pages stay as they are linked.
 */
#define _GNU_SOURCE /* for the flags of mremap and madvise */
#include "sys.h"

#include <errno.h>
#include <sys/mman.h>

#include <xenlib/pagetable.h>

#include "area.h"
#include "file.h"
#include "vm_pages.h"

_Static_assert(PROT_READ == XEN_PROT_READ && PROT_WRITE == XEN_PROT_WRITE && PROT_EXEC == XEN_PROT_EXEC,
               "protection");

#define BRK_END   (SD_VM_LOW + 0x100000000UL)
#define PROT_BITS (PROT_READ | PROT_WRITE | PROT_EXEC)

/* No lock: nothing here waits, and the kernel is not preempted. */
static struct sd_areas areas;
static uintptr_t brk_end = SD_VM_LOW;

static size_t round_up(size_t bytes)
{
    return (bytes + XEN_PAGE_SIZE - 1) & ~(XEN_PAGE_SIZE - 1);
}

static bool is_in_range(uintptr_t start, size_t bytes)
{
    return start >= SD_VM_LOW && start < SD_VM_HIGH && bytes <= SD_VM_HIGH - start;
}

static int check_prot(int prot)
{
    if (prot & ~PROT_BITS)
        return -EINVAL;
    return (prot & PROT_WRITE) && (prot & PROT_EXEC) ? -EACCES : 0;
}

/* Memory for a range that has none, and its area. The range's place in the list is reserved. */
static int add(uintptr_t start, uintptr_t end, int prot)
{
    uintptr_t done;

    if (prot && !sd_vm_has((end - start) >> XEN_PAGE_SHIFT))
        return -ENOMEM;
    if (prot && sd_vm_set(start, end, (unsigned)prot, &done)) {
        sd_vm_drop(start, done);
        return -ENOMEM;
    }
    sd_areas_set(&areas, start, end, prot);
    return 0;
}

static void drop(uintptr_t start, uintptr_t end)
{
    sd_vm_drop(start, end);
    sd_areas_set(&areas, start, end, SD_AREA_FREE);
}

/* Where a mapping goes. */
static int choose(uintptr_t wanted, size_t bytes, int flags, uintptr_t *start)
{
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE), fits;

    if (fixed && wanted % XEN_PAGE_SIZE)
        return -EINVAL;
    wanted &= ~(XEN_PAGE_SIZE - 1);
    fits = is_in_range(wanted, bytes);
    if (fixed && !fits)
        return -ENOMEM;
    if (fits && (fixed || wanted >= BRK_END)) {
        *start = wanted;
        if ((flags & MAP_FIXED) || sd_areas_are_free(&areas, wanted, wanted + bytes))
            return 0;
        if (fixed)
            return -EEXIST;
    }
    return sd_areas_gap(&areas, BRK_END, SD_VM_HIGH, bytes, start) ? 0 : -ENOMEM;
}

static int check_file(int fd)
{
    struct sd_file *file = sd_fd_get(fd);

    if (!file)
        return -EBADF;
    sd_file_put(file);
    return -ENODEV;
}

long sd_sys_mmap(void *address, size_t bytes, int prot, int flags, int fd, long offset)
{
    int type = flags & MAP_TYPE, error = check_prot(prot);
    uintptr_t start;

    if (error)
        return error;
    if (!bytes || offset % (long)XEN_PAGE_SIZE || (type != MAP_PRIVATE && type != MAP_SHARED))
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS))
        return check_file(fd);
    if (bytes > SD_VM_HIDDEN)
        return -ENOMEM;
    bytes = round_up(bytes);
    error = choose((uintptr_t)address, bytes, flags, &start);
    if (error)
        return error;
    error = sd_areas_reserve(&areas, 2);
    if (error)
        return error;
    if (!sd_areas_are_free(&areas, start, start + bytes))
        drop(start, start + bytes);
    error = add(start, start + bytes, prot);
    return error ? error : (long)start;
}

/* 0 when the range is one that these calls may change. */
static int check_range(uintptr_t start, size_t *bytes)
{
    if (start % XEN_PAGE_SIZE || *bytes > SD_VM_HIDDEN)
        return -EINVAL;
    *bytes = round_up(*bytes);
    return is_in_range(start, *bytes) ? 0 : -EINVAL;
}

long sd_sys_munmap(void *address, size_t bytes)
{
    uintptr_t start = (uintptr_t)address;
    int error = bytes ? check_range(start, &bytes) : -EINVAL;

    if (!error)
        error = sd_areas_reserve(&areas, 1);
    if (!error && !sd_areas_are_free(&areas, start, start + bytes))
        drop(start, start + bytes);
    return error;
}

long sd_sys_mprotect(void *address, size_t bytes, int prot)
{
    uintptr_t start = (uintptr_t)address, end, done;
    int error = check_prot(prot);

    if (error || start % XEN_PAGE_SIZE)
        return error ? error : -EINVAL;
    if (!bytes)
        return 0;
    if (check_range(start, &bytes) || !sd_areas_cover(&areas, start, start + bytes))
        return -ENOMEM;
    end = start + bytes;
    if (prot && !sd_vm_has(sd_vm_absent(start, end)))
        return -ENOMEM;
    error = sd_areas_reserve(&areas, 1);
    if (error)
        return error;
    error = sd_vm_set(start, end, (unsigned)prot, &done);
    sd_areas_set(&areas, start, done, prot);
    return error;
}

/* Grows where it is, if nothing is behind. */
static bool extend(uintptr_t end, uintptr_t new_end, int prot)
{
    return is_in_range(end - 1, new_end - end + 1) && (end > BRK_END || new_end <= BRK_END) &&
           sd_areas_are_free(&areas, end, new_end) && !add(end, new_end, prot);
}

static long move(uintptr_t from, size_t bytes, uintptr_t to, size_t new_bytes, int prot)
{
    size_t kept = bytes < new_bytes ? bytes : new_bytes;
    int error = bytes < new_bytes ? add(to + bytes, to + new_bytes, prot) : 0;

    if (error)
        return error;
    error = sd_vm_move(from, to, kept, (unsigned)prot);
    if (error) {
        drop(to, to + new_bytes);
        return error;
    }
    sd_areas_set(&areas, to, to + kept, prot);
    drop(from, from + bytes);
    return (long)to;
}

/* A fixed place: in the range, apart from the old one, and made free. */
static int take_place(uintptr_t place, uintptr_t start, size_t bytes, size_t new_bytes)
{
    if (check_range(place, &new_bytes) || (place < start + bytes && start < place + new_bytes))
        return -EINVAL;
    drop(place, place + new_bytes);
    return 0;
}

long sd_sys_mremap(void *address, size_t old_bytes, size_t new_bytes, int flags, void *place)
{
    uintptr_t start = (uintptr_t)address, to = (uintptr_t)place;
    const struct sd_area *area;
    int error, prot;

    if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) ||
        (flags & (MREMAP_MAYMOVE | MREMAP_FIXED)) == MREMAP_FIXED)
        return -EINVAL;
    if (!old_bytes || !new_bytes || check_range(start, &old_bytes))
        return -EINVAL;
    if (new_bytes > SD_VM_HIDDEN)
        return -ENOMEM;
    new_bytes = round_up(new_bytes);
    area = sd_areas_find(&areas, start);
    if (!area || area->start > start || area->end < start + old_bytes)
        return -EFAULT;
    prot = area->prot;
    error = sd_areas_reserve(&areas, 4);
    if (error)
        return error;
    if (flags & MREMAP_FIXED) {
        error = take_place(to, start, old_bytes, new_bytes);
        return error ? error : move(start, old_bytes, to, new_bytes, prot);
    }
    if (new_bytes <= old_bytes) {
        drop(start + new_bytes, start + old_bytes);
        return (long)start;
    }
    if (extend(start + old_bytes, start + new_bytes, prot))
        return (long)start;
    if (!(flags & MREMAP_MAYMOVE) || !sd_areas_gap(&areas, BRK_END, SD_VM_HIGH, new_bytes, &to))
        return -ENOMEM;
    return move(start, old_bytes, to, new_bytes, prot);
}

long sd_sys_madvise(void *address, size_t bytes, int advice)
{
    uintptr_t start = (uintptr_t)address;

    if (start % XEN_PAGE_SIZE || advice < 0 || (advice > MADV_FREE && advice < MADV_REMOVE) ||
        advice > MADV_PAGEOUT)
        return -EINVAL;
    if (!bytes)
        return 0;
    if (check_range(start, &bytes) || !sd_areas_cover(&areas, start, start + bytes))
        return -ENOMEM;
    if (advice == MADV_DONTNEED)
        sd_vm_clear(start, start + bytes);
    return 0;
}

long sd_sys_brk(void *end)
{
    uintptr_t wanted = (uintptr_t)end, from = round_up(brk_end), to;

    if (wanted < SD_VM_LOW || wanted > BRK_END || sd_areas_reserve(&areas, 1))
        return (long)brk_end;
    to = round_up(wanted);
    if (to < from)
        drop(to, from);
    else if (to > from && (!sd_areas_are_free(&areas, from, to) || add(from, to, PROT_READ | PROT_WRITE)))
        return (long)brk_end;
    brk_end = wanted;
    return (long)brk_end;
}

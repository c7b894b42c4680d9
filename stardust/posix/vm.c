/*
 * mmap, munmap and brk.
 *
 * Anonymous memory is charged when it is mapped, so that there is enough of it later, except where the
 * program asks for none yet (MAP_NORESERVE, PROT_NONE) and for stacks that may be absent. Memory is writable
 * or executable, never both (EACCES).
 */
#define _GNU_SOURCE /* for the flags */
#include "vm.h"

#include <errno.h>
#include <sys/mman.h>

#include <xenlib/pagetable.h>

#include "main_stack.h"
#include "sys.h"

_Static_assert(PROT_READ == XEN_PROT_READ && PROT_WRITE == XEN_PROT_WRITE && PROT_EXEC == XEN_PROT_EXEC,
               "protection");
_Static_assert((PROT_READ | PROT_WRITE | PROT_EXEC) == SD_AREA_PROT, "rights");

/* What a mapping may ask for that we cannot do: to grow by itself, to lie low, to be made of large pages. */
#define REFUSED (MAP_GROWSDOWN | MAP_32BIT | MAP_HUGETLB)

/* All that MAP_SHARED_VALIDATE lets pass. */
#define KNOWN                                                                                                \
    (MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_POPULATE | \
     MAP_LOCKED | MAP_NONBLOCK | MAP_DENYWRITE | MAP_EXECUTABLE)

struct sd_areas sd_vm_areas;
size_t sd_vm_limit = SIZE_MAX;
static uintptr_t brk_end = SD_VM_LOW;

bool sd_vm_is_in_range(uintptr_t start, size_t bytes)
{
    return start >= SD_VM_LOW && start < SD_VM_HIGH && bytes <= SD_VM_HIGH - start;
}

int sd_vm_check_prot(int prot)
{
    if (prot & ~SD_AREA_PROT)
        return -EINVAL;
    return (prot & PROT_WRITE) && (prot & PROT_EXEC) ? -EACCES : 0;
}

int sd_vm_check_range(uintptr_t start, size_t *bytes)
{
    if (start % XEN_PAGE_SIZE || *bytes > SD_VM_HIDDEN)
        return -EINVAL;
    *bytes = sd_vm_round_up(*bytes);
    return sd_vm_is_in_range(start, *bytes) ? 0 : -EINVAL;
}

bool sd_vm_is_mapped(uintptr_t start, size_t bytes)
{
    uintptr_t end = sd_vm_round_up(start + bytes);

    start &= ~(XEN_PAGE_SIZE - 1);
    if (end < start)
        return false;
    if (start >= sd_main_stack_low && end <= SD_MAIN_STACK_TOP)
        return true;
    if (sd_vm_is_in_range(start, end - start))
        return sd_areas_cover(&sd_vm_areas, start, end);
    for (; start < end; start += XEN_PAGE_SIZE)
        if (!xen_pt_query((const void *)start, NULL, NULL))
            return false;
    return true;
}

bool sd_vm_is_within_limit(size_t bytes)
{
    size_t total = sd_vm_limit == SIZE_MAX ? 0 : sd_areas_total(&sd_vm_areas);

    return total <= sd_vm_limit && bytes <= sd_vm_limit - total;
}

int sd_vm_add(uintptr_t start, uintptr_t end, int rights)
{
    unsigned prot = (unsigned)rights & SD_AREA_PROT;
    uintptr_t done;

    if (!sd_vm_is_within_limit(end - start))
        return -ENOMEM;
    if (prot && !(rights & SD_AREA_DEMAND)) {
        if (!sd_vm_has((end - start) >> XEN_PAGE_SHIFT))
            return -ENOMEM;
        if (sd_vm_set(start, end, prot, true, &done)) {
            sd_vm_drop(start, done);
            return -ENOMEM;
        }
    }
    sd_areas_set(&sd_vm_areas, start, end, rights);
    return 0;
}

void sd_vm_remove(uintptr_t start, uintptr_t end)
{
    sd_vm_unshare(start, end);
    sd_vm_drop(start, end);
    sd_areas_set(&sd_vm_areas, start, end, SD_AREA_FREE);
}

bool sd_vm_place(size_t bytes, uintptr_t *start)
{
    return sd_areas_gap(&sd_vm_areas, SD_VM_BRK_END, SD_VM_HIGH, bytes, start);
}

/* Where a mapping goes. */
static int choose(uintptr_t wanted, size_t bytes, int flags, uintptr_t *start)
{
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE), fits;

    if (fixed && wanted % XEN_PAGE_SIZE)
        return -EINVAL;
    wanted &= ~(XEN_PAGE_SIZE - 1);
    fits = sd_vm_is_in_range(wanted, bytes);
    if (fixed && !fits)
        return -ENOMEM;
    if (fits && (fixed || wanted >= SD_VM_BRK_END)) {
        *start = wanted;
        if ((flags & MAP_FIXED) || sd_areas_are_free(&sd_vm_areas, wanted, wanted + bytes))
            return 0;
        if (fixed)
            return -EEXIST;
    }
    return sd_vm_place(bytes, start) ? 0 : -ENOMEM;
}

static int check_flags(int flags)
{
    int type = flags & MAP_TYPE;

    if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && ((flags & ~KNOWN) || (flags & MAP_ANONYMOUS)))
        return flags & MAP_ANONYMOUS ? -EINVAL : -EOPNOTSUPP;
    return flags & REFUSED ? -ENOMEM : 0;
}

static long map_memory(uintptr_t start, size_t bytes, int prot, int flags)
{
    int rights = prot | sd_vm_demand(flags) | ((flags & MAP_TYPE) == MAP_PRIVATE ? 0 : SD_AREA_SHARED);
    int error = sd_vm_add(start, start + bytes, rights);

    if (error)
        return error;
    if (rights & SD_AREA_STACK)
        error = sd_vm_populate(sd_vm_stack_top(start, start + bytes), start + bytes, rights);
    /* Asked for at once: as far as there is memory, as on Linux. */
    if (!error && (flags & (MAP_POPULATE | MAP_LOCKED)) &&
        sd_vm_populate(start, start + bytes, rights) == -ENOMEM && (flags & MAP_LOCKED))
        error = -EAGAIN;
    if (error)
        sd_vm_remove(start, start + bytes);
    return error ? error : (long)start;
}

long sd_sys_mmap(void *address, size_t bytes, int prot, int flags, int fd, long offset)
{
    bool anonymous = flags & MAP_ANONYMOUS;
    uintptr_t start;
    int error;

    if (!bytes || offset % (long)XEN_PAGE_SIZE)
        return -EINVAL;
    if (bytes > SD_VM_HIDDEN)
        return -ENOMEM;
    bytes = sd_vm_round_up(bytes);
    error = check_flags(flags);
    if (!error && !anonymous) {
        error = sd_vm_check_file(fd, prot, flags, offset, bytes);
        anonymous = error == -ENOTBLK;
        error = anonymous ? 0 : error;
    }
    if (!error)
        error = sd_vm_check_prot(prot);
    if (!error)
        error = choose((uintptr_t)address, bytes, flags, &start);
    if (!error)
        error = sd_areas_reserve(&sd_vm_areas, 2);
    if (error)
        return error;
    if (!sd_areas_are_free(&sd_vm_areas, start, start + bytes))
        sd_vm_remove(start, start + bytes);
    return anonymous ? map_memory(start, bytes, prot, flags)
                     : sd_vm_map_file(start, bytes, prot, flags, fd, offset);
}

long sd_sys_munmap(void *address, size_t bytes)
{
    uintptr_t start = (uintptr_t)address;
    int error = bytes ? sd_vm_check_range(start, &bytes) : -EINVAL;

    if (!error)
        error = sd_areas_reserve(&sd_vm_areas, 1);
    if (!error && !sd_areas_are_free(&sd_vm_areas, start, start + bytes))
        sd_vm_remove(start, start + bytes);
    return error;
}

long sd_sys_brk(void *end)
{
    uintptr_t wanted = (uintptr_t)end, from = sd_vm_round_up(brk_end), to;

    if (wanted < SD_VM_LOW || wanted > SD_VM_BRK_END || sd_areas_reserve(&sd_vm_areas, 1))
        return (long)brk_end;
    to = sd_vm_round_up(wanted);
    if (to < from)
        sd_vm_remove(to, from);
    else if (to > from &&
             (!sd_areas_are_free(&sd_vm_areas, from, to) || sd_vm_add(from, to, PROT_READ | PROT_WRITE)))
        return (long)brk_end;
    brk_end = wanted;
    return (long)brk_end;
}

/*
 * Between the files of mmap's family. A range is page-aligned and lies where programs map, unless a function
 * says otherwise. No lock: nothing here waits while it changes an area, and the kernel is not preempted.
 */
#ifndef STARDUST_POSIX_VM_H
#define STARDUST_POSIX_VM_H

#include "area.h"
#include "vm_pages.h"

/* brk has the beginning of the range to itself. */
#define SD_VM_BRK_END (SD_VM_LOW + 0x100000000UL)

extern struct sd_areas sd_vm_areas;

/* The most that all areas may have together, in bytes (RLIMIT_AS). */
extern size_t sd_vm_limit;

static inline size_t sd_vm_round_up(size_t bytes)
{
    return (bytes + XEN_PAGE_SIZE - 1) & ~(XEN_PAGE_SIZE - 1);
}

static inline uintptr_t sd_vm_smaller(uintptr_t a, uintptr_t b)
{
    return a < b ? a : b;
}

/* Whether the bytes, not aligned either, lie where programs map. */
bool sd_vm_is_in_range(uintptr_t start, size_t bytes);

/* 0, -EINVAL for bits that are none, -EACCES for memory both writable and executable. */
int sd_vm_check_prot(int prot);

/* Rounds *bytes up; 0 when that is a range of ours, else -EINVAL. */
int sd_vm_check_range(uintptr_t start, size_t *bytes);

/* Whether something is mapped at every page, of the range or of anything else. */
bool sd_vm_is_mapped(uintptr_t start, size_t bytes);

/* Whether so many bytes more may be mapped (RLIMIT_AS). */
bool sd_vm_is_within_limit(size_t bytes);

/* An area with its memory for a range that has none. The list's room is reserved. 0 or -ENOMEM. */
int sd_vm_add(uintptr_t start, uintptr_t end, int rights) xen_must_check;
void sd_vm_remove(uintptr_t start, uintptr_t end);

/* A free place for a mapping; false when there is none so large. */
bool sd_vm_place(size_t bytes, uintptr_t *start);

/* ---- vm_demand.c: memory that comes when it is touched ---- */

/* What kind of area such flags of mmap's ask for: SD_AREA_DEMAND or 0. */
int sd_vm_demand(int flags);

/* Where that part of a stack begins that has its memory from the start, so that a thread that has begun does
 * not end for want of it: its thread-local variables and the first frames. */
uintptr_t sd_vm_stack_top(uintptr_t start, uintptr_t end);

/* Memory now for what an area's range lacks. 0 or -ENOMEM. */
int sd_vm_populate(uintptr_t start, uintptr_t end, int rights) xen_must_check;

/* ---- vm_file.c ---- */

/* mmap of a file; start, bytes and flags are checked. */
long sd_vm_map_file(uintptr_t start, size_t bytes, int prot, int flags, int fd, long offset);

/* 0, or why it cannot be mapped so; -ENOTBLK for /dev/zero, which is as good as no file. */
int sd_vm_check_file(int fd, int prot, int flags, long offset, size_t bytes) xen_must_check;

/* ---- vm_shared.c: areas that show a file's own pages ---- */

struct sd_file;
struct sd_node;

/* mmap of such a file, where nothing is mapped. The address or -ENOMEM; the list's room is reserved. */
long sd_vm_map_shared(uintptr_t start, size_t bytes, int prot, struct sd_file *file, long offset);

/* The page comes into sight: 0, -ENXIO behind the file's end, -ENOSPC, -ENOMEM. Exception context, too. */
int sd_vm_show(const struct sd_area *area, uintptr_t page) xen_must_check;
/* All of the part of an area: 0 or -EFAULT. */
int sd_vm_show_all(const struct sd_area *area) xen_must_check;

/* Parts of areas, with the list's room reserved: other rights; the area goes on behind its end, where nothing
 * is; moves to where nothing is, and maybe another size. The address or -ENOMEM. */
void sd_vm_protect_shared(const struct sd_area *part, int prot);
bool sd_vm_extend_shared(const struct sd_area *part, uintptr_t end) xen_must_check;
long sd_vm_move_shared(const struct sd_area *from, uintptr_t to, size_t bytes) xen_must_check;

/* Takes the file's contents away: 0, -EACCES, what fallocate says. */
int sd_vm_punch(const struct sd_area *area) xen_must_check;

/* What of the range shows files does not any more; the areas are the caller's to free. */
void sd_vm_unshare(uintptr_t start, uintptr_t end);

/* ---- vm_image.c ---- */

/* mprotect of pages of the program's own image. */
int sd_vm_protect_image(uintptr_t start, uintptr_t end, int prot) xen_must_check;

#endif

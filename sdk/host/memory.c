/*
 * Memory is one file without a name, as large as the guest's memory would be, shown whole in the direct map
 * and in pieces wherever a page table would show it. What is mapped where is kept in a table of our own
 * besides, an entry a page, as Linux does not tell.
 *
 * The image stays as Linux loaded it: its frames, which come behind the memory's, can be shown at their own
 * addresses only.
 */
#define _GNU_SOURCE /* memfd_create */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <xenlib/memory.h>
#include <xenlib/pagetable.h>

#define ADDRESS_END (1ul << 39)
#define SECTION     512ul           /* pages for which `there` has a count */
#define REGION      (SECTION * 512) /* and `there_all` */
#define PAGES       (ADDRESS_END >> XEN_PAGE_SHIFT)

/* An entry: the frame, four bits of rights, and one that something is mapped at all. */
#define PRESENT     0x10u
#define RIGHTS      0x0fu
#define FRAME_SHIFT 8

extern char xen_image_start[], xen_image_end[], xen_text_end[], xen_rodata_end[], xen_boot_stack_guard[];

static uint64_t *table;
static uint16_t there[PAGES / SECTION];
static uint32_t there_all[PAGES / REGION];
static int memory = -1; /* the file's descriptor */
static struct xen_memory_layout layout;

const struct xen_memory_layout *xen_memory_layout(void)
{
    return &layout;
}

static long map(uintptr_t at, size_t bytes, int prot, int flags, int fd, uint64_t offset)
{
    return host_call(SYS_mmap, (long)at, (long)bytes, prot, flags, fd, (long)offset);
}

static bool failed(long result)
{
    return result < 0 && result > -4096;
}

static int linux_prot(unsigned prot)
{
    return (prot ? PROT_READ : 0) | (prot & XEN_PROT_WRITE ? PROT_WRITE : 0) |
           (prot & XEN_PROT_EXEC ? PROT_EXEC : 0);
}

static void set(size_t page, uint64_t entry)
{
    bool was = table[page] & PRESENT, is = entry & PRESENT;

    table[page] = entry;
    there[page / SECTION] = (uint16_t)(there[page / SECTION] + is - was);
    there_all[page / REGION] += (uint32_t)is - (uint32_t)was;
}

static void set_range(uintptr_t va, pfn_t first, size_t count, unsigned prot)
{
    for (size_t i = 0; i < count; i++)
        set((va >> XEN_PAGE_SHIFT) + i, (first.n + i) << FRAME_SHIFT | PRESENT | prot);
}

static bool is_bad(uintptr_t va, size_t count, unsigned prot)
{
    return va % XEN_PAGE_SIZE || va >= ADDRESS_END || count > (ADDRESS_END - va) >> XEN_PAGE_SHIFT ||
           ((prot & XEN_PROT_WRITE) && (prot & XEN_PROT_EXEC));
}

static bool is_image(uintptr_t va)
{
    return va >= (uintptr_t)xen_image_start && va < (uintptr_t)xen_image_end;
}

int xen_pt_map(void *va, pfn_t first, size_t count, unsigned prot)
{
    uintptr_t at = (uintptr_t)va;
    long result;

    if (is_bad(at, count, prot))
        return -EINVAL;
    if (first.n >= layout.end.n) {
        if (!is_image(at) || xen_virt_to_pfn(va).n != first.n)
            return -EINVAL;
        result = HOST_CALL(SYS_mprotect, va, count << XEN_PAGE_SHIFT, linux_prot(prot), 0);
    } else {
        result = map(at, count << XEN_PAGE_SHIFT, linux_prot(prot), MAP_SHARED | MAP_FIXED, memory,
                     first.n << XEN_PAGE_SHIFT);
    }
    if (failed(result))
        return -ENOMEM;
    set_range(at, first, count, prot);
    return 0;
}

int xen_pt_unmap(void *va, size_t count)
{
    uintptr_t at = (uintptr_t)va;
    size_t bytes = count << XEN_PAGE_SHIFT;

    if (is_bad(at, count, 0))
        return -EINVAL;
    if (failed(is_image(at) ? HOST_CALL(SYS_mprotect, va, bytes, PROT_NONE, 0)
                            : HOST_CALL(SYS_munmap, va, bytes, 0, 0)))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        set((at >> XEN_PAGE_SHIFT) + i, 0);
    return 0;
}

int xen_pt_protect(void *va, size_t count, unsigned prot)
{
    size_t page = (uintptr_t)va >> XEN_PAGE_SHIFT;

    if (is_bad((uintptr_t)va, count, prot))
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!(table[page + i] & PRESENT))
            return -ENOENT;
    if (failed(HOST_CALL(SYS_mprotect, va, count << XEN_PAGE_SHIFT, linux_prot(prot), 0)))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        set(page + i, (table[page + i] & ~(uint64_t)RIGHTS) | prot);
    return 0;
}

bool xen_pt_query(const void *va, pfn_t *pfn, unsigned *prot)
{
    uint64_t entry = (uintptr_t)va < ADDRESS_END ? table[(uintptr_t)va >> XEN_PAGE_SHIFT] : 0;

    if (!(entry & PRESENT))
        return false;
    if (pfn)
        pfn->n = entry >> FRAME_SHIFT;
    if (prot)
        *prot = (unsigned)entry & RIGHTS;
    return true;
}

uintptr_t xen_pt_next(uintptr_t va, uintptr_t end)
{
    size_t page = va >> XEN_PAGE_SHIFT, last = end >> XEN_PAGE_SHIFT;

    while (page < last && page < PAGES && !(table[page] & PRESENT)) {
        if (!there_all[page / REGION])
            page = (page / REGION + 1) * REGION;
        else if (!there[page / SECTION])
            page = (page / SECTION + 1) * SECTION;
        else
            page++;
    }
    return page < last ? (uintptr_t)page << XEN_PAGE_SHIFT : end;
}

/* All of it is there from the start; Linux gives it pages as it is touched. */
int xen_memory_map_direct(pfn_t first, size_t count)
{
    (void)first;
    (void)count;
    return 0;
}

static void map_image(void)
{
    uintptr_t start = (uintptr_t)xen_image_start, text = (uintptr_t)xen_text_end,
              data = (uintptr_t)xen_rodata_end;
    pfn_t first = layout.image;

    set_range(start, first, (text - start) >> XEN_PAGE_SHIFT, XEN_PROT_READ | XEN_PROT_EXEC);
    first.n += (text - start) >> XEN_PAGE_SHIFT;
    set_range(text, first, (data - text) >> XEN_PAGE_SHIFT, XEN_PROT_READ);
    first.n += (data - text) >> XEN_PAGE_SHIFT;
    set_range(data, first, ((uintptr_t)xen_image_end - data) >> XEN_PAGE_SHIFT,
              XEN_PROT_READ | XEN_PROT_WRITE);
    if (xen_pt_unmap(xen_boot_stack_guard, 1))
        host_fail("the stack has no guard");
}

void host_make_memory(size_t megabytes)
{
    uint64_t pages = megabytes << (20 - XEN_PAGE_SHIFT);
    long made = map(0, PAGES * sizeof(*table), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    memory = (int)HOST_CALL(SYS_memfd_create, "stardust", MFD_CLOEXEC, 0, 0);
    if (failed(made) || memory < 0 || failed(HOST_CALL(SYS_ftruncate, memory, pages << XEN_PAGE_SHIFT, 0, 0)))
        host_fail("Linux has no memory for it");
    table = (uint64_t *)made;
    layout = (struct xen_memory_layout){.free = {{{0}, {pages}}},
                                        .free_count = 1,
                                        .image = {pages},
                                        .mapped_end = {512},
                                        .end = {pages},
                                        .pages = pages};
    if (xen_pt_map((void *)XEN_DIRECT, (pfn_t){0}, pages, XEN_PROT_READ | XEN_PROT_WRITE))
        host_fail("Linux has something at the addresses of the memory");
    map_image();
}

void host_load_file(const char *path, const void **bytes, size_t *count)
{
    long fd = HOST_CALL(SYS_open, path, O_RDONLY | O_CLOEXEC, 0, 0), made;
    struct stat file = {0};

    if (fd < 0 || HOST_CALL(SYS_fstat, fd, &file, 0, 0) || file.st_size <= 0)
        host_fail("STARDUST_RAMDISK names no file that can be read");
    made = map(0, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, (int)fd, 0);
    if (failed(made))
        host_fail("the ramdisk does not fit into the address space");
    HOST_CALL(SYS_close, fd, 0, 0, 0);
    *bytes = (const void *)made;
    *count = (size_t)file.st_size;
}

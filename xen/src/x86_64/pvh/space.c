/*
 * The address space of a PVH guest: native page tables. The direct map is made of large pages, except where
 * text and constants lie; those must not be writable there either.
 */
#include <errno.h>

#include <xenlib/pagetable.h>
#include <xenlib/platform.h>
#include <xensys/hypercall.h>

#include "pvh.h"

#define SECTION_SHIFT  21
#define FIRST_GIB      (1ull << 30)
#define SECTION_FRAMES ((uint64_t)PT_ENTRIES)

/* The tables, as the linker script and the entry code lay them out. */
static uint64_t *table(const char *tables, size_t number)
{
    return (uint64_t *)((uintptr_t)tables + number * XEN_PAGE_SIZE);
}

static uint64_t physical(const void *address)
{
    return xen_virt_to_pfn(address).n << XEN_PAGE_SHIFT;
}

static uint64_t *direct_sections(void)
{
    return table(xen_boot_tables, 0);
}

static void flush(void)
{
    uint64_t root;

    __asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(root)::"memory");
}

static void map_section(size_t section)
{
    if (!direct_sections()[section])
        direct_sections()[section] = (uint64_t)section << SECTION_SHIFT | PTE_DATA | PTE_LARGE;
}

const void *pvh_reach(uint64_t address, uint64_t bytes)
{
    if (address >= FIRST_GIB || bytes > FIRST_GIB - address)
        return NULL;
    for (uint64_t section = address >> SECTION_SHIFT; section << SECTION_SHIFT < address + bytes; section++)
        map_section(section);
    return (const void *)(XEN_DIRECT + address);
}

/* A section with text or constants in it, page by page. */
static void map_by_pages(size_t section, uint64_t *pages)
{
    size_t first = section * SECTION_FRAMES, image = xen_layout.image.n,
           end = image + xen_image_page(xen_rodata_end);

    for (size_t i = 0; i < PT_ENTRIES; i++) {
        size_t frame = first + i;
        uint64_t rights = frame >= image && frame < end ? PTE_PRESENT | PTE_ACCESSED | PTE_NX : PTE_DATA;

        pages[i] = frame << XEN_PAGE_SHIFT | rights;
    }
    direct_sections()[section] = physical(pages) | PTE_TABLE;
}

void pvh_space_init(void)
{
    uint64_t *image = table(xen_boot_tables, 1), *l3 = table(xen_pvh_tables, 1),
             *l2 = table(xen_pvh_tables, 2);
    size_t pages = xen_image_page(xen_image_end);
    size_t sections =
        (xen_layout.image.n + xen_image_page(xen_rodata_end) + SECTION_FRAMES - 1) / SECTION_FRAMES;

    for (size_t page = 0; page < pages; page++) {
        uint64_t rights = xen_image_rights(page);

        image[page] = rights ? (xen_layout.image.n + page) << XEN_PAGE_SHIFT | rights : 0;
    }
    for (size_t section = 0; section < sections; section++)
        map_by_pages(section, table(xen_pvh_tables, 3 + section));
    l3[XEN_DIRECT >> 30] = physical(direct_sections()) | PTE_TABLE;
    l2[0] = 0;
    flush();
    xen_pt_root = xen_pfn_to_virt(xen_virt_to_pfn(l3));
}

void pvh_space_finish(void)
{
    for (size_t section = 0; section * SECTION_FRAMES < xen_layout.mapped_end.n; section++)
        map_section(section);
}

void pvh_map_over(const char *page, mfn_t frame)
{
    table(xen_boot_tables, 1)[xen_image_page(page)] = frame.n << XEN_PAGE_SHIFT | PTE_DATA;
    __asm__ volatile("invlpg %0" ::"m"(*page) : "memory");
}

mfn_t xen_pvh_pfn_to_mfn(pfn_t pfn)
{
    return (mfn_t){pfn.n};
}

pfn_t xen_pvh_mfn_to_pfn(mfn_t mfn)
{
    return (pfn_t){mfn.n < xen_layout.end.n ? mfn.n : UINT64_MAX};
}

void xen_pvh_frame_changed(pfn_t pfn, mfn_t frame)
{
    (void)pfn;
    (void)frame;
}

int xen_pvh_pt_adopt(void *page)
{
    (void)page;
    return 0;
}

int xen_pvh_pt_apply(const struct xen_pt_update *updates, size_t count)
{
    for (size_t i = 0; i < count; i++)
        WRITE_ONCE(*updates[i].entry, updates[i].value);
    flush();
    return 0;
}

int xen_pvh_memory_map_direct(pfn_t first, size_t count)
{
    int error = 0;

    while (count && !error) {
        void *va = xen_pfn_to_virt(first);
        size_t n = count < PT_ENTRIES ? count : PT_ENTRIES;

        error = n == PT_ENTRIES ? xen_pt_map_large(va, (mfn_t){first.n})
                                : xen_pt_map(va, first, n, XEN_PROT_WRITE);
        first.n += n;
        count -= n;
    }
    return error;
}

long pvh_put(unsigned space, size_t index, mfn_t place)
{
    struct xen_add_to_physmap put = {.domid = DOMID_SELF, .space = space, .idx = index, .gpfn = place.n};

    return HYPERVISOR_memory_op(XENMEM_add_to_physmap, &put);
}

int xen_pvh_grant_frame(unsigned index, mfn_t *frame)
{
    *frame = pvh_place(PVH_GRANT_TABLE + index);
    return index < PVH_GRANT_WINDOW - PVH_GRANT_TABLE ? (int)pvh_put(XENMAPSPACE_grant_table, index, *frame)
                                                      : -ENOSPC;
}

static mfn_t window_frame(const void *page)
{
    return pvh_place(PVH_GRANT_WINDOW + (((uintptr_t)page - XEN_MAPPINGS) >> XEN_PAGE_SHIFT));
}

uint64_t xen_pvh_grant_window_address(const void *page)
{
    return window_frame(page).n << XEN_PAGE_SHIFT;
}

int xen_pvh_grant_window_show(void *page, bool readonly)
{
    return xen_pt_map_frame(page, window_frame(page), readonly);
}

void xen_pvh_grant_window_hide(void *page)
{
    if (xen_pt_unmap(page, 1))
        xen_platform_panic("grant window: %p cannot be unmapped", page);
}

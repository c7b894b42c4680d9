/*
 * The address space at the start, in one batch.
 *
 * The toolstack maps the first frames from 2 MiB on, all of them writable and executable. Going through them
 * one by one would be most of the boot, so they are not touched: their tables are hung in elsewhere, below
 * entries that forbid execution, and become the beginning of the direct map. The image gets fresh tables at
 * its own addresses, with few entries in them: text, constants, data, each with its own rights, and nothing
 * at all for guards and for page 0.
 *
 * A page that serves as a table must be writable nowhere: the new ones are taken out of reach in the same
 * batch, as are text and constants in the direct map.
 */
#include "pv.h"

#include <xensys/hypercall.h>

uint64_t *xen_pv_p2m;

/* Text and constants of one image are at most this many pages in one batch; more go in several. */
#define BATCH 64

struct batch {
    struct mmu_update updates[BATCH];
    unsigned count;
    long error;
};

/* In .bss: the boot stack is small and guarded. */
static struct batch batch;

__attribute__((noinline)) static void batch_flush(void)
{
    if (batch.count && !batch.error)
        batch.error = HYPERVISOR_mmu_update(batch.updates, batch.count, NULL);
    batch.count = 0;
}

/* Changes one entry, given by its table's machine address. */
static void batch_set(uint64_t table, size_t index, uint64_t value)
{
    if (batch.count == BATCH)
        batch_flush();
    batch.updates[batch.count++] =
        (struct mmu_update){(table & PTE_FRAME) + index * sizeof(uint64_t) + MMU_NORMAL_PT_UPDATE, value};
}

static uint64_t *initial_table(uint64_t entry)
{
    return pv_initial(pv_mfn_to_pfn((entry & PTE_FRAME) >> XEN_PAGE_SHIFT));
}

/* What the image's page number `page` is mapped to, at its own address: from the tables on, which have to be
 * writable nowhere, only the shared info. */
static uint64_t image_entry(size_t page, uint64_t shared_info)
{
    uint64_t rights = xen_image_rights(page);

    if (page == xen_image_page(xen_shared_page))
        return shared_info | PTE_DATA;
    return rights && page < xen_image_page(xen_boot_tables) ? pv_entry((pfn_t){page}, rights) : 0;
}

/* In the direct map, where everything is writable, these pages are not: text, constants, and the new tables.
 */
static void protect_direct(const uint64_t *tables, const void *from, const void *to)
{
    for (size_t page = xen_image_page(from); page < xen_image_page(to); page++)
        batch_set(tables[page / PT_ENTRIES], page % PT_ENTRIES,
                  pv_entry((pfn_t){page}, PTE_PRESENT | PTE_ACCESSED | PTE_NX));
}

static size_t count_mapped(const uint64_t *l2)
{
    size_t tables = 0, last = 0;

    while (tables < PT_ENTRIES - 1 && (l2[1 + tables] & PTE_PRESENT))
        tables++;
    if (!tables)
        return 0;
    for (const uint64_t *l1 = initial_table(l2[tables]); last < PT_ENTRIES && (l1[last] & PTE_PRESENT);
         last++)
        ;
    return (tables - 1) * PT_ENTRIES + last;
}

long pv_space_init(const struct start_info *info)
{
    const uint64_t *l4 = (const uint64_t *)info->pt_base;
    const uint64_t *l3 = initial_table(l4[0]), *l2 = initial_table(l3[0]);
    uint64_t *direct = (uint64_t *)(void *)xen_boot_tables, *image = direct + PT_ENTRIES;
    size_t pages = xen_image_page(xen_shared_page) + 1, tables;

    xen_pv_p2m = (uint64_t *)info->mfn_list;
    xen_layout.mapped_end.n = count_mapped(l2);
    tables = (xen_layout.mapped_end.n + PT_ENTRIES - 1) / PT_ENTRIES;

    for (size_t page = 0; page < pages; page++)
        image[page] = image_entry(page, info->shared_info);
    for (size_t i = 0; i < tables; i++)
        direct[i] = l2[1 + i] | PTE_NX;

    protect_direct(direct, xen_boot_tables, xen_shared_page);
    batch_set(l4[0], XEN_DIRECT >> 30, pv_entry((pfn_t){xen_image_page(direct)}, PTE_TABLE));
    batch_flush();
    if (batch.error)
        return batch.error;
    /* What follows takes these out of the initial mapping, maybe in several batches, and reads on. */
    xen_pv_p2m = pv_direct(xen_pv_p2m);
    direct = pv_direct(direct);
    xen_pt_root = pv_direct(l3);
    for (size_t i = 0; i < tables; i++) {
        size_t table = xen_image_page(image + i * PT_ENTRIES);

        batch_set(xen_pt_root[0], 1 + i, i * PT_ENTRIES < pages ? pv_entry((pfn_t){table}, PTE_TABLE) : 0);
    }
    /* Only now: until here this code ran by the very entries that lose the right to be executed. */
    protect_direct(direct, xen_image_start, xen_rodata_end);
    batch_flush();
    if (!batch.error)
        batch.error = HYPERVISOR_mmuext_op(&(struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL}, 1, NULL);
    return batch.error;
}

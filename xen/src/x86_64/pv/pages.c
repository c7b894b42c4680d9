/*
 * Frames and page tables of a running PV guest: machine frames in entries, and Xen asked for every change.
 */
#include <xenlib/memory.h>

#include <errno.h>

#include <xenlib/pagetable.h>
#include <xenlib/platform.h>
#include <xensys/hypercall.h>

#include "pv.h"

mfn_t xen_pv_pfn_to_mfn(pfn_t pfn)
{
    return (mfn_t){xen_pv_p2m[pfn.n]};
}

/* The M2P has an entry for every machine frame, ours or not: what it says counts only if the P2M agrees. */
pfn_t xen_pv_mfn_to_pfn(mfn_t mfn)
{
    pfn_t pfn = pv_mfn_to_pfn(mfn.n);

    if (pfn.n >= xen_layout.end.n || xen_pv_p2m[pfn.n] != mfn.n)
        return (pfn_t){UINT64_MAX};
    return pfn;
}

void xen_pv_frame_changed(pfn_t pfn, mfn_t frame)
{
    xen_pv_p2m[pfn.n] = frame.n;
}

/* As many as pagetable.c gives at a time. */
#define BATCH 128

int xen_pv_pt_apply(const struct xen_pt_update *updates, size_t count)
{
    /* Not on the stack, which is a program's when it is a page fault that wants a page: nothing here faults,
     * waits or is preempted, so that it has one user at a time. Each vCPU would need its own. */
    static struct mmu_update batch[BATCH];
    long result = 0, flushed;
    bool stale = false;

    while (count && !result) {
        size_t n = count < BATCH ? count : BATCH;

        for (size_t i = 0; i < n; i++) {
            uint64_t machine = xen_virt_to_mfn(updates[i].entry).n << XEN_PAGE_SHIFT;

            stale |= *updates[i].entry & PTE_PRESENT;
            machine |= (uintptr_t)updates[i].entry & (XEN_PAGE_SIZE - 1);
            batch[i] = (struct mmu_update){machine | MMU_NORMAL_PT_UPDATE, updates[i].value};
        }
        result = HYPERVISOR_mmu_update(batch, (unsigned)n, NULL);
        updates += n;
        count -= n;
    }
    /* The CPU keeps no translation of what was not there. */
    if (!stale)
        return (int)result;
    /* After an error, too: those before it are done. */
    flushed = HYPERVISOR_mmuext_op(&(struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL}, 1, NULL);
    return (int)(result ? result : flushed);
}

int xen_pv_pt_adopt(void *page)
{
    uint64_t entry = pv_entry(xen_virt_to_pfn(page), PTE_PRESENT | PTE_ACCESSED | PTE_NX);

    return (int)HYPERVISOR_update_va_mapping((uintptr_t)page, entry, UVMF_INVLPG);
}

/* A table of 512 pages filled here and checked by Xen as a whole costs a fraction of 512 updates. */
static int map_section(pfn_t first, size_t count)
{
    uint64_t *table = xen_platform_page_alloc();
    int error;

    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < PT_ENTRIES; i++)
        table[i] = i < count ? pv_entry((pfn_t){first.n + i}, PTE_DATA) : 0;
    error = xen_pv_pt_adopt(table);
    if (!error)
        error = xen_pt_link(xen_pfn_to_virt(first), table);
    return error;
}

int xen_pv_memory_map_direct(pfn_t first, size_t count)
{
    int error = 0;

    while (count && !error) {
        size_t n = count < PT_ENTRIES ? count : PT_ENTRIES;

        error = map_section(first, n);
        first.n += n;
        count -= n;
    }
    return error;
}

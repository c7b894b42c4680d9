#include "vm_pages.h"

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>
#include <xenlib/memory.h>
#include <xenlib/pagetable.h>
#include <xenlib/platform.h>

#include "../mem/mem.h"

/* Pages that stay for the kernel, those that stay for stacks, and those that a page table serves. */
#define KEPT_BACK       16
#define KEPT_FOR_STACKS 32
#define PER_TABLE       512

enum place { ABSENT, SHOWN, HIDDEN };

static void *at(uintptr_t address)
{
    return (void *)address;
}

static enum place place_of(uintptr_t page, pfn_t *pfn)
{
    if (xen_pt_query(at(page), pfn, NULL))
        return SHOWN;
    return xen_pt_query(at(page + SD_VM_HIDDEN), pfn, NULL) ? HIDDEN : ABSENT;
}

/* The first page from `start` on that has memory, or `end`. */
static uintptr_t next_present(uintptr_t start, uintptr_t end)
{
    uintptr_t shown = xen_pt_next(start, end);

    return xen_pt_next(start + SD_VM_HIDDEN, shown + SD_VM_HIDDEN) - SD_VM_HIDDEN;
}

/* The end of the run of pages that are where the first one is. */
static uintptr_t run_end(uintptr_t start, uintptr_t end, enum place *place)
{
    uintptr_t page = start;

    *place = place_of(start, NULL);
    if (*place == ABSENT)
        return next_present(start, end);
    do
        page += XEN_PAGE_SIZE;
    while (page < end && place_of(page, NULL) == *place);
    return page;
}

static void unmap(uintptr_t start, uintptr_t end)
{
    /* Page by page mapped, hence nothing to take apart, and nothing that could fail. */
    if (xen_pt_unmap(at(start), (end - start) >> XEN_PAGE_SHIFT))
        xen_platform_panic("0x%lx to 0x%lx cannot be unmapped", start, end);
}

static size_t kept_for_stacks;

void sd_vm_keep_for_stacks(void)
{
    kept_for_stacks = KEPT_FOR_STACKS;
}

size_t sd_vm_kept_for_stacks(void)
{
    return kept_for_stacks;
}

static bool has(size_t pages, size_t kept)
{
    struct sd_memory_stats stats;

    sd_page_stats(&stats);
    return stats.pages_free >= kept && pages <= stats.pages_free - kept &&
           pages + pages / PER_TABLE + 3 <= stats.pages_free - kept;
}

bool sd_vm_has(size_t pages)
{
    return has(pages, KEPT_BACK + kept_for_stacks + sd_pages_kept());
}

size_t sd_vm_absent(uintptr_t start, uintptr_t end)
{
    size_t absent = 0;

    while (start < end) {
        uintptr_t present = next_present(start, end);

        absent += (present - start) >> XEN_PAGE_SHIFT;
        start = present + XEN_PAGE_SIZE;
    }
    return absent;
}

bool sd_vm_is_there(uintptr_t page)
{
    return place_of(page, NULL) != ABSENT;
}

int sd_vm_fill_page(uintptr_t page, unsigned prot, bool stack)
{
    void *block = (stack ? has(1, KEPT_BACK + sd_pages_kept() / 2) : sd_vm_has(1)) ? sd_page_alloc(0) : NULL;

    if (!block)
        return -ENOMEM;
    memset(block, 0, XEN_PAGE_SIZE);
    if (!xen_pt_map(at(page), xen_virt_to_pfn(block), 1, prot))
        return 0;
    sd_page_free(block, 0);
    return -ENOMEM;
}

static int fill(uintptr_t start, uintptr_t end, unsigned prot)
{
    unsigned order = SD_PAGE_ORDER_MAX;
    uintptr_t page = start;

    while (page < end) {
        void *block;

        while (order && XEN_PAGE_SIZE << order > end - page)
            order--;
        block = sd_page_alloc(order);
        if (!block && order) {
            order--;
            continue;
        }
        if (!block)
            goto drop;
        memset(block, 0, XEN_PAGE_SIZE << order);
        if (xen_pt_map(at(page), xen_virt_to_pfn(block), 1ul << order, prot)) {
            sd_page_free(block, order);
            goto drop;
        }
        page += XEN_PAGE_SIZE << order;
    }
    return 0;

drop:
    sd_vm_drop(start, page);
    return -ENOMEM;
}

/* Maps at `to` what is mapped at `from`; frames that follow each other at once. */
static int alias(uintptr_t from, uintptr_t to, size_t bytes, unsigned prot)
{
    size_t offset = 0;

    while (offset < bytes) {
        size_t count = 1;
        pfn_t first, next;

        offset = xen_pt_next(from + offset, from + bytes) - from;
        if (offset == bytes || !xen_pt_query(at(from + offset), &first, NULL))
            break;
        while (offset + count * XEN_PAGE_SIZE < bytes &&
               xen_pt_query(at(from + offset + count * XEN_PAGE_SIZE), &next, NULL) &&
               next.n == first.n + count)
            count++;
        if (xen_pt_map(at(to + offset), first, count, prot)) {
            unmap(to, to + offset);
            return -ENOMEM;
        }
        offset += count * XEN_PAGE_SIZE;
    }
    return 0;
}

static int shift(uintptr_t from, uintptr_t to, size_t bytes, unsigned prot)
{
    int error = alias(from, to, bytes, prot);

    if (!error)
        unmap(from, from + bytes);
    return error;
}

static int set_run(uintptr_t start, uintptr_t end, unsigned prot, enum place place)
{
    switch (place) {
    case SHOWN:
        if (prot)
            return xen_pt_protect(at(start), (end - start) >> XEN_PAGE_SHIFT, prot);
        return shift(start, start + SD_VM_HIDDEN, end - start, XEN_PROT_READ);
    case HIDDEN:
        return prot ? shift(start + SD_VM_HIDDEN, start, end - start, prot) : 0;
    case ABSENT:
        return prot ? fill(start, end, prot) : 0;
    }
    return 0;
}

int sd_vm_set(uintptr_t start, uintptr_t end, unsigned prot, bool fill_absent, uintptr_t *done)
{
    while (start < end) {
        enum place place;
        uintptr_t stop = run_end(start, end, &place);

        *done = start;
        if ((place != ABSENT || fill_absent) && set_run(start, stop, prot, place))
            return -ENOMEM;
        start = stop;
    }
    *done = end;
    return 0;
}

void sd_vm_drop(uintptr_t start, uintptr_t end)
{
    enum { BATCH = 128 };

    while ((start = next_present(start, end)) < end) {
        uintptr_t stop = end - start > BATCH * XEN_PAGE_SIZE ? start + BATCH * XEN_PAGE_SIZE : end;
        pfn_t frames[BATCH];
        bool hidden = false;
        size_t count = 0;

        for (uintptr_t page = start; page < stop; page += XEN_PAGE_SIZE) {
            enum place place = place_of(page, &frames[count]);

            count += place != ABSENT;
            hidden |= place == HIDDEN;
        }
        unmap(start, stop);
        if (hidden)
            unmap(start + SD_VM_HIDDEN, stop + SD_VM_HIDDEN);
        while (count--)
            sd_page_free(xen_pfn_to_virt(frames[count]), 0);
        start = stop;
    }
}

int sd_vm_move(uintptr_t from, uintptr_t to, size_t bytes, unsigned prot)
{
    if (prot)
        return shift(from, to, bytes, prot);
    return shift(from + SD_VM_HIDDEN, to + SD_VM_HIDDEN, bytes, XEN_PROT_READ);
}

void sd_vm_clear(uintptr_t start, uintptr_t end)
{
    for (; (start = next_present(start, end)) < end; start += XEN_PAGE_SIZE) {
        pfn_t pfn;

        if (place_of(start, &pfn) != ABSENT)
            memset(xen_pfn_to_virt(pfn), 0, XEN_PAGE_SIZE);
    }
}

/*
 * Page tables as both rooms have them: four levels, walked by software, changed in batches through the room.
 */
#include <xenlib/pagetable.h>

#include <errno.h>
#include <string.h>

#include <xenlib/memory.h>
#include <xenlib/platform.h>

#include "room.h"

/* Changes that go to the room at once, which a PV guest pays a hypercall or two for. */
#define BATCH 128

uint64_t *xen_pt_root;

/* Everything this library maps lies in the first 512 GiB, so a walk starts at the L3 table. */
#define ADDRESS_END (1ull << 39)

static size_t index_at(uintptr_t va, unsigned level)
{
    return va >> (XEN_PAGE_SHIFT + 9 * (level - 1)) & (PT_ENTRIES - 1);
}

static uint64_t *table_behind(uint64_t entry)
{
    return xen_pfn_to_virt(xen_mfn_to_pfn((mfn_t){(entry & PTE_FRAME) >> XEN_PAGE_SHIFT}));
}

/* The entry that maps `va` at `level` (3, 2 or 1), or NULL when there is no table for it. */
static uint64_t *find_entry(uintptr_t va, unsigned level)
{
    uint64_t *table = xen_pt_root;

    for (unsigned at = 3; at > level; at--) {
        uint64_t entry = table[index_at(va, at)];

        if (!(entry & PTE_PRESENT) || (entry & PTE_LARGE))
            return NULL;
        table = table_behind(entry);
    }
    return &table[index_at(va, level)];
}

static uint64_t table_entry(const void *table)
{
    return xen_virt_to_mfn(table).n << XEN_PAGE_SHIFT | PTE_TABLE;
}

/* A new table, adopted: empty, or with what a large page has mapped until now. */
static int make_table(uint64_t above, uint64_t **table)
{
    uint64_t *fresh = xen_platform_page_alloc();
    int error;

    if (!fresh)
        return -ENOMEM;
    if (above & PTE_PRESENT)
        for (uint64_t i = 0; i < PT_ENTRIES; i++)
            fresh[i] = (above & ~PTE_LARGE) + (i << XEN_PAGE_SHIFT);
    else
        memset(fresh, 0, XEN_PAGE_SIZE);
    error = xen_room_pt_adopt(fresh);
    if (error)
        xen_platform_page_free(fresh);
    else
        *table = fresh;
    return error;
}

/* Makes sure that the entry at `level` exists, with new tables where there are none. */
static int make_entry(uintptr_t va, unsigned level, uint64_t **entry)
{
    for (unsigned at = 3; at > level; at--) {
        uint64_t *above = find_entry(va, at);
        struct xen_pt_update link;
        uint64_t *table;
        int error;

        if ((*above & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT)
            continue;
        error = make_table(*above, &table);
        if (error)
            return error;
        link = (struct xen_pt_update){above, table_entry(table)};
        error = xen_room_pt_apply(&link, 1);
        if (error)
            return error;
    }
    *entry = find_entry(va, level);
    return 0;
}

int xen_pt_link(const void *va, const void *table)
{
    struct xen_pt_update link = {NULL, table_entry(table)};
    int error = make_entry((uintptr_t)va, 2, &link.entry);

    return error ? error : xen_room_pt_apply(&link, 1);
}

int xen_pt_reserve(const void *va)
{
    uint64_t *entry;

    return make_entry((uintptr_t)va, 1, &entry);
}

int xen_pt_map_large(const void *va, mfn_t first)
{
    struct xen_pt_update update = {.value = first.n << XEN_PAGE_SHIFT | PTE_DATA | PTE_LARGE};
    int error = make_entry((uintptr_t)va, 2, &update.entry);

    return error ? error : xen_room_pt_apply(&update, 1);
}

int xen_pt_map_frame(const void *va, mfn_t frame, bool readonly)
{
    struct xen_pt_update update = {
        .value = frame.n << XEN_PAGE_SHIFT | (readonly ? PTE_DATA & ~(PTE_WRITE | PTE_DIRTY) : PTE_DATA),
    };
    int error = make_entry((uintptr_t)va, 1, &update.entry);

    return error ? error : xen_room_pt_apply(&update, 1);
}

static bool is_valid(const void *va, size_t count, unsigned prot)
{
    uintptr_t start = (uintptr_t)va;

    if (start % XEN_PAGE_SIZE || start < XEN_PAGE_SIZE || start >= ADDRESS_END)
        return false;
    if (count > (ADDRESS_END - start) >> XEN_PAGE_SHIFT)
        return false;
    return !((prot & XEN_PROT_WRITE) && (prot & XEN_PROT_EXEC));
}

static uint64_t prot_bits(unsigned prot)
{
    uint64_t bits = PTE_PRESENT | PTE_ACCESSED;

    if (prot & XEN_PROT_WRITE)
        bits |= PTE_WRITE | PTE_DIRTY;
    if (!(prot & XEN_PROT_EXEC))
        bits |= PTE_NX;
    return bits;
}

/* One pass over a range: what an entry becomes is the caller's business. */
struct pass {
    uint64_t (*change)(const struct pass *pass, size_t page, uint64_t old);
    uint64_t first; /* first frame, for map */
    uint64_t bits;
};

static uint64_t change_map(const struct pass *pass, size_t page, uint64_t old)
{
    (void)old;
    return xen_pfn_to_mfn((pfn_t){pass->first + page}).n << XEN_PAGE_SHIFT | pass->bits;
}

/* Takes out what change_map wrote, told by its frame: to the other bits Xen and the CPU add their own. */
static uint64_t change_back(const struct pass *pass, size_t page, uint64_t old)
{
    return (old ^ change_map(pass, page, old)) & PTE_FRAME ? old : 0;
}

/* A non-present entry has to be 0 altogether: address bits in it count as an attack (L1TF). */
static uint64_t change_unmap(const struct pass *pass, size_t page, uint64_t old)
{
    (void)pass;
    (void)page;
    (void)old;
    return 0;
}

static uint64_t change_protect(const struct pass *pass, size_t page, uint64_t old)
{
    (void)page;
    return (old & PTE_FRAME) | pass->bits;
}

static int run_pass(const struct pass *pass, uintptr_t va, size_t count)
{
    /* Not on the stack: see xen_pv_pt_apply. */
    static struct xen_pt_update batch[BATCH];
    size_t n = 0;
    int error = 0;

    for (size_t page = 0; page < count && !error; page++) {
        uintptr_t at = va + (page << XEN_PAGE_SHIFT);
        uint64_t *entry = find_entry(at, 1);

        if (!entry) /* nor for the rest of its table */
            page += PT_ENTRIES - 1 - index_at(at, 1);
        else if (pass->change == change_map || (*entry & PTE_PRESENT))
            batch[n++] = (struct xen_pt_update){entry, pass->change(pass, page, *entry)};
        if (n == BATCH) {
            error = xen_room_pt_apply(batch, n);
            n = 0;
        }
    }
    return n && !error ? xen_room_pt_apply(batch, n) : error;
}

int xen_pt_map(void *va, pfn_t first, size_t count, unsigned prot)
{
    struct pass pass = {change_map, first.n, prot_bits(prot)};
    uint64_t frames = xen_memory_layout()->end.n;
    int error;

    if (!prot || !is_valid(va, count, prot) || first.n > frames || count > frames - first.n)
        return -EINVAL;
    for (size_t page = 0; page < count; page++) {
        error = xen_pt_reserve((char *)va + (page << XEN_PAGE_SHIFT));
        if (error)
            return error;
    }
    error = run_pass(&pass, (uintptr_t)va, count);
    if (error) {
        pass.change = change_back;
        if (run_pass(&pass, (uintptr_t)va, count)) {
            /* Xen takes nothing at all any more; the first error says enough. */
        }
    }
    return error;
}

/* Takes large pages in a range apart, so that single pages of it can change. */
static int take_apart(uintptr_t va, size_t count)
{
    int error = 0;

    for (size_t page = 0; page < count && !error;
         page += PT_ENTRIES - index_at(va + (page << XEN_PAGE_SHIFT), 1)) {
        uintptr_t at = va + (page << XEN_PAGE_SHIFT);
        uint64_t *entry = find_entry(at, 2);

        if (entry && (*entry & PTE_LARGE))
            error = make_entry(at, 1, &entry);
    }
    return error;
}

int xen_pt_unmap(void *va, size_t count)
{
    struct pass pass = {change_unmap, 0, 0};
    int error;

    if (!is_valid(va, count, 0))
        return -EINVAL;
    error = take_apart((uintptr_t)va, count);
    if (error)
        return error;
    return run_pass(&pass, (uintptr_t)va, count);
}

int xen_pt_protect(void *va, size_t count, unsigned prot)
{
    struct pass pass = {change_protect, 0, prot_bits(prot)};
    int error;

    if (!prot || !is_valid(va, count, prot))
        return -EINVAL;
    for (size_t page = 0; page < count; page++)
        if (!xen_pt_query((char *)va + (page << XEN_PAGE_SHIFT), NULL, NULL))
            return -ENOENT;
    error = take_apart((uintptr_t)va, count);
    if (error)
        return error;
    return run_pass(&pass, (uintptr_t)va, count);
}

bool xen_pt_query(const void *va, pfn_t *pfn, unsigned *prot)
{
    uintptr_t at = (uintptr_t)va;
    const uint64_t *entry, *above;

    if (at >= ADDRESS_END)
        return false;
    above = find_entry(at, 2);
    if (!above || !(*above & PTE_PRESENT))
        return false;
    entry = *above & PTE_LARGE ? above : find_entry(at, 1);
    if (!(*entry & PTE_PRESENT))
        return false;
    if (pfn) {
        *pfn = xen_mfn_to_pfn((mfn_t){(*entry & PTE_FRAME) >> XEN_PAGE_SHIFT});
        pfn->n += entry == above ? index_at(at, 1) : 0;
    }
    /* Execution can be forbidden at any level; the direct map does so at its second. */
    if (prot)
        *prot = XEN_PROT_READ | (*entry & PTE_WRITE ? XEN_PROT_WRITE : 0u) |
                ((*entry | *above) & PTE_NX ? 0u : XEN_PROT_EXEC);
    return true;
}

uintptr_t xen_pt_next(uintptr_t va, uintptr_t end)
{
    while (va < end) {
        unsigned level = 3, shift;

        while (*find_entry(va, level) & PTE_PRESENT) {
            if (level == 1 || (*find_entry(va, level) & PTE_LARGE))
                return va;
            level--;
        }
        shift = XEN_PAGE_SHIFT + 9 * (level - 1);
        va = ((va >> shift) + 1) << shift;
    }
    return end;
}

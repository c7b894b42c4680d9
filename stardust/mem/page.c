/*
 * Pages: a buddy allocator over sections of 2 MiB.
 *
 * A section is what one table of the direct map covers. Sections are brought in one by one as memory is asked
 * for, so that neither boot time nor bookkeeping depends on the guest's size: what a section needs to know of
 * its pages stands in its own first page. Only the sections that are mapped from the start, which hold the
 * image, keep theirs elsewhere.
 */
#include <stardust/memory.h>

#include <string.h>

#include <xenlib/list.h>
#include <xenlib/memory.h>
#include <xenlib/platform.h>

#include "mem.h"

#define SECTION_PAGES 512u
#define ORDERS        (SD_PAGE_ORDER_MAX + 1)

/* Single pages come and go all the time: so many that are free are not joined with their neighbours. */
#define SINGLES 32

/* Page-table pages that bringing in a section may take; kept back for that. */
#define RESERVE 4

/* One bit a block: set while the block is free and not part of a larger free one. Block i of order k is bit
 * (512 >> k) + i, so that the bit of the block around it is half of that. */
struct section {
    uint64_t free[2 * SECTION_PAGES / 64];
};

static struct {
    struct xen_list free[ORDERS];
    struct section *initial; /* of the sections mapped at the start */
    size_t initial_count;
    size_t range;      /* of the layout's free ranges, the one that is being brought in */
    pfn_t next;        /* its first frame that is not yet */
    size_t to_come;    /* pages not brought in yet */
    size_t free_pages; /* in the lists */
    size_t singles;    /* of them, in that of order 0 */
    size_t fewest;     /* that ever were, with those to come */
    bool growing;
} pages;

static struct section *section_of(pfn_t pfn)
{
    size_t number = pfn.n / SECTION_PAGES;

    if (number < pages.initial_count)
        return &pages.initial[number];
    return xen_pfn_to_virt((pfn_t){number * SECTION_PAGES});
}

static size_t bit_of(pfn_t pfn, unsigned order)
{
    return (SECTION_PAGES >> order) + pfn.n % SECTION_PAGES / (1u << order);
}

static bool is_free(pfn_t pfn, unsigned order)
{
    size_t bit = bit_of(pfn, order);

    return (section_of(pfn)->free[bit / 64] >> bit % 64 & 1) != 0;
}

static void flip(pfn_t pfn, unsigned order)
{
    size_t bit = bit_of(pfn, order);

    section_of(pfn)->free[bit / 64] ^= 1ull << bit % 64;
}

static void put_block(pfn_t pfn, unsigned order)
{
    flip(pfn, order);
    pages.singles += !order;
    /* At the head: what was used last is in the caches. */
    xen_list_insert(pages.free[order].next, xen_pfn_to_virt(pfn));
}

static void take_block(pfn_t pfn, unsigned order)
{
    flip(pfn, order);
    pages.singles -= !order;
    xen_list_remove(xen_pfn_to_virt(pfn));
}

static void merge_and_put(pfn_t pfn, unsigned order)
{
    for (; order < SD_PAGE_ORDER_MAX; order++) {
        pfn_t buddy = {pfn.n ^ (1u << order)};

        if (!is_free(buddy, order))
            break;
        take_block(buddy, order);
        pfn.n &= ~(uint64_t)(1u << order);
    }
    put_block(pfn, order);
}

/* Pages are freed to the list of single ones as they are, up to SINGLES of them (sd_page_free). Here each is
 * joined with its buddy, if that is free, and so on upwards: for who wants a larger block. */
static void merge_singles(void)
{
    for (size_t count = pages.singles; count && pages.singles; count--) {
        pfn_t pfn = xen_virt_to_pfn(pages.free[0].prev);

        take_block(pfn, 0);
        merge_and_put(pfn, 0);
    }
}

/* Frees the frames from `first` up to `end`, all of them in brought-in sections, as the largest blocks they
 * make. */
static void add_range(pfn_t first, pfn_t end)
{
    while (first.n < end.n) {
        unsigned order = first.n ? (unsigned)__builtin_ctzll(first.n) : SD_PAGE_ORDER_MAX;

        if (order > SD_PAGE_ORDER_MAX)
            order = SD_PAGE_ORDER_MAX;
        while (first.n + (1u << order) > end.n)
            order--;
        pages.free_pages += 1u << order;
        merge_and_put(first, order);
        first.n += 1u << order;
    }
}

/* Goes to where the next section begins. False when all memory is in. */
static bool find_next(void)
{
    const struct xen_memory_layout *layout = xen_memory_layout();

    while (pages.next.n >= layout->free[pages.range].end.n) {
        if (pages.range + 1 == layout->free_count)
            return false;
        pages.next = layout->free[++pages.range].first;
    }
    return true;
}

static bool grow(void)
{
    pfn_t first;
    size_t count;
    int error;

    if (pages.growing || !pages.to_come || !find_next())
        return false;
    first = pages.next;
    count = xen_memory_layout()->free[pages.range].end.n - first.n;
    if (count > SECTION_PAGES)
        count = SECTION_PAGES;
    pages.growing = true;
    error = xen_memory_map_direct(first, count);
    pages.growing = false;
    if (error)
        return false;
    memset(xen_pfn_to_virt(first), 0, sizeof(struct section));
    pages.next.n = first.n + count;
    pages.to_come -= count;
    add_range((pfn_t){first.n + 1}, pages.next);
    return true;
}

static void *find_and_take(unsigned order)
{
    for (unsigned from = order; from < ORDERS; from++) {
        pfn_t pfn;

        if (xen_list_is_empty(&pages.free[from]))
            continue;
        pfn = xen_virt_to_pfn(pages.free[from].next);
        take_block(pfn, from);
        while (from > order) {
            from--;
            put_block((pfn_t){pfn.n + (1u << from)}, from);
        }
        pages.free_pages -= 1u << order;
        if (pages.fewest > pages.free_pages + pages.to_come)
            pages.fewest = pages.free_pages + pages.to_come;
        return xen_pfn_to_virt(pfn);
    }
    return NULL;
}

static void *take(unsigned order)
{
    void *block = find_and_take(order);

    if (block || !order)
        return block;
    merge_singles();
    return find_and_take(order);
}

void *sd_page_alloc(unsigned order)
{
    void *block = NULL;

    if (order > SD_PAGE_ORDER_MAX)
        return NULL;
    if (pages.growing || pages.free_pages >= RESERVE + (1u << order) || grow())
        block = take(order);
    /* Enough pages, but not in one piece; or the very last ones. */
    while (!block && grow())
        block = take(order);
    if (!block && !pages.growing)
        block = take(order);
    return block;
}

void sd_page_free(void *block, unsigned order)
{
    pfn_t pfn = xen_virt_to_pfn(block);
    const struct section *section;

    if (pfn.n % (1u << order) || pfn.n >= pages.next.n)
        xen_platform_panic("free of %p, which is no block of %u pages", block, 1u << order);
    /* It may be part of a larger free block by now. */
    section = section_of(pfn);
    for (size_t bit = bit_of(pfn, order); bit; bit /= 2)
        if (section->free[bit / 64] >> bit % 64 & 1)
            xen_platform_panic("page %p is freed twice", block);
    pages.free_pages += 1u << order;
    if (!order && pages.singles < SINGLES)
        put_block(pfn, 0);
    else
        merge_and_put(pfn, order);
}

/* Where the sections of the start are kept: the first place that is free and mapped. Takes it out of its
 * range. */
static struct section *place_sections(struct xen_memory_range *ranges, size_t count)
{
    size_t bytes = pages.initial_count * sizeof(struct section), needed = xen_pages_for(bytes);

    for (size_t i = 0; i < count; i++) {
        struct section *place = xen_pfn_to_virt(ranges[i].first);

        if (ranges[i].first.n + needed > ranges[i].end.n)
            continue;
        ranges[i].first.n += needed;
        memset(place, 0, bytes);
        return place;
    }
    xen_platform_panic("%zu pages in one piece are not free", needed);
}

void sd_page_init(void)
{
    const struct xen_memory_layout *layout = xen_memory_layout();
    struct xen_memory_range mapped[XEN_MEMORY_RANGES];
    size_t count = 0;

    for (unsigned order = 0; order < ORDERS; order++)
        xen_list_init(&pages.free[order]);
    pages.initial_count = (layout->mapped_end.n + SECTION_PAGES - 1) / SECTION_PAGES;
    for (size_t i = 0; i < layout->free_count; i++) {
        struct xen_memory_range range = layout->free[i];

        if (range.first.n < layout->mapped_end.n) {
            mapped[count] = range;
            if (range.end.n > layout->mapped_end.n)
                mapped[count].end = layout->mapped_end;
            count++;
            range.first.n = pages.initial_count * SECTION_PAGES;
        }
        if (range.end.n > range.first.n)
            pages.to_come += range.end.n - range.first.n;
    }
    pages.initial = place_sections(mapped, count);
    for (size_t i = 0; i < count; i++)
        add_range(mapped[i].first, mapped[i].end);
    /* The last of them may go on beyond what is mapped. */
    pages.range = count - 1;
    pages.next.n = pages.initial_count * SECTION_PAGES;
    pages.fewest = pages.free_pages + pages.to_come;
}

size_t sd_pages_free(void)
{
    return pages.free_pages + pages.to_come;
}

static size_t kept;

void sd_pages_keep(size_t count)
{
    kept = count;
}

size_t sd_pages_kept(void)
{
    return kept;
}

void sd_page_stats(struct sd_memory_stats *stats)
{
    stats->pages_total = xen_memory_layout()->pages;
    stats->pages_mapped = stats->pages_total - pages.to_come;
    stats->pages_free = sd_pages_free();
    stats->pages_fewest = pages.fewest;
}

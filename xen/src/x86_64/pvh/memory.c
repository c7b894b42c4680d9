/*
 * What a PVH guest has: the memory map made into the ranges that are free.
 *
 * The map comes from the toolstack. Entries that overlap each other are refused rather than guessed about.
 */
#include "pvh.h"

#define SECTION_FRAMES ((uint64_t)PT_ENTRIES)
#define FIRST_ABOVE_4G (1ull << 20)
#define HIGHEST        (PTE_FRAME - (8ull << 20)) /* above it there is still room for our places */

static struct xen_memory_range frames_of(const struct hvm_memmap_table_entry *entry)
{
    uint64_t end = entry->addr + entry->size;

    /* Only whole pages of memory count. */
    return (struct xen_memory_range){{(entry->addr + XEN_PAGE_SIZE - 1) >> XEN_PAGE_SHIFT},
                                     {end >> XEN_PAGE_SHIFT}};
}

static bool is_sound(const struct hvm_memmap_table_entry *entry)
{
    return entry->addr <= HIGHEST && entry->size <= HIGHEST - entry->addr;
}

static bool overlap(const struct hvm_memmap_table_entry *a, const struct hvm_memmap_table_entry *b)
{
    return a->addr < b->addr + b->size && b->addr < a->addr + a->size;
}

/* Keeps the ranges ascending. Ranges that do not fit any more are not used. */
static void add(struct xen_memory_range range)
{
    size_t at = xen_layout.free_count;

    if (range.first.n >= range.end.n || at == XEN_MEMORY_RANGES)
        return;
    for (; at && xen_layout.free[at - 1].first.n > range.first.n; at--)
        xen_layout.free[at] = xen_layout.free[at - 1];
    xen_layout.free[at] = range;
    xen_layout.free_count++;
}

/* What is left of every range without the frames from `first` to `end`. */
static void take_out(uint64_t first, uint64_t end)
{
    struct xen_memory_range ranges[XEN_MEMORY_RANGES];
    size_t count = xen_layout.free_count;

    for (size_t i = 0; i < count; i++)
        ranges[i] = xen_layout.free[i];
    xen_layout.free_count = 0;
    for (size_t i = 0; i < count; i++) {
        pfn_t from = ranges[i].first, to = ranges[i].end;

        add((struct xen_memory_range){from, {to.n < first ? to.n : first}});
        add((struct xen_memory_range){{from.n > end ? from.n : end}, to});
    }
}

/* All frames from `first` to `end` are memory of ours. */
static bool is_memory(uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < xen_layout.free_count; i++)
        if (first >= xen_layout.free[i].first.n && end <= xen_layout.free[i].end.n)
            return true;
    return false;
}

static const char *read_map(const struct hvm_memmap_table_entry *map, size_t count)
{
    uint64_t highest = FIRST_ABOVE_4G;

    for (size_t i = 0; i < count; i++) {
        struct xen_memory_range range = frames_of(&map[i]);

        if (!is_sound(&map[i]))
            return "an entry of the memory map wraps";
        for (size_t k = 0; k < i; k++)
            if (overlap(&map[i], &map[k]))
                return "entries of the memory map overlap";
        if (range.end.n >= highest)
            highest = range.end.n + 1;
        if (range.end.n > XEN_DIRECT_FRAMES)
            range.end.n = XEN_DIRECT_FRAMES;
        if (map[i].type != XEN_HVM_MEMMAP_TYPE_RAM || range.end.n <= range.first.n)
            continue;
        add(range);
        xen_layout.pages += range.end.n - range.first.n;
        if (range.end.n > xen_layout.end.n)
            xen_layout.end = range.end;
    }
    pvh_places.n = (highest + SECTION_FRAMES - 1) / SECTION_FRAMES * SECTION_FRAMES;
    return NULL;
}

/* A range beyond what is mapped now is brought in by whole sections from its beginning. */
static void align_ranges(void)
{
    for (size_t i = 0; i < xen_layout.free_count; i++) {
        struct xen_memory_range *range = &xen_layout.free[i];

        if (range->first.n >= xen_layout.mapped_end.n)
            range->first.n = (range->first.n + SECTION_FRAMES - 1) / SECTION_FRAMES * SECTION_FRAMES;
        if (range->first.n > range->end.n)
            range->first = range->end;
    }
}

const char *pvh_memory_init(const struct hvm_memmap_table_entry *map, size_t count,
                            struct xen_memory_range module)
{
    uint64_t image = xen_layout.image.n, image_end = image + xen_image_page(xen_image_end), last;
    const char *wrong = read_map(map, count);

    if (wrong)
        return wrong;
    if (!is_memory(image, image_end))
        return "the memory map has no memory where the image is";
    if (module.end.n > module.first.n && !is_memory(module.first.n, module.end.n))
        return "the memory map has no memory where the ramdisk is";
    if (module.first.n < image_end && image < module.end.n)
        return "the ramdisk lies over the image";
    last = module.end.n > image_end ? module.end.n : image_end;
    last = (last + SECTION_FRAMES - 1) / SECTION_FRAMES * SECTION_FRAMES;
    xen_layout.mapped_end.n = last < xen_layout.end.n ? last : xen_layout.end.n;
    take_out(0, 1);
    take_out(image, image_end);
    take_out(module.first.n, module.end.n);
    /* The memory behind these three is hidden where Xen's pages are mapped over them. */
    add((struct xen_memory_range){xen_virt_to_pfn(xen_shared_page), xen_virt_to_pfn(xen_fault_stack)});
    align_ranges();
    return NULL;
}

/*
 * What test_pvh_memory.c and fuzz_pvh_memory.c share: an image around xen/src/x86_64/pvh/memory.c, and what
 * has to hold of every layout that it makes.
 */
#ifndef TESTS_HOST_PVH_MEMORY_CLAIMS_H
#define TESTS_HOST_PVH_MEMORY_CLAIMS_H

#include <string.h>

#include <xenlib/memory.h>
#include <xensys/abi.h>

#include "../../xen/src/x86_64/pvh/pvh.h"

/* The linker script's symbols are numbers here: an image of 0x60 pages, loaded at 1 MiB. */
#define IMAGE     0x100u
#define IMAGE_END 0x160u
#define SHOWN     0x140u /* frames that are free: hidden behind the shared info and the two rings */
#define SHOWN_END 0x143u

__asm__(".globl xen_shared_page, xen_fault_stack, xen_image_end\n"
        ".set xen_shared_page, 0x240000\n"
        ".set xen_fault_stack, 0x243000\n"
        ".set xen_image_end, 0x260000\n");

struct xen_memory_layout xen_layout;
pfn_t pvh_places;

const struct xen_memory_layout *xen_memory_layout(void)
{
    return &xen_layout;
}

#define DIRECT_FRAMES ((XEN_DIRECT_END - XEN_DIRECT) >> XEN_PAGE_SHIFT)
#define PLACES        1024 /* frames that are used from pvh_places on */

/* As at the start of a guest. */
static const char *init_memory(const struct hvm_memmap_table_entry *map, size_t count,
                               struct xen_memory_range module)
{
    memset(&xen_layout, 0, sizeof(xen_layout));
    xen_layout.image.n = IMAGE;
    pvh_places.n = 0;
    return pvh_memory_init(map, count, module);
}

static bool is_inside_ram(const struct hvm_memmap_table_entry *map, size_t count,
                          const struct xen_memory_range *range)
{
    for (size_t i = 0; i < count; i++)
        if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM && range->first.n << XEN_PAGE_SHIFT >= map[i].addr &&
            range->end.n << XEN_PAGE_SHIFT <= map[i].addr + map[i].size)
            return true;
    return false;
}

static bool meets(const struct xen_memory_range *range, uint64_t first, uint64_t end)
{
    return range->first.n < end && first < range->end.n;
}

/* What is wrong with one free range, or NULL. */
static const char *broken_range(const struct xen_memory_range *range,
                                const struct hvm_memmap_table_entry *map, size_t count,
                                struct xen_memory_range module)
{
    if (range->first.n == range->end.n)
        return NULL;
    if (meets(range, 0, 1))
        return "frame 0 is free";
    if (!is_inside_ram(map, count, range))
        return "what is no memory is free";
    if (meets(range, IMAGE, SHOWN) || meets(range, SHOWN_END, IMAGE_END))
        return "the image is free";
    if (meets(range, module.first.n, module.end.n))
        return "the ramdisk is free";
    if (range->first.n >= xen_layout.mapped_end.n && range->first.n % PT_ENTRIES)
        return "a range that is not mapped begins within a section";
    if (range->end.n > xen_layout.end.n)
        return "a range ends behind the last frame";
    return range->end.n > DIRECT_FRAMES ? "a range reaches beyond the direct map" : NULL;
}

/* What is wrong with where Xen's pages are to go, or NULL. */
static const char *broken_places(const struct hvm_memmap_table_entry *map, size_t count)
{
    uint64_t address = pvh_places.n << XEN_PAGE_SHIFT;

    if (pvh_places.n < 1ull << 20 || pvh_places.n % PT_ENTRIES)
        return "the places for Xen's pages are not above 4 GiB, or not a section's beginning";
    if (pvh_places.n + PLACES > (PTE_FRAME >> XEN_PAGE_SHIFT) + 1)
        return "there are no such addresses as the places for Xen's pages have";
    for (size_t i = 0; i < count; i++)
        if (address < map[i].addr + map[i].size)
            return "the places for Xen's pages are not above all that the map names";
    return NULL;
}

/* What is wrong with the layout that was made of a map, or NULL. */
static const char *broken_layout(const struct hvm_memmap_table_entry *map, size_t count,
                                 struct xen_memory_range module)
{
    const char *wrong = broken_places(map, count);
    uint64_t before = 0, mapped = xen_layout.mapped_end.n,
             ramdisk_end = module.first.n < module.end.n ? module.end.n : 0;

    if (xen_layout.free_count > XEN_MEMORY_RANGES)
        return "there are more ranges than have room";
    for (size_t i = 0; i < xen_layout.free_count && !wrong; i++) {
        const struct xen_memory_range *range = &xen_layout.free[i];

        if (range->first.n < before || range->end.n < range->first.n)
            return "the ranges are not ascending, or overlap";
        before = range->end.n;
        wrong = broken_range(range, map, count, module);
    }
    if (!wrong && (mapped < IMAGE_END || mapped < ramdisk_end || mapped > xen_layout.end.n))
        return "image and ramdisk are not all mapped, or more than there is";
    if (!wrong && mapped % PT_ENTRIES && mapped != xen_layout.end.n)
        return "what is mapped ends within a section";
    return wrong;
}

#endif

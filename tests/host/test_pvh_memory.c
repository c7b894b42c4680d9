/* links: x86_64/pvh/memory.c x86_64/address.c fake.c */
#include "tap.h"

#include "fake.h"
#include "pvh_memory_claims.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define RAM      XEN_HVM_MEMMAP_TYPE_RAM
#define RESERVED XEN_HVM_MEMMAP_TYPE_RESERVED

#define ENTRIES 6

struct frames {
    uint64_t first, end;
};

/* What is free below the image, and of the image. */
#define LOW                                                                                                  \
    {1, IMAGE},                                                                                              \
    {                                                                                                        \
        SHOWN, SHOWN_END                                                                                     \
    }

TEST(pvh_memory_what_the_test_takes_for_the_image_is_what_the_code_sees)
{
    TEST_CHECK(xen_image_page(xen_image_end) == IMAGE_END - IMAGE);
    TEST_CHECK(xen_image_page(xen_shared_page) == SHOWN - IMAGE);
    TEST_CHECK(xen_image_page(xen_fault_stack) == SHOWN_END - IMAGE);
}

static size_t entries_of(const struct hvm_memmap_table_entry *map)
{
    size_t count = 0;

    while (count < ENTRIES && map[count].type)
        count++;
    return count;
}

static struct xen_memory_range range_of(struct frames frames)
{
    return (struct xen_memory_range){{frames.first}, {frames.end}};
}

static const struct {
    const char *name;
    struct hvm_memmap_table_entry map[ENTRIES];
    struct frames module;
    uint64_t mapped_end, end, pages, places;
    struct frames free[ENTRIES];
} good[] = {
    {"16 MiB", {{0, 16 * MIB, RAM, 0}}, {0, 0}, 0x200, 0x1000, 0x1000, 0x100000, {LOW, {IMAGE_END, 0x1000}}},
    {"2 MiB", {{0, 2 * MIB, RAM, 0}}, {0, 0}, 0x200, 0x200, 0x200, 0x100000, {LOW, {IMAGE_END, 0x200}}},
    {"as much as the image needs",
     {{MIB, (IMAGE_END - IMAGE) * 4 * KIB, RAM, 0}},
     {0, 0},
     IMAGE_END,
     IMAGE_END,
     IMAGE_END - IMAGE,
     0x100000,
     {{SHOWN, SHOWN_END}}},
    {"memory that ends within the first section",
     {{0, 0x17f * 4 * KIB, RAM, 0}},
     {0, 0},
     0x17f,
     0x17f,
     0x17f,
     0x100000,
     {LOW, {IMAGE_END, 0x17f}}},
    {"a hole below 4 GiB",
     {{0, 3840 * MIB, RAM, 0}, {4032 * MIB, 4 * MIB, RESERVED, 0}, {4 * GIB, GIB, RAM, 0}},
     {0, 0},
     0x200,
     0x140000,
     0x130000,
     0x140200,
     {LOW, {IMAGE_END, 0xf0000}, {0x100000, 0x140000}}},
    {"entries in no order",
     {{4 * GIB, GIB, RAM, 0}, {4032 * MIB, 4 * MIB, RESERVED, 0}, {0, 3840 * MIB, RAM, 0}},
     {0, 0},
     0x200,
     0x140000,
     0x130000,
     0x140200,
     {LOW, {IMAGE_END, 0xf0000}, {0x100000, 0x140000}}},
    {"what is no memory above all memory",
     {{0, 16 * MIB, RAM, 0}, {64 * GIB, GIB, RESERVED, 0}, {8 * GIB, 1, 5, 0}},
     {0, 0},
     0x200,
     0x1000,
     0x1000,
     0x1040200,
     {LOW, {IMAGE_END, 0x1000}}},
    {"a byte behind a section of nothing in particular",
     {{0, 16 * MIB, RAM, 0}, {8 * GIB, 2 * MIB + 1, 99, 0}},
     {0, 0},
     0x200,
     0x1000,
     0x1000,
     0x200400,
     {LOW, {IMAGE_END, 0x1000}}},
    {"a PC's hole below 1 MiB",
     {{0, 640 * KIB, RAM, 0}, {640 * KIB, 384 * KIB, RESERVED, 0}, {MIB, 15 * MIB, RAM, 0}},
     {0, 0},
     0x200,
     0x1000,
     0xfa0,
     0x100000,
     {{1, 0xa0}, {SHOWN, SHOWN_END}, {IMAGE_END, 0x1000}}},
    {"entries that meet",
     {{0, 8 * MIB, RAM, 0}, {8 * MIB, 8 * MIB, RAM, 0}},
     {0, 0},
     0x200,
     0x1000,
     0x1000,
     0x100000,
     {LOW, {IMAGE_END, 0x800}, {0x800, 0x1000}}},
    {"entries without a byte",
     {{0, 16 * MIB, RAM, 0}, {32 * MIB, 0, RAM, 0}, {48 * MIB, 0, RESERVED, 0}, {16 * MIB, 0, RAM, 0}},
     {0, 0},
     0x200,
     0x1000,
     0x1000,
     0x100000,
     {LOW, {IMAGE_END, 0x1000}}},
    {"edges within pages",
     {{0x1800, 16 * MIB - 0x1810, RAM, 0},
      {32 * MIB + 0x800, 0x900, RAM, 0},
      {48 * MIB + 0x100, 0x200, RAM, 0}},
     {0, 0},
     0x200,
     0xfff,
     0xffd,
     0x100000,
     {{2, IMAGE}, {SHOWN, SHOWN_END}, {IMAGE_END, 0xfff}}},
    {"memory that begins within a section",
     {{0, 4 * MIB, RAM, 0}, {9 * MIB, 7 * MIB, RAM, 0}, {32 * MIB + 4 * KIB, 4 * KIB, RAM, 0}},
     {0, 0},
     0x200,
     0x2002,
     0xb01,
     0x100000,
     {LOW, {IMAGE_END, 0x400}, {0xa00, 0x1000}}},
    {"memory that begins within the image's section",
     {{0, 0x180 * 4 * KIB, RAM, 0}, {0x1c0 * 4 * KIB, 0x40 * 4 * KIB, RAM, 0}},
     {0, 0},
     0x200,
     0x200,
     0x1c0,
     0x100000,
     {LOW, {IMAGE_END, 0x180}, {0x1c0, 0x200}}},
    {"a ramdisk right behind the image",
     {{0, 16 * MIB, RAM, 0}},
     {IMAGE_END, 0x300},
     0x400,
     0x1000,
     0x1000,
     0x100000,
     {LOW, {0x300, 0x1000}}},
    {"a ramdisk below the image",
     {{0, 16 * MIB, RAM, 0}},
     {0x10, 0x20},
     0x200,
     0x1000,
     0x1000,
     0x100000,
     {{1, 0x10}, {0x20, IMAGE}, {SHOWN, SHOWN_END}, {IMAGE_END, 0x1000}}},
    {"a ramdisk from frame 0 to the image",
     {{0, 16 * MIB, RAM, 0}},
     {0, IMAGE},
     0x200,
     0x1000,
     0x1000,
     0x100000,
     {{SHOWN, SHOWN_END}, {IMAGE_END, 0x1000}}},
    {"a ramdisk far up",
     {{0, GIB, RAM, 0}},
     {0x30001, 0x30002},
     0x30200,
     0x40000,
     0x40000,
     0x100000,
     {LOW, {IMAGE_END, 0x30001}, {0x30002, 0x40000}}},
    {"a ramdisk up to the end of memory",
     {{0, 0x1003 * 4 * KIB, RAM, 0}},
     {0xf00, 0x1003},
     0x1003,
     0x1003,
     0x1003,
     0x100000,
     {LOW, {IMAGE_END, 0xf00}}},
    {"a ramdisk in memory of its own, with a hole below",
     {{0, 8 * MIB, RAM, 0}, {16 * MIB, 16 * MIB, RAM, 0}},
     {0x1010, 0x1020},
     0x1200,
     0x2000,
     0x1800,
     0x100000,
     {LOW, {IMAGE_END, 0x800}, {0x1000, 0x1010}, {0x1020, 0x2000}}},
    {"a ramdisk without a page",
     {{0, 16 * MIB, RAM, 0}},
     {0, 0},
     0x200,
     0x1000,
     0x1000,
     0x100000,
     {LOW, {IMAGE_END, 0x1000}}},
    {"memory up to the end of the direct map",
     {{0, 16 * MIB, RAM, 0}, {191 * GIB, GIB, RAM, 0}},
     {0, 0},
     0x200,
     0x3000000,
     0x41000,
     0x3000200,
     {LOW, {IMAGE_END, 0x1000}, {0x2fc0000, 0x3000000}}},
};

TEST(pvh_memory_maps_become_the_free_ranges)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct xen_memory_range module = range_of(good[i].module);
        const char *name = good[i].name, *wrong = init_memory(good[i].map, entries_of(good[i].map), module);
        size_t k = 0;

        TEST_CHECK(!wrong, "%s: refused, %s", name, wrong);
        if (wrong)
            continue;
        wrong = broken_layout(good[i].map, entries_of(good[i].map), module);
        TEST_CHECK(!wrong, "%s: %s", name, wrong);
        TEST_CHECK(xen_layout.mapped_end.n == good[i].mapped_end, "%s: mapped to %lx", name,
                   xen_layout.mapped_end.n);
        TEST_CHECK(xen_layout.end.n == good[i].end, "%s: ends at %lx", name, xen_layout.end.n);
        TEST_CHECK(xen_layout.pages == good[i].pages, "%s: %lx pages", name, xen_layout.pages);
        TEST_CHECK(pvh_places.n == good[i].places, "%s: places at %lx", name, pvh_places.n);
        for (size_t r = 0; r < xen_layout.free_count; r++) {
            uint64_t first = xen_layout.free[r].first.n, end = xen_layout.free[r].end.n;

            if (first == end)
                continue;
            TEST_CHECK(k < ENTRIES && first == good[i].free[k].first && end == good[i].free[k].end,
                       "%s: %lx to %lx is free", name, first, end);
            k++;
        }
        TEST_CHECK(k == ENTRIES || !good[i].free[k].end, "%s: only %zu ranges are free", name, k);
    }
}

static const struct {
    const char *name;
    struct hvm_memmap_table_entry map[ENTRIES];
    struct frames module;
} bad[] = {
    {"no map", {{0, 0, 0, 0}}, {0, 0}},
    {"no memory", {{0, 16 * MIB, RESERVED, 0}}, {0, 0}},
    {"an entry over another", {{0, 16 * MIB, RAM, 0}, {8 * MIB, 16 * MIB, RAM, 0}}, {0, 0}},
    {"an entry within another", {{0, 16 * MIB, RAM, 0}, {8 * MIB, 1, RAM, 0}}, {0, 0}},
    {"an entry around another", {{8 * MIB, 4 * KIB, RAM, 0}, {0, 16 * MIB, RAM, 0}}, {0, 0}},
    {"an entry twice", {{0, 16 * MIB, RAM, 0}, {0, 16 * MIB, RAM, 0}}, {0, 0}},
    {"entries that share a byte", {{0, 8 * MIB + 1, RAM, 0}, {8 * MIB, 8 * MIB, RAM, 0}}, {0, 0}},
    {"memory that is reserved too", {{0, 16 * MIB, RAM, 0}, {4 * MIB, 4 * KIB, RESERVED, 0}}, {0, 0}},
    {"an entry that wraps", {{0, 16 * MIB, RAM, 0}, {UINT64_MAX - 4095, 8192, RAM, 0}}, {0, 0}},
    {"an entry that wraps to the image", {{UINT64_MAX - 4095, 16 * MIB, RAM, 0}}, {0, 0}},
    {"an entry that ends where it wraps", {{0, 16 * MIB, RAM, 0}, {1ull << 63, 1ull << 63, RAM, 0}}, {0, 0}},
    {"a reserved entry that wraps", {{0, 16 * MIB, RAM, 0}, {1ull << 63, UINT64_MAX, RESERVED, 0}}, {0, 0}},
    {"the longest entry", {{0, UINT64_MAX, RAM, 0}}, {0, 0}},
    {"more than a page-table entry can name", {{0, 16 * MIB, RAM, 0}, {1ull << 52, 4 * KIB, RAM, 0}}, {0, 0}},
    {"memory below the image only", {{0, MIB, RAM, 0}}, {0, 0}},
    {"memory above the image only", {{2 * MIB, 16 * MIB, RAM, 0}}, {0, 0}},
    {"a byte too few for the image", {{0, IMAGE_END * 4 * KIB - 1, RAM, 0}}, {0, 0}},
    {"a byte too late for the image", {{MIB + 1, 16 * MIB, RAM, 0}}, {0, 0}},
    {"a hole in the image", {{0, MIB + 64 * KIB, RAM, 0}, {MIB + 68 * KIB, 16 * MIB, RAM, 0}}, {0, 0}},
    {"a ramdisk behind all memory", {{0, 16 * MIB, RAM, 0}}, {0x1000, 0x1001}},
    {"a ramdisk over the end of memory", {{0, 16 * MIB, RAM, 0}}, {0xfff, 0x1001}},
    {"a ramdisk in a hole", {{0, 8 * MIB, RAM, 0}, {16 * MIB, MIB, RAM, 0}}, {0x900, 0x901}},
    {"a ramdisk over a hole", {{0, 8 * MIB, RAM, 0}, {16 * MIB, MIB, RAM, 0}}, {0x7ff, 0x1001}},
    {"a ramdisk where it is reserved", {{0, 8 * MIB, RAM, 0}, {8 * MIB, MIB, RESERVED, 0}}, {0x800, 0x801}},
};

TEST(pvh_memory_maps_that_cannot_be_right_are_refused_with_the_reason)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *wrong = init_memory(bad[i].map, entries_of(bad[i].map), range_of(bad[i].module));

        TEST_CHECK(wrong && *wrong, "%s", bad[i].name);
    }
}

/* What the image holds would be overwritten, or was already. */
TEST(pvh_memory_a_ramdisk_over_the_image_is_refused)
{
    static const struct frames rows[] = {
        {IMAGE, IMAGE_END}, {0x80, IMAGE + 1}, {IMAGE_END - 1, 0x300},
        {SHOWN, SHOWN_END}, {0x110, 0x111},    {0x80, 0x300},
    };
    static const struct hvm_memmap_table_entry map[] = {{0, 16 * MIB, RAM, 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        TEST_CHECK(init_memory(map, 1, range_of(rows[i])), "row %zu", i);
}

/* It has no address to be used at. */
TEST(pvh_memory_beyond_the_direct_map_is_not_used)
{
    static const struct hvm_memmap_table_entry rows[] = {
        {191 * GIB, 2 * GIB, RAM, 0}, /* half of it */
        {192 * GIB, GIB, RAM, 0},      {512 * GIB, GIB, RAM, 0},
        {448 * GIB, 64 * GIB, RAM, 0}, /* its addresses would wrap to the image's */
        {1ull << 51, GIB, RAM, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hvm_memmap_table_entry map[] = {{0, 16 * MIB, RAM, 0}, rows[i]};
        const char *wrong = init_memory(map, 2, (struct xen_memory_range){0});

        if (!TEST_CHECK(!wrong, "row %zu: refused, %s", i, wrong))
            continue;
        wrong = broken_layout(map, 2, (struct xen_memory_range){0});
        TEST_CHECK(!wrong, "row %zu: %s", i, wrong);
        TEST_CHECK(xen_layout.end.n <= DIRECT_FRAMES, "row %zu: memory ends at %lx", i, xen_layout.end.n);
        TEST_CHECK(xen_layout.pages == 0x1000 + (i == 0 ? 0x40000 : 0), "row %zu: %lx pages", i,
                   xen_layout.pages);
    }
}

/* Either is right: to refuse the map, or to find places that exist. */
TEST(pvh_memory_places_exist_however_high_the_map_reaches)
{
    static const uint64_t ends[] = {
        1ull << 40, 1ull << 48, 1ull << 51, (1ull << 52) - 8 * MIB, (1ull << 52) - 4 * MIB, PTE_FRAME};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct hvm_memmap_table_entry map[] = {{0, 16 * MIB, RAM, 0},
                                               {ends[i] - 4 * KIB, 4 * KIB, RESERVED, 0}};
        const char *wrong = init_memory(map, 2, (struct xen_memory_range){0});

        if (!wrong)
            wrong = broken_layout(map, 2, (struct xen_memory_range){0});
        else if (i > 2)
            wrong = NULL;
        TEST_CHECK(!wrong, "row %zu: %s", i, wrong);
    }
}

/* What does not fit into the layout is not used; what fits is right. */
TEST(pvh_memory_more_ranges_than_fit_are_left_out)
{
    struct hvm_memmap_table_entry map[128] = {{0, 16 * MIB, RAM, 0}};

    for (size_t count = 1; count <= 128; count++) {
        const char *wrong;

        if (count > 1)
            map[count - 1] = (struct hvm_memmap_table_entry){count * 16 * MIB, 4 * MIB, RAM, 0};
        wrong = init_memory(map, count, (struct xen_memory_range){{0x200}, {0x210}});
        if (!wrong)
            wrong = broken_layout(map, count, (struct xen_memory_range){{0x200}, {0x210}});
        TEST_CHECK(!wrong, "%zu entries: %s", count, wrong);
        /* Below, between and behind the image and the ramdisk there is something free already. */
        TEST_CHECK(xen_layout.free_count == (count + 3 < XEN_MEMORY_RANGES ? count + 3 : XEN_MEMORY_RANGES),
                   "%zu entries, %zu ranges", count, xen_layout.free_count);
    }
}

int main(void)
{
    return tap_run();
}

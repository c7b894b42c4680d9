/* links: x86_64/pagetable.c */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <xenlib/memory.h>
#include <xenlib/pagetable.h>
#include <xenlib/platform.h>

#include "../../xen/src/x86_64/room.h"
#include "tap.h"

/*
 * The room is played here: tables are pages of the direct map, which stands at its real address. That lies in
 * the gap that the address sanitizer keeps for itself, so it gets memory and shadow of its own.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "protect_shadow_gap=0";
}

#define FRAMES     4096u
#define MFN_OFFSET 0x100000u /* so that one kind of number taken for the other is noticed */

static bool in_use[FRAMES], is_table[FRAMES];
static long pages_left = -1;   /* how many more pages there are; negative: any number */
static long applies_left = -1; /* after so many changes Xen refuses one */
static bool adopt_fails;
static unsigned applies, bad_updates;

static struct xen_memory_layout layout = {.end = {FRAMES}};

const struct xen_memory_layout *xen_memory_layout(void)
{
    return &layout;
}

pfn_t xen_virt_to_pfn(const void *address)
{
    return (pfn_t){((uintptr_t)address - XEN_DIRECT) / XEN_PAGE_SIZE};
}

mfn_t xen_pfn_to_mfn(pfn_t pfn)
{
    return (mfn_t){pfn.n + MFN_OFFSET};
}

pfn_t xen_mfn_to_pfn(mfn_t mfn)
{
    return (pfn_t){mfn.n - MFN_OFFSET};
}

void *xen_platform_page_alloc(void)
{
    for (uint32_t i = FRAMES / 2; i < FRAMES && pages_left; i++) {
        if (in_use[i])
            continue;
        pages_left -= pages_left > 0;
        in_use[i] = true;
        return memset(xen_pfn_to_virt((pfn_t){i}), 0xa5, XEN_PAGE_SIZE);
    }
    return NULL;
}

void xen_platform_page_free(void *page)
{
    in_use[xen_virt_to_pfn(page).n] = false;
}

static size_t pages_in_use(void)
{
    size_t count = 0;

    for (uint32_t i = 0; i < FRAMES; i++)
        count += in_use[i];
    return count;
}

/* Xen refuses to see a page as a table that holds nonsense: it is empty, or maps what a large page has
 * mapped. */
int xen_room_pt_adopt(void *page)
{
    const uint64_t *entries = page;

    for (uint64_t i = 0; i < PT_ENTRIES; i++)
        bad_updates += entries[0] ? entries[i] != entries[0] + (i << XEN_PAGE_SHIFT) : entries[i] != 0;
    bad_updates += (entries[0] & PTE_LARGE) != 0;
    if (adopt_fails)
        return -EINVAL;
    is_table[xen_virt_to_pfn(page).n] = true;
    return 0;
}

/* What no entry may ever say. */
static bool is_bad(const struct xen_pt_update *update)
{
    pfn_t table = xen_virt_to_pfn(update->entry);

    if ((uintptr_t)update->entry < XEN_DIRECT || table.n >= FRAMES || !is_table[table.n])
        return true;
    if (!(update->value & PTE_PRESENT))
        return update->value != 0; /* L1TF */
    return false;
}

int xen_room_pt_apply(const struct xen_pt_update *updates, size_t count)
{
    bool refused = applies_left == 0;

    applies++;
    applies_left -= applies_left >= 0;
    /* As Xen does it: what stands before the bad one is carried out, and a PV guest's kernel is user. */
    for (size_t i = 0; i < (refused ? count / 2 : count); i++) {
        if (is_bad(&updates[i]))
            bad_updates++;
        else
            *updates[i].entry = updates[i].value | (updates[i].value & PTE_PRESENT ? PTE_USER : 0);
    }
    return refused ? -EPERM : 0;
}

static bool map_at(uintptr_t address, size_t bytes)
{
    void *want = (void *)address;

    return mmap(want, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == want;
}

static void begin(void)
{
    TEST_CHECK(map_at(XEN_DIRECT, FRAMES * XEN_PAGE_SIZE));
    TEST_CHECK(map_at((XEN_DIRECT >> 3) + 0x7fff8000, FRAMES * XEN_PAGE_SIZE / 8));
    memset(in_use, 0, sizeof(in_use));
    memset(is_table, 0, sizeof(is_table));
    pages_left = applies_left = -1;
    adopt_fails = false;
    applies = bad_updates = 0;
    xen_pt_root = xen_pfn_to_virt((pfn_t){1});
    in_use[1] = is_table[1] = true;
}

/* How many tables hang below `table`, itself included; every entry on the way is sound. */
static size_t tables_below(const uint64_t *table, unsigned level)
{
    size_t count = 1;

    for (size_t i = 0; i < PT_ENTRIES; i++) {
        pfn_t behind = xen_mfn_to_pfn((mfn_t){(table[i] & PTE_FRAME) >> XEN_PAGE_SHIFT});

        if (!(table[i] & PTE_PRESENT))
            TEST_CHECK(table[i] == 0, "level %u, entry %zu: %lx", level, i, table[i]);
        else if (level == 1 || table[i] & PTE_LARGE)
            TEST_CHECK(level == 2 ? behind.n % PT_ENTRIES == 0 : !(table[i] & PTE_LARGE),
                       "level %u, entry %zu: %lx", level, i, table[i]);
        else if (TEST_CHECK(behind.n < FRAMES && is_table[behind.n], "level %u, entry %zu: %lx", level, i,
                            table[i]))
            count += tables_below(xen_pfn_to_virt(behind), level - 1);
    }
    return count;
}

/* The tables are sound, and no page besides them was taken. */
static void check_tables(const char *when)
{
    size_t tables = tables_below(xen_pt_root, 3);

    TEST_CHECK(tables == pages_in_use(), "%s: %zu tables, %zu pages taken", when, tables, pages_in_use());
    TEST_CHECK(bad_updates == 0, "%s: %u", when, bad_updates);
}

/* Addresses are numbers here: nothing lives at them. */
static void *at(uintptr_t address)
{
    return (void *)address;
}

static bool is_mapped_as(uintptr_t va, uint64_t pfn, unsigned prot)
{
    pfn_t found = {UINT64_MAX};
    unsigned found_prot = 99;

    return xen_pt_query(at(va), &found, &found_prot) && found.n == pfn && found_prot == prot;
}

#define R XEN_PROT_READ
#define W XEN_PROT_WRITE
#define X XEN_PROT_EXEC

TEST(pagetable_map_query_unmap_at_every_boundary)
{
    static const struct {
        uintptr_t va;
        size_t count;
    } rows[] = {
        {0x1000, 1},
        {XEN_IMAGE_BASE, 1},
        {XEN_IMAGE_BASE - 0x1000, 2}, /* over a table's end */
        {XEN_MAPPINGS, 512},
        {XEN_MAPPINGS + 0x1ff000, 1030}, /* over three tables */
        {0x3ffff000, 2},                 /* over a GiB */
        {0x7ffffff000, 1},               /* the last page */
        {0x7fffffe000, 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uintptr_t va = rows[i].va, end = va + rows[i].count * XEN_PAGE_SIZE;

        begin();
        TEST_CHECK(xen_pt_map(at(va), (pfn_t){20}, rows[i].count, R | W) == 0, "row %zu", i);
        for (size_t page = 0; page < rows[i].count; page++)
            TEST_CHECK(is_mapped_as(va + page * XEN_PAGE_SIZE, 20 + page, R | W), "row %zu, page %zu", i,
                       page);
        TEST_CHECK(!xen_pt_query(at(va - XEN_PAGE_SIZE), NULL, NULL), "row %zu: the page before", i);
        TEST_CHECK(!xen_pt_query(at(end), NULL, NULL), "row %zu: the page behind", i);
        TEST_CHECK(applies <= rows[i].count / 16 + 8, "row %zu: %u calls, not batched", i, applies);
        TEST_CHECK(xen_pt_unmap(at(va), rows[i].count) == 0, "row %zu", i);
        for (size_t page = 0; page < rows[i].count; page++)
            TEST_CHECK(!xen_pt_query(at(va + page * XEN_PAGE_SIZE), NULL, NULL), "row %zu, page %zu", i,
                       page);
        TEST_CHECK(bad_updates == 0, "row %zu: %u", i, bad_updates);
    }
}

TEST(pagetable_protection_is_what_was_asked_for)
{
    static const struct {
        unsigned asked, got;
    } rows[] = {{R, R}, {R | W, R | W}, {W, R | W}, {R | X, R | X}, {X, R | X}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        TEST_CHECK(xen_pt_map(at(XEN_MAPPINGS), (pfn_t){9}, 1, rows[i].asked) == 0);
        TEST_CHECK(is_mapped_as(XEN_MAPPINGS, 9, rows[i].got), "row %zu", i);
        for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            TEST_CHECK(xen_pt_protect(at(XEN_MAPPINGS), 1, rows[k].asked) == 0);
            TEST_CHECK(is_mapped_as(XEN_MAPPINGS, 9, rows[k].got), "row %zu to %zu", i, k);
        }
    }
}

TEST(pagetable_bad_requests_change_nothing)
{
    static const struct {
        uintptr_t va;
        uint64_t pfn;
        size_t count;
        unsigned prot;
    } rows[] = {
        {0, 9, 1, R}, /* page 0 stays absent */
        {0, 9, 2, R},
        {XEN_MAPPINGS + 1, 9, 1, R},
        {XEN_MAPPINGS + 0x800, 9, 1, R},
        {1ull << 39, 9, 1, R},
        {(1ull << 39) - 0x1000, 9, 2, R},
        {UINTPTR_MAX - 0xfff, 9, 1, R},
        {0xffff800000000000, 9, 1, R},
        {XEN_MAPPINGS, 9, 1ull << 40, R},
        {XEN_MAPPINGS, 9, 1ull << 52, R},
        {XEN_MAPPINGS, 9, SIZE_MAX, R},
        {XEN_MAPPINGS, 9, 1, W | X},
        {XEN_MAPPINGS, 9, 1, R | W | X},
        {XEN_MAPPINGS, FRAMES, 1, R}, /* memory that is not there */
        {XEN_MAPPINGS, FRAMES - 1, 2, R},
        {XEN_MAPPINGS, UINT64_MAX, 1, R},
        {XEN_MAPPINGS, UINT64_MAX - 3, 4, R},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        TEST_CHECK(xen_pt_map(at(rows[i].va), (pfn_t){rows[i].pfn}, rows[i].count, rows[i].prot) == -EINVAL,
                   "row %zu", i);
        TEST_CHECK(applies == 0 && pages_in_use() == 1, "row %zu", i);
        if (rows[i].pfn != 9)
            continue;
        if (!(rows[i].prot & W))
            TEST_CHECK(xen_pt_unmap(at(rows[i].va), rows[i].count) == -EINVAL, "row %zu", i);
        TEST_CHECK(xen_pt_protect(at(rows[i].va), rows[i].count, rows[i].prot) == -EINVAL, "row %zu", i);
        TEST_CHECK(applies == 0, "row %zu", i);
    }
}

TEST(pagetable_protect_changes_all_or_nothing)
{
    begin();
    TEST_CHECK(xen_pt_map(at(XEN_MAPPINGS), (pfn_t){10}, 5, R | W) == 0);
    TEST_CHECK(xen_pt_unmap(at(XEN_MAPPINGS + 3 * XEN_PAGE_SIZE), 1) == 0);
    TEST_CHECK(xen_pt_protect(at(XEN_MAPPINGS), 5, R) == -ENOENT);
    for (unsigned i = 0; i < 5; i++)
        TEST_CHECK(i == 3 || is_mapped_as(XEN_MAPPINGS + i * XEN_PAGE_SIZE, 10 + i, R | W), "page %u", i);
    TEST_CHECK(xen_pt_protect(at(XEN_MAPPINGS), 3, R) == 0);
    TEST_CHECK(is_mapped_as(XEN_MAPPINGS, 10, R));
}

TEST(pagetable_unmap_skips_what_is_not_mapped)
{
    begin();
    TEST_CHECK(xen_pt_map(at(XEN_MAPPINGS + 0x5000), (pfn_t){10}, 1, R) == 0);
    pages_left = 0; /* nothing is made for it */
    TEST_CHECK(xen_pt_unmap(at(XEN_MAPPINGS), 5000) == 0);
    TEST_CHECK(!xen_pt_query(at(XEN_MAPPINGS + 0x5000), NULL, NULL));
    TEST_CHECK(xen_pt_unmap(at(XEN_MAPPINGS), 0) == 0);
}

/* Contract: on an error nothing of the range that was unmapped before is mapped. */
TEST(pagetable_map_without_pages_for_tables_maps_nothing)
{
    enum { COUNT = 2000 };

    for (long pages = 0; pages < 6; pages++) {
        int error;

        begin();
        pages_left = pages;
        error = xen_pt_map(at(XEN_MAPPINGS + 0x3ffff000), (pfn_t){20}, COUNT, R);
        TEST_CHECK(error == -ENOMEM, "%ld pages: %d", pages, error);
        for (size_t i = 0; i < COUNT; i++)
            TEST_REQUIRE(!xen_pt_query(at(XEN_MAPPINGS + 0x3ffff000 + i * XEN_PAGE_SIZE), NULL, NULL),
                         "%ld pages: page %zu", pages, i);
    }
}

TEST(pagetable_map_that_xen_refuses_half_way_maps_nothing)
{
    enum { COUNT = 400 };

    for (long good = 0; good < 4; good++) {
        begin();
        /* The tables, and a page in the middle, are there from before. */
        TEST_CHECK(xen_pt_map(at(XEN_MAPPINGS + 40 * XEN_PAGE_SIZE), (pfn_t){3}, 1, R | W) == 0);
        applies_left = good;
        TEST_CHECK(xen_pt_map(at(XEN_MAPPINGS), (pfn_t){20}, COUNT, R) == -EPERM, "after %ld", good);
        applies_left = -1;
        for (size_t i = 0; i < COUNT; i++)
            TEST_REQUIRE(i == 40 || !xen_pt_query(at(XEN_MAPPINGS + i * XEN_PAGE_SIZE), NULL, NULL),
                         "refused after %ld calls: page %zu is mapped", good, i);
    }
}

TEST(pagetable_a_table_that_xen_refuses_gives_its_page_back)
{
    begin();
    adopt_fails = true;
    TEST_CHECK(xen_pt_map(at(XEN_MAPPINGS), (pfn_t){20}, 1, R) == -EINVAL);
    TEST_CHECK(pages_in_use() == 1, "%zu pages", pages_in_use());
}

/* ---- large pages: four of them beside each other, over a GiB, for frames 512 to 2559 ---- */

#define LARGE_COUNT 4
#define LARGE_PAGES (LARGE_COUNT * PT_ENTRIES)
#define LARGE_FIRST 512
#define LARGE_BYTES (PT_ENTRIES * XEN_PAGE_SIZE)

static const uintptr_t large = XEN_MAPPINGS + 0x40000000 - 2 * LARGE_BYTES;

static void begin_large(void)
{
    begin();
    for (unsigned i = 0; i < LARGE_COUNT; i++)
        TEST_CHECK(
            xen_pt_map_large(at(large + i * LARGE_BYTES), (mfn_t){MFN_OFFSET + LARGE_FIRST + i * 512}) == 0);
}

/* The entry at the second level for the large page `number`, as it stands in the table. */
static uint64_t large_entry(unsigned number)
{
    uintptr_t va = large + number * LARGE_BYTES;
    uint64_t above = xen_pt_root[va >> 30];
    const uint64_t *table = xen_pfn_to_virt(xen_mfn_to_pfn((mfn_t){(above & PTE_FRAME) >> XEN_PAGE_SHIFT}));

    return table[va >> 21 & (PT_ENTRIES - 1)];
}

static bool is_large(unsigned number)
{
    return (large_entry(number) & PTE_LARGE) != 0;
}

/* The raw entry at the lowest level; 0 without a table for it. */
static uint64_t page_entry(size_t page)
{
    uint64_t above = large_entry((unsigned)(page / PT_ENTRIES));
    const uint64_t *table = xen_pfn_to_virt(xen_mfn_to_pfn((mfn_t){(above & PTE_FRAME) >> XEN_PAGE_SHIFT}));

    return above & PTE_LARGE ? 0 : table[page % PT_ENTRIES];
}

/* All pages but those from `first` on are mapped as they were at the start. */
static bool others_are_untouched(size_t first, size_t count)
{
    for (size_t i = 0; i < LARGE_PAGES; i++)
        if ((i < first || i >= first + count) &&
            !is_mapped_as(large + i * XEN_PAGE_SIZE, LARGE_FIRST + i, R | W))
            return false;
    return true;
}

TEST(pagetable_large_pages_map_2_mib_of_data_and_take_no_table_of_their_own)
{
    pfn_t pfn = {0};

    begin_large();
    TEST_CHECK(others_are_untouched(0, 0));
    TEST_CHECK(!xen_pt_query(at(large - 1), NULL, NULL) &&
               !xen_pt_query(at(large + LARGE_PAGES * 4096), NULL, NULL));
    for (unsigned i = 0; i < LARGE_COUNT; i++)
        TEST_CHECK(is_large(i), "page %u", i);
    /* The root, and one for each GiB. */
    TEST_CHECK(pages_in_use() == 3, "%zu", pages_in_use());
    /* The address of a byte will do, and both results may be left out. */
    TEST_CHECK(xen_pt_query(at(large + 0x3456), &pfn, NULL) && pfn.n == LARGE_FIRST + 3, "%lu", pfn.n);
    TEST_CHECK(xen_pt_query(at(large + 0x3456), NULL, NULL));
    check_tables("mapped");
}

/* Which pages of the four large ones change, and which of those stay whole. */
static const struct {
    size_t first, count;
    bool whole[LARGE_COUNT];
} parts[] = {
    {0, 1, {false, true, true, true}},         /* the first page */
    {511, 1, {false, true, true, true}},       /* the last of the first */
    {511, 2, {false, false, true, true}},      /* over an end */
    {700, 200, {true, false, true, true}},     /* more than a batch, within one */
    {1000, 100, {true, false, false, true}},   /* over a GiB */
    {300, 1500, {false, false, false, false}}, /* all of the middle ones */
    {512, 512, {true, false, true, true}},     /* one exactly; taken apart all the same */
    {2047, 1, {true, true, true, false}},      /* the very last */
    {0, LARGE_PAGES, {false, false, false, false}},
    {600, 0, {true, true, true, true}}, /* nothing */
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

TEST(pagetable_unmapping_a_part_of_large_pages_leaves_the_rest_as_it_was)
{
    for (size_t i = 0; i < PARTS; i++) {
        size_t first = parts[i].first, count = parts[i].count;

        begin_large();
        TEST_CHECK(xen_pt_unmap(at(large + first * XEN_PAGE_SIZE), count) == 0, "row %zu", i);
        for (size_t page = first; page < first + count; page++)
            TEST_REQUIRE(!xen_pt_query(at(large + page * XEN_PAGE_SIZE), NULL, NULL), "row %zu, page %zu", i,
                         page);
        TEST_CHECK(others_are_untouched(first, count), "row %zu", i);
        for (unsigned k = 0; k < LARGE_COUNT; k++)
            TEST_CHECK(is_large(k) == parts[i].whole[k], "row %zu, large page %u", i, k);
        check_tables("unmapped");
    }
}

TEST(pagetable_protecting_a_part_of_large_pages_leaves_the_rest_as_it_was)
{
    static const unsigned prots[] = {R, R | W, X};

    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < sizeof(prots) / sizeof(prots[0]); k++) {
            size_t first = parts[i].first, count = parts[i].count;

            begin_large();
            TEST_CHECK(xen_pt_protect(at(large + first * XEN_PAGE_SIZE), count, prots[k]) == 0, "row %zu", i);
            for (size_t page = first; page < first + count; page++)
                TEST_REQUIRE(is_mapped_as(large + page * XEN_PAGE_SIZE, LARGE_FIRST + page, prots[k] | R),
                             "row %zu, page %zu", i, page);
            TEST_CHECK(others_are_untouched(first, count), "row %zu", i);
            check_tables("protected");
        }
}

/* Bit for bit: no right more, none less. The room adds PTE_USER, once and for all. */
TEST(pagetable_pages_of_a_split_large_page_have_its_rights_exactly)
{
    uint64_t was;

    begin_large();
    was = large_entry(1);
    TEST_CHECK(xen_pt_unmap(at(large + 700 * XEN_PAGE_SIZE), 1) == 0);
    for (size_t page = 512; page < 1024; page++)
        TEST_REQUIRE(page_entry(page) ==
                         (page == 700 ? 0 : (was & ~PTE_LARGE) + ((page - 512) << XEN_PAGE_SHIFT)),
                     "page %zu: %lx, the large one was %lx", page, page_entry(page), was);
    TEST_CHECK((large_entry(1) & (PTE_NX | PTE_LARGE)) == 0 && (large_entry(1) & PTE_TABLE) == PTE_TABLE,
               "%lx", large_entry(1));
}

TEST(pagetable_mapping_into_a_large_page_replaces_only_what_is_mapped)
{
    begin_large();
    TEST_CHECK(xen_pt_map(at(large + 510 * XEN_PAGE_SIZE), (pfn_t){20}, 4, R) == 0);
    for (size_t i = 0; i < 4; i++)
        TEST_CHECK(is_mapped_as(large + (510 + i) * XEN_PAGE_SIZE, 20 + i, R), "page %zu", i);
    TEST_CHECK(others_are_untouched(510, 4));
    TEST_CHECK(!is_large(0) && !is_large(1) && is_large(2) && is_large(3));
    check_tables("mapped");
}

/* A page given away and taken back, as the balloon does, leaves the large page in pieces, and the pieces
 * right. */
TEST(pagetable_what_was_unmapped_from_a_large_page_can_be_mapped_again)
{
    begin_large();
    for (unsigned round = 0; round < 3; round++) {
        TEST_CHECK(xen_pt_unmap(at(large + 5 * XEN_PAGE_SIZE), 1) == 0);
        TEST_CHECK(xen_pt_map(at(large + 5 * XEN_PAGE_SIZE), (pfn_t){LARGE_FIRST + 5}, 1, W) == 0);
        TEST_CHECK(others_are_untouched(0, 0), "round %u", round);
    }
    check_tables("mapped again");
    TEST_CHECK(pages_in_use() == 4, "%zu", pages_in_use());
}

TEST(pagetable_large_pages_that_no_table_is_left_for_change_nothing)
{
    for (size_t i = 0; i < PARTS; i++) {
        uintptr_t va = large + parts[i].first * XEN_PAGE_SIZE;
        long needed = 0;

        for (unsigned k = 0; k < LARGE_COUNT; k++)
            needed += !parts[i].whole[k];
        for (long pages = 0; pages < needed; pages++) {
            begin_large();
            pages_left = pages;
            TEST_CHECK(xen_pt_unmap(at(va), parts[i].count) == -ENOMEM, "row %zu, %ld pages", i, pages);
            TEST_CHECK(others_are_untouched(0, 0), "row %zu, %ld pages", i, pages);
            pages_left = 0;
            TEST_CHECK(xen_pt_protect(at(va), parts[i].count, R) == -ENOMEM, "row %zu, %ld pages", i, pages);
            TEST_CHECK(others_are_untouched(0, 0), "row %zu, %ld pages", i, pages);
            check_tables("without a page");
        }
        /* Not one more is needed. */
        begin_large();
        pages_left = needed;
        TEST_CHECK(xen_pt_unmap(at(va), parts[i].count) == 0, "row %zu", i);
    }
    begin_large();
    adopt_fails = true;
    TEST_CHECK(xen_pt_unmap(at(large), 1) == -EINVAL && others_are_untouched(0, 0));
    check_tables("refused");
}

TEST(pagetable_protect_of_large_and_missing_pages_changes_none)
{
    begin_large();
    TEST_CHECK(xen_pt_protect(at(large - XEN_PAGE_SIZE), 2, R) == -ENOENT);
    TEST_CHECK(xen_pt_protect(at(large + (LARGE_PAGES - 1) * XEN_PAGE_SIZE), 2, R) == -ENOENT);
    TEST_CHECK(others_are_untouched(0, 0));
    for (unsigned i = 0; i < LARGE_COUNT; i++)
        TEST_CHECK(is_large(i), "page %u", i);
}

TEST(pagetable_map_large_without_a_page_for_the_table_above_maps_nothing)
{
    begin();
    pages_left = 0;
    TEST_CHECK(xen_pt_map_large(at(large), (mfn_t){MFN_OFFSET + LARGE_FIRST}) == -ENOMEM);
    TEST_CHECK(!xen_pt_query(at(large), NULL, NULL));
    check_tables("without a page");
}

/* A frame that is none of the guest's own: Xen's page, or another domain's. */
TEST(pagetable_foreign_frames_are_mapped_as_data_writable_or_not)
{
    mfn_t frame = {MFN_OFFSET + 10 * FRAMES};

    begin();
    TEST_CHECK(xen_pt_map_frame(at(XEN_MAPPINGS), frame, false) == 0);
    TEST_CHECK(is_mapped_as(XEN_MAPPINGS, 10 * FRAMES, R | W));
    TEST_CHECK(xen_pt_map_frame(at(XEN_MAPPINGS + XEN_PAGE_SIZE), frame, true) == 0);
    TEST_CHECK(is_mapped_as(XEN_MAPPINGS + XEN_PAGE_SIZE, 10 * FRAMES, R));
    /* Over each other, and gone. */
    TEST_CHECK(xen_pt_map_frame(at(XEN_MAPPINGS), frame, true) == 0);
    TEST_CHECK(is_mapped_as(XEN_MAPPINGS, 10 * FRAMES, R));
    TEST_CHECK(xen_pt_unmap(at(XEN_MAPPINGS), 2) == 0);
    TEST_CHECK(!xen_pt_query(at(XEN_MAPPINGS), NULL, NULL));
    TEST_CHECK(!xen_pt_query(at(XEN_MAPPINGS + XEN_PAGE_SIZE), NULL, NULL));
    pages_left = 0;
    TEST_CHECK(xen_pt_map_frame(at(XEN_MAPPINGS + LARGE_BYTES), frame, false) == -ENOMEM);
    check_tables("mapped");
}

TEST(pagetable_random_use_agrees_with_a_model)
{
    enum { PAGES = 2500, STEPS = 3000 };
    static struct {
        unsigned prot; /* 0: not mapped */
        uint64_t pfn;
    } model[PAGES];
    static const unsigned prots[] = {R, R | W, R | X};
    const uintptr_t base = XEN_MAPPINGS + 0x3ffa0000; /* over a GiB */
    uint32_t random = 5;

    begin();
    memset(model, 0, sizeof(model));
    /* Two of the tables that it covers begin as large pages. */
    for (uint64_t i = 0; i < 2 * PT_ENTRIES; i++) {
        uintptr_t va = (base + LARGE_BYTES - 1) / LARGE_BYTES * LARGE_BYTES;

        if (i % PT_ENTRIES == 0)
            TEST_CHECK(xen_pt_map_large(at(va + i * XEN_PAGE_SIZE), (mfn_t){MFN_OFFSET + 1024 + i}) == 0);
        model[(va - base) / XEN_PAGE_SIZE + i].prot = R | W;
        model[(va - base) / XEN_PAGE_SIZE + i].pfn = 1024 + i;
    }
    for (unsigned step = 0; step < STEPS; step++) {
        size_t first, count;
        unsigned prot;
        bool all = true;

        random = random * 1664525 + 1013904223;
        first = (random >> 8) % PAGES;
        random = random * 1664525 + 1013904223;
        count = 1 + (random >> 8) % (random >> 30 ? 70 : 700);
        count = count < PAGES - first ? count : PAGES - first;
        random = random * 1664525 + 1013904223;
        prot = prots[(random >> 8) % 3];
        switch (random >> 28 & 3) {
        case 0:
        case 1:
            TEST_REQUIRE(
                xen_pt_map(at(base + first * XEN_PAGE_SIZE), (pfn_t){random >> 16 & 1023}, count, prot) == 0);
            for (size_t i = 0; i < count; i++) {
                model[first + i].prot = prot;
                model[first + i].pfn = (random >> 16 & 1023) + i;
            }
            break;
        case 2:
            TEST_REQUIRE(xen_pt_unmap(at(base + first * XEN_PAGE_SIZE), count) == 0);
            for (size_t i = 0; i < count; i++)
                model[first + i].prot = 0;
            break;
        default:
            for (size_t i = 0; i < count; i++)
                all = all && model[first + i].prot;
            TEST_REQUIRE(xen_pt_protect(at(base + first * XEN_PAGE_SIZE), count, prot) ==
                         (all ? 0 : -ENOENT));
            for (size_t i = 0; i < count && all; i++)
                model[first + i].prot = prot;
        }
        for (size_t i = step % 7; i < PAGES; i += 7) {
            uintptr_t va = base + i * XEN_PAGE_SIZE;

            TEST_REQUIRE(model[i].prot ? is_mapped_as(va, model[i].pfn, model[i].prot)
                                       : !xen_pt_query(at(va), NULL, NULL),
                         "step %u: page %zu", step, i);
        }
    }
    check_tables("in the end");
}

int main(void)
{
    return tap_run();
}

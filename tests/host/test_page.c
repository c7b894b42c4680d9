/* links: page.c fake.c */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <stardust/memory.h>
#include <xenlib/memory.h>

#include <mem/mem.h>

#include "fake.h"
#include "tap.h"

/*
 * The direct map stands at its real address, which lies in the gap that the address sanitizer keeps for
 * itself; there it gets memory of its own, and shadow for it. A section that was not brought in faults.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "protect_shadow_gap=0";
}

#define SECTION   512u
#define PAGES_MAX (64 * SECTION)

static struct xen_memory_layout layout;
static unsigned tables;     /* page-table pages that bringing in a section takes */
static size_t tables_taken; /* so far */
static unsigned maps, maps_failed;
static bool maps_refused;

const struct xen_memory_layout *xen_memory_layout(void)
{
    return &layout;
}

pfn_t xen_virt_to_pfn(const void *address)
{
    return (pfn_t){((uintptr_t)address - XEN_DIRECT) / XEN_PAGE_SIZE};
}

int xen_memory_map_direct(pfn_t first, size_t count)
{
    maps++;
    TEST_CHECK(first.n % SECTION == 0 && first.n + count <= layout.end.n, "maps %lu+%zu", first.n, count);
    TEST_CHECK(count % SECTION == 0 || first.n + count == layout.end.n, "maps %lu+%zu", first.n, count);
    if (maps_refused)
        return -ENOMEM;
    /* As the real one, through xen_platform_page_alloc. */
    for (unsigned i = 0; i < tables; i++) {
        void *table = sd_page_alloc(0);

        if (!table) {
            maps_failed++;
            return -ENOMEM;
        }
        memset(table, 0x77, XEN_PAGE_SIZE);
        tables_taken++;
    }
    return mprotect(xen_pfn_to_virt(first), count * XEN_PAGE_SIZE, PROT_READ | PROT_WRITE) ? -EFAULT : 0;
}

static bool map_at(uintptr_t address, size_t bytes, int protection)
{
    void *want = (void *)address;

    return mmap(want, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) ==
           want;
}

struct configuration {
    const char *name;
    uint64_t first_free, mapped_end, end;
    unsigned tables;
};

static const struct configuration configurations[] = {
    {"2 MiB", 300, 512, 512, 1},
    {"2 MiB and a page", 300, 512, 513, 1},
    {"2 MiB and 2 pages", 300, 512, 514, 1},
    {"3 MiB, all mapped", 300, 768, 768, 1},
    {"3 MiB, a section cut short", 300, 512, 768, 3},
    {"4 MiB, of which 2 mapped", 500, 1024, 1024, 1},
    {"16 MiB", 400, 512, 4096, 1},
    {"16 MiB, three tables a section", 400, 512, 4096, 3},
    {"16 MiB, less 3 pages", 400, 512, 4093, 2},
    {"128 MiB", 777, 1024, 32768, 1},
    {"free from frame 0", 0, 512, 2048, 1},
    {"little to begin with", 504, 512, 2048, 3},
};
#define CONFIGURATIONS (sizeof(configurations) / sizeof(configurations[0]))

static void begin(const struct configuration *c)
{
    static bool used;

    /* The guest initialises once. To do it again, nothing may be left free. */
    maps_refused = true;
    while (used && sd_page_alloc(0))
        ;
    used = true;
    fake_reset();
    layout = (struct xen_memory_layout){{c->first_free}, {c->mapped_end}, {c->end}};
    tables = c->tables;
    tables_taken = maps = maps_failed = 0;
    maps_refused = false;
    TEST_CHECK(map_at(XEN_DIRECT, PAGES_MAX * XEN_PAGE_SIZE, PROT_NONE));
    TEST_CHECK(map_at((XEN_DIRECT >> 3) + 0x7fff8000, PAGES_MAX * XEN_PAGE_SIZE / 8, PROT_READ | PROT_WRITE));
    TEST_CHECK(mprotect((void *)XEN_DIRECT, c->mapped_end * XEN_PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
    memset((void *)XEN_DIRECT, 0xa5, c->mapped_end * XEN_PAGE_SIZE);
    sd_page_init();
}

static size_t free_pages(void)
{
    struct sd_memory_stats stats;

    sd_page_stats(&stats);
    return stats.pages_free;
}

/* Pages that the allocator may use for itself: a page for each section, and the tables. */
static size_t sections_grown(const struct configuration *c)
{
    return (c->end - c->mapped_end + SECTION - 1) / SECTION;
}

/* ---- blocks that are out, each page of them marked ---- */

static uint8_t owner[PAGES_MAX]; /* 1: handed out */

static uint64_t *last_word(char *page)
{
    return (uint64_t *)(void *)(page + XEN_PAGE_SIZE - sizeof(uint64_t));
}

/* Whether `block` may be given out now; notes it and marks its pages. */
static bool claim(void *block, unsigned order)
{
    uint64_t first = xen_virt_to_pfn(block).n, count = 1u << order;

    if ((uintptr_t)block < XEN_DIRECT || (uintptr_t)block % (count * XEN_PAGE_SIZE))
        return false;
    if (first < layout.first_free.n || first + count > layout.end.n)
        return false;
    for (uint64_t i = first; i < first + count; i++) {
        char *page = xen_pfn_to_virt((pfn_t){i});

        if (owner[i])
            return false;
        owner[i] = 1;
        *(uint64_t *)(void *)page = ~i;
        *last_word(page) = i * 3;
    }
    return true;
}

/* Whether nobody else wrote to the block; gives it back. */
static bool release(void *block, unsigned order)
{
    uint64_t first = xen_virt_to_pfn(block).n;
    bool whole = true;

    for (uint64_t i = first; i < first + (1u << order); i++) {
        char *page = xen_pfn_to_virt((pfn_t){i});

        whole = whole && owner[i] && *(uint64_t *)(void *)page == ~i && *last_word(page) == i * 3;
        owner[i] = 0;
    }
    sd_page_free(block, order);
    return whole;
}

TEST(page_every_page_can_be_had_and_had_again)
{
    static void *blocks[PAGES_MAX];

    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        const struct configuration *c = &configurations[i];
        size_t at_start, most = 0;

        begin(c);
        memset(owner, 0, sizeof(owner));
        at_start = free_pages();
        for (unsigned round = 0; round < 3; round++) {
            size_t count = 0;

            while ((blocks[count] = sd_page_alloc(0))) {
                if (!TEST_CHECK(claim(blocks[count], 0), "%s: %p", c->name, blocks[count]))
                    return;
                count++;
            }
            TEST_CHECK(maps_failed == 0, "%s: no page was left for tables", c->name);
            TEST_CHECK(free_pages() == 0, "%s: %zu pages kept back", c->name, free_pages());
            TEST_CHECK(count + sections_grown(c) + tables_taken == at_start, "%s: %zu + %zu + %zu of %zu",
                       c->name, count, sections_grown(c), tables_taken, at_start);
            TEST_CHECK(round == 0 || count == most, "%s: %zu, then %zu", c->name, most, count);
            most = count;
            /* From both ends in turn, so that blocks meet their buddies in all ways. */
            for (size_t k = 0; k < count; k++) {
                size_t at = k % 2 ? count - 1 - k / 2 : k / 2;

                TEST_CHECK(release(blocks[at], 0), "%s: page %zu was written to", c->name, at);
            }
            TEST_CHECK(free_pages() == count, "%s: %zu of %zu came back", c->name, free_pages(), count);
        }
    }
}

TEST(page_blocks_merge_again_after_any_order_of_frees)
{
    static void *blocks[PAGES_MAX];

    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        const struct configuration *c = &configurations[i];
        size_t large[2] = {0, 0};

        begin(c);
        memset(owner, 0, sizeof(owner));
        for (unsigned round = 0; round < 2; round++) {
            size_t count = 0;
            void *block, *chain = NULL;

            /* As many of the largest as there are; then all the rest page by page, freed in a mixed order. */
            while ((block = sd_page_alloc(SD_PAGE_ORDER_MAX))) {
                *(void **)block = chain;
                chain = block;
                large[round]++;
            }
            while (chain) {
                block = chain;
                chain = *(void **)chain;
                sd_page_free(block, SD_PAGE_ORDER_MAX);
            }
            while ((blocks[count] = sd_page_alloc(0)))
                count++;
            for (size_t k = 0; k < count; k++)
                sd_page_free(blocks[k * 7919 % count], 0);
        }
        TEST_CHECK(large[0] == large[1], "%s: %zu large blocks, then %zu", c->name, large[0], large[1]);
    }
}

TEST(page_random_use_agrees_with_a_model)
{
    enum { LIVE = 400, STEPS = 60000 };
    static struct {
        void *block;
        unsigned order;
    } live[LIVE];

    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        const struct configuration *c = &configurations[i];
        size_t at_start, out = 0;
        uint32_t random = (uint32_t)i + 1;

        begin(c);
        memset(owner, 0, sizeof(owner));
        memset(live, 0, sizeof(live));
        at_start = free_pages();
        for (unsigned step = 0; step < STEPS; step++) {
            size_t slot;

            random = random * 1664525 + 1013904223;
            slot = (random >> 8) % LIVE;
            if (live[slot].block) {
                out -= 1u << live[slot].order;
                if (!TEST_CHECK(release(live[slot].block, live[slot].order), "%s, step %u", c->name, step))
                    return;
                live[slot].block = NULL;
                continue;
            }
            /* Small blocks mostly. */
            live[slot].order = (unsigned)__builtin_ctz(random >> 20 | 1u << SD_PAGE_ORDER_MAX);
            live[slot].block = sd_page_alloc(live[slot].order);
            if (!live[slot].block)
                continue;
            out += 1u << live[slot].order;
            if (!TEST_CHECK(claim(live[slot].block, live[slot].order), "%s, step %u: %p", c->name, step,
                            live[slot].block))
                return;
        }
        TEST_CHECK(free_pages() + out + tables_taken <= at_start, "%s", c->name);
        TEST_CHECK(free_pages() + out + tables_taken + sections_grown(c) >= at_start, "%s", c->name);
        TEST_CHECK(maps_failed == 0, "%s: no page was left for tables", c->name);
    }
}

TEST(page_memory_is_brought_in_only_as_it_is_needed)
{
    struct sd_memory_stats stats;

    begin(&configurations[9]);
    TEST_CHECK(maps == 0);
    for (unsigned i = 0; i < 100; i++)
        TEST_CHECK(sd_page_alloc(0) != NULL);
    sd_page_stats(&stats);
    TEST_CHECK(maps == 0 && stats.pages_mapped == 1024 && stats.pages_total == 32768);
    while (!maps)
        TEST_REQUIRE(sd_page_alloc(0) != NULL);
    sd_page_stats(&stats);
    TEST_CHECK(maps == 1 && stats.pages_mapped == 1024 + SECTION, "%u, %zu", maps, stats.pages_mapped);
}

TEST(page_alloc_without_memory_behind_it_returns_null_and_recovers)
{
    void *page, *pages = NULL;

    begin(&configurations[6]);
    maps_refused = true;
    while ((page = sd_page_alloc(0))) {
        *(void **)page = pages;
        pages = page;
    }
    TEST_CHECK(sd_page_alloc(SD_PAGE_ORDER_MAX) == NULL);
    sd_page_free(pages, 0);
    TEST_CHECK(sd_page_alloc(0) == pages);
}

TEST(page_orders_beyond_the_largest_are_refused)
{
    begin(&configurations[9]);
    TEST_CHECK(sd_page_alloc(SD_PAGE_ORDER_MAX + 1) == NULL);
    TEST_CHECK(sd_page_alloc(31) == NULL);
    TEST_CHECK(sd_page_alloc(64) == NULL);
    TEST_CHECK(sd_page_alloc(~0u) == NULL);
}

struct bad_free {
    void *block;
    unsigned order;
};

static void free_badly(void *arg)
{
    const struct bad_free *bad = arg;

    sd_page_free(bad->block, bad->order);
}

TEST(page_bad_frees_panic)
{
    char *block, *page;

    begin(&configurations[6]);
    block = sd_page_alloc(2);
    page = sd_page_alloc(0);
    TEST_REQUIRE(block && page);
    struct bad_free rows[] = {
        {block + XEN_PAGE_SIZE, 2},                          /* not aligned to its size */
        {(char *)XEN_DIRECT + 4095 * XEN_PAGE_SIZE, 0},      /* not brought in */
        {(char *)XEN_DIRECT + PAGES_MAX * XEN_PAGE_SIZE, 0}, /* no memory at all */
        {(void *)0x1000, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        TEST_CHECK(fake_panics(free_badly, &rows[i]), "row %zu", i);
    TEST_CHECK(!fake_panics(free_badly, &(struct bad_free){page, 0}), "an honest free");
    TEST_CHECK(!fake_panics(free_badly, &(struct bad_free){block, 2}), "an honest free");
}

TEST(page_double_free_panics_even_once_merged)
{
    for (unsigned order = 0; order <= SD_PAGE_ORDER_MAX; order++) {
        struct bad_free bad = {.order = order};

        begin(&configurations[9]);
        bad.block = sd_page_alloc(order);
        TEST_REQUIRE(bad.block != NULL);
        sd_page_free(bad.block, order);
        TEST_REQUIRE(fake_panics(free_badly, &bad), "order %u", order);
    }
}

int main(void)
{
    return tap_run();
}

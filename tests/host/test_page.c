/* links: page.c fake.c */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* The free range in which all the frames from `first` to `end` lie, or NULL. */
static const struct xen_memory_range *range_around(uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < layout.free_count; i++)
        if (first >= layout.free[i].first.n && end <= layout.free[i].end.n)
            return &layout.free[i];
    return NULL;
}

int xen_memory_map_direct(pfn_t first, size_t count)
{
    const struct xen_memory_range *range = range_around(first.n, first.n + count);

    maps++;
    TEST_CHECK(range && count && first.n % SECTION == 0 && first.n >= layout.mapped_end.n, "maps %lu+%zu",
               first.n, count);
    TEST_CHECK(count == SECTION || (range && first.n + count == range->end.n), "maps %lu+%zu", first.n,
               count);
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

#define RANGES_MAX 4

struct configuration {
    const char *name;
    struct {
        uint64_t first, end;
    } free[RANGES_MAX];
    uint64_t mapped_end, end, holes; /* holes: frames below `end` without memory */
    unsigned tables;
};

static const struct configuration configurations[] = {
    {"2 MiB", {{300, 512}}, 512, 512, 0, 1},
    {"2 MiB and a page", {{300, 513}}, 512, 513, 0, 1},
    {"2 MiB and 2 pages", {{300, 514}}, 512, 514, 0, 1},
    {"3 MiB, all mapped", {{300, 768}}, 768, 768, 0, 1},
    {"3 MiB, a section cut short", {{300, 768}}, 512, 768, 0, 3},
    {"4 MiB, of which 2 mapped", {{500, 1024}}, 1024, 1024, 0, 1},
    {"16 MiB", {{400, 4096}}, 512, 4096, 0, 1},
    {"16 MiB, three tables a section", {{400, 4096}}, 512, 4096, 0, 3},
    {"16 MiB, less 3 pages", {{400, 4093}}, 512, 4093, 0, 2},
    {"128 MiB", {{777, 32768}}, 1024, 32768, 0, 1},
    {"free from frame 0", {{0, 2048}}, 512, 2048, 0, 1},
    {"little to begin with", {{504, 2048}}, 512, 2048, 0, 3},
    {"before and behind an image", {{1, 256}, {400, 4096}}, 512, 4096, 0, 1},
    {"three pages within an image", {{1, 256}, {380, 383}, {392, 4096}}, 512, 4096, 0, 1},
    {"a hole beyond what is mapped", {{300, 1024}, {2048, 4096}}, 512, 4096, 1024, 1},
    {"holes of all sizes", {{300, 1536}, {2048, 2560}, {3072, 4096}, {20480, 22528}}, 512, 22528, 17408, 2},
    {"a leftover in what is mapped", {{1, 256}, {500, 700}, {1024, 4096}}, 1024, 4096, 0, 1},
    {"a ramdisk over a section's end", {{1, 256}, {400, 500}, {1030, 4096}}, 1536, 4096, 0, 1},
    {"holes in what is mapped", {{1, 100}, {300, 600}, {1500, 3000}}, 2048, 3000, 1000, 1},
    {"ranges that end anywhere", {{300, 1001}, {2048, 2999}, {4096, 5001}, {5120, 5632}}, 512, 5632, 1000, 1},
    {"ranges of a page and of two",
     {{300, 600}, {1024, 1025}, {1536, 1538}, {2048, 2560}},
     512,
     2560,
     1500,
     1},
    {"a range with nothing in it", {{300, 512}, {1000, 1000}, {1536, 2048}}, 512, 2048, 1024, 1},
    {"ranges without a hole between", {{300, 512}, {512, 1024}, {1024, 1100}}, 512, 1100, 0, 1},
    {"nothing free beyond what is mapped", {{1, 256}, {400, 512}}, 512, 512, 0, 1},
    {"the first range too small for the sections", {{1, 2}, {300, 24000}}, 20480, 24000, 0, 1},
    {"the first two too small for the sections",
     {{1, 2}, {99, 100}, {300, 1000}, {20480, 24000}},
     20480,
     24000,
     0,
     1},
    {"the sections just fit", {{1, 3}, {99, 105}, {20480, 24000}}, 20480, 24000, 0, 3},
};
#define CONFIGURATIONS (sizeof(configurations) / sizeof(configurations[0]))

static const struct configuration *configuration(const char *name)
{
    for (size_t i = 0; i < CONFIGURATIONS; i++)
        if (!strcmp(configurations[i].name, name))
            return &configurations[i];
    abort();
}

static void set_layout(const struct configuration *c)
{
    layout = (struct xen_memory_layout){
        .mapped_end = {c->mapped_end},
        .end = {c->end},
        .pages = c->end - c->holes,
    };
    while (layout.free_count < RANGES_MAX && c->free[layout.free_count].end) {
        layout.free[layout.free_count].first.n = c->free[layout.free_count].first;
        layout.free[layout.free_count].end.n = c->free[layout.free_count].end;
        layout.free_count++;
    }
}

static void begin(const struct configuration *c)
{
    static bool used;

    /* The guest initialises once. To do it again, nothing may be left free, nor to come. */
    maps_refused = false;
    tables = 0;
    while (used && sd_page_alloc(0))
        ;
    used = true;
    fake_reset();
    set_layout(c);
    tables = c->tables;
    tables_taken = maps = maps_failed = 0;
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

/* Pages that the allocator uses for itself besides the tables: one for each section that it brings in. */
static size_t sections_grown(const struct configuration *c)
{
    size_t sections = 0;

    for (size_t i = 0; i < RANGES_MAX; i++) {
        uint64_t first = c->free[i].first > c->mapped_end ? c->free[i].first : c->mapped_end;

        if (c->free[i].end > first)
            sections += (c->free[i].end - first + SECTION - 1) / SECTION;
    }
    return sections;
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
    if (!range_around(first, first + count))
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

    begin(configuration("128 MiB"));
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

TEST(page_holes_count_neither_as_memory_nor_as_mapped)
{
    const struct configuration *c = configuration("holes of all sizes");
    struct sd_memory_stats stats;

    begin(c);
    sd_page_stats(&stats);
    /* All but the first section of the first range is still to come. */
    TEST_CHECK(stats.pages_total == 5120, "%zu", stats.pages_total);
    TEST_CHECK(stats.pages_mapped == 512, "%zu", stats.pages_mapped);
    while (sd_page_alloc(0))
        ;
    sd_page_stats(&stats);
    TEST_CHECK(stats.pages_mapped == 5120 && stats.pages_free == 0, "%zu", stats.pages_mapped);
}

static void init(void *arg)
{
    (void)arg;
    sd_page_init();
}

TEST(page_no_room_for_the_sections_is_said)
{
    static const struct configuration rows[] = {
        {"pages, none of them beside another", {{1, 2}, {99, 100}, {300, 301}}, 20480, 24000, 0, 1},
        {"nothing free", {{0, 0}}, 512, 512, 0, 1},
        {"nothing free in what is mapped", {{512, 1024}}, 512, 1024, 0, 1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = 1;
        pid_t child;

        begin(configuration("2 MiB"));
        set_layout(&rows[i]);
        /* In a process of its own: what is half initialised cannot be used again. */
        child = fork();
        if (!child)
            _exit(fake_panics(init, NULL) ? 0 : 1);
        set_layout(configuration("2 MiB"));
        TEST_CHECK(waitpid(child, &status, 0) == child && status == 0, "%s", rows[i].name);
    }
}

TEST(page_alloc_without_memory_behind_it_returns_null_and_recovers)
{
    void *page, *pages = NULL;

    begin(configuration("16 MiB"));
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
    begin(configuration("128 MiB"));
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

    begin(configuration("16 MiB"));
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

        begin(configuration("128 MiB"));
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

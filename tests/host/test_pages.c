/* links: pages.c */
#include <fs/pages.h>

#include <stdlib.h>
#include <string.h>

#include <stardust/memory.h>

#include "tap.h"

static long blocks, pages_left;
static int allocations_left = -1; /* below 0: as many as wanted */

void *sd_calloc(size_t count, size_t bytes)
{
    if (!allocations_left)
        return NULL;
    allocations_left -= allocations_left > 0;
    blocks++;
    return calloc(count, bytes);
}

void sd_free(void *block)
{
    blocks -= block != NULL;
    free(block);
}

void sd_page_free(void *block, unsigned order)
{
    TEST_CHECK(!order);
    pages_left--;
    free(block);
}

static void *page_of(uint64_t number)
{
    uint64_t *page = malloc(sizeof(*page));

    *page = number;
    pages_left++;
    return page;
}

static bool has(const struct sd_pages *pages, uint64_t number)
{
    const uint64_t *page = sd_pages_find(pages, number);

    if (page)
        TEST_CHECK(*page == number);
    return page != NULL;
}

static void put(struct sd_pages *pages, uint64_t number)
{
    TEST_REQUIRE(!sd_pages_put(pages, number, page_of(number)));
}

static void is_empty(struct sd_pages *pages)
{
    sd_pages_drop(pages, 0, SD_PAGES_NONE);
    TEST_CHECK(!pages->root && !pages->count && !pages->height && !blocks && !pages_left);
}

TEST(an_empty_tree_has_no_pages)
{
    struct sd_pages pages = {0};

    TEST_CHECK(!has(&pages, 0) && !has(&pages, 1ull << 51) && sd_pages_next(&pages, 0) == SD_PAGES_NONE);
    is_empty(&pages);
}

TEST(far_numbers_are_found_and_nothing_between_them)
{
    static const uint64_t numbers[] = {0, 63, 64, 4095, 4096, 1ull << 20, 1ull << 40, (1ull << 52) - 1};
    struct sd_pages pages = {0};

    for (size_t i = 0; i < 8; i++)
        put(&pages, numbers[i]);
    for (size_t i = 0; i < 8; i++) {
        TEST_CHECK(has(&pages, numbers[i]), "%zu", i);
        TEST_CHECK(sd_pages_next(&pages, i ? numbers[i - 1] + 1 : 0) == numbers[i], "%zu", i);
        TEST_CHECK(sd_pages_next(&pages, numbers[i]) == numbers[i], "%zu", i);
    }
    TEST_CHECK(!has(&pages, 1) && !has(&pages, 65) && !has(&pages, 1ull << 39) && pages.count == 8);
    TEST_CHECK(sd_pages_next(&pages, 1ull << 52) == SD_PAGES_NONE);
    is_empty(&pages);
}

#define RANGE 9000

TEST(any_order_of_changes_gives_what_a_table_says)
{
    static bool model[RANGE];
    struct sd_pages pages = {0};
    unsigned seed = 1;

    for (int turn = 0; turn < 20000; turn++) {
        uint64_t from, next;

        seed = seed * 1103515245 + 12345;
        from = (seed >> 12) % RANGE;
        if (turn % 16) {
            if (!model[from])
                put(&pages, from);
            model[from] = true;
        } else {
            uint64_t end = from + (seed >> 8) % 700;

            sd_pages_drop(&pages, from, end);
            for (uint64_t i = from; i < end && i < RANGE; i++)
                model[i] = false;
        }
        next = from;
        while (next < RANGE && !model[next])
            next++;
        TEST_REQUIRE(sd_pages_next(&pages, from) == (next < RANGE ? next : SD_PAGES_NONE), "in turn %d",
                     turn);
        TEST_REQUIRE(has(&pages, from) == model[from], "in turn %d", turn);
        TEST_REQUIRE(pages.count == (size_t)pages_left, "in turn %d", turn);
    }
    is_empty(&pages);
}

TEST(a_put_without_memory_changes_nothing_that_is_seen)
{
    for (int left = 0; left < 12; left++) {
        struct sd_pages pages = {0};
        void *page = page_of(1ull << 40);
        int error;

        put(&pages, 3);
        allocations_left = left;
        error = sd_pages_put(&pages, 1ull << 40, page);
        allocations_left = -1;
        TEST_CHECK(has(&pages, 3) && has(&pages, 1ull << 40) == !error, "%d", left);
        TEST_CHECK(pages.count == (error ? 1 : 2) && (error || left > 5), "%d", left);
        if (error)
            sd_page_free(page, 0);
        is_empty(&pages);
    }
}

int main(void)
{
    return tap_run();
}

/*
 * What is true of the heap in every build of it: included by test_heap_plain.c and test_heap_checked.c, each
 * of which links its own. Pages come from the host's allocator, so that the address sanitizer sees every
 * access to a page that the heap has given back.
 */
#ifndef TESTS_HOST_HEAP_CLAIMS_H
#define TESTS_HOST_HEAP_CLAIMS_H

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <stardust/memory.h>

#include <mem/mem.h>

#include "fake.h"
#include "tap.h"

static size_t pages_out;
static long blocks_left = -1; /* how many more sd_page_alloc give; negative: any number */

void *sd_page_alloc(unsigned order)
{
    size_t bytes = XEN_PAGE_SIZE << order;
    void *block;

    if (order > SD_PAGE_ORDER_MAX || blocks_left == 0)
        return NULL;
    blocks_left -= blocks_left > 0;
    block = aligned_alloc(bytes, bytes);
    if (block) {
        memset(block, 0xc3, bytes);
        pages_out += 1u << order;
    }
    return block;
}

void sd_page_free(void *block, unsigned order)
{
    TEST_CHECK((uintptr_t)block % (XEN_PAGE_SIZE << order) == 0 && pages_out >= 1u << order, "%p", block);
    pages_out -= 1u << order;
    free(block);
}

void sd_page_stats(struct sd_memory_stats *stats)
{
    *stats = (struct sd_memory_stats){.pages_total = 1000};
}

static uint32_t next_random(void)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return state >> 8;
}

static size_t live_blocks(void)
{
    struct sd_memory_stats stats;

    sd_memory_stats(&stats);
    return stats.heap_blocks;
}

/* Every byte of a block, as its number and size say. */
static unsigned char mark(unsigned number, size_t at)
{
    return (unsigned char)(number * 31 + at * 7 + at / 256 + 1);
}

static void fill(unsigned char *block, size_t bytes, unsigned number)
{
    for (size_t i = 0; i < bytes; i++)
        block[i] = mark(number, i);
}

static bool is_filled(const unsigned char *block, size_t bytes, unsigned number)
{
    for (size_t i = 0; i < bytes; i++) {
        if (block[i] != mark(number, i))
            return false;
    }
    return true;
}

/* Mostly small, some of pages, a few of the largest. */
static size_t random_size(void)
{
    uint32_t kind = next_random() % 100;

    if (kind < 60)
        return next_random() % 256;
    if (kind < 90)
        return next_random() % 4200;
    return kind < 99 ? next_random() % 40000 : next_random() % (1 << 20);
}

TEST(heap_blocks_of_every_size_are_aligned_and_hold_their_bytes)
{
    enum { SIZES = 5000 };
    static unsigned char *blocks[SIZES];
    size_t before = live_blocks();

    for (unsigned size = 0; size < SIZES; size++) {
        blocks[size] = sd_alloc(size);
        TEST_REQUIRE(blocks[size] && (uintptr_t)blocks[size] % 16 == 0, "%u bytes: %p", size,
                     (void *)blocks[size]);
        fill(blocks[size], size, size);
    }
    TEST_CHECK(live_blocks() == before + SIZES);
    for (unsigned size = 0; size < SIZES; size++) {
        TEST_CHECK(is_filled(blocks[size], size, size), "%u bytes", size);
        sd_free(blocks[size]);
    }
    TEST_CHECK(live_blocks() == before);
}

TEST(heap_random_use_agrees_with_a_model)
{
    enum { LIVE = 500, STEPS = 50000 };
    static struct {
        unsigned char *block;
        size_t bytes;
    } live[LIVE];
    size_t count = 0, total = 0, before = live_blocks();

    for (unsigned step = 0; step < STEPS; step++) {
        unsigned slot = next_random() % LIVE;
        size_t bytes = random_size(), kept;
        struct sd_memory_stats stats;
        unsigned char *moved;

        if (!live[slot].block) {
            live[slot].block = next_random() % 2 ? sd_alloc(bytes) : sd_calloc(1, bytes);
            TEST_REQUIRE(live[slot].block && (uintptr_t)live[slot].block % 16 == 0, "step %u", step);
            fill(live[slot].block, bytes, slot);
            count++;
        } else {
            TEST_REQUIRE(is_filled(live[slot].block, live[slot].bytes, slot), "step %u: %zu bytes", step,
                         live[slot].bytes);
            total -= live[slot].bytes;
            if (next_random() % 3) {
                sd_free(live[slot].block);
                live[slot].block = NULL;
                count--;
                continue;
            }
            moved = sd_realloc(live[slot].block, bytes);
            kept = bytes < live[slot].bytes ? bytes : live[slot].bytes;
            TEST_REQUIRE(moved && (uintptr_t)moved % 16 == 0 && is_filled(moved, kept, slot), "step %u",
                         step);
            fill(moved, bytes, slot);
            live[slot].block = moved;
        }
        live[slot].bytes = bytes;
        total += bytes;
        sd_memory_stats(&stats);
        TEST_REQUIRE(stats.heap_blocks == before + count && stats.heap_bytes >= total, "step %u", step);
    }
    for (unsigned slot = 0; slot < LIVE; slot++) {
        if (live[slot].block)
            TEST_CHECK(is_filled(live[slot].block, live[slot].bytes, slot), "slot %u", slot);
        sd_free(live[slot].block);
    }
    TEST_CHECK(live_blocks() == before);
    TEST_CHECK(pages_out <= 32, "%zu pages are kept for nothing", pages_out);
}

TEST(heap_holes_are_used_again)
{
    enum { COUNT = 20000 };
    static void *blocks[COUNT];
    static size_t bytes[COUNT];
    size_t most;

    for (unsigned i = 0; i < COUNT; i++) {
        bytes[i] = next_random() % 1500;
        blocks[i] = sd_alloc(bytes[i]);
    }
    most = pages_out;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = round % 2; i < COUNT; i += 2)
            sd_free(blocks[i]);
        for (unsigned i = round % 2; i < COUNT; i += 2)
            blocks[i] = sd_alloc(bytes[i]);
        TEST_CHECK(pages_out <= most + 32, "round %u: %zu pages after %zu", round, pages_out, most);
    }
    for (unsigned i = 0; i < COUNT; i++)
        sd_free(blocks[i]);
    TEST_CHECK(pages_out <= 32, "%zu pages are kept for nothing", pages_out);
}

TEST(heap_nothing_is_lost_to_a_block_taken_and_given_in_turn)
{
    for (unsigned size = 0; size < 3000; size += 50) {
        size_t before;

        sd_free(sd_alloc(size));
        before = pages_out;
        for (unsigned i = 0; i < 1000; i++)
            sd_free(sd_alloc(size));
        TEST_CHECK(pages_out == before, "%u bytes", size);
    }
}

TEST(heap_zero_bytes_give_a_pointer_of_their_own)
{
    void *one = sd_alloc(0), *two = sd_alloc(0), *three = sd_calloc(0, 8);

    TEST_CHECK(one && two && three && one != two && two != three && one != three);
    sd_free(one);
    sd_free(two);
    sd_free(three);
    sd_free(NULL);
}

TEST(heap_what_is_too_large_is_refused)
{
    static const size_t sizes[] = {SD_HEAP_MAX + 1, (1 << 20) - 31, 1 << 20,
                                   1ull << 32,      SIZE_MAX - 64,  SIZE_MAX};
    void *block = sd_alloc(8);
    size_t before = pages_out;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        volatile size_t size = sizes[i]; /* the compiler must not know it */

        TEST_CHECK(sd_alloc(size) == NULL, "%zu", sizes[i]);
        TEST_CHECK(sd_calloc(size, 1) == NULL, "%zu", sizes[i]);
        TEST_CHECK(sd_realloc(block, size) == NULL, "%zu", sizes[i]);
    }
    TEST_CHECK(pages_out == before);
    sd_free(block);
}

TEST(heap_calloc_zeroes_recycled_memory_and_refuses_an_overflow)
{
    static const struct {
        size_t count, bytes;
    } overflows[] = {
        {SIZE_MAX, 2}, {2, SIZE_MAX}, {1ull << 32, 1ull << 32}, {SIZE_MAX / 2 + 1, 2}, {1ull << 63, 4}};

    for (size_t i = 0; i < sizeof(overflows) / sizeof(overflows[0]); i++) {
        volatile size_t count = overflows[i].count, bytes = overflows[i].bytes;

        TEST_CHECK(sd_calloc(count, bytes) == NULL, "row %zu", i);
    }
    for (unsigned size = 1; size < 10000; size = size * 3 / 2 + 1) {
        unsigned char *block = sd_alloc(size), *zeroed;

        memset(block, 0xff, size);
        sd_free(block);
        zeroed = sd_calloc(size, 1);
        for (unsigned i = 0; i < size; i++)
            TEST_REQUIRE(zeroed[i] == 0, "byte %u of %u", i, size);
        sd_free(zeroed);
    }
}

TEST(heap_without_pages_gives_null_keeps_what_it_has_and_recovers)
{
    static void *blocks[10000];
    size_t count = 0;
    unsigned char *kept = sd_alloc(100), *large;

    fill(kept, 100, 1);
    blocks_left = 20;
    while (count < 10000 && (blocks[count] = sd_alloc(1000)))
        count++;
    TEST_CHECK(count > 0 && count < 10000);
    TEST_CHECK(sd_alloc(5000) == NULL && sd_calloc(1, 100000) == NULL);
    TEST_CHECK(sd_realloc(kept, 200000) == NULL);
    TEST_CHECK(is_filled(kept, 100, 1), "the old block stays");
    for (size_t i = 0; i < count; i++)
        sd_free(blocks[i]);
    blocks_left = -1;
    large = sd_realloc(kept, 200000);
    TEST_CHECK(large && is_filled(large, 100, 1));
    sd_free(large ? large : kept);
}

TEST(heap_realloc_of_nothing_allocates)
{
    unsigned char *block = sd_realloc(NULL, 40);

    TEST_REQUIRE(block != NULL);
    fill(block, 40, 3);
    block = sd_realloc(block, 41);
    TEST_CHECK(block && is_filled(block, 40, 3));
    sd_free(block);
}

#endif

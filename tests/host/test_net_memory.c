/* links: net/memory.c */
#include "tap.h"

#include <stdlib.h>

#include <stardust/memory.h>

#include "net/memory.h"

#define FREE    8000u /* pages, when the network starts: an eighth is the reserve */
#define RESERVE (FREE / 8)

static size_t free_pages, kept;

void sd_memory_stats(struct sd_memory_stats *stats)
{
    *stats = (struct sd_memory_stats){.pages_total = 2 * FREE, .pages_free = free_pages};
}

size_t sd_pages_free(void)
{
    return free_pages;
}

void sd_pages_keep(size_t count)
{
    kept = count;
}

void *sd_alloc(size_t bytes)
{
    return malloc(bytes);
}

void *sd_calloc(size_t count, size_t bytes)
{
    return calloc(count, bytes);
}

void sd_free(void *block)
{
    free(block);
}

static bool is_given(void)
{
    void *block = sd_net_alloc(8), *zeroed = sd_net_calloc(1, 8);
    bool given = block && zeroed;

    TEST_CHECK(!block == !zeroed);
    sd_net_free(block);
    sd_net_free(zeroed);
    return given;
}

static void begin(size_t pages)
{
    free_pages = pages;
    sd_net_set_limits();
}

TEST(memory_is_refused_to_the_network_step_by_step)
{
    static const struct {
        size_t free;
        bool is_short, is_scarce, is_out, is_low, gives_short;
    } cases[] = {
        {RESERVE, false, false, false, false, true},
        {RESERVE - 1, true, false, false, false, true},
        {RESERVE * 6 / 8, true, false, false, false, true},
        {RESERVE * 6 / 8 - 1, true, true, false, false, true},
        {RESERVE * 4 / 8, true, true, false, false, true},
        {RESERVE * 4 / 8 - 1, true, true, true, false, true},
        {RESERVE * 3 / 8, true, true, true, false, true},
        {RESERVE * 3 / 8 - 1, true, true, true, true, true},
        {RESERVE / 8, true, true, true, true, true},
        {RESERVE / 8 - 1, true, true, true, true, false},
        {0, true, true, true, true, false},
    };

    begin(FREE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        free_pages = cases[i].free;
        TEST_CHECK(sd_net_memory_is_short() == cases[i].is_short, "%zu", free_pages);
        TEST_CHECK(sd_net_memory_is_scarce() == cases[i].is_scarce, "%zu", free_pages);
        TEST_CHECK(sd_net_memory_is_out() == cases[i].is_out, "%zu", free_pages);
        TEST_CHECK(sd_net_memory_is_low() == cases[i].is_low, "%zu", free_pages);
        TEST_CHECK(is_given() == !cases[i].is_low, "%zu", free_pages);
        sd_net_memory_dip(true);
        TEST_CHECK(is_given() == cases[i].gives_short, "%zu", free_pages);
        sd_net_memory_dip(false);
    }
}

TEST(program_that_has_all_it_can_get_is_still_heard)
{
    begin(FREE);
    free_pages = kept;
    TEST_CHECK(!sd_net_memory_is_out() && !sd_net_memory_is_low() && is_given());
    TEST_CHECK(sd_net_memory_takes_page(0) && sd_net_memory_takes_page(RESERVE / 16 - 1));
    TEST_CHECK(!sd_net_memory_takes_page(RESERVE / 16));
    /* What packets may hold then leaves enough for connections. */
    free_pages -= RESERVE / 16;
    TEST_CHECK(!sd_net_memory_is_out());
}

TEST(packets_keep_pages_while_there_are_more_than_the_reserve)
{
    begin(FREE);
    free_pages = RESERVE;
    TEST_CHECK(sd_net_memory_takes_page(1000000));
    free_pages = RESERVE / 2 - 1;
    TEST_CHECK(!sd_net_memory_takes_page(0));
}

TEST(reserve_of_a_guest_is_neither_nothing_nor_more_than_8_mib)
{
    begin(10);
    TEST_CHECK(kept == 10, "%zu", kept);
    free_pages = 16;
    TEST_CHECK(!sd_net_memory_is_short() && sd_net_memory_takes_page(0));
    free_pages = 15;
    TEST_CHECK(sd_net_memory_is_short() && sd_net_memory_takes_page(0) && !sd_net_memory_takes_page(1));
    begin(1 << 20);
    free_pages = 2048;
    TEST_CHECK(!sd_net_memory_is_short());
    free_pages--;
    TEST_CHECK(sd_net_memory_is_short());
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}

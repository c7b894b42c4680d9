/* links: area.c */
#include <posix/area.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <stardust/memory.h>

#include "tap.h"

static bool no_memory;

void *sd_realloc(void *block, size_t bytes)
{
    return no_memory ? NULL : realloc(block, bytes);
}

#define PAGE  4096ul
#define PAGES 64

/* The same, page by page. */
static int model[PAGES];
static struct sd_areas areas;

static void reset(void)
{
    free(areas.list);
    areas = (struct sd_areas){0};
    for (int i = 0; i < PAGES; i++)
        model[i] = SD_AREA_FREE;
}

static void set(size_t from, size_t to, int prot)
{
    TEST_REQUIRE(sd_areas_reserve(&areas, 1) == 0);
    sd_areas_set(&areas, from * PAGE, to * PAGE, prot);
    for (size_t i = from; i < to; i++)
        model[i] = prot;
}

static int prot_at(size_t page)
{
    const struct sd_area *area = sd_areas_find(&areas, page * PAGE);

    return area && area->start <= page * PAGE ? area->rights : SD_AREA_FREE;
}

/* Sorted, apart or different, and the same as the model. */
static bool is_right(void)
{
    for (size_t i = 0; i < areas.count; i++) {
        if (areas.list[i].start >= areas.list[i].end)
            return false;
        if (i && areas.list[i - 1].end > areas.list[i].start)
            return false;
        if (i && areas.list[i - 1].end == areas.list[i].start &&
            areas.list[i - 1].rights == areas.list[i].rights)
            return false;
    }
    for (size_t page = 0; page < PAGES; page++)
        if (prot_at(page) != model[page])
            return false;
    return true;
}

TEST(area_in_the_middle_of_another_cuts_it_in_three)
{
    reset();
    set(10, 20, 3);
    set(13, 15, 1);
    TEST_CHECK(areas.count == 3 && is_right());
    set(13, 15, 3);
    TEST_CHECK(areas.count == 1 && is_right());
    set(13, 15, SD_AREA_FREE);
    TEST_CHECK(areas.count == 2 && is_right());
}

TEST(any_order_of_changes_gives_what_the_pages_say)
{
    static const int prots[] = {SD_AREA_FREE, 0, 3, 3 | SD_AREA_DEMAND};
    unsigned seed = 1;

    reset();
    for (int turn = 0; turn < 20000; turn++) {
        size_t from, to;

        seed = seed * 1103515245 + 12345;
        from = seed >> 16 & (PAGES - 1);
        to = from + (seed >> 8 & 15);
        set(from, to < PAGES ? to : PAGES, prots[seed >> 24 & 3]);
        TEST_REQUIRE(is_right(), "in turn %d", turn);
    }
}

TEST(areas_of_different_kinds_stay_apart)
{
    reset();
    set(10, 20, 3);
    set(20, 30, 3 | SD_AREA_DEMAND);
    set(30, 40, 3 | SD_AREA_DEMAND);
    TEST_CHECK(areas.count == 2 && is_right() && sd_areas_total(&areas) == 30 * PAGE);
    set(15, 25, 3 | SD_AREA_DEMAND | SD_AREA_SHARED);
    TEST_CHECK(areas.count == 3 && is_right() && sd_areas_total(&areas) == 30 * PAGE);
    set(15, 25, 3 | SD_AREA_DEMAND);
    TEST_CHECK(areas.count == 2 && is_right());
}

static void put(size_t from, size_t to, int rights, unsigned file)
{
    TEST_REQUIRE(sd_areas_reserve(&areas, 1) == 0);
    sd_areas_put(&areas, (struct sd_area){from * PAGE, to * PAGE, rights, file});
}

TEST(areas_of_different_files_stay_apart_and_what_is_cut_keeps_its_file)
{
    reset();
    put(10, 20, 3, 1);
    put(20, 30, 3, 1);
    TEST_CHECK(areas.count == 1);
    put(30, 40, 3, 2);
    put(40, 50, 3, 0);
    TEST_CHECK(areas.count == 3);
    set(15, 35, 3);
    TEST_CHECK(areas.count == 4 && areas.list[0].file == 1 && areas.list[0].end == 15 * PAGE &&
               !areas.list[1].file && areas.list[2].file == 2 && areas.list[2].start == 35 * PAGE &&
               !areas.list[3].file);
    put(12, 13, 1, 1);
    TEST_CHECK(areas.count == 6 && areas.list[2].file == 1 && areas.list[2].start == 13 * PAGE);
    put(12, 13, 3, 1);
    TEST_CHECK(areas.count == 4);
}

TEST(free_and_covered_tell_the_edges)
{
    static const struct {
        size_t from, to;
        bool are_free, cover;
    } rows[] = {
        {0, 10, true, false},   {0, 11, false, false}, {10, 20, false, true},  {12, 30, false, true},
        {10, 31, false, false}, {30, 40, true, false}, {29, 40, false, false}, {9, 12, false, false},
    };

    reset();
    set(10, 20, 3);
    set(20, 30, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TEST_CHECK(sd_areas_are_free(&areas, rows[i].from * PAGE, rows[i].to * PAGE) == rows[i].are_free,
                   "%zu", i);
        TEST_CHECK(sd_areas_cover(&areas, rows[i].from * PAGE, rows[i].to * PAGE) == rows[i].cover, "%zu", i);
    }
}

TEST(gap_is_the_lowest_that_is_large_enough)
{
    static const struct {
        size_t low, pages, place; /* PAGES: none */
    } rows[] = {{0, 4, 0},   {0, 5, 13},  {1, 4, 13},     {0, 8, 20},  {15, 1, 15},
                {13, 6, 20}, {0, 44, 20}, {0, 45, PAGES}, {63, 1, 63}, {63, 2, PAGES}};

    reset();
    set(4, 13, 3);
    set(18, 20, 3);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uintptr_t place = PAGES * PAGE;

        TEST_CHECK(sd_areas_gap(&areas, rows[i].low * PAGE, PAGES * PAGE, rows[i].pages * PAGE, &place) ==
                       (rows[i].place < PAGES),
                   "%zu", i);
        TEST_CHECK(place == rows[i].place * PAGE, "%zu: %zu", i, place / PAGE);
    }
    TEST_CHECK(!sd_areas_gap(&areas, 0, PAGES * PAGE, SIZE_MAX, &(uintptr_t){0}));
}

TEST(reserving_says_when_there_is_no_memory_or_too_much_is_wanted)
{
    reset();
    no_memory = true;
    TEST_CHECK(sd_areas_reserve(&areas, 1) == -ENOMEM && !areas.room);
    no_memory = false;
    TEST_CHECK(sd_areas_reserve(&areas, 1) == 0);
    TEST_CHECK(sd_areas_reserve(&areas, 1000000) == -ENOMEM);
    reset();
}

int main(void)
{
    return tap_run();
}

/* Memory that is not there before it is touched. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "check.h"

static char *map(size_t bytes, int prot, int flags)
{
    return mmap(NULL, bytes, prot, flags, -1, 0);
}

/* Pages of the range that have memory. */
static size_t resident(char *at, size_t bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < bytes; i += PAGE) {
        unsigned char is = 0;

        CHECK(!mincore(at + i, PAGE, &is));
        count += is & 1;
    }
    return count;
}

static void a_gib_without_reserve_is_mapped_in_a_small_guest_and_used_where_it_is_touched(void)
{
    char *at = map(GIB, RW, LAZY);

    CHECK(at != MAP_FAILED);
    if (at == MAP_FAILED)
        return;
    for (size_t i = 0; i < GIB; i += 32 * MIB) {
        CHECK(!at[i]);
        at[i] = (char)(i >> 25);
    }
    for (size_t i = 0; i < GIB; i += 32 * MIB)
        CHECK(at[i] == (char)(i >> 25) && !at[i + 1]);
    CHECK(resident(at, MIB) == 1 && resident(at + MIB, MIB) == 0);
    CHECK(!munmap(at, GIB));
}

static void a_reservation_of_64_gib_costs_nothing(void)
{
    char *at = map(64 * GIB, PROT_NONE, LAZY);

    CHECK(at != MAP_FAILED);
    CHECK(!mprotect(at + 40 * GIB, 4 * MIB, RW));
    at[40 * GIB] = at[40 * GIB + 4 * MIB - 1] = 1;
    CHECK(mmap(at + 50 * GIB, PAGE, RW, ANON | MAP_FIXED, -1, 0) == at + 50 * GIB);
    at[50 * GIB] = 1;
    CHECK(write(1, at + 40 * GIB + 4 * MIB, 1) == -1 && errno == EFAULT);
    CHECK(!munmap(at, 64 * GIB));
    at = map(64 * GIB, RW, LAZY);
    CHECK(at != MAP_FAILED);
    at[63 * GIB] = 1;
    CHECK(!madvise(at, 64 * GIB, MADV_DONTNEED));
    CHECK(!at[63 * GIB]);
    CHECK(!munmap(at, 64 * GIB));
}

static void a_service_may_be_the_first_to_touch(void)
{
    char *at = map(4 * PAGE, RW, LAZY);

    CHECK(getrandom(at + PAGE - 8, 16, 0) == 16);
    CHECK(resident(at, 4 * PAGE) == 2);
    CHECK(write(1, at + 2 * PAGE, 0) == 0);
    CHECK(resident(at, 4 * PAGE) == 2);
    munmap(at, 4 * PAGE);
}

static void rights_hold_before_the_first_touch(void)
{
    char *at = map(4 * PAGE, PROT_READ, LAZY);

    CHECK(!at[0] && !at[PAGE]);
    CHECK(getrandom(at + 2 * PAGE, 8, 0) == -1 && errno == EFAULT);
    CHECK(getrandom(at, 8, 0) == -1 && errno == EFAULT);
    CHECK(!mprotect(at, 4 * PAGE, RW));
    memset(at, 5, 4 * PAGE);
    CHECK(!mprotect(at + PAGE, PAGE, PROT_NONE));
    CHECK(getrandom(at + PAGE, 8, 0) == -1 && errno == EFAULT);
    CHECK(!mprotect(at + PAGE, PAGE, PROT_READ));
    CHECK(at[PAGE] == 5);
    munmap(at, 4 * PAGE);
}

static void dontneed_gives_the_memory_back(void)
{
    char *at = map(8 * MIB, RW, LAZY);

    /* More in all than a guest of 16 MB has. */
    for (int turn = 0; turn < 8; turn++) {
        for (size_t i = 0; i < 4 * MIB; i += PAGE) {
            CHECK(!at[i]);
            at[i] = 1;
        }
        CHECK(!madvise(at, 8 * MIB, MADV_DONTNEED));
        CHECK(!resident(at, 8 * MIB));
    }
    munmap(at, 8 * MIB);
}

static void populate_and_mlock_bring_the_memory_in(void)
{
    char *at = map(64 * PAGE, RW, LAZY | MAP_POPULATE);

    CHECK(resident(at, 64 * PAGE) == 64);
    munmap(at, 64 * PAGE);
    at = map(64 * PAGE, RW, LAZY);
    CHECK(!mlock(at + PAGE, 2 * PAGE));
    CHECK(resident(at, 64 * PAGE) == 2);
    CHECK(!munlock(at, 64 * PAGE));
    munmap(at, 64 * PAGE);
}

static void remapping_takes_along_what_is_there(void)
{
    char *at = map(2 * GIB, RW, LAZY), *wall, *moved;

    strcpy(at + GIB, "middle");
    wall = map(PAGE, RW, ANON);
    moved = mremap(at, 2 * GIB, 5 * GIB, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED);
    CHECK(!strcmp(moved + GIB, "middle") && !moved[4 * GIB] && !moved[0]);
    CHECK(mremap(moved, 5 * GIB, GIB + PAGE, 0) == moved);
    CHECK(!strcmp(moved + GIB, "middle"));
    CHECK(write(1, moved + GIB + PAGE, 1) == -1 && errno == EFAULT);
    munmap(moved, GIB + PAGE);
    munmap(wall, PAGE);
}

const struct claim demand_claims[] = {
    CLAIM(a_gib_without_reserve_is_mapped_in_a_small_guest_and_used_where_it_is_touched),
    CLAIM(a_reservation_of_64_gib_costs_nothing),
    CLAIM(a_service_may_be_the_first_to_touch),
    CLAIM(rights_hold_before_the_first_touch),
    CLAIM(dontneed_gives_the_memory_back),
    CLAIM(populate_and_mlock_bring_the_memory_in),
    CLAIM(remapping_takes_along_what_is_there),
    {NULL, NULL},
};

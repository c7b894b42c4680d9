#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul
#define MIB  (1ul << 20)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static char *map(size_t bytes)
{
    return mmap(NULL, bytes, RW, ANON, -1, 0);
}

/* Whether a service that reads the byte gets at it. */
static bool is_readable(const char *at)
{
    return write(1, at, 1) == 1 || errno != EFAULT;
}

/* The most that one mapping can have, in pages. */
static size_t most(void)
{
    size_t low = 0, high = 1 << 20;

    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        char *at = map(middle * PAGE);

        if (at == MAP_FAILED) {
            high = middle;
        } else {
            low = middle;
            munmap(at, middle * PAGE);
        }
    }
    return low;
}

static void new_memory_is_zero_and_stays_what_is_written(void)
{
    char *at = map(3 * MIB);

    CHECK(at != MAP_FAILED);
    for (size_t i = 0; i < 3 * MIB; i += 64)
        CHECK(!at[i]);
    memset(at, 7, 3 * MIB);
    CHECK(at[0] == 7 && at[3 * MIB - 1] == 7);
    CHECK(!munmap(at, 3 * MIB));
    at = map(3 * MIB);
    for (size_t i = 0; i < 3 * MIB; i += 64)
        CHECK(!at[i]);
    munmap(at, 3 * MIB);
}

static void unmapping_a_part_leaves_the_rest(void)
{
    char *at = map(4 * PAGE);

    at[0] = at[3 * PAGE] = 5;
    CHECK(!munmap(at + PAGE, 2 * PAGE));
    CHECK(at[0] == 5 && at[3 * PAGE] == 5);
    CHECK(!is_readable(at + PAGE) && !is_readable(at + 2 * PAGE));
    CHECK(!munmap(at, 4 * PAGE));
    CHECK(!is_readable(at));
}

static void a_page_without_access_keeps_its_contents(void)
{
    char *at = map(3 * PAGE);

    strcpy(at + PAGE, "kept");
    CHECK(!mprotect(at + PAGE, PAGE, PROT_NONE));
    CHECK(is_readable(at) && !is_readable(at + PAGE) && is_readable(at + 2 * PAGE));
    CHECK(!mprotect(at + PAGE, PAGE, PROT_READ));
    CHECK(!strcmp(at + PAGE, "kept"));
    CHECK_ERRNO(getentropy(at + PAGE, 8), EFAULT);
    CHECK(!mprotect(at + PAGE, PAGE, RW));
    at[PAGE] = 'K';
    CHECK(!strcmp(at + PAGE, "Kept"));
    CHECK(!munmap(at, 3 * PAGE));
}

static void memory_is_never_writable_and_executable(void)
{
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
    char *at = map(PAGE);
    int (*function)(void) = (int (*)(void))(uintptr_t)at;

    CHECK_ERRNO(mmap(NULL, PAGE, RW | PROT_EXEC, ANON, -1, 0), EACCES);
    CHECK_ERRNO(mprotect(at, PAGE, RW | PROT_EXEC), EACCES);
    memcpy(at, code, sizeof(code));
    CHECK(!mprotect(at, PAGE, PROT_READ | PROT_EXEC));
    CHECK(function() == 42);
    munmap(at, PAGE);
}

static void fixed_mappings_replace_unless_told_otherwise(void)
{
    char *at = map(3 * PAGE);

    at[PAGE] = 1;
    CHECK(mmap(at + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == at + PAGE);
    CHECK(!at[PAGE]);
    CHECK_ERRNO(mmap(at + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    munmap(at, 3 * PAGE);
    CHECK(mmap(at + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == at + PAGE);
    CHECK(mmap(at, PAGE, RW, ANON, -1, 0) == at);
    munmap(at, 3 * PAGE);
}

static void mremap_grows_moves_and_shrinks(void)
{
    char *at = map(4 * PAGE), *wall, *moved;

    strcpy(at, "head");
    strcpy(at + 3 * PAGE, "tail");
    CHECK(mremap(at, 4 * PAGE, 8 * PAGE, 0) == at);
    CHECK(!at[7 * PAGE]);
    wall = mmap(at + 8 * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(wall == at + 8 * PAGE);
    CHECK_ERRNO(mremap(at, 8 * PAGE, 9 * PAGE, 0), ENOMEM);
    moved = mremap(at, 8 * PAGE, 300 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != at);
    CHECK(!strcmp(moved, "head") && !strcmp(moved + 3 * PAGE, "tail") && !moved[299 * PAGE]);
    CHECK(!is_readable(at));
    CHECK(mremap(moved, 300 * PAGE, PAGE, 0) == moved);
    CHECK(!is_readable(moved + PAGE));
    CHECK(mremap(moved, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
    CHECK(!strcmp(at, "head"));
    CHECK_ERRNO(mremap(at + 16 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
    munmap(at, 9 * PAGE);
}

static void madvise_dontneed_gives_zeros(void)
{
    char *at = map(2 * PAGE);

    at[0] = at[PAGE] = 9;
    CHECK(!madvise(at, PAGE, MADV_DONTNEED));
    CHECK(!at[0] && at[PAGE] == 9);
    munmap(at, 2 * PAGE);
    CHECK_ERRNO(madvise(at, PAGE, MADV_DONTNEED), ENOMEM);
}

static void too_much_is_enomem_and_reserving_costs_nothing(void)
{
    char *at = mmap(NULL, 8ul << 30, PROT_NONE, ANON, -1, 0);

    CHECK(at != MAP_FAILED);
    CHECK_ERRNO(mprotect(at, 8ul << 30, RW), ENOMEM);
    CHECK(!mprotect(at + MIB, PAGE, RW));
    at[MIB] = 1;
    CHECK(!munmap(at, 8ul << 30));
    CHECK_ERRNO(map(1ul << 30), ENOMEM);
    CHECK_ERRNO(map(1ul << 50), ENOMEM);
    CHECK(!malloc(1ul << 30));
}

static void bad_requests_give_their_errno(void)
{
    CHECK_ERRNO(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0), EBADF);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, 0, 0), ENODEV);
    CHECK_ERRNO(mmap((void *)PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
    CHECK_ERRNO(munmap((void *)0x4200000001, PAGE), EINVAL);
    CHECK_ERRNO(munmap((void *)(uintptr_t)&bad_requests_give_their_errno, PAGE), EINVAL);
    CHECK_ERRNO(mprotect((void *)0x60fffff000, PAGE, RW), ENOMEM);
}

static void malloc_of_many_sizes_gives_memory_back(void)
{
    static unsigned char *blocks[200];
    size_t before = 0, after;

    /* The first round leaves what malloc keeps for itself. */
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            before = most();
        for (size_t i = 0; i < 200; i++) {
            size_t bytes = i * i * 5 + 1;

            blocks[i] = malloc(bytes);
            CHECK(blocks[i]);
            if (blocks[i])
                blocks[i][0] = blocks[i][bytes - 1] = (unsigned char)i;
        }
        for (size_t i = 0; i < 200; i++) {
            CHECK(blocks[i] && blocks[i][0] == (unsigned char)i && blocks[i][i * i * 5] == (unsigned char)i);
            free(blocks[i]);
        }
    }
    after = most();
    CHECK(before > 500 && after + 16 >= before);
}

const struct claim memory_claims[] = {
    CLAIM(new_memory_is_zero_and_stays_what_is_written),
    CLAIM(unmapping_a_part_leaves_the_rest),
    CLAIM(a_page_without_access_keeps_its_contents),
    CLAIM(memory_is_never_writable_and_executable),
    CLAIM(fixed_mappings_replace_unless_told_otherwise),
    CLAIM(mremap_grows_moves_and_shrinks),
    CLAIM(madvise_dontneed_gives_zeros),
    CLAIM(too_much_is_enomem_and_reserving_costs_nothing),
    CLAIM(bad_requests_give_their_errno),
    CLAIM(malloc_of_many_sizes_gives_memory_back),
    {NULL, NULL},
};

/* links: heap.c heap_checked.c fake.c */
#include "heap_claims.h"

/* A panic in the middle of sd_realloc leaves a block behind; in a guest nothing comes after it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void free_block(void *arg)
{
    sd_free(arg);
}

static void realloc_block(void *arg)
{
    void *moved = sd_realloc(arg, 50);

    (void)moved;
}

static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 128, 2000, 4000, 4096, 10000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

TEST(heap_checked_double_free_panics)
{
    /* A neighbour keeps small blocks' page, as it is in life; a page given back faults for itself. */
    for (size_t i = 0; i < SIZES && sizes[i] <= 1000; i++) {
        void *neighbour = sd_alloc(sizes[i]), *block = sd_alloc(sizes[i]), *other = sd_alloc(sizes[i]);

        sd_free(block);
        TEST_CHECK(fake_panics(free_block, block), "%zu bytes", sizes[i]);
        TEST_CHECK(fake_panics(realloc_block, block), "%zu bytes", sizes[i]);
        TEST_CHECK(!fake_panics(free_block, other) && !fake_panics(free_block, neighbour));
    }
}

TEST(heap_checked_a_byte_written_behind_the_end_panics)
{
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t distance = 0; distance < 16; distance++) {
            /* Through a volatile, or the compiler sees the crime. */
            unsigned char *volatile block = sd_alloc(sizes[i]);
            unsigned char was = block[sizes[i] + distance];

            block[sizes[i] + distance] = (unsigned char)~was;
            TEST_CHECK(fake_panics(free_block, block), "%zu bytes, %zu behind", sizes[i], distance);
            TEST_CHECK(fake_panics(realloc_block, block), "%zu bytes, %zu behind", sizes[i], distance);
            block[sizes[i] + distance] = was;
            TEST_CHECK(!fake_panics(free_block, block), "%zu bytes", sizes[i]);
        }
    }
}

TEST(heap_checked_a_byte_written_before_the_start_panics)
{
    for (size_t i = 0; i < SIZES; i++) {
        unsigned char *volatile block = sd_alloc(sizes[i]);

        block[-1] ^= 1;
        TEST_CHECK(fake_panics(free_block, block), "%zu bytes", sizes[i]);
        block[-1] ^= 1;
        TEST_CHECK(!fake_panics(free_block, block), "%zu bytes", sizes[i]);
    }
}

TEST(heap_checked_a_pointer_into_a_block_panics)
{
    unsigned char *block = sd_alloc(200);

    memset(block, 0, 200);
    TEST_CHECK(fake_panics(free_block, block + 16));
    TEST_CHECK(fake_panics(free_block, block + 64));
    sd_free(block);
}

TEST(heap_checked_freed_memory_reads_nonsense)
{
    unsigned char *neighbour = sd_alloc(100), *volatile block = sd_alloc(100);

    memset(block, 0, 100);
    sd_free(block);
    for (unsigned i = 0; i < 100; i++)
        TEST_CHECK(block[i] != 0, "byte %u", i);
    sd_free(neighbour);
}

int main(void)
{
    return tap_run();
}

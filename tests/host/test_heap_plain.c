/* links: heap.c heap_plain.c fake.c */
#include "heap_claims.h"

TEST(heap_plain_gives_the_largest_block_that_it_promises)
{
    unsigned char *block = sd_alloc((1 << 20) - 32);

    TEST_REQUIRE(block != NULL);
    fill(block, (1 << 20) - 32, 1);
    sd_free(block);
}

static void free_in_the_middle(void *arg)
{
    sd_free(arg);
}

TEST(heap_plain_panics_at_what_is_no_block)
{
    unsigned char *page = aligned_alloc(XEN_PAGE_SIZE, XEN_PAGE_SIZE);

    TEST_REQUIRE(page != NULL);
    memset(page, 0, XEN_PAGE_SIZE);
    TEST_CHECK(fake_panics(free_in_the_middle, page + 64));
    free(page);
}

int main(void)
{
    return tap_run();
}

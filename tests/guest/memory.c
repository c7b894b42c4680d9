/* Pages and heap, on the guest's own memory. */
#include <stardust/test.h>

#include <string.h>

#include <stardust/memory.h>

SD_TEST(all_memory_can_be_had_and_given_back)
{
    struct sd_memory_stats before, during, after;
    struct chunk {
        struct chunk *next;
    } *all = NULL;
    size_t pages = 0;

    sd_memory_stats(&before);
    for (struct chunk *page; (page = sd_page_alloc(0)); pages++) {
        memset(page, 0x5a, XEN_PAGE_SIZE);
        page->next = all;
        all = page;
    }
    sd_memory_stats(&during);
    SD_CHECK(during.pages_mapped == during.pages_total);
    SD_CHECK(pages > before.pages_free * 9 / 10);
    while (all) {
        struct chunk *next = all->next;

        sd_page_free(all, 0);
        all = next;
    }
    sd_memory_stats(&after);
    /* What is missing went into the tables and headers of the sections that were brought in. */
    SD_CHECK(after.pages_free <= before.pages_free);
    SD_CHECK(before.pages_free - after.pages_free <= 4 * (during.pages_total / 512 + 1));
}

SD_TEST(freed_pages_merge_into_large_blocks)
{
    void *blocks[4], *again;

    for (int i = 0; i < 4; i++)
        blocks[i] = sd_page_alloc(SD_PAGE_ORDER_MAX - 2);
    SD_REQUIRE(blocks[3]);
    for (int i = 0; i < 4; i++)
        sd_page_free(blocks[i], SD_PAGE_ORDER_MAX - 2);
    again = sd_page_alloc(SD_PAGE_ORDER_MAX);
    SD_CHECK(again != NULL);
    SD_CHECK((uintptr_t)again % (XEN_PAGE_SIZE << SD_PAGE_ORDER_MAX) == 0);
    if (again)
        sd_page_free(again, SD_PAGE_ORDER_MAX);
}

SD_TEST(heap_gives_back_what_it_gave)
{
    struct sd_memory_stats before, after;
    void *blocks[200];

    sd_memory_stats(&before);
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = sd_alloc(i * i);
        SD_REQUIRE(blocks[i]);
        SD_CHECK((uintptr_t)blocks[i] % 16 == 0);
        memset(blocks[i], (int)i, i * i);
    }
    for (size_t i = 0; i < 200; i++) {
        const unsigned char *block = blocks[i];

        if (i)
            SD_CHECK(block[0] == (unsigned char)i && block[i * i - 1] == (unsigned char)i);
        sd_free(blocks[i]);
    }
    sd_memory_stats(&after);
    SD_CHECK(after.heap_blocks == before.heap_blocks && after.heap_bytes == before.heap_bytes);
}

SD_TEST(heap_refuses_what_it_cannot_give)
{
    /* Volatile, or the compiler sees that these cannot succeed. */
    volatile size_t all = SIZE_MAX, much = (1 << 20) + 1, half = SIZE_MAX / 2;

    SD_CHECK(!sd_alloc(all));
    SD_CHECK(!sd_alloc(much));
    SD_CHECK(!sd_calloc(half, 3));
    SD_CHECK(!sd_page_alloc(SD_PAGE_ORDER_MAX + 1));
}

SD_TEST(realloc_keeps_the_contents)
{
    char *block = sd_alloc(10), *larger;

    SD_REQUIRE(block);
    memcpy(block, "123456789", 10);
    larger = sd_realloc(block, 100000);
    SD_REQUIRE(larger && !strcmp(larger, "123456789"));
    block = sd_realloc(larger, 5);
    SD_CHECK(block && !memcmp(block, "12345", 5));
    sd_free(block);
}

/*
 * The heap's public names in test images: every block stands between two marks, and its size is kept, so that
 * an overrun or a second free is found when the block is freed, and use after that reads nonsense.
 */
#include "mem.h"

#include <string.h>

#include <xenlib/platform.h>

struct head {
    uint64_t size;
    uint64_t mark;
};

#define MARK_LIVE  0x6c6976656c697665ull
#define MARK_FREED 0x6672656564210000ull
#define TAIL_BYTES 16
#define TAIL       0xa5
#define POISON     0xdd

void *sd_alloc(size_t bytes)
{
    struct head *head;

    if (bytes > SD_HEAP_MAX)
        return NULL;
    head = sd_heap_alloc(sizeof(*head) + bytes + TAIL_BYTES);
    if (!head)
        return NULL;
    *head = (struct head){bytes, MARK_LIVE};
    memset((char *)(head + 1) + bytes, TAIL, TAIL_BYTES);
    return head + 1;
}

static struct head *check(void *block)
{
    struct head *head = (struct head *)block - 1;
    const unsigned char *tail;

    if (head->mark == MARK_FREED)
        xen_platform_panic("heap block %p is freed twice", block);
    if (head->mark != MARK_LIVE)
        xen_platform_panic("heap block %p was written before its start, or is none", block);
    tail = (const unsigned char *)block + head->size;
    for (size_t i = 0; i < TAIL_BYTES; i++)
        if (tail[i] != TAIL)
            xen_platform_panic("heap block %p of %lu bytes was written behind its end", block, head->size);
    return head;
}

void sd_free(void *block)
{
    struct head *head;

    if (!block)
        return;
    head = check(block);
    memset(block, POISON, head->size);
    head->mark = MARK_FREED;
    sd_heap_free(head);
}

void *sd_realloc(void *block, size_t bytes)
{
    void *fresh = sd_alloc(bytes);

    if (fresh && block) {
        size_t old = check(block)->size;

        memcpy(fresh, block, old < bytes ? old : bytes);
        sd_free(block);
    }
    return fresh;
}

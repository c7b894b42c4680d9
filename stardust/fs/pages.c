#include "pages.h"

#include <errno.h>

#include <stardust/memory.h>

#define SHIFT 6
#define SLOTS (1u << SHIFT)

struct node {
    void *slots[SLOTS];
};

static bool covers(unsigned height, uint64_t number)
{
    return height * SHIFT >= 64 || !(number >> height * SHIFT);
}

static unsigned slot_of(uint64_t number, unsigned height)
{
    return (unsigned)(number >> (height - 1) * SHIFT) % SLOTS;
}

void *sd_pages_find(const struct sd_pages *pages, uint64_t number)
{
    void *at = pages->root;

    if (!covers(pages->height, number))
        return NULL;
    for (unsigned height = pages->height; at && height; height--)
        at = ((struct node *)at)->slots[slot_of(number, height)];
    return at;
}

/* Below a node that stands `height` above the pages; numbers count from its first. */
static uint64_t next(const void *at, unsigned height, uint64_t from)
{
    const struct node *node = at;
    uint64_t below = height ? 1ull << (height - 1) * SHIFT : 0;

    if (!at)
        return SD_PAGES_NONE;
    if (!height)
        return 0;
    for (unsigned slot = slot_of(from, height); slot < SLOTS; slot++, from = slot * below) {
        uint64_t found = next(node->slots[slot], height - 1, from % below);

        if (found != SD_PAGES_NONE)
            return slot * below + found;
    }
    return SD_PAGES_NONE;
}

uint64_t sd_pages_next(const struct sd_pages *pages, uint64_t from)
{
    return covers(pages->height, from) ? next(pages->root, pages->height, from) : SD_PAGES_NONE;
}

/* Makes the tree high enough. */
static int raise(struct sd_pages *pages, uint64_t number)
{
    for (; !covers(pages->height, number); pages->height++) {
        struct node *above;

        if (!pages->root)
            continue;
        above = sd_calloc(1, sizeof(*above));
        if (!above)
            return -ENOMEM;
        above->slots[0] = pages->root;
        pages->root = above;
    }
    return 0;
}

int sd_pages_put(struct sd_pages *pages, uint64_t number, void *page)
{
    void **at = &pages->root;

    if (raise(pages, number))
        return -ENOMEM;
    for (unsigned height = pages->height; height; height--) {
        if (!*at)
            *at = sd_calloc(1, sizeof(struct node));
        if (!*at)
            return -ENOMEM;
        at = &((struct node *)*at)->slots[slot_of(number, height)];
    }
    *at = page;
    pages->count++;
    return 0;
}

/* As sd_pages_drop, below `at`; whether nothing is left there, and so it is freed, too. */
static bool drop(struct sd_pages *pages, void *at, unsigned height, uint64_t from, uint64_t end)
{
    uint64_t below = height ? 1ull << (height - 1) * SHIFT : 0;
    struct node *node = at;
    bool empty = true;

    if (!height) {
        sd_page_free(at, 0);
        pages->count--;
        return true;
    }
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        uint64_t first = slot * below;

        if (node->slots[slot] && end > first && from < first + below &&
            drop(pages, node->slots[slot], height - 1, from > first ? from - first : 0, end - first))
            node->slots[slot] = NULL;
        empty &= !node->slots[slot];
    }
    if (empty)
        sd_free(node);
    return empty;
}

void sd_pages_drop(struct sd_pages *pages, uint64_t from, uint64_t end)
{
    if (pages->root && from < end && covers(pages->height, from) &&
        drop(pages, pages->root, pages->height, from, end))
        pages->root = NULL;
    if (!pages->root)
        pages->height = 0;
}

/*
 * The heap: pages cut into blocks of one size each, and whole blocks of pages for what is larger.
 *
 * A block's page (its first, for a large one) starts with a header that tells which it is, so that free needs
 * no search.
 */
#include "mem.h"

#include <string.h>

#include <xenlib/list.h>
#include <xenlib/platform.h>

enum { SLAB = 0x51ab, LARGE = 0x1a46e };

struct slab {
    uint32_t kind;
    uint8_t class;
    uint8_t unused;
    uint16_t used;  /* blocks handed out */
    uint16_t fresh; /* blocks never handed out yet, at the page's end */
    struct block *free;
    struct xen_list link; /* in the class's list while it has a block left */
};

struct large {
    uint32_t kind;
    uint32_t order;
};

struct block {
    struct block *next;
};

#define HEADER 48
_Static_assert(sizeof(struct slab) <= HEADER && sizeof(struct large) <= 32, "room for the header");

/* Sizes: steps of 16, then of an eighth to a quarter; the last ones are what 5, 4, 3 and 2 make of a page. */
static const uint16_t sizes[] = {16,  32,  48,  64,  80,  96,  112, 128, 160,  192,  224,
                                 256, 320, 384, 448, 512, 576, 672, 800, 1008, 1344, 2016};
#define CLASSES (sizeof(sizes) / sizeof(sizes[0]))

static struct xen_list partial[CLASSES];
static size_t blocks_used, bytes_used;

static size_t class_for(size_t bytes)
{
    size_t class;

    if (bytes <= 128)
        return bytes ? (bytes - 1) / 16 : 0;
    /* Above 128 there are four sizes to each doubling: the first of the right four, and the search goes on
     * from there. It leaves them only for 1,009 to 1,024 bytes, as the third four ends at 1,008. */
    class = 8 + 4 * (56 - (size_t)__builtin_clzll(bytes - 1));
    while (sizes[class] < bytes)
        class ++;
    return class;
}

static struct slab *slab_new(size_t class)
{
    struct slab *slab = sd_page_alloc(0);

    if (!slab)
        return NULL;
    *slab = (struct slab){
        .kind = SLAB,
        .class = (uint8_t) class,
        .fresh = (uint16_t)((XEN_PAGE_SIZE - HEADER) / sizes[class]),
    };
    if (!partial[class].next)
        xen_list_init(&partial[class]);
    xen_list_insert(partial[class].next, &slab->link);
    return slab;
}

static void *slab_take(struct slab *slab)
{
    void *block = slab->free;

    if (block)
        slab->free = slab->free->next;
    else
        block = (char *)slab + XEN_PAGE_SIZE - (size_t)slab->fresh-- * sizes[slab->class];
    slab->used++;
    if (!slab->free && !slab->fresh)
        xen_list_remove(&slab->link);
    return block;
}

static void *alloc_large(size_t bytes)
{
    size_t pages = xen_pages_for(bytes + 32);
    unsigned order = pages > 1 ? 64 - (unsigned)__builtin_clzll(pages - 1) : 0;
    struct large *large = sd_page_alloc(order);

    if (!large)
        return NULL;
    *large = (struct large){LARGE, order};
    return (char *)large + 32;
}

size_t sd_heap_size(const void *block)
{
    const struct large *large = xen_page_of(block);

    if (large->kind == SLAB)
        return sizes[((const struct slab *)(const void *)large)->class];
    return (XEN_PAGE_SIZE << large->order) - 32;
}

void *sd_heap_alloc(size_t bytes)
{
    void *block = NULL;

    if (bytes > SD_HEAP_MAX)
        return NULL;
    if (bytes > sizes[CLASSES - 1]) {
        block = alloc_large(bytes);
    } else {
        size_t class = class_for(bytes);
        struct slab *slab = NULL;

        if (partial[class].next && !xen_list_is_empty(&partial[class]))
            slab = xen_container_of(partial[class].next, struct slab, link);
        else
            slab = slab_new(class);
        if (slab)
            block = slab_take(slab);
    }
    if (block) {
        blocks_used++;
        bytes_used += sd_heap_size(block);
    }
    return block;
}

static void slab_put(struct slab *slab, void *block)
{
    struct xen_list *list = &partial[slab->class];
    bool was_full = !slab->free && !slab->fresh;
    struct block *entry = block;

    entry->next = slab->free;
    slab->free = entry;
    slab->used--;
    if (was_full)
        xen_list_insert(list->next, &slab->link);
    /* One empty page a size is kept, or a single block taken and given in turn would cost a page each time.
     */
    if (!slab->used && (list->next != &slab->link || list->prev != &slab->link)) {
        xen_list_remove(&slab->link);
        sd_page_free(slab, 0);
    }
}

void sd_heap_free(void *block)
{
    struct large *large = xen_page_of(block);

    if (large->kind != SLAB && large->kind != LARGE)
        xen_platform_panic("free of %p, which is no block of the heap", block);
    blocks_used--;
    bytes_used -= sd_heap_size(block);
    if (large->kind == SLAB) {
        slab_put((struct slab *)(void *)large, block);
    } else {
        large->kind = 0;
        sd_page_free(large, large->order);
    }
}

void sd_heap_stats(struct sd_memory_stats *stats)
{
    stats->heap_bytes = bytes_used;
    stats->heap_blocks = blocks_used;
}

void sd_memory_stats(struct sd_memory_stats *stats)
{
    sd_page_stats(stats);
    sd_heap_stats(stats);
}

void *sd_calloc(size_t count, size_t bytes)
{
    size_t total;
    void *block;

    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    block = sd_alloc(total);
    if (block)
        memset(block, 0, total);
    return block;
}

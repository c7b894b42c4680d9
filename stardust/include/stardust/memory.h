/*
 * Memory: pages from the guest's reservation, and a heap on top of them.
 *
 * Pages are brought into the direct map as they are needed, so that boot does not depend on the guest's size.
 * Thread context throughout.
 */
#ifndef STARDUST_MEMORY_H
#define STARDUST_MEMORY_H

#include <xenlib/types.h>

/* Largest block: 2^8 pages, 1 MiB. */
#define SD_PAGE_ORDER_MAX 8

/* 2^order contiguous pages with undefined contents, aligned to their size; NULL when there are none. */
void *sd_page_alloc(unsigned order);
/* Gives back a block of sd_page_alloc with the same order. */
void sd_page_free(void *block, unsigned order);

/* `bytes` of memory aligned to 16, undefined; NULL when there is none, or for more than 1 MiB less 32 bytes.
 * 0 bytes give a unique pointer. */
void *sd_alloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
/* The same, zeroed; NULL also when the product overflows. */
void *sd_calloc(size_t count, size_t bytes) __attribute__((malloc, alloc_size(1, 2)));
/* As realloc: on failure the old block stays. */
void *sd_realloc(void *block, size_t bytes) xen_must_check;
/* NULL is ignored. In test images a double free or an overrun panics with the block's address. */
void sd_free(void *block);

struct sd_memory_stats {
    size_t pages_total;  /* in the reservation, the image included */
    size_t pages_mapped; /* in the direct map */
    size_t pages_free;   /* mapped or not */
    size_t pages_fewest; /* that ever were free */
    size_t heap_bytes;   /* handed out by sd_alloc now, rounded up to block sizes */
    size_t heap_blocks;
};
void sd_memory_stats(struct sd_memory_stats *stats);
/* Only pages_free: what may be asked for every packet. */
size_t sd_pages_free(void);

/* How many pages the memory of programs and their files leaves, besides what the kernel always keeps: none
 * until the network starts, which would be deaf without. */
void sd_pages_keep(size_t count);
size_t sd_pages_kept(void);

#endif

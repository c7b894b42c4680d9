/* Between the parts of stardust/mem, and boot. Private to stardust/. */
#ifndef STARDUST_MEM_MEM_H
#define STARDUST_MEM_MEM_H

#include <stardust/memory.h>

/* Takes over the memory that the start left free. Once, first of all. */
void sd_page_init(void);
void sd_page_stats(struct sd_memory_stats *stats);

/* The heap proper. sd_alloc and its family are laid over it: plainly (heap_plain.c), or with checks
 * (heap_checked.c). */
void *sd_heap_alloc(size_t bytes);
void sd_heap_free(void *block);
/* The bytes that the block has room for. */
size_t sd_heap_size(const void *block);
void sd_heap_stats(struct sd_memory_stats *stats);

/* Largest request: a 1 MiB block less its header. */
#define SD_HEAP_MAX ((XEN_PAGE_SIZE << SD_PAGE_ORDER_MAX) - 32)

#endif

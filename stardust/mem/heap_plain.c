/* The heap's public names, as programs use them: nothing between them and the heap. */
#include "mem.h"

#include <string.h>

void *sd_alloc(size_t bytes)
{
    return sd_heap_alloc(bytes);
}

void sd_free(void *block)
{
    if (block)
        sd_heap_free(block);
}

void *sd_realloc(void *block, size_t bytes)
{
    size_t old = block ? sd_heap_size(block) : 0;
    void *fresh;

    if (block && bytes <= old && bytes > old / 2)
        return block;
    fresh = sd_heap_alloc(bytes);
    if (fresh && block) {
        memcpy(fresh, block, old < bytes ? old : bytes);
        sd_heap_free(block);
    }
    return fresh;
}

/*
 * The pages of a file, by number: a tree of 64-fold nodes, as high as the highest number needs. Pages come
 * from sd_page_alloc and belong to the tree. Thread context.
 */
#ifndef STARDUST_FS_PAGES_H
#define STARDUST_FS_PAGES_H

#include <xenlib/types.h>

/* Zeros have no pages. */
struct sd_pages {
    void *root; /* a page while height is 0, else a node */
    unsigned height;
    size_t count;
};

#define SD_PAGES_NONE UINT64_MAX

/* NULL when there is no page of that number. */
void *sd_pages_find(const struct sd_pages *pages, uint64_t number);
/* The first number from `from` on that has a page, SD_PAGES_NONE without. */
uint64_t sd_pages_next(const struct sd_pages *pages, uint64_t from);
/* Puts a page where none is. 0 or -ENOMEM; `number` < 2^52. */
int sd_pages_put(struct sd_pages *pages, uint64_t number, void *page) xen_must_check;
/* Frees the pages from `from` up to `end`. */
void sd_pages_drop(struct sd_pages *pages, uint64_t from, uint64_t end);

#endif

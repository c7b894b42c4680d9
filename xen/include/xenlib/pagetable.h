/*
 * Page tables: single pages of the guest's own address space. Writable and executable exclude each other.
 *
 * Updates are batched, and other threads see them on return. Page-table pages come from
 * xen_platform_page_alloc and stay. Addresses are page-aligned and lie within the layout of xenlib/memory.h.
 * Thread context.
 */
#ifndef XENLIB_PAGETABLE_H
#define XENLIB_PAGETABLE_H

#include <xenlib/types.h>

enum xen_prot {
    XEN_PROT_NONE = 0,
    XEN_PROT_READ = 1,
    XEN_PROT_WRITE = 2, /* implies read */
    XEN_PROT_EXEC = 4,  /* implies read */
};

/*
 * Maps `count` pages at `va` to the frames that follow `first`. 0; -EINVAL for a bad address or for write
 * with exec; -ENOMEM without a page for a table. On an error nothing of the range that was unmapped before is
 * mapped.
 */
int xen_pt_map(void *va, pfn_t first, size_t count, unsigned prot) xen_must_check;

/* Unmaps. Pages that are not mapped are skipped. 0; -EINVAL; -ENOMEM when a large page of the direct map
 * would have to be taken apart and there is no page for its table (nothing has changed then). */
int xen_pt_unmap(void *va, size_t count) xen_must_check;

/* Changes the protection of mapped pages. 0; -EINVAL as above; -ENOENT when one is not mapped, -ENOMEM as
 * above (none is changed then). */
int xen_pt_protect(void *va, size_t count, unsigned prot) xen_must_check;

/* What is mapped at `va`: false when nothing is. Either result may be NULL. */
bool xen_pt_query(const void *va, pfn_t *pfn, unsigned *prot);

/* The first page from `va` on that is mapped, or `end`. Skips what has no tables at once. */
uintptr_t xen_pt_next(uintptr_t va, uintptr_t end);

#endif

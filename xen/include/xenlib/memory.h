/*
 * Frames, addresses and the domain's reservation.
 *
 * The address space is the same on every guest type:
 *   0x200000…      the image, as linked, each section with its own protection; page 0 and all around it
 * absent XEN_DIRECT     all memory, PFN n at XEN_DIRECT + n * 4096, never executable, mapped as it is needed
 *   XEN_MAPPINGS   single pages mapped elsewhere: foreign grants
 */
#ifndef XENLIB_MEMORY_H
#define XENLIB_MEMORY_H

#include <xenlib/types.h>

#define XEN_IMAGE_BASE 0x200000UL
#define XEN_DIRECT     0x1000000000UL /* 64 GiB */
#define XEN_DIRECT_END 0x4000000000UL /* so 192 GiB of memory at most */
#define XEN_MAPPINGS   0x4000000000UL

/* Frames from this one on cannot be mapped, and are not used. */
#define XEN_DIRECT_FRAMES ((XEN_DIRECT_END - XEN_DIRECT) >> XEN_PAGE_SHIFT)

/* Address of a frame in the direct map. It is mapped only once xen_memory_map_direct() has covered the frame.
 */
static inline void *xen_pfn_to_virt(pfn_t pfn)
{
    return (void *)(XEN_DIRECT + (pfn.n << XEN_PAGE_SHIFT));
}

/* The frame behind an address of the image or of the direct map. */
pfn_t xen_virt_to_pfn(const void *address);

mfn_t xen_pfn_to_mfn(pfn_t pfn);

/* The frame of ours that has this machine frame; a PFN of UINT64_MAX when none has. */
pfn_t xen_mfn_to_pfn(mfn_t mfn);

static inline mfn_t xen_virt_to_mfn(const void *address)
{
    return xen_pfn_to_mfn(xen_virt_to_pfn(address));
}

struct xen_memory_range {
    pfn_t first, end; /* end: one past the last */
};

/*
 * What the guest was given at its start. Between the ranges lie the image, the ramdisk, and holes, where
 * there is no memory. A range that begins at or above mapped_end begins at a multiple of 512.
 */
#define XEN_MEMORY_RANGES 16
struct xen_memory_layout {
    struct xen_memory_range free[XEN_MEMORY_RANGES]; /* what nothing uses yet, ascending */
    size_t free_count;
    pfn_t image;      /* the image's first frame */
    pfn_t mapped_end; /* the guest's frames below are in the direct map already */
    pfn_t end;        /* one past the last frame */
    uint64_t pages;   /* of memory, in all */
};
const struct xen_memory_layout *xen_memory_layout(void);

/*
 * Brings the `count` frames from `first` into the direct map. Both are multiples of 512 (the last section may
 * be shorter). Takes page-table pages from xen_platform_page_alloc: at most three for each 512 frames. 0 or
 * -ENOMEM.
 */
int xen_memory_map_direct(pfn_t first, size_t count) xen_must_check;

/* The domain's reservation in pages (XENMEM_*_reservation, xen/memory.h). 0 or a negative errno. */
int xen_memory_current(uint64_t *pages) xen_must_check;
int xen_memory_maximum(uint64_t *pages) xen_must_check;

/*
 * Gives frames of ours to Xen, and asks for memory behind frames given before. *done says how many, from the
 * first, were carried out. The frames must be out of use: decrease takes them out of the direct map, increase
 * puts them back. 0 when all were, -ENOMEM when Xen has no more, or the errno that it gave.
 */
int xen_memory_decrease(const pfn_t *frames, size_t count, size_t *done) xen_must_check;
int xen_memory_increase(const pfn_t *frames, size_t count, size_t *done) xen_must_check;

#endif

/*
 * What the parts of the PV room share. Private to this folder.
 */
#ifndef XEN_PV_PV_H
#define XEN_PV_PV_H

#include <xensys/abi.h>

#include "../room.h"

/* entry.S */
extern const struct trap_info xen_pv_trap_table[];
void xen_pv_upcall(void);
void xen_pv_failsafe(void);
void xen_pv_hypercall(void);

/* The P2M: machine frame of each PFN. In the direct map once pv_space_init is through. */
extern uint64_t *xen_pv_p2m;

/* Where the toolstack's initial mapping shows a frame. Valid until pv_space_init is through. */
static inline void *pv_initial(pfn_t pfn)
{
    return (void *)(XEN_IMAGE_BASE + (pfn.n << XEN_PAGE_SHIFT));
}

/* An address in the initial mapping, in the direct map. */
static inline void *pv_direct(const void *initial)
{
    return (void *)((uintptr_t)initial - XEN_IMAGE_BASE + XEN_DIRECT);
}

static inline pfn_t pv_mfn_to_pfn(uint64_t mfn)
{
    return (pfn_t){machine_to_phys_mapping[mfn]};
}

/* A page-table entry for a frame of ours. */
static inline uint64_t pv_entry(pfn_t pfn, uint64_t bits)
{
    return xen_pv_p2m[pfn.n] << XEN_PAGE_SHIFT | bits;
}

/*
 * Replaces the toolstack's address space by ours: the image with its protections, all that was mapped as the
 * beginning of the direct map, and the shared info page. One batch of updates. Returns 0 or what Xen said.
 */
long pv_space_init(const struct start_info *info);

/* Registers the entry points of exceptions and events. 0 or what Xen said. */
long pv_trap_init(void);

_Noreturn void xen_pv_start(const struct start_info *info);

#endif

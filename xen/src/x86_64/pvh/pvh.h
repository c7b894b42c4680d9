/*
 * What the parts of the PVH room share. Private to this folder.
 */
#ifndef XEN_PVH_PVH_H
#define XEN_PVH_PVH_H

#include <xensys/abi.h>

#include "../room.h"

/* entry.S */
void xen_pvh_vmcall(void);
void xen_pvh_vmmcall(void);
void xen_pvh_upcall(void);

/* Lets interrupts in, and returns after the next one. */
void xen_pvh_wait(void);
void xen_pvh_page_fault(void);
extern uint32_t xen_pvh_cpu_maker;     /* cpuid, leaf 0: ecx */
extern const char xen_pvh_traps[][16]; /* one entry for each exception */

/* trap.c, for entry.S: NULL when the access is to be made again, else where the frame is now. */
struct xen_trap_frame;
struct xen_trap_frame *pvh_page_fault(const struct xen_trap_frame *frame);

/*
 * Guest-physical frames without memory, where Xen puts pages of its own: shared info, the grant table,
 * foreign pages. Above all that the memory map names, and above 4 GiB, where no device is.
 */
enum pvh_place {
    PVH_SHARED_INFO = 0,
    PVH_GRANT_TABLE = 1,    /* 511 frames */
    PVH_GRANT_WINDOW = 512, /* 512 frames */
};
extern pfn_t pvh_places;

static inline mfn_t pvh_place(size_t place)
{
    return (mfn_t){pvh_places.n + place};
}

/* Has Xen put page `index` of one of its spaces (XENMAPSPACE_*) at a place. 0 or a negative errno. */
long pvh_put(unsigned space, size_t index, mfn_t place) xen_must_check;

/* GDT, TSS and IDT. First of all: from here on an exception is reported. */
void pvh_trap_init(void);

/* Has Xen deliver events by our vector. 0 or a negative errno. */
long pvh_upcall_init(void) xen_must_check;

/*
 * Memory at its address in the direct map, which is extended to it. NULL when it does not lie in the first
 * GiB, as everything does that a toolstack hands over at the start.
 */
const void *pvh_reach(uint64_t address, uint64_t bytes);

/* The image with its protections and the direct map's beginning; the way that the entry code came is gone
 * afterwards. */
void pvh_space_init(void);

/* Maps all memory below xen_layout.mapped_end, which lies in the first GiB. */
void pvh_space_finish(void);

/* Maps a frame over a page of the image. */
void pvh_map_over(const char *page, mfn_t frame);

/* Fills xen_layout. Returns what is wrong with the map, or NULL. (memory.c) */
const char *pvh_memory_init(const struct hvm_memmap_table_entry *map, size_t count,
                            struct xen_memory_range module);

_Noreturn void xen_pvh_start(uint64_t start_info);

#endif

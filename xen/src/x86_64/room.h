/*
 * The door between the library and the room it runs in: what differs between guest types. Private to xen/.
 *
 * Each room (pv/, later pvh/) implements these functions; nothing outside src/x86_64 includes this header.
 */
#ifndef XEN_X86_64_ROOM_H
#define XEN_X86_64_ROOM_H

#include <xenlib/memory.h>
#include <xenlib/start.h>
#include <xenlib/types.h>

struct vcpu_info;

/* Bits of a page-table entry (Intel SDM vol. 3, 4.5). */
#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITE    (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_NX       (1ull << 63)
#define PTE_FRAME    0x000ffffffffff000ull

#define PT_ENTRIES 512

/* For an entry that points to a lower table: rights are decided at the lowest level. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

/* A change of one entry, which lies in a table in the direct map. */
struct xen_pt_update {
    uint64_t *entry;
    uint64_t value;
};

/* Carries out the changes in order, and makes this vCPU forget older translations. 0 or a negative errno. */
int xen_room_pt_apply(const struct xen_pt_update *updates, size_t count) xen_must_check;

/* Turns a filled page of the direct map into one that may serve as a page table. 0 or a negative errno. */
int xen_room_pt_adopt(void *page) xen_must_check;

/* Hangs a filled and adopted table of 512 entries in above `va`, 2 MiB-aligned. 0, -ENOMEM, or what Xen said.
 * (pagetable.c) */
int xen_pt_link(const void *va, const void *table) xen_must_check;

/* Makes the tables down to the lowest level exist for the page at `va`. 0 or -ENOMEM. (pagetable.c) */
int xen_pt_reserve(const void *va) xen_must_check;

/* Maps one frame that is none of the guest's own memory, writable. 0 or -ENOMEM. (pagetable.c) */
int xen_pt_map_frame(const void *va, mfn_t frame) xen_must_check;

/* The table for the first 512 GiB of the address space, in the direct map. */
uint64_t *xen_room_pt_root(void);

/* What is known once the entry code is through; filled by the room. */
extern struct xen_start xen_start_facts;
extern struct xen_memory_layout xen_layout;

/* This vCPU's part of the shared info page. */
struct vcpu_info *xen_room_vcpu(void);

#endif

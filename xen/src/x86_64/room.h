/*
 * The door between the library and the room it runs in: what differs between guest types. Private to xen/.
 *
 * One image holds both rooms, pv/ and pvh/, and each defines the functions below under its own prefix.
 * Everybody else calls them without one, and door.c passes them on; nothing but door.c asks which room it is.
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
#define PTE_LARGE    (1ull << 7) /* at the second level: 2 MiB, no table below */
#define PTE_NX       (1ull << 63)
#define PTE_FRAME    0x000ffffffffff000ull

#define PT_ENTRIES 512

/* For an entry that points to a lower table: rights are decided at the lowest level. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

/* Rights of a page that holds data. */
#define PTE_DATA (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX)

/* A change of one entry, which lies in a table in the direct map. */
struct xen_pt_update {
    uint64_t *entry;
    uint64_t value;
};

/* Set by the PVH entry before anything else runs. For door.c alone. */
extern bool xen_room_is_pvh;

/* Declares a function that both rooms define, as xen_pv_NAME and xen_pvh_NAME. */
#define XEN_BOTH_ROOMS(type, name, ...)                                                                      \
    type xen_pv_##name(__VA_ARGS__);                                                                         \
    type xen_pvh_##name(__VA_ARGS__)

/* The contracts of these stand where their users find them: xenlib/{memory,event,sched,start,trap}.h. */
XEN_BOTH_ROOMS(mfn_t, pfn_to_mfn, pfn_t pfn);
XEN_BOTH_ROOMS(pfn_t, mfn_to_pfn, mfn_t mfn);
XEN_BOTH_ROOMS(int, memory_map_direct, pfn_t first, size_t count);
XEN_BOTH_ROOMS(bool, upcalls_off, void);
XEN_BOTH_ROOMS(void, upcalls_on, void);
XEN_BOTH_ROOMS(void, sched_block, void);
XEN_BOTH_ROOMS(uintptr_t, trap_fault_address, void);
XEN_BOTH_ROOMS(bool, trap_stacks_may_fault, void);
XEN_BOTH_ROOMS(void, start_log, void);
XEN_BOTH_ROOMS(void, start_store, struct xenstore_domain_interface **ring, xen_port_t *port);
XEN_BOTH_ROOMS(int, cpu_set_thread_pointer, const void *address);
XEN_BOTH_ROOMS(bool, cpu_has_wrfsbase, void);

/* Carries out the changes in order, and makes this vCPU forget older translations. 0 or a negative errno. */
int xen_room_pt_apply(const struct xen_pt_update *updates, size_t count) xen_must_check;
XEN_BOTH_ROOMS(int, pt_apply, const struct xen_pt_update *updates, size_t count);

/* Turns a filled page of the direct map into one that may serve as a page table. 0 or a negative errno. */
int xen_room_pt_adopt(void *page) xen_must_check;
XEN_BOTH_ROOMS(int, pt_adopt, void *page);

/* Notes that the machine frame behind a PFN is another one now, or none: then its n is UINT64_MAX. */
void xen_room_frame_changed(pfn_t pfn, mfn_t frame);
XEN_BOTH_ROOMS(void, frame_changed, pfn_t pfn, mfn_t frame);

/* Makes Xen provide frame `index` of the grant table. 0 or a negative errno. */
int xen_room_grant_frame(unsigned index, mfn_t *frame) xen_must_check;
XEN_BOTH_ROOMS(int, grant_frame, unsigned index, mfn_t *frame);

/* The window for foreign pages, as in grant_room.h. */
XEN_BOTH_ROOMS(uint64_t, grant_window_address, const void *page);
XEN_BOTH_ROOMS(int, grant_window_show, void *page, bool readonly);
XEN_BOTH_ROOMS(void, grant_window_hide, void *page);

/* ---- for the rooms, from pagetable.c and start.c ---- */

/* Hangs a filled and adopted table of 512 entries in above `va`, 2 MiB-aligned. 0, -ENOMEM, or what Xen said.
 */
int xen_pt_link(const void *va, const void *table) xen_must_check;

/* Maps 2 MiB of data at `va` at once; both are aligned to it. 0 or -ENOMEM. */
int xen_pt_map_large(const void *va, mfn_t first) xen_must_check;

/* Makes the tables down to the lowest level exist for the page at `va`. 0 or -ENOMEM. */
int xen_pt_reserve(const void *va) xen_must_check;

/* Maps one frame that is none of the guest's own memory, as data. 0 or -ENOMEM. */
int xen_pt_map_frame(const void *va, mfn_t frame, bool readonly) xen_must_check;

/* The table for the first 512 GiB of the address space, in the direct map. */
extern uint64_t *xen_pt_root;

/* What is known once the entry code is through; filled by the room. */
extern struct xen_start xen_start_facts;
extern struct xen_memory_layout xen_layout;

/* This vCPU's part of the shared info page. */
struct vcpu_info *xen_room_vcpu(void);

/* Says on the console, if there is one already, why the guest cannot start, and ends it as a crash. */
_Noreturn void xen_start_fail(const char *what);

/* Linker script: the image and its parts, page-aligned. What follows xen_shared_page are pages for PVH alone.
 */
extern char xen_image_start[], xen_text_end[], xen_rodata_end[], xen_image_end[];
extern char xen_boot_stack_guard[], xen_boot_stack[], xen_boot_tables[], xen_upcall_stack_guard[];
extern char xen_shared_page[], xen_console_page[], xen_store_page[], xen_fault_stack[], xen_pvh_tables[];

/* Which page of the image an address lies in. */
static inline size_t xen_image_page(const void *address)
{
    return ((uintptr_t)address - XEN_IMAGE_BASE) >> XEN_PAGE_SHIFT;
}

/* What the image's page is mapped with, at its own address; 0 where nothing is. */
uint64_t xen_image_rights(size_t page);

#endif

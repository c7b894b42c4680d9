#include "fake_grant.h"
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenlib/memory.h>
#include <xensys/hypercall.h>

#include "../../xen/src/grant_room.h"

#define PAGES         65536 /* frame numbers, hash places */
#define MFN_OFFSET    0x1000000UL
#define PER_FRAME     (XEN_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define WINDOW_PAGES  512
#define HANDLE_OFFSET 1000
#define WINDOW_FRAMES                                                                                        \
    0x40000000UL /* where Xen puts foreign pages: no address of the window, as in a PVH guest */

static _Alignas(4096) struct grant_entry_v1 table[FAKE_GRANT_FRAMES][PER_FRAME];
static uint32_t frames_mapped, frames_max = FAKE_GRANT_FRAMES;
static int map_error;
static int16_t next_status;
static long next_result;
static uintptr_t pages[PAGES]; /* by frame number: the address */
static _Alignas(4096) uint8_t foreign[FAKE_FOREIGN_PAGES][XEN_PAGE_SIZE];
static _Alignas(4096) uint8_t window[WINDOW_PAGES][XEN_PAGE_SIZE];
static uint8_t *window_mapped[WINDOW_PAGES]; /* what Xen has put there */
static bool window_readonly[WINDOW_PAGES], window_shown[WINDOW_PAGES];
static int show_error;

static _Noreturn void bail(const char *what)
{
    printf("Bail out! fake_grant: %s\n", what);
    fflush(stdout);
    abort();
}

pfn_t xen_virt_to_pfn(const void *address)
{
    uintptr_t page = (uintptr_t)address & ~(XEN_PAGE_SIZE - 1);
    size_t n = (page >> XEN_PAGE_SHIFT) * 2654435761UL % PAGES;

    for (size_t tries = 0; tries < PAGES; tries++, n = (n + 1) % PAGES) {
        if (!pages[n])
            pages[n] = page;
        if (pages[n] == page)
            return (pfn_t){n};
    }
    bail("too many pages");
}

mfn_t xen_pfn_to_mfn(pfn_t pfn)
{
    return (mfn_t){pfn.n + MFN_OFFSET};
}

pfn_t xen_mfn_to_pfn(mfn_t mfn)
{
    return (pfn_t){mfn.n - MFN_OFFSET};
}

static void *page_of_frame(uint64_t mfn)
{
    if (mfn < MFN_OFFSET || mfn - MFN_OFFSET >= PAGES || !pages[mfn - MFN_OFFSET])
        bail("a frame number that is none of the guest's");
    return (void *)pages[mfn - MFN_OFFSET];
}

int xen_grant_map_frame(unsigned index, void **table_page)
{
    int error = map_error;

    map_error = 0;
    if (index != frames_mapped || index >= frames_max)
        bail("frames of the table are mapped out of order, or too many");
    if (error)
        return error;
    frames_mapped++;
    *table_page = table[index];
    return 0;
}

int xen_grant_map_window(void **address)
{
    int error = map_error;

    map_error = 0;
    if (error)
        return error;
    *address = window;
    return 0;
}

static size_t place_of(const void *page)
{
    size_t offset = (size_t)((const uint8_t *)page - window[0]);

    if (offset % XEN_PAGE_SIZE || offset >= sizeof(window))
        bail("what is no page of the window is taken for one");
    return offset / XEN_PAGE_SIZE;
}

uint64_t xen_grant_window_address(const void *page)
{
    return WINDOW_FRAMES + place_of(page) * XEN_PAGE_SIZE;
}

int xen_grant_window_show(void *page, bool readonly)
{
    size_t place = place_of(page);
    int error = show_error;

    show_error = 0;
    if (!window_mapped[place] || window_shown[place])
        bail("a place of the window is shown before Xen has put a page there, or twice");
    if (readonly != window_readonly[place])
        bail("a foreign page is shown with other rights than Xen gave");
    if (error)
        return error;
    window_shown[place] = true;
    memcpy(page, window_mapped[place], XEN_PAGE_SIZE);
    return 0;
}

void xen_grant_window_hide(void *page)
{
    window_shown[place_of(page)] = false;
}

static struct grant_entry_v1 *entry_of(uint32_t ref)
{
    if (ref / PER_FRAME >= frames_mapped)
        return NULL;
    return &table[ref / PER_FRAME][ref % PER_FRAME];
}

struct grant_entry_v1 *fake_grant_entry(uint32_t ref)
{
    return entry_of(ref);
}

void *fake_grant_access(uint16_t domain, uint32_t ref, bool write)
{
    const struct grant_entry_v1 *entry = entry_of(ref);

    if (!entry || (entry->flags & GTF_type_mask) != GTF_permit_access || entry->domid != domain)
        return NULL;
    if (write && entry->flags & GTF_readonly)
        return NULL;
    return page_of_frame(entry->frame);
}

void *fake_grant_hold(uint16_t domain, uint32_t ref, bool write)
{
    void *page = fake_grant_access(domain, ref, write);

    if (page)
        entry_of(ref)->flags |= (uint16_t)(GTF_reading | (write ? GTF_writing : 0));
    return page;
}

void fake_grant_release(uint32_t ref)
{
    entry_of(ref)->flags &= (uint16_t) ~(GTF_reading | GTF_writing);
}

uint8_t *fake_foreign_page(unsigned n)
{
    return foreign[n];
}

unsigned fake_grant_mappings(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < WINDOW_PAGES; i++)
        count += window_mapped[i] != NULL;
    return count;
}

static int16_t foreign_page(uint16_t domain, uint32_t ref, uint8_t **page)
{
    if (domain != FAKE_FOREIGN_DOMAIN)
        return GNTST_bad_domain;
    if (ref - FAKE_FOREIGN_REF >= FAKE_FOREIGN_PAGES)
        return GNTST_bad_gntref;
    *page = foreign[ref - FAKE_FOREIGN_REF];
    return GNTST_okay;
}

static int16_t copy_end(const struct gnttab_copy_ptr *ptr, bool by_ref, uint16_t length, uint8_t **address)
{
    uint8_t *page = NULL;
    int16_t status = GNTST_okay;

    if (ptr->offset + length > (int)XEN_PAGE_SIZE)
        return GNTST_bad_copy_arg;
    if (by_ref)
        status = foreign_page(ptr->domid, ptr->u.ref, &page);
    else if (ptr->domid != DOMID_SELF)
        return GNTST_permission_denied;
    else
        page = page_of_frame(ptr->u.gmfn);
    if (status == GNTST_okay)
        *address = page + ptr->offset;
    return status;
}

static int16_t copy(const struct gnttab_copy *op)
{
    uint8_t *from, *to;
    int16_t status = copy_end(&op->source, op->flags & GNTCOPY_source_gref, op->len, &from);

    if (status == GNTST_okay)
        status = copy_end(&op->dest, op->flags & GNTCOPY_dest_gref, op->len, &to);
    if (status == GNTST_okay)
        memmove(to, from, op->len);
    return status;
}

static int16_t map(struct gnttab_map_grant_ref *op)
{
    size_t place = (op->host_addr - WINDOW_FRAMES) / XEN_PAGE_SIZE;
    uint8_t *page;
    int16_t status = foreign_page(op->dom, op->ref, &page);

    if (status != GNTST_okay)
        return status;
    if (op->host_addr % XEN_PAGE_SIZE || place >= WINDOW_PAGES || window_mapped[place])
        return GNTST_bad_virt_addr;
    if (!(op->flags & GNTMAP_host_map))
        return GNTST_general_error;
    if (op->ref == FAKE_FOREIGN_REF + FAKE_FOREIGN_PAGES - 1 && !(op->flags & GNTMAP_readonly))
        return GNTST_general_error;
    window_mapped[place] = page;
    window_readonly[place] = op->flags & GNTMAP_readonly;
    op->handle = (uint32_t)place + HANDLE_OFFSET;
    return GNTST_okay;
}

static int16_t unmap(const struct gnttab_unmap_grant_ref *op)
{
    size_t place = (op->host_addr - WINDOW_FRAMES) / XEN_PAGE_SIZE;

    if (place >= WINDOW_PAGES || !window_mapped[place])
        return GNTST_bad_virt_addr;
    if (op->handle != place + HANDLE_OFFSET)
        return GNTST_bad_handle;
    if (window_shown[place])
        bail("a page is unmapped that the window still shows");
    window_mapped[place] = NULL;
    return GNTST_okay;
}

static int16_t query(struct gnttab_query_size *op)
{
    op->nr_frames = frames_mapped;
    op->max_nr_frames = frames_max;
    return op->dom == DOMID_SELF ? GNTST_okay : GNTST_bad_domain;
}

static long grant_table_op(long operation, long ops, long count, long a4, long a5)
{
    void *op = (void *)ops;
    int16_t status = next_status;
    long result = next_result;

    (void)a4, (void)a5;
    next_status = GNTST_okay;
    next_result = 0;
    if (result)
        return result;
    if (count != 1)
        bail("one operation at a time, please");
    switch (operation) {
    case GNTTABOP_query_size:
        ((struct gnttab_query_size *)op)->status = status ? status : query(op);
        return 0;
    case GNTTABOP_copy:
        ((struct gnttab_copy *)op)->status = status ? status : copy(op);
        return 0;
    case GNTTABOP_map_grant_ref:
        ((struct gnttab_map_grant_ref *)op)->status = status ? status : map(op);
        return 0;
    case GNTTABOP_unmap_grant_ref:
        ((struct gnttab_unmap_grant_ref *)op)->status = status ? status : unmap(op);
        return 0;
    default:
        return -ENOSYS;
    }
}

void fake_grant_reset(void)
{
    frames_max = FAKE_GRANT_FRAMES;
    map_error = show_error = 0;
    next_status = GNTST_okay;
    next_result = 0;
    fake_on_hypercall(__HYPERVISOR_grant_table_op, grant_table_op);
}

void fake_grant_limit(uint32_t frames)
{
    frames_max = frames;
}

void fake_grant_fail_map(int error)
{
    map_error = error;
}

void fake_grant_fail_show(int error)
{
    show_error = error;
}

void fake_grant_next_status(int16_t status)
{
    next_status = status;
}

void fake_grant_next_result(long result)
{
    next_result = result;
}

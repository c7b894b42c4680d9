/*
 * Entries of the table that nobody uses have no flags, and so Xen looks at nothing else in them: the list of
 * free references runs through their frame numbers, and costs no memory. Reference 0 is reserved and ends it.
 */
#include <xenlib/grant.h>

#include <errno.h>
#include <string.h>

#include <xenlib/memory.h>
#include <xenlib/platform.h>
#include <xensys/abi.h>
#include <xensys/hypercall.h>

#include "grant_room.h"

/* Xen's default limit. A host that allows more gives no more to this module. */
#define FRAMES_MAX        64
#define ENTRIES_PER_FRAME (XEN_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define WINDOW_PAGES      512

struct quarantined {
    xen_gref_t ref;
    void *page;
};

/* A page of them. Never in the quarantined pages themselves: another domain can write there. */
struct quarantine {
    struct quarantine *next;
    size_t count;
    struct quarantined entries[(XEN_PAGE_SIZE - 16) / sizeof(struct quarantined)];
};
_Static_assert(sizeof(struct quarantine) <= XEN_PAGE_SIZE, "");

static struct {
    struct xen_lock lock; /* guards everything below */
    struct grant_entry_v1 *frames[FRAMES_MAX];
    uint32_t frame_count;
    uint32_t free; /* first free reference, 0 for none */
    size_t in_use;
    struct quarantine *quarantine;
    size_t quarantined;
    size_t lost; /* of those, the ones that no memory was left to remember: never freed */
    uint8_t *window;
    uint64_t window_used[WINDOW_PAGES / 64];
} grants;

static struct grant_entry_v1 *entry_of(xen_gref_t ref)
{
    if (ref.n < GNTTAB_NR_RESERVED_ENTRIES || ref.n / ENTRIES_PER_FRAME >= grants.frame_count)
        xen_platform_panic("grant: %u is no reference of ours", ref.n);
    return &grants.frames[ref.n / ENTRIES_PER_FRAME][ref.n % ENTRIES_PER_FRAME];
}

static void put_free(xen_gref_t ref)
{
    struct grant_entry_v1 *entry = entry_of(ref);

    WRITE_ONCE(entry->frame, grants.free);
    grants.free = ref.n;
}

/* How many frames the table may have: the host's limit and ours. */
static int frame_limit(uint32_t *limit)
{
    struct gnttab_query_size query = {.dom = DOMID_SELF};
    long result = HYPERVISOR_grant_table_op(GNTTABOP_query_size, &query, 1);

    if (result)
        return (int)result;
    if (query.status != GNTST_okay)
        return -EIO;
    *limit = query.max_nr_frames < FRAMES_MAX ? query.max_nr_frames : FRAMES_MAX;
    return 0;
}

/* Adds a frame, under the lock. */
static int grow(void)
{
    uint32_t limit = 0, first;
    void *page;
    int error = frame_limit(&limit);

    if (error)
        return error;
    if (grants.frame_count >= limit)
        return -ENOSPC;
    error = xen_grant_map_frame(grants.frame_count, &page);
    if (error)
        return error;
    grants.frames[grants.frame_count] = page;
    first = grants.frame_count++ * (uint32_t)ENTRIES_PER_FRAME;
    for (uint32_t n = first + (uint32_t)ENTRIES_PER_FRAME; n-- > first;) {
        if (n >= GNTTAB_NR_RESERVED_ENTRIES)
            put_free((xen_gref_t){n});
    }
    return 0;
}

int xen_grant_init(void)
{
    int error;

    xen_platform_lock(&grants.lock);
    error = grants.frame_count ? -EALREADY : grow();
    xen_platform_unlock(&grants.lock);
    return error;
}

void xen_grant_enable(xen_gref_t ref, xen_domid_t domain, const void *page, bool readonly)
{
    struct grant_entry_v1 *entry = entry_of(ref);
    mfn_t frame = xen_virt_to_mfn(page);

    if (entry->flags)
        xen_platform_panic("grant: reference %u granted twice", ref.n);
    if (frame.n > UINT32_MAX)
        xen_platform_panic("grant: frame %lx is out of reach of a version 1 entry", (unsigned long)frame.n);
    WRITE_ONCE(entry->domid, domain.n);
    WRITE_ONCE(entry->frame, (uint32_t)frame.n);
    /* Read by Xen on behalf of the other domain: the flags make the entry valid, so they come last. */
    __atomic_store_n(&entry->flags, (uint16_t)(GTF_permit_access | (readonly ? GTF_readonly : 0)),
                     __ATOMIC_RELEASE);
}

int xen_grant_revoke(xen_gref_t ref)
{
    struct grant_entry_v1 *entry = entry_of(ref);
    uint16_t flags = READ_ONCE(entry->flags);

    do {
        if (flags & (GTF_reading | GTF_writing))
            return -EBUSY;
        /* A failed exchange loads the flags again: Xen may have set one of the two since. */
    } while (
        !__atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return 0;
}

/* Under the lock. */
static void free_reference(xen_gref_t ref)
{
    grants.in_use--;
    put_free(ref);
}

/* Under the lock. False when there was no memory to remember them. */
static bool quarantine_add(xen_gref_t ref, void *page)
{
    struct quarantine *block = grants.quarantine;

    if (!block || block->count == sizeof block->entries / sizeof *block->entries) {
        block = xen_platform_page_alloc();
        if (!block)
            return false;
        block->next = grants.quarantine;
        block->count = 0;
        grants.quarantine = block;
    }
    block->entries[block->count++] = (struct quarantined){ref, page};
    return true;
}

/* Takes entry `i` of `block` out: the last of the first block, which is the only one that is not full, takes
 * its place. */
static void quarantine_remove(struct quarantine *block, size_t i)
{
    struct quarantine *first = grants.quarantine;

    block->entries[i] = first->entries[--first->count];
    grants.quarantined--;
    if (!first->count) {
        grants.quarantine = first->next;
        xen_platform_page_free(first);
    }
}

/*
 * Tries all of it again, under the lock. From the last entry of a block to its first: what takes the place of
 * a removed entry was tried already.
 */
static void quarantine_retry(void)
{
    struct quarantine *next;

    for (struct quarantine *block = grants.quarantine; block; block = next) {
        next = block->next;
        for (size_t i = block->count; i-- > 0;) {
            struct quarantined entry = block->entries[i];

            if (xen_grant_revoke(entry.ref))
                continue;
            xen_platform_page_free(entry.page);
            free_reference(entry.ref);
            quarantine_remove(block, i);
        }
    }
}

int xen_grant_alloc(xen_gref_t *ref)
{
    int error = 0;

    xen_platform_lock(&grants.lock);
    quarantine_retry();
    if (!grants.free)
        error = grow();
    if (!error) {
        ref->n = grants.free;
        grants.free = READ_ONCE(entry_of(*ref)->frame);
        grants.in_use++;
    }
    xen_platform_unlock(&grants.lock);
    return error;
}

void xen_grant_free(xen_gref_t ref)
{
    if (READ_ONCE(entry_of(ref)->flags))
        xen_platform_panic("grant: reference %u freed while granted", ref.n);
    xen_platform_lock(&grants.lock);
    free_reference(ref);
    xen_platform_unlock(&grants.lock);
}

bool xen_grant_end_and_free(xen_gref_t ref, void *page)
{
    bool busy;

    xen_platform_lock(&grants.lock);
    quarantine_retry();
    busy = xen_grant_revoke(ref) != 0;
    if (busy) {
        grants.quarantined++;
        if (!quarantine_add(ref, page) && !grants.lost++)
            xen_platform_log(XEN_LOG_WARN, "grant: no memory to remember a page in quarantine: it is lost");
    } else {
        free_reference(ref);
        xen_platform_page_free(page);
    }
    xen_platform_unlock(&grants.lock);
    return busy;
}

size_t xen_grant_quarantined(void)
{
    size_t count;

    xen_platform_lock(&grants.lock);
    quarantine_retry();
    count = grants.quarantined;
    xen_platform_unlock(&grants.lock);
    return count;
}

size_t xen_grant_in_use(void)
{
    return grants.in_use;
}

static int status_error(int16_t status)
{
    switch (status) {
    case GNTST_okay:
        return 0;
    case GNTST_bad_domain:
    case GNTST_bad_gntref:
    case GNTST_permission_denied:
        return -EACCES;
    case GNTST_bad_page:
    case GNTST_bad_virt_addr:
    case GNTST_bad_copy_arg:
        return -EFAULT;
    case GNTST_no_space:
        return -ENOSPC;
    default:
        return -EIO;
    }
}

static void set_copy_end(struct gnttab_copy_ptr *ptr, const struct xen_grant_end *end)
{
    if (end->page) {
        ptr->u.gmfn = xen_virt_to_mfn(end->page).n;
        ptr->domid = DOMID_SELF;
        ptr->offset = (uint16_t)((uintptr_t)end->page % XEN_PAGE_SIZE);
    } else {
        ptr->u.ref = end->ref.n;
        ptr->domid = end->domain.n;
        ptr->offset = end->offset;
    }
}

int xen_grant_copy(const struct xen_grant_end *from, const struct xen_grant_end *to, uint16_t bytes)
{
    struct gnttab_copy copy = {
        .len = bytes,
        .flags = (uint16_t)((from->page ? 0 : GNTCOPY_source_gref) | (to->page ? 0 : GNTCOPY_dest_gref)),
    };
    long result;

    set_copy_end(&copy.source, from);
    set_copy_end(&copy.dest, to);
    if (copy.source.offset + bytes > XEN_PAGE_SIZE || copy.dest.offset + bytes > XEN_PAGE_SIZE)
        return -EINVAL;
    result = HYPERVISOR_grant_table_op(GNTTABOP_copy, &copy, 1);
    if (result)
        return (int)result;
    return status_error(copy.status);
}

/* A free place of the window, taken. Under the lock. */
static int window_take(size_t *place)
{
    for (size_t word = 0; word < WINDOW_PAGES / 64; word++) {
        if (grants.window_used[word] != UINT64_MAX) {
            unsigned bit = (unsigned)__builtin_ctzll(~grants.window_used[word]);

            grants.window_used[word] |= 1ULL << bit;
            *place = word * 64 + bit;
            return 0;
        }
    }
    return -ENOSPC;
}

static int window_alloc(size_t *place)
{
    void *window;
    int error = 0;

    xen_platform_lock(&grants.lock);
    if (!grants.window) {
        error = xen_grant_map_window(&window);
        if (!error)
            grants.window = window;
    }
    if (!error)
        error = window_take(place);
    xen_platform_unlock(&grants.lock);
    return error;
}

static void window_free(size_t place)
{
    xen_platform_lock(&grants.lock);
    grants.window_used[place / 64] &= ~(1ULL << place % 64);
    xen_platform_unlock(&grants.lock);
}

int xen_grant_map(xen_domid_t domain, xen_gref_t ref, bool readonly, struct xen_grant_mapping *mapping)
{
    struct gnttab_map_grant_ref map = {
        .flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
        .ref = ref.n,
        .dom = domain.n,
    };
    struct xen_grant_mapping fresh;
    size_t place;
    uint8_t *page;
    int error = window_alloc(&place);

    if (error)
        return error;
    page = grants.window + place * XEN_PAGE_SIZE;
    map.host_addr = xen_grant_window_address(page);
    error = (int)HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
    if (!error)
        error = status_error(map.status);
    if (error)
        goto free_place;
    fresh = (struct xen_grant_mapping){page, map.handle};
    error = xen_grant_window_show(page, readonly);
    if (!error)
        *mapping = fresh;
    else if (xen_grant_unmap(&fresh))
        return error; /* the place stays taken: Xen still maps the page there */
    return error;

free_place:
    window_free(place);
    return error;
}

int xen_grant_unmap(struct xen_grant_mapping *mapping)
{
    struct gnttab_unmap_grant_ref unmap = {
        .host_addr = xen_grant_window_address(mapping->page),
        .handle = mapping->handle,
    };
    int error;

    xen_grant_window_hide(mapping->page);
    error = (int)HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);
    if (!error)
        error = status_error(unmap.status);
    if (error)
        return error;
    window_free(((size_t)((uint8_t *)mapping->page - grants.window)) / XEN_PAGE_SIZE);
    mapping->page = NULL;
    return 0;
}

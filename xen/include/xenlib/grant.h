/*
 * The grant table, version 1 (xen/grant_table.h): lets another domain read or write chosen pages of this one,
 * and maps or copies theirs. Only this module touches the table, which grows by a frame as references run
 * out.
 *
 * All functions: thread context, or any context under the caller's own lock where noted.
 */
#ifndef XENLIB_GRANT_H
#define XENLIB_GRANT_H

#include <xenlib/types.h>

/* Maps the first frame of the table. Once. 0, -ENOMEM, or the errno that Xen gave. */
int xen_grant_init(void) xen_must_check;

/*
 * References. A reference is taken once and used for many grants one after the other: granting and revoking
 * touch only memory, no hypercall. xen_grant_alloc: 0; -ENOSPC when the table is at the limit the host set,
 * -ENOMEM. xen_grant_free takes a reference whose grant is not enabled.
 */
int xen_grant_alloc(xen_gref_t *ref) xen_must_check;
void xen_grant_free(xen_gref_t ref);

/* Lets `domain` map or copy from (and to, unless `readonly`) the page at `page` until revoked. Any context.
 */
void xen_grant_enable(xen_gref_t ref, xen_domid_t domain, const void *page, bool readonly);

/*
 * Ends the grant. 0; -EBUSY while the other domain has the page mapped or a copy is under way: the grant
 * stands, and the page must not be reused. Any context.
 */
int xen_grant_revoke(xen_gref_t ref) xen_must_check;

/*
 * Ends the grant for good, and gives back both reference and page (which came from xen_platform_page_alloc).
 * If the other domain does not let go, both are quarantined: they are tried again at later calls, and freed
 * only when it has (without memory to remember them: never). The caller owns neither any more, whatever
 * happened. Returns whether they were quarantined.
 */
bool xen_grant_end_and_free(xen_gref_t ref, void *page);

/* Pages in quarantine now. */
size_t xen_grant_quarantined(void);

/* References in use now, those in quarantine included. */
size_t xen_grant_in_use(void);

/* One end of a copy: a page of this domain, or another domain's grant. */
struct xen_grant_end {
    void *page;         /* ours, when not NULL; the address may lie within the page */
    xen_domid_t domain; /* else whose */
    xen_gref_t ref;     /*      which */
    uint16_t offset;    /*      where in its page, bytes */
};

/*
 * Copies `bytes` (neither end crosses a page) by Xen. 0; -EINVAL for a range outside a page; -EFAULT or
 * -EACCES when the grant does not allow it; -EIO for any other status.
 */
int xen_grant_copy(const struct xen_grant_end *from, const struct xen_grant_end *to,
                   uint16_t bytes) xen_must_check;

/* Another domain's page, mapped here. */
struct xen_grant_mapping {
    void *page;
    uint32_t handle;
};

/* 0; -ENOSPC when all 512 places are taken, -ENOMEM, -EACCES when the grant does not allow it, -EIO
 * otherwise. */
int xen_grant_map(xen_domid_t domain, xen_gref_t ref, bool readonly,
                  struct xen_grant_mapping *mapping) xen_must_check;
int xen_grant_unmap(struct xen_grant_mapping *mapping) xen_must_check;

#endif

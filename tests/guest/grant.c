/*
 * Grants: this guest is both the one that grants and the one that uses them. Mappings between two guests, on
 * every type, are claimed by tests/e2e/grant.
 */
#include <stardust/test.h>

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>
#include <xenlib/grant.h>
#include <xenlib/start.h>
#include <xenlib/store.h>
#include <xenlib/trap.h>

static bool start(xen_domid_t *self)
{
    static bool started;
    uint64_t domid;

    if (!started && xen_grant_init())
        return false;
    started = true;
    if (xen_store_read_uint(XEN_STORE_NONE, "domid", UINT16_MAX, &domid))
        return false;
    self->n = (uint16_t)domid;
    return true;
}

/* Whether a page of ours can be mapped a second time; skips the test if not. A PVH guest has every page at
 * one frame number. */
static bool can_map_own_grant(void)
{
    bool can = strcmp(xen_start()->type, "PVH") != 0;

    if (!can)
        sd_test_skip("Xen moves a page that a PVH guest maps from itself; tests/e2e/grant claims the same");
    return can;
}

static void write_byte(void *at)
{
    *(volatile char *)at = 'w';
}

SD_TEST(granted_page_is_seen_where_it_is_mapped)
{
    struct xen_grant_mapping mapping;
    xen_domid_t self;
    xen_gref_t ref;
    char *page;

    if (!can_map_own_grant())
        return;
    page = sd_page_alloc(0);
    SD_REQUIRE(page && start(&self) && !xen_grant_alloc(&ref));
    strcpy(page, "granted");
    xen_grant_enable(ref, self, page, false);
    SD_REQUIRE(!xen_grant_map(self, ref, false, &mapping));
    SD_CHECK(mapping.page != page && !strcmp(mapping.page, "granted"));
    strcpy(mapping.page, "changed");
    SD_CHECK(!strcmp(page, "changed"));
    /* While it is mapped, it cannot be taken back. */
    SD_CHECK(xen_grant_revoke(ref) == -EBUSY);
    SD_CHECK(!xen_grant_unmap(&mapping));
    SD_CHECK(!xen_grant_revoke(ref));
    SD_CHECK(xen_grant_map(self, ref, false, &mapping) < 0);
    xen_grant_free(ref);
    sd_page_free(page, 0);
}

SD_TEST(read_only_grants_cannot_be_written)
{
    struct xen_trap_caught caught;
    struct xen_grant_mapping mapping;
    xen_domid_t self;
    xen_gref_t ref;
    char *page;

    if (!can_map_own_grant())
        return;
    page = sd_page_alloc(0);
    SD_REQUIRE(page && start(&self) && !xen_grant_alloc(&ref));
    xen_grant_enable(ref, self, page, true);
    SD_CHECK(xen_grant_map(self, ref, false, &mapping) < 0);
    SD_REQUIRE(!xen_grant_map(self, ref, true, &mapping));
    SD_CHECK(!xen_trap_try(write_byte, mapping.page, &caught) && caught.vector == XEN_TRAP_PAGE_FAULT);
    SD_CHECK(!xen_grant_unmap(&mapping) && !xen_grant_revoke(ref));
    xen_grant_free(ref);
    sd_page_free(page, 0);
}

SD_TEST(copy_moves_bytes_and_checks_the_grant)
{
    xen_domid_t self;
    xen_gref_t ref;
    char *page = sd_page_alloc(0), *to = sd_page_alloc(0);

    SD_REQUIRE(page && to && start(&self) && !xen_grant_alloc(&ref));
    memset(to, 0, XEN_PAGE_SIZE);
    strcpy(page + 100, "copied");
    xen_grant_enable(ref, self, page, true);
    {
        struct xen_grant_end there = {.domain = self, .ref = ref, .offset = 100}, here = {.page = to + 8};

        SD_CHECK(!xen_grant_copy(&there, &here, 7));
        SD_CHECK(!strcmp(to + 8, "copied"));
        SD_CHECK(xen_grant_copy(&here, &there, 7) < 0); /* read-only */
        there.offset = 4090;
        SD_CHECK(xen_grant_copy(&there, &here, 7) == -EINVAL); /* beyond its page */
    }
    SD_CHECK(!xen_grant_revoke(ref));
    xen_grant_free(ref);
    sd_page_free(page, 0);
    sd_page_free(to, 0);
}

SD_TEST(pages_still_mapped_are_quarantined_until_let_go)
{
    struct xen_grant_mapping mapping;
    struct sd_memory_stats before, after;
    size_t in_use;
    xen_domid_t self;
    xen_gref_t ref, other;
    char *page;

    if (!can_map_own_grant())
        return;
    SD_REQUIRE(start(&self));
    /* What the first mapping brings with it, tables and frames, is there now: the tests above ran first or it
     * is made here. */
    in_use = xen_grant_in_use();
    sd_memory_stats(&before);
    page = sd_page_alloc(0);
    SD_REQUIRE(page && !xen_grant_alloc(&ref));
    xen_grant_enable(ref, self, page, false);
    SD_REQUIRE(!xen_grant_map(self, ref, false, &mapping));
    SD_CHECK(xen_grant_end_and_free(ref, page));
    SD_CHECK(xen_grant_quarantined() == 1);
    SD_CHECK(!xen_grant_unmap(&mapping));
    /* The next call finds it free. */
    SD_REQUIRE(!xen_grant_alloc(&other));
    xen_grant_free(other);
    SD_CHECK(xen_grant_quarantined() == 0);
    SD_CHECK(xen_grant_in_use() == in_use);
    sd_memory_stats(&after);
    SD_CHECK(before.pages_free - after.pages_free <= 2);
}

/* The host's limit, 64 frames of 512 unless set otherwise, is met as an errno, and everything can be given
 * back. */
SD_TEST(references_run_out_as_an_errno)
{
    enum { LIMIT = 40000 };
    static xen_gref_t refs[LIMIT];
    xen_domid_t self;
    size_t count = 0;
    int error = 0;

    SD_REQUIRE(start(&self));
    while (count < LIMIT && !(error = xen_grant_alloc(&refs[count])))
        count++;
    SD_CHECK(count > 512);
    SD_CHECK(count == LIMIT || error == -ENOSPC || error == -ENOMEM);
    while (count)
        xen_grant_free(refs[--count]);
    SD_CHECK(!xen_grant_alloc(&refs[0]));
    xen_grant_free(refs[0]);
}

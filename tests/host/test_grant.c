/* links: grant.c fake.c fake_grant.c */
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <xenlib/grant.h>
#include <xenlib/memory.h>

#include "fake.h"
#include "fake_grant.h"

#define PEER      ((xen_domid_t){3})
#define PER_FRAME 512
#define OURS      (PER_FRAME - GNTTAB_NR_RESERVED_ENTRIES) /* references in the first frame */

static void set_up(void)
{
    fake_reset();
    fake_grant_reset();
}

/* A reference and a page granted through it. */
struct granted {
    xen_gref_t ref;
    uint8_t *page;
};

static struct granted grant(bool readonly)
{
    struct granted result = {.page = xen_platform_page_alloc()};

    if (xen_grant_alloc(&result.ref))
        abort();
    xen_grant_enable(result.ref, PEER, result.page, readonly);
    return result;
}

/* The module keeps its state for the whole program: this has to be the first test. */
TEST(init_reports_what_the_host_and_the_room_refuse_and_then_succeeds)
{
    set_up();
    fake_grant_next_result(-EPERM);
    TEST_CHECK(xen_grant_init() == -EPERM);
    fake_grant_next_status(GNTST_general_error);
    TEST_CHECK(xen_grant_init() == -EIO);
    fake_grant_limit(0);
    TEST_CHECK(xen_grant_init() == -ENOSPC);
    fake_grant_limit(FAKE_GRANT_FRAMES);
    fake_grant_fail_map(-ENOMEM);
    TEST_CHECK(xen_grant_init() == -ENOMEM);
    TEST_REQUIRE(!xen_grant_init());
    TEST_CHECK(xen_grant_init() == -EALREADY);
    TEST_CHECK(xen_grant_in_use() == 0);
    TEST_CHECK(fake_pages_in_use() == 0);
}

TEST(enable_writes_an_entry_that_gives_the_domain_the_page)
{
    set_up();
    for (int readonly = 0; readonly < 2; readonly++) {
        struct granted it = grant(readonly);
        const struct grant_entry_v1 *entry = fake_grant_entry(it.ref.n);

        TEST_CHECK(it.ref.n >= GNTTAB_NR_RESERVED_ENTRIES);
        TEST_CHECK(entry->flags == (GTF_permit_access | (readonly ? GTF_readonly : 0)));
        TEST_CHECK(entry->domid == PEER.n);
        TEST_CHECK(entry->frame == xen_virt_to_mfn(it.page).n);
        TEST_CHECK(fake_grant_access(PEER.n, it.ref.n, false) == it.page);
        TEST_CHECK(fake_grant_access(PEER.n, it.ref.n, true) == (readonly ? NULL : it.page));
        TEST_CHECK(!fake_grant_access(PEER.n + 1, it.ref.n, false));
        TEST_CHECK(xen_grant_in_use() == 1);
        TEST_CHECK(!xen_grant_end_and_free(it.ref, it.page));
        TEST_CHECK(!fake_grant_access(PEER.n, it.ref.n, false));
        TEST_CHECK(xen_grant_in_use() == 0 && fake_pages_in_use() == 0);
    }
}

TEST(revoke_and_enable_again_need_no_hypercall)
{
    struct granted it;
    unsigned before;

    set_up();
    it = grant(false);
    before = fake_hypercalls(__HYPERVISOR_grant_table_op);
    for (int i = 0; i < 1000; i++) {
        TEST_REQUIRE(!xen_grant_revoke(it.ref));
        TEST_REQUIRE(!fake_grant_access(PEER.n, it.ref.n, false));
        xen_grant_enable(it.ref, PEER, it.page, i % 2);
        TEST_REQUIRE(fake_grant_access(PEER.n, it.ref.n, false) == it.page);
    }
    TEST_CHECK(!xen_grant_end_and_free(it.ref, it.page));
    TEST_CHECK(fake_hypercalls(__HYPERVISOR_grant_table_op) == before);
}

TEST(revoke_leaves_a_page_in_use_granted)
{
    static const uint16_t uses[] = {GTF_reading, GTF_writing, GTF_reading | GTF_writing};

    set_up();
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        struct granted it = grant(false);

        fake_grant_entry(it.ref.n)->flags |= uses[i];
        TEST_CHECK(xen_grant_revoke(it.ref) == -EBUSY, "%x", uses[i]);
        TEST_CHECK(fake_grant_access(PEER.n, it.ref.n, true) == it.page);
        fake_grant_release(it.ref.n);
        TEST_CHECK(!xen_grant_revoke(it.ref));
        TEST_CHECK(!xen_grant_revoke(it.ref), "again is harmless");
        xen_grant_free(it.ref);
        xen_platform_page_free(it.page);
    }
    TEST_CHECK(xen_grant_in_use() == 0 && fake_pages_in_use() == 0);
}

TEST(a_page_that_the_peer_keeps_is_quarantined_until_it_lets_go)
{
    struct granted it;
    xen_gref_t other;

    set_up();
    it = grant(false);
    fake_grant_hold(PEER.n, it.ref.n, true);
    TEST_CHECK(xen_grant_end_and_free(it.ref, it.page));
    TEST_CHECK(xen_grant_quarantined() == 1);
    TEST_CHECK(xen_grant_in_use() == 1);
    it.page[17] = 1; /* the sanitizer watches: it must not be freed */
    TEST_REQUIRE(!xen_grant_alloc(&other));
    TEST_CHECK(other.n != it.ref.n);
    xen_grant_free(other);
    TEST_CHECK(xen_grant_quarantined() == 1);

    fake_grant_release(it.ref.n);
    TEST_REQUIRE(!xen_grant_alloc(&other), "a later call frees it");
    TEST_CHECK(fake_pages_in_use() == 0);
    TEST_CHECK(!fake_grant_access(PEER.n, it.ref.n, false));
    TEST_CHECK(xen_grant_quarantined() == 0);
    xen_grant_free(other);
    TEST_CHECK(xen_grant_in_use() == 0);
}

TEST(the_quarantine_holds_any_number_and_lets_them_go_in_any_order)
{
    static struct granted them[1000];
    const size_t count = sizeof them / sizeof *them;
    uint32_t random = 1;
    size_t left = count;

    set_up();
    for (size_t i = 0; i < count; i++) {
        them[i] = grant(false);
        fake_grant_hold(PEER.n, them[i].ref.n, true);
    }
    for (size_t i = 0; i < count; i++)
        TEST_CHECK(xen_grant_end_and_free(them[i].ref, them[i].page));
    TEST_CHECK(xen_grant_quarantined() == count);
    while (left) {
        size_t part = left < 37 ? left : 37;

        for (size_t n = 0; n < part; n++) {
            size_t pick;

            random = random * 1664525 + 1013904223;
            pick = (random >> 8) % left;
            fake_grant_release(them[pick].ref.n);
            them[pick] = them[--left];
        }
        TEST_REQUIRE(xen_grant_quarantined() == left);
        for (size_t i = 0; i < left; i++)
            TEST_REQUIRE(fake_grant_access(PEER.n, them[i].ref.n, true) == them[i].page);
    }
    TEST_CHECK(xen_grant_in_use() == 0 && fake_pages_in_use() == 0);
}

/* Xen's part of a race: it pins a grant that is valid, and lets go again, on another processor. */
struct race {
    uint16_t *flags;
    bool stop;
    const char *wrong;
};

static void *pin_and_release(void *arg)
{
    struct race *race = arg;

    while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
        uint16_t flags = __atomic_load_n(race->flags, __ATOMIC_SEQ_CST);

        if (!(flags & GTF_permit_access) ||
            !__atomic_compare_exchange_n(race->flags, &flags, flags | GTF_reading, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST))
            continue;
        /* From here to the release the grant must stand. */
        if (!(__atomic_load_n(race->flags, __ATOMIC_SEQ_CST) & GTF_permit_access))
            race->wrong = "revoked while pinned";
        __atomic_fetch_and(race->flags, (uint16_t)~GTF_reading, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST(revoke_and_xens_pin_exclude_each_other)
{
    struct granted it;
    struct race race = {0};
    pthread_t xen;
    unsigned long revoked = 0;

    set_up();
    it = grant(false);
    race.flags = &fake_grant_entry(it.ref.n)->flags;
    TEST_REQUIRE(!pthread_create(&xen, NULL, pin_and_release, &race));
    for (unsigned long i = 0; i < 200000 || (revoked < 100 && i < 100000000); i++) {
        if (xen_grant_revoke(it.ref))
            continue;
        revoked++;
        xen_grant_enable(it.ref, PEER, it.page, false);
    }
    __atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
    pthread_join(xen, NULL);
    TEST_CHECK(!race.wrong, "%s", race.wrong);
    TEST_CHECK(revoked >= 100);
    TEST_CHECK(!xen_grant_end_and_free(it.ref, it.page));
}

TEST(the_table_grows_by_a_frame_when_it_runs_out_up_to_the_hosts_limit)
{
    static xen_gref_t refs[8 * PER_FRAME];
    static bool seen[8 * PER_FRAME];
    size_t count, first = OURS;
    xen_gref_t none = {12345};

    set_up();
    /* Whatever earlier tests grew it to. */
    while (fake_grant_entry((uint32_t)(first + GNTTAB_NR_RESERVED_ENTRIES)))
        first += PER_FRAME;
    for (count = 0; count < first; count++) {
        TEST_REQUIRE(!xen_grant_alloc(&refs[count]));
        TEST_REQUIRE(!fake_grant_entry((uint32_t)(first + GNTTAB_NR_RESERVED_ENTRIES)),
                     "not before it is needed");
    }
    fake_grant_limit((uint32_t)(first + GNTTAB_NR_RESERVED_ENTRIES) / PER_FRAME);
    TEST_CHECK(xen_grant_alloc(&none) == -ENOSPC);
    fake_grant_limit((uint32_t)(first + GNTTAB_NR_RESERVED_ENTRIES) / PER_FRAME + 1);
    fake_grant_fail_map(-ENOMEM);
    TEST_CHECK(xen_grant_alloc(&none) == -ENOMEM);
    fake_grant_next_status(GNTST_general_error);
    TEST_CHECK(xen_grant_alloc(&none) == -EIO);
    TEST_CHECK(none.n == 12345, "written only on success");
    TEST_CHECK(xen_grant_in_use() == count);

    for (size_t i = 0; i < PER_FRAME; i++, count++)
        TEST_REQUIRE(!xen_grant_alloc(&refs[count]), "%zu", i);
    TEST_CHECK(xen_grant_alloc(&none) == -ENOSPC);
    for (size_t i = 0; i < count; i++) {
        TEST_REQUIRE(refs[i].n >= GNTTAB_NR_RESERVED_ENTRIES && refs[i].n < sizeof seen && !seen[refs[i].n]);
        seen[refs[i].n] = true;
    }
    xen_grant_free(refs[--count]);
    TEST_CHECK(!xen_grant_alloc(&refs[count++]), "a reference that came back");
    while (count)
        xen_grant_free(refs[--count]);
    TEST_CHECK(xen_grant_in_use() == 0);
}

#define FOREIGN(n, at)                                                                                       \
    {                                                                                                        \
        .domain = {FAKE_FOREIGN_DOMAIN}, .ref = {FAKE_FOREIGN_REF + (n)}, .offset = (at)                     \
    }

TEST(copy_moves_bytes_between_our_pages_and_foreign_grants)
{
    uint8_t *page;

    set_up();
    page = xen_platform_page_alloc();
    memset(fake_foreign_page(1), 'f', XEN_PAGE_SIZE);
    memset(page, 'o', XEN_PAGE_SIZE);
    {
        struct xen_grant_end from = FOREIGN(1, 4000), to = {.page = page + 100};

        TEST_CHECK(!xen_grant_copy(&from, &to, 96));
        TEST_CHECK(page[99] == 'o' && page[100] == 'f' && page[195] == 'f' && page[196] == 'o');
    }
    {
        struct xen_grant_end from = {.page = page + 4095}, to = FOREIGN(1, 0);

        TEST_CHECK(!xen_grant_copy(&from, &to, 1));
        TEST_CHECK(fake_foreign_page(1)[0] == 'o' && fake_foreign_page(1)[1] == 'f');
    }
    {
        struct xen_grant_end from = FOREIGN(1, 0), to = FOREIGN(2, 10);

        TEST_CHECK(!xen_grant_copy(&from, &to, 4086));
        TEST_CHECK(fake_foreign_page(2)[10] == 'o' && fake_foreign_page(2)[4095] == 'f');
    }
    xen_platform_page_free(page);
}

TEST(copy_refuses_a_range_outside_a_page_before_xen_sees_it)
{
    static const struct {
        uint16_t ours, theirs, bytes;
        int error;
    } cases[] = {
        {0, 0, 4096, 0},        {1, 0, 4096, -EINVAL}, {0, 1, 4096, -EINVAL},      {4095, 0, 2, -EINVAL},
        {0, 4095, 2, -EINVAL},  {4095, 4095, 1, 0},    {0, 4096, 1, -EINVAL},      {0, 0, 4097, -EINVAL},
        {0, 0, 65535, -EINVAL}, {0, 0, 0, 0},          {0, 65535, 65535, -EINVAL},
    };
    uint8_t *page;

    set_up();
    page = xen_platform_page_alloc();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xen_grant_end ours = {.page = page + cases[i].ours}, theirs = FOREIGN(0, cases[i].theirs);
        unsigned before = fake_hypercalls(__HYPERVISOR_grant_table_op);

        TEST_CHECK(xen_grant_copy(&ours, &theirs, cases[i].bytes) == cases[i].error, "row %zu", i);
        TEST_CHECK(xen_grant_copy(&theirs, &ours, cases[i].bytes) == cases[i].error, "row %zu back", i);
        TEST_CHECK(fake_hypercalls(__HYPERVISOR_grant_table_op) - before == (cases[i].error ? 0 : 2));
    }
    xen_platform_page_free(page);
}

static const struct {
    int16_t status;
    int copy, map, unmap;
} statuses[] = {
    {GNTST_general_error, -EIO, -EIO, -EIO},
    {GNTST_bad_domain, -EACCES, -EACCES, -EACCES},
    {GNTST_bad_gntref, -EACCES, -EACCES, -EACCES},
    {GNTST_bad_handle, -EIO, -EIO, -EIO},
    {GNTST_bad_virt_addr, -EFAULT, -EFAULT, -EFAULT},
    {GNTST_permission_denied, -EACCES, -EACCES, -EACCES},
    {GNTST_bad_page, -EFAULT, -EFAULT, -EFAULT},
    {GNTST_bad_copy_arg, -EFAULT, -EFAULT, -EFAULT},
    {GNTST_address_too_big, -EIO, -EIO, -EIO},
    {GNTST_eagain, -EIO, -EIO, -EIO},
    {GNTST_no_space, -ENOSPC, -ENOSPC, -ENOSPC},
    {-99, -EIO, -EIO, -EIO},
    {1, -EIO, -EIO, -EIO},
};

TEST(a_status_other_than_okay_is_an_errno_and_changes_nothing)
{
    struct xen_grant_end ours = {0}, theirs = FOREIGN(0, 0);
    struct xen_grant_mapping mapping = {0}, standing;

    set_up();
    ours.page = xen_platform_page_alloc();
    fake_grant_fail_map(-ENOMEM);
    TEST_CHECK(xen_grant_map(theirs.domain, theirs.ref, true, &mapping) == -ENOMEM, "no window");
    TEST_REQUIRE(!xen_grant_map(theirs.domain, theirs.ref, true, &standing));
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        fake_grant_next_status(statuses[i].status);
        TEST_CHECK(xen_grant_copy(&theirs, &ours, 8) == statuses[i].copy, "status %d", statuses[i].status);
        fake_grant_next_status(statuses[i].status);
        TEST_CHECK(xen_grant_map(theirs.domain, theirs.ref, true, &mapping) == statuses[i].map);
        TEST_CHECK(!mapping.page && !mapping.handle);
        fake_grant_next_status(statuses[i].status);
        TEST_CHECK(xen_grant_unmap(&standing) == statuses[i].unmap);
        TEST_CHECK(fake_grant_mappings() == 1);
    }
    fake_grant_next_result(-ENOSYS);
    TEST_CHECK(xen_grant_copy(&theirs, &ours, 8) == -ENOSYS);
    fake_grant_next_result(-ENOSYS);
    TEST_CHECK(xen_grant_map(theirs.domain, theirs.ref, true, &mapping) == -ENOSYS);
    fake_grant_next_result(-ENOSYS);
    TEST_CHECK(xen_grant_unmap(&standing) == -ENOSYS);
    TEST_CHECK(!xen_grant_unmap(&standing));
    TEST_CHECK(fake_grant_mappings() == 0);
    xen_platform_page_free(ours.page);
}

TEST(foreign_pages_are_mapped_at_places_of_their_own_until_all_512_are_taken)
{
    static struct xen_grant_mapping mappings[513];

    set_up();
    memcpy(fake_foreign_page(2), "foreign", 8);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < 512; i++) {
            TEST_REQUIRE(!xen_grant_map((xen_domid_t){FAKE_FOREIGN_DOMAIN},
                                        (xen_gref_t){FAKE_FOREIGN_REF + 2}, round, &mappings[i]));
            TEST_REQUIRE(!memcmp(mappings[i].page, "foreign", 8));
        }
        TEST_CHECK(fake_grant_mappings() == 512);
        TEST_CHECK(xen_grant_map((xen_domid_t){FAKE_FOREIGN_DOMAIN}, (xen_gref_t){FAKE_FOREIGN_REF}, true,
                                 &mappings[512]) == -ENOSPC);
        for (size_t i = 512; i-- > 0;)
            TEST_REQUIRE(!xen_grant_unmap(&mappings[i]));
        TEST_CHECK(fake_grant_mappings() == 0);
    }
}

TEST(a_foreign_page_that_cannot_be_shown_goes_back_to_xen_and_its_place_with_it)
{
    xen_domid_t domain = {FAKE_FOREIGN_DOMAIN};
    xen_gref_t ref = {FAKE_FOREIGN_REF + 2};
    struct xen_grant_mapping mapping = {0};

    set_up();
    for (unsigned i = 0; i < 600; i++) { /* more often than there are places */
        fake_grant_fail_show(-ENOMEM);
        TEST_REQUIRE(xen_grant_map(domain, ref, i % 2, &mapping) == -ENOMEM);
        TEST_REQUIRE(!mapping.page && fake_grant_mappings() == 0);
    }
    TEST_REQUIRE(!xen_grant_map(domain, ref, true, &mapping));
    TEST_CHECK(!xen_grant_unmap(&mapping));
}

TEST(a_page_granted_read_only_can_be_mapped_only_so)
{
    struct xen_grant_mapping mapping;
    xen_gref_t ref = {FAKE_FOREIGN_REF + FAKE_FOREIGN_PAGES - 1};

    set_up();
    TEST_CHECK(xen_grant_map((xen_domid_t){FAKE_FOREIGN_DOMAIN}, ref, false, &mapping) == -EIO);
    TEST_REQUIRE(!xen_grant_map((xen_domid_t){FAKE_FOREIGN_DOMAIN}, ref, true, &mapping));
    TEST_CHECK(!xen_grant_unmap(&mapping));
}

TEST(without_memory_to_remember_it_a_kept_page_is_lost_and_never_reused)
{
    struct granted it;

    set_up();
    it = grant(false);
    fake_grant_hold(PEER.n, it.ref.n, true);
    fake_pages_left(0);
    TEST_CHECK(xen_grant_end_and_free(it.ref, it.page));
    TEST_CHECK(fake_log_lines() == 1);
    TEST_CHECK(xen_grant_quarantined() == 1 && xen_grant_in_use() == 1);
    TEST_CHECK(fake_grant_access(PEER.n, it.ref.n, true) == it.page);
    /* So that the other tests can count: nobody else could. */
    fake_grant_release(it.ref.n);
    TEST_CHECK(!xen_grant_revoke(it.ref));
    xen_grant_free(it.ref);
    xen_platform_page_free(it.page);
}

static void free_granted(void *arg)
{
    xen_grant_free(((struct granted *)arg)->ref);
}

static void enable_granted(void *arg)
{
    xen_grant_enable(((struct granted *)arg)->ref, PEER, ((struct granted *)arg)->page, false);
}

static void free_number(void *arg)
{
    xen_grant_free((xen_gref_t){*(uint32_t *)arg});
}

TEST(misuse_by_our_own_code_panics)
{
    uint32_t bad[] = {0, 1, 7, 1 << 20, UINT32_MAX};
    struct granted it;

    set_up();
    it = grant(false);
    TEST_CHECK(fake_panics(free_granted, &it), "free while granted");
    TEST_CHECK(fake_panics(enable_granted, &it), "granted twice");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        TEST_CHECK(fake_panics(free_number, &bad[i]), "reference %u", bad[i]);
}

int main(void)
{
    return tap_run();
}

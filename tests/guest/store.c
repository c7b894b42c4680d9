/* Xenstore, with the real xenstored at the other end. */
#include <stardust/test.h>

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>
#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/format.h>
#include <xenlib/store.h>
#include <xenlib/time.h>

#define DIR "data/stardust-test"

SD_TEST(store_reads_what_the_toolstack_wrote)
{
    char name[64];
    size_t length;
    uint64_t domid;

    SD_CHECK(!xen_store_read(XEN_STORE_NONE, "name", name, sizeof(name), &length));
    SD_CHECK(length == strlen(name) && length > 0);
    SD_CHECK(!xen_store_read_uint(XEN_STORE_NONE, "domid", 0x7fef, &domid) && domid > 0);
}

SD_TEST(store_errors_come_as_errno)
{
    char value[8], name[2];
    size_t length = 0;
    uint64_t number;

    SD_CHECK(xen_store_read(XEN_STORE_NONE, DIR "/none", value, sizeof(value), NULL) == -ENOENT);
    SD_CHECK(xen_store_write(XEN_STORE_NONE, "/local/domain/0/name", "x", 1) == -EACCES);
    SD_CHECK(xen_store_read(XEN_STORE_NONE, "bad//path", value, sizeof(value), NULL) == -EINVAL);
    SD_CHECK(xen_store_read(XEN_STORE_NONE, "name", name, sizeof(name), &length) == -ERANGE && length > 1);
    SD_CHECK(xen_store_read_uint(XEN_STORE_NONE, "name", UINT64_MAX, &number) == -EINVAL);
    SD_CHECK(xen_store_read_uint(XEN_STORE_NONE, "domid", 0, &number) == -ERANGE);
}

SD_TEST(store_keeps_values_of_every_size)
{
    static char written[3900], read[4096];
    static const size_t sizes[] = {0, 1, 100, 1000, 1008, 1024, 2048, 3900};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t length = 1;

        for (size_t at = 0; at < sizes[i]; at++)
            written[at] = (char)(at * 7 + i);
        /* Domains have a quota of 2,048 bytes a node: above it, the answer is E2BIG or ENOSPC, and it is an
         * answer. */
        if (sizes[i] > 2000) {
            int error = xen_store_write(XEN_STORE_NONE, DIR "/value", written, sizes[i]);

            SD_CHECK(!error || error == -ENOSPC || error == -E2BIG);
            continue;
        }
        SD_CHECK(!xen_store_write(XEN_STORE_NONE, DIR "/value", written, sizes[i]));
        SD_CHECK(!xen_store_read(XEN_STORE_NONE, DIR "/value", read, sizeof(read), &length));
        SD_CHECK(length == sizes[i] && !memcmp(read, written, length) && !read[length]);
    }
    SD_CHECK(xen_store_write(XEN_STORE_NONE, DIR "/value", written, 5000) == -E2BIG);
    SD_CHECK(!xen_store_remove(XEN_STORE_NONE, DIR));
}

/* As many as a domain's quota of 2,048 bytes a node lets it make; larger ones are listed on the host
 * (test_store). */
SD_TEST(store_lists_directories)
{
    enum { ENTRIES = 40 };
    static char names[4096];
    size_t count = 0, length = 0;
    const char *name = names;
    bool seen[ENTRIES] = {false};

    for (unsigned i = 0; i < ENTRIES; i++) {
        char path[80];

        xen_format(path, sizeof(path), DIR "/list/entry-with-a-rather-long-name-%03u", i);
        SD_REQUIRE(!xen_store_write(XEN_STORE_NONE, path, "", 0));
    }
    SD_REQUIRE(!xen_store_list(XEN_STORE_NONE, DIR "/list", names, sizeof(names), &count, &length));
    SD_CHECK(count == ENTRIES && length > 1024);
    for (size_t i = 0; i < count; i++, name += strlen(name) + 1) {
        const char *digits = name + strlen(name) - 3;
        unsigned n = (unsigned)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0');

        if (SD_CHECK(n < ENTRIES && !seen[n]))
            seen[n] = true;
    }
    SD_CHECK(xen_store_list(XEN_STORE_NONE, DIR "/list", names, 100, &count, &length) == -ERANGE);
    SD_CHECK(!xen_store_remove(XEN_STORE_NONE, DIR));
    SD_CHECK(xen_store_list(XEN_STORE_NONE, DIR "/list", names, sizeof(names), &count, &length) == -ENOENT);
}

SD_TEST(store_permissions_are_read_and_set)
{
    struct xen_store_permission list[4];
    size_t count;

    SD_REQUIRE(!xen_store_write(XEN_STORE_NONE, DIR "/secret", "x", 1));
    SD_REQUIRE(!xen_store_get_permissions(XEN_STORE_NONE, DIR "/secret", list, 4, &count));
    SD_REQUIRE(count >= 1);
    list[0].access = 'n';
    list[1] = (struct xen_store_permission){{0}, 'r'};
    SD_CHECK(!xen_store_set_permissions(XEN_STORE_NONE, DIR "/secret", list, 2));
    SD_CHECK(!xen_store_get_permissions(XEN_STORE_NONE, DIR "/secret", list, 4, &count));
    SD_CHECK(count == 2 && list[1].domain.n == 0 && list[1].access == 'r');
    SD_CHECK(!xen_store_remove(XEN_STORE_NONE, DIR));
}

static int turns;

/* Between the transaction's read and its end somebody else changes what was read, the first time. */
static int increment(xen_store_tx tx, void *arg)
{
    uint64_t value;
    int error = xen_store_read_uint(tx, DIR "/counter", UINT32_MAX, &value);

    (void)arg;
    if (!error && turns++ == 0)
        error = xen_store_write(XEN_STORE_NONE, DIR "/counter", "10", 2);
    if (!error)
        error = xen_store_printf(tx, DIR "/counter", "%lu", value + 1);
    return error;
}

static int give_up(xen_store_tx tx, void *arg)
{
    int error = xen_store_write(tx, DIR "/counter", "99", 2);

    (void)arg;
    return error ? error : -EBUSY;
}

SD_TEST(transactions_are_retried_and_aborted)
{
    uint64_t value;

    turns = 0;
    SD_REQUIRE(!xen_store_write(XEN_STORE_NONE, DIR "/counter", "1", 1));
    SD_CHECK(!xen_store_transaction(increment, NULL));
    SD_CHECK(turns == 2);
    SD_CHECK(!xen_store_read_uint(XEN_STORE_NONE, DIR "/counter", UINT32_MAX, &value) && value == 11);
    SD_CHECK(xen_store_transaction(give_up, NULL) == -EBUSY);
    SD_CHECK(!xen_store_read_uint(XEN_STORE_NONE, DIR "/counter", UINT32_MAX, &value) && value == 11);
    SD_CHECK(!xen_store_remove(XEN_STORE_NONE, DIR));
}

SD_TEST(watches_fire_once_set_up_and_for_each_change)
{
    struct xen_store_watch watch;

    SD_REQUIRE(!xen_store_watch(&watch, DIR "/watched"));
    SD_CHECK(!xen_store_watch_wait(&watch, xen_time_now() + 5 * SD_SECOND));
    SD_CHECK(xen_store_watch_wait(&watch, xen_time_now() + 20 * SD_MS) == -ETIMEDOUT);
    SD_CHECK(!xen_store_write(XEN_STORE_NONE, DIR "/watched/below", "x", 1));
    SD_CHECK(!xen_store_watch_wait(&watch, xen_time_now() + 5 * SD_SECOND));
    xen_store_unwatch(&watch);
    SD_CHECK(!xen_store_remove(XEN_STORE_NONE, DIR));
}

static unsigned mistakes;

static void write_and_read(void *arg)
{
    unsigned number = *(unsigned *)arg;
    char path[40], value[1200];

    xen_format(path, sizeof(path), DIR "/thread-%u", number);
    for (int turn = 0; turn < 10; turn++) {
        size_t length = 100 * number + 1, got = 0;

        memset(value, 'a' + (int)number, sizeof(value));
        mistakes += xen_store_write(XEN_STORE_NONE, path, value, length) != 0;
        memset(value, 0, sizeof(value));
        mistakes += xen_store_read(XEN_STORE_NONE, path, value, sizeof(value), &got) != 0;
        mistakes += got != length || value[0] != (char)('a' + number) || value[length - 1] != value[0];
    }
}

SD_TEST(many_threads_have_requests_outstanding_at_once)
{
    enum { THREADS = 10 };
    struct sd_thread *threads[THREADS];
    unsigned numbers[THREADS];

    mistakes = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        SD_REQUIRE(!sd_thread_start("client", write_and_read, &numbers[i], &threads[i]));
    }
    for (unsigned i = 0; i < THREADS; i++)
        sd_thread_join(threads[i]);
    SD_CHECK(mistakes == 0);
    SD_CHECK(!xen_store_remove(XEN_STORE_NONE, DIR));
}

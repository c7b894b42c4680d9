/* links: store.c store_wire.c store_watch.c store_ops.c format.c fake.c fake_event.c fake_xenstored.c */
#include <xenlib/store.h>

#include <errno.h>
#include <string.h>
#include <ucontext.h>

#include <xensys/abi.h>

#include "fake.h"
#include "fake_xenstored.h"
#include "tap.h"

#define PORT   ((xen_port_t){3})
#define DOMAIN 7
#define SECOND 1000000000UL

static struct xenstore_domain_interface *ring;
static struct fake_xenstored xs;

/* A ring on the heap, so that the sanitizer sees every byte read beside it. */
static void start_at(uint32_t index)
{
    fake_reset();
    fake_event_reset();
    ring = malloc(sizeof *ring);
    xs_start(&xs, ring, PORT, DOMAIN, index);
    fake_on_wait(xs_wait_hook, &xs);
    TEST_CHECK(xen_store_init(ring, PORT) == 0);
}

static void start(void)
{
    start_at(0);
}

static void stop(void)
{
    TEST_CHECK(fake_pages_in_use() == 0);
    TEST_CHECK(fake_locks_held() == 0);
    xs_stop(&xs);
    free(ring);
}

static int read_small(const char *path, char buffer[64])
{
    return xen_store_read(XEN_STORE_NONE, path, buffer, 64, NULL);
}

static void fill(char *bytes, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 7 + i / 251 + seed);
}

/* ---- values ---- */

TEST(store_carries_values_of_any_length_whatever_the_indices_and_chunks)
{
    static const size_t lengths[] = {0, 1, 15, 1000, 1003, 1004, 1005, 1023, 1024, 1025, 2048, 4000, 4091};
    static const uint32_t indices[] = {0, 1, 1023, 0x7ffffff0, 0xfffffc01, 0xffffffff};
    static const size_t chunks[] = {0, 1, 13, 1024};
    static char sent[4096], got[4097];

    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++) {
        for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
            start_at(indices[i]);
            xs.chunk = chunks[c];
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
                size_t length = 0;

                fill(sent, lengths[l], (unsigned)l);
                TEST_CHECK(xen_store_write(XEN_STORE_NONE, "data", sent, lengths[l]) == 0, "%zu", lengths[l]);
                memset(got, 'x', sizeof got);
                TEST_CHECK(xen_store_read(XEN_STORE_NONE, "data", got, sizeof got, &length) == 0);
                TEST_CHECK(length == lengths[l] && !memcmp(sent, got, length) && !got[length],
                           "index %x chunk %zu length %zu", indices[i], chunks[c], lengths[l]);
            }
            stop();
        }
    }
}

TEST(store_sends_a_request_longer_than_the_ring_while_answers_fill_the_other)
{
    static char large[4000], got[4001];
    struct xen_store_watch watch;

    start();
    xs.chunk = 64;
    fill(large, sizeof large, 1);
    TEST_REQUIRE(xen_store_watch(&watch, "data") == 0);
    /* Each change is an event of its own: together more than the response ring holds. */
    for (unsigned i = 0; i < 60; i++)
        xs_set(&xs, "data/k", "v");
    TEST_CHECK(xen_store_write(XEN_STORE_NONE, "data/large", large, sizeof large) == 0);
    TEST_CHECK(xen_store_read(XEN_STORE_NONE, "data/large", got, sizeof got, NULL) == 0);
    TEST_CHECK(!memcmp(large, got, sizeof large));
    TEST_CHECK(watch.fired);
    xen_store_unwatch(&watch);
    stop();
}

TEST(store_read_tells_the_length_of_what_does_not_fit)
{
    static const struct {
        size_t size;
        int error;
    } rows[] = {{0, -ERANGE}, {1, -ERANGE}, {5, -ERANGE}, {6, 0}, {7, 0}};

    start();
    xs_set(&xs, "key", "hello");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *buffer = malloc(rows[i].size ? rows[i].size : 1);
        size_t length = 99;

        TEST_CHECK(xen_store_read(XEN_STORE_NONE, "key", buffer, rows[i].size, &length) == rows[i].error,
                   "%zu", i);
        TEST_CHECK(length == 5);
        TEST_CHECK(rows[i].error || !strcmp(buffer, "hello"));
        free(buffer);
    }
    xs_set(&xs, "key", "");
    TEST_CHECK(xen_store_read(XEN_STORE_NONE, "key", NULL, 0, NULL) == -ERANGE, "no room for the NUL");
    stop();
}

TEST(store_read_uint_takes_a_decimal_number_and_nothing_else)
{
    static const struct {
        const char *text;
        uint64_t max;
        int error;
        uint64_t value;
    } rows[] = {
        {"0", 0, 0, 0},
        {"7", 7, 0, 7},
        {"8", 7, -ERANGE, 0},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
        {"99999999999999999999", UINT64_MAX, -ERANGE, 0},
        {"1000000000000000000000000000000000000", UINT64_MAX, -ERANGE, 0},
        {"1000000000000000000000x00000000000000", UINT64_MAX, -EINVAL, 0},
        {"", 10, -EINVAL, 0},
        {" 1", 10, -EINVAL, 0},
        {"1 ", 10, -EINVAL, 0},
        {"1\n", 10, -EINVAL, 0},
        {"-1", UINT64_MAX, -EINVAL, 0},
        {"+1", 10, -EINVAL, 0},
        {"0x1", 10, -EINVAL, 0},
        {"1e3", 9999, -EINVAL, 0},
    };

    start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 4711;

        xs_set(&xs, "number", rows[i].text);
        TEST_CHECK(xen_store_read_uint(XEN_STORE_NONE, "number", rows[i].max, &value) == rows[i].error,
                   "'%s'", rows[i].text);
        TEST_CHECK(value == (rows[i].error ? 4711 : rows[i].value), "'%s'", rows[i].text);
    }
    TEST_CHECK(xen_store_read_uint(XEN_STORE_NONE, "absent", 9, &(uint64_t){0}) == -ENOENT);
    stop();
}

TEST(store_printf_writes_up_to_255_characters)
{
    start();
    TEST_CHECK(xen_store_printf(XEN_STORE_NONE, "text", "%s-%u", "port", 9u) == 0);
    TEST_CHECK(xs_get(&xs, "text") && !strcmp(xs_get(&xs, "text"), "port-9"));
    TEST_CHECK(xen_store_printf(XEN_STORE_NONE, "text", "%255s", "x") == 0);
    TEST_CHECK(strlen(xs_get(&xs, "text")) == 255);
    TEST_CHECK(xen_store_printf(XEN_STORE_NONE, "text", "%256s", "x") == -E2BIG);
    TEST_CHECK(strlen(xs_get(&xs, "text")) == 255);
    stop();
}

TEST(store_refuses_what_the_protocol_does_not_allow_without_asking)
{
    static char path[4200], value[4200];
    static const struct {
        size_t path, value; /* lengths */
        bool absolute;
        int error;
    } rows[] = {
        {0, 0, false, -EINVAL},       {2047, 4096 - 2048, false, 0}, {2048, 0, false, -EINVAL},
        {3071, 4096 - 3072, true, 0}, {3072, 0, true, -EINVAL},      {3, 4092, false, 0},
        {3, 4093, false, -E2BIG},     {3, 4200, false, -E2BIG},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int result;

        start();
        xs_set_owner(&xs, "/", "b7");
        memset(path, 'p', sizeof path);
        path[rows[i].path] = '\0';
        if (rows[i].absolute)
            path[0] = '/';
        result = xen_store_write(XEN_STORE_NONE, path, value, rows[i].value);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
        TEST_CHECK(xs.requests == (rows[i].error ? 0 : 1), "row %zu", i);
        stop();
    }
}

/* ---- nodes ---- */

TEST(store_makes_lists_and_removes_nodes)
{
    char names[64], value[64];
    size_t count, length;

    start();
    TEST_CHECK(xen_store_mkdir(XEN_STORE_NONE, "dir") == 0);
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "dir", names, sizeof names, &count, &length) == 0);
    TEST_CHECK(count == 0 && length == 0);
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "dir", NULL, 0, &count, &length) == 0);
    TEST_CHECK(xen_store_write(XEN_STORE_NONE, "dir/a", "1", 1) == 0);
    TEST_CHECK(xen_store_write(XEN_STORE_NONE, "dir/bc", "2", 1) == 0);
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "dir", names, sizeof names, &count, &length) == 0);
    TEST_CHECK(count == 2 && length == 5 && !memcmp(names, "a\0bc", 5));
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "dir", names, 5, &count, &length) == 0);
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "dir", names, 4, &count, &length) == -ERANGE);
    TEST_CHECK(xen_store_remove(XEN_STORE_NONE, "dir") == 0);
    TEST_CHECK(xen_store_remove(XEN_STORE_NONE, "dir") == -ENOENT);
    TEST_CHECK(read_small("dir/a", value) == -ENOENT);
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "dir", names, 4, &count, &length) == -ENOENT);
    xs_set_owner(&xs, "secret", "n0");
    TEST_CHECK(read_small("secret", value) == -EACCES);
    TEST_CHECK(xen_store_write(XEN_STORE_NONE, "secret/x", "", 0) == -EACCES);
    stop();
}

static size_t fill_directory(unsigned entries)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < entries; i++) {
        char path[64];

        bytes += (size_t)snprintf(path, sizeof path, "big/entry-%u", i) + 1 - strlen("big/");
        xs_set(&xs, path, "");
    }
    return bytes;
}

TEST(store_lists_directories_of_any_size)
{
    static const struct {
        unsigned entries;
        size_t part, less; /* bytes that the buffer is too small */
        size_t chunk;
        int error;
    } rows[] = {
        {350, 4096, 0, 0, 0},    {350, 4096, 1, 0, -ERANGE}, {900, 4096, 0, 0, 0},     {40, 16, 0, 0, 0},
        {40, 16, 1, 0, -ERANGE}, {40, 1, 0, 1, 0},           {40, 1, 300, 0, -ERANGE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes, count = 0, length = 0;
        char *names, *name;
        int result;

        start();
        bytes = fill_directory(rows[i].entries);
        xs.directory_max = rows[i].part;
        xs.chunk = rows[i].chunk;
        names = malloc(bytes - rows[i].less);
        result = xen_store_list(XEN_STORE_NONE, "big", names, bytes - rows[i].less, &count, &length);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
        if (!rows[i].error) {
            TEST_CHECK(count == rows[i].entries && length == bytes, "row %zu", i);
            name = names;
            for (unsigned n = 0; n < rows[i].entries; n++, name += strlen(name) + 1) {
                char expected[32];

                snprintf(expected, sizeof expected, "entry-%u", n);
                TEST_REQUIRE(!strcmp(name, expected), "row %zu entry %u", i, n);
            }
        }
        free(names);
        stop();
    }
}

static unsigned changes_left;

static void change_directory(struct fake_xenstored *server, uint32_t type, const char *path, void *arg)
{
    char entry[64];

    (void)path, (void)arg;
    if (type != XS_DIRECTORY_PART || !changes_left || server->asked[XS_DIRECTORY_PART] % 2)
        return;
    changes_left--;
    snprintf(entry, sizeof entry, "big/late-%u", changes_left);
    xs_set(server, entry, "");
}

TEST(store_list_starts_again_when_the_directory_changes_meanwhile)
{
    static const struct {
        unsigned changes;
        int error;
    } rows[] = {{1, 0}, {5, 0}, {1000, -EAGAIN}};
    static char names[65536];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t count, length;
        int result;

        start();
        fill_directory(30);
        xs.directory_max = 200;
        xs.on_request = change_directory;
        changes_left = rows[i].changes;
        result = xen_store_list(XEN_STORE_NONE, "big", names, sizeof names, &count, &length);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
        if (!result)
            TEST_CHECK(count == 30 + rows[i].changes, "row %zu: %zu", i, count);
        stop();
    }
}

TEST(store_refuses_directories_that_make_no_sense)
{
    static const struct {
        bool part; /* the second answer, to XS_DIRECTORY_PART */
        const char *bytes;
        size_t length;
        int error;
    } rows[] = {
        {false, "a\0b", 3, -EPROTO},
        {false, "\0", 1, -EPROTO},
        {false, "a\0\0b\0", 5, -EPROTO},
        {false, "a", 1, -EPROTO},
        {false, "a\0b\0", 4, 0},
        {true, "", 0, -EPROTO},
        {true, "7", 1, -EPROTO},
        {true, "7\0", 2, -EPROTO},
        {true, "7\0\0", 3, 0},
        {true, "7\0a\0\0", 5, 0},
        {true, "7\0\0\0", 4, -EPROTO},
        {true, "7\0a\0\0b\0\0", 8, -EPROTO},
        {true, "7\0ab", 4, -EPROTO},
        {true, "7\0a\0b\0\0", 7, 0},
        {true, "1234567890123456789012345\0a\0\0", 29, -EPROTO},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char names[32];
        size_t count, length;
        int result;

        start();
        fill_directory(2);
        if (rows[i].part)
            xs.directory_max = 1;
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_PAYLOAD,
                                      .at = rows[i].part ? 2 : 1,
                                      .bytes = rows[i].bytes,
                                      .length = rows[i].length});
        result = xen_store_list(XEN_STORE_NONE, "big", names, sizeof names, &count, &length);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
        stop();
    }
}

TEST(store_list_of_a_directory_that_vanishes_between_its_parts_is_an_error)
{
    char names[64];
    size_t count, length;

    start();
    fill_directory(3);
    xs.directory_max = 1;
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ERROR, .at = 3, .bytes = "ENOENT", .length = 7});
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "big", names, sizeof names, &count, &length) == -ENOENT);
    stop();
}

TEST(store_list_does_not_take_a_name_that_was_cut_for_the_end)
{
    char names[2];
    size_t count, length;

    start();
    fill_directory(1);
    xs.directory_max = 1;
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_PAYLOAD, .at = 2, .bytes = "7\0a\0b", .length = 5});
    TEST_CHECK(xen_store_list(XEN_STORE_NONE, "big", names, sizeof names, &count, &length) == -ERANGE);
    stop();
}

TEST(store_permissions_come_back_as_they_were_set)
{
    static const struct xen_store_permission set[] = {{{7}, 'n'}, {{0}, 'r'}, {{65535}, 'b'}, {{1}, 'w'}};
    struct xen_store_permission got[5];
    size_t count;

    start();
    xs_set(&xs, "node", "");
    TEST_CHECK(xen_store_set_permissions(XEN_STORE_NONE, "node", set, 4) == 0);
    TEST_CHECK(xen_store_get_permissions(XEN_STORE_NONE, "node", got, 5, &count) == 0);
    TEST_CHECK(count == 4);
    for (size_t i = 0; i < 4; i++)
        TEST_CHECK(got[i].domain.n == set[i].domain.n && got[i].access == set[i].access, "%zu", i);
    TEST_CHECK(xen_store_get_permissions(XEN_STORE_NONE, "node", got, 3, &count) == -ERANGE);
    TEST_CHECK(xen_store_get_permissions(XEN_STORE_NONE, "absent", got, 3, &count) == -ENOENT);
    TEST_CHECK(xen_store_set_permissions(XEN_STORE_NONE, "absent", set, 4) == -ENOENT);
    TEST_CHECK(xen_store_set_permissions(XEN_STORE_NONE, "node", set, 0) == -EINVAL);
    TEST_CHECK(xen_store_set_permissions(XEN_STORE_NONE, "node", &(struct xen_store_permission){{1}, 'x'},
                                         1) == -EINVAL);
    fake_pages_left(0);
    TEST_CHECK(xen_store_get_permissions(XEN_STORE_NONE, "node", got, 3, &count) == -ENOMEM);
    TEST_CHECK(xen_store_set_permissions(XEN_STORE_NONE, "node", set, 4) == -ENOMEM);
    stop();
}

TEST(store_refuses_too_many_permissions)
{
    static struct xen_store_permission list[1000];

    start();
    for (size_t i = 0; i < 1000; i++)
        list[i] = (struct xen_store_permission){{65000}, 'r'};
    TEST_CHECK(xen_store_set_permissions(XEN_STORE_NONE, "node", list, 1000) == -E2BIG);
    TEST_CHECK(xs.requests == 0);
    stop();
}

TEST(store_refuses_permissions_that_make_no_sense)
{
    static const struct {
        const char *bytes;
        size_t length;
        int error;
    } rows[] = {
        {"n0\0", 3, 0},
        {"n0\0r65535\0", 10, 0},
        {"", 0, -EPROTO},
        {"n0", 2, -EPROTO},
        {"\0", 1, -EPROTO},
        {"n\0", 2, -EPROTO},
        {"x0\0", 3, -EPROTO},
        {"n0\0\0", 4, -EPROTO},
        {"n-1\0", 4, -EPROTO},
        {"n65536\0", 7, -EPROTO},
        {"n0x\0", 4, -EPROTO},
        {"n0\0r", 4, -EPROTO},
        {"n99999999999999999999999\0", 25, -EPROTO},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct xen_store_permission got[4];
        size_t count;
        int result;

        start();
        xs_arm(&xs, (struct xs_fault){
                        .kind = XS_FAULT_PAYLOAD, .at = 1, .bytes = rows[i].bytes, .length = rows[i].length});
        result = xen_store_get_permissions(XEN_STORE_NONE, "data", got, 4, &count);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
        stop();
    }
}

/* ---- errors ---- */

TEST(store_turns_error_names_into_errnos)
{
    static const struct {
        const char *bytes;
        size_t length;
        int error;
    } rows[] = {
        {"EINVAL\0", 7, -EINVAL},
        {"EACCES\0", 7, -EACCES},
        {"EEXIST\0", 7, -EEXIST},
        {"EISDIR\0", 7, -EISDIR},
        {"ENOENT\0", 7, -ENOENT},
        {"ENOMEM\0", 7, -ENOMEM},
        {"ENOSPC\0", 7, -ENOSPC},
        {"EIO\0", 4, -EIO},
        {"ENOTEMPTY\0", 10, -ENOTEMPTY},
        {"ENOSYS\0", 7, -ENOSYS},
        {"EROFS\0", 6, -EROFS},
        {"EBUSY\0", 6, -EBUSY},
        {"EAGAIN\0", 7, -EAGAIN},
        {"EISCONN\0", 8, -EISCONN},
        {"E2BIG\0", 6, -E2BIG},
        {"EPERM\0", 6, -EPERM},
        {"ENOENT", 6, -ENOENT},
        {"", 0, -EIO},
        {"\0", 1, -EIO},
        {"ENOEN", 5, -EIO},
        {"ENOENTX\0", 8, -EIO},
        {"enoent\0", 7, -EIO},
        {"ENOENT\0\0", 8, -EIO},
        {"ENOTEMPTYENOTEMPTYENOTEMPTY\0", 28, -EIO},
        {"EFUTURE\0", 8, -EIO},
        {"0123456789abcdef", 16, -EIO},
        {"0123456789abcde\0", 16, -EIO},
    };

    start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char value[64];
        int result;

        xs_arm(&xs, (struct xs_fault){
                        .kind = XS_FAULT_ERROR, .at = 1, .bytes = rows[i].bytes, .length = rows[i].length});
        result = read_small("data", value);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
    }
    stop();
}

/* Each operation once, so that a fault can meet every one of them. */
static int op_read(void)
{
    char value[64];
    return read_small("key", value);
}

static int op_write(void)
{
    return xen_store_write(XEN_STORE_NONE, "key", "value", 5);
}

static int op_large(void)
{
    static char large[4000];
    return xen_store_write(XEN_STORE_NONE, "large", large, sizeof large);
}

static int op_mkdir(void)
{
    return xen_store_mkdir(XEN_STORE_NONE, "made");
}

static int op_remove(void)
{
    return xen_store_remove(XEN_STORE_NONE, "key");
}

static int op_list(void)
{
    char names[64];
    size_t count, length;
    return xen_store_list(XEN_STORE_NONE, "dir", names, sizeof names, &count, &length);
}

static int op_permissions(void)
{
    struct xen_store_permission list[4];
    size_t count;
    return xen_store_get_permissions(XEN_STORE_NONE, "key", list, 4, &count);
}

static int op_watch(void)
{
    static struct xen_store_watch watch;
    int error = xen_store_watch(&watch, "key");

    if (!error)
        xen_store_unwatch(&watch);
    return error;
}

static int body(xen_store_tx tx, void *arg)
{
    (void)arg;
    return xen_store_write(tx, "key", "from a transaction", 18);
}

static int op_transaction(void)
{
    return xen_store_transaction(body, NULL);
}

static const struct {
    const char *name;
    int (*run)(void);
} operations[] = {
    {"read", op_read},
    {"write", op_write},
    {"large write", op_large},
    {"mkdir", op_mkdir},
    {"remove", op_remove},
    {"list", op_list},
    {"permissions", op_permissions},
    {"watch", op_watch},
    {"transaction", op_transaction},
};
#define OPERATIONS (sizeof operations / sizeof *operations)

TEST(store_survives_a_hostile_xenstored_at_every_operation)
{
    static char huge_event[16 + 4096];
    static const char noise_token[] = "\x0f\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a\0x\0y";
    static const char no_token[] = "\x0f\0\0\0\0\0\0\0\0\0\0\0\x03\0\0\0abc";
    static const char empty_event[] = "\x0f\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0";
    static const char alien[] = "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\0\0\0\0";
    enum expectation { FINE, PROTO, BROKEN };
    const struct {
        const char *name;
        struct xs_fault fault;
        enum expectation expected;
    } faults[] = {
        {"nothing", {.kind = XS_FAULT_NONE}, FINE},
        {"event with a foreign token", {.kind = XS_FAULT_BEFORE, .bytes = noise_token, .length = 21}, FINE},
        {"event without a token", {.kind = XS_FAULT_BEFORE, .bytes = no_token, .length = 19}, FINE},
        {"empty event", {.kind = XS_FAULT_BEFORE, .bytes = empty_event, .length = 16}, FINE},
        {"largest event", {.kind = XS_FAULT_BEFORE, .bytes = huge_event, .length = sizeof huge_event}, FINE},
        {"wrong type", {.kind = XS_FAULT_TYPE, .number = XS_RELEASE}, PROTO},
        {"no such type", {.kind = XS_FAULT_TYPE, .number = 0xffffffff}, PROTO},
        {"wrong id", {.kind = XS_FAULT_ID, .number = 1}, BROKEN},
        {"wild id", {.kind = XS_FAULT_ID, .number = 0x80000000}, BROKEN},
        {"id of before", {.kind = XS_FAULT_ID, .number = 0xffffffff}, BROKEN},
        {"answer twice", {.kind = XS_FAULT_TWICE}, BROKEN},
        {"unasked answer", {.kind = XS_FAULT_BEFORE, .bytes = alien, .length = 16}, BROKEN},
        {"length 4097", {.kind = XS_FAULT_LENGTH, .number = 4097}, BROKEN},
        {"length of 4 GB", {.kind = XS_FAULT_LENGTH, .number = 0xffffffff}, BROKEN},
        {"response index back", {.kind = XS_FAULT_RSP_INDEX, .number = 0xffffffff}, BROKEN},
        {"response index far", {.kind = XS_FAULT_RSP_INDEX, .number = 1025}, BROKEN},
        {"response index wild", {.kind = XS_FAULT_RSP_INDEX, .number = 0x80000000}, BROKEN},
        {"request index ahead", {.kind = XS_FAULT_REQ_INDEX, .number = 1}, BROKEN},
        {"request index behind", {.kind = XS_FAULT_REQ_INDEX, .number = 0xfffffb00}, BROKEN},
        {"error field", {.kind = XS_FAULT_GIVE_UP, .number = XENSTORE_ERROR_PROTO}, BROKEN},
        {"unknown error field", {.kind = XS_FAULT_GIVE_UP, .number = 77}, BROKEN},
        {"closed port", {.kind = XS_FAULT_PORT}, BROKEN},
    };
    static const size_t chunks[] = {0, 1, 1000};

    xs_message(huge_event, XS_WATCH_EVENT, 0, 4096, NULL, 0);
    memset(huge_event + 16, 'e', 4096);
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        for (size_t o = 0; o < OPERATIONS; o++) {
            for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
                struct xs_fault fault = faults[f].fault;
                int result, after;

                start_at(0xfffffe00);
                ring->server_features = XENSTORE_SERVER_FEATURE_ERROR;
                xs_set(&xs, "key", "old");
                xs_set(&xs, "dir/name", "");
                xs.chunk = chunks[c];
                fault.at = 1;
                xs_arm(&xs, fault);
                result = operations[o].run();
                after = op_write();
                switch (faults[f].expected) {
                case FINE:
                    TEST_CHECK(result == 0 && after == 0, "%s, %s: %d, %d", faults[f].name,
                               operations[o].name, result, after);
                    break;
                case PROTO:
                    TEST_CHECK(result == -EPROTO && after == 0, "%s, %s: %d, %d", faults[f].name,
                               operations[o].name, result, after);
                    break;
                case BROKEN:
                    /* The first answer may still have been a good one. */
                    TEST_CHECK((result == -EIO || result == 0) && after == -EIO, "%s, %s: %d, %d",
                               faults[f].name, operations[o].name, result, after);
                    TEST_CHECK(fake_log_lines() == 1, "%s", fake_log());
                    break;
                }
                stop();
            }
        }
    }
}

TEST(store_survives_answers_of_garbage_at_every_operation)
{
    static char bytes[4096];
    static const size_t lengths[] = {0, 1, 2, 3, 4, 63, 64, 65, 1008, 4096};

    for (size_t o = 0; o < OPERATIONS; o++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            for (unsigned at = 1; at <= 3; at++) {
                for (unsigned filler = 0; filler < 3; filler++) {
                    char value[64];
                    int result;

                    start();
                    xs_set(&xs, "key", "old");
                    xs_set(&xs, "dir/name", "");
                    memset(bytes, filler == 0 ? 'A' : filler == 1 ? 0 : 0xff, sizeof bytes);
                    xs_arm(&xs,
                           (struct xs_fault){
                               .kind = XS_FAULT_PAYLOAD, .at = at, .bytes = bytes, .length = lengths[l]});
                    result = operations[o].run();
                    TEST_CHECK(result == 0 || result == -EPROTO || result == -ERANGE, "%s, %zu bytes: %d",
                               operations[o].name, lengths[l], result);
                    if (at == 1 && operations[o].run != op_read && operations[o].run != op_list)
                        TEST_CHECK(result == -EPROTO, "%s, %zu bytes: %d", operations[o].name, lengths[l],
                                   result);
                    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_NONE});
                    xs_set(&xs, "after", "fine");
                    TEST_CHECK(read_small("after", value) == 0 && !strcmp(value, "fine"));
                    stop();
                }
            }
        }
    }
}

TEST(store_takes_a_length_shorter_than_the_payload_for_a_broken_stream)
{
    char value[64];

    start();
    xs_set(&xs, "key", "0123456789abcdef0123456789abcdef");
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_LENGTH, .at = 1, .number = 4});
    TEST_CHECK(read_small("key", value) == 0 && !strcmp(value, "0123"));
    TEST_CHECK(read_small("key", value) == -EIO);
    stop();
}

static bool give_up_when_idle(void *arg)
{
    unsigned wakes = fake_wakes();

    xs_wait_hook(arg);
    if (fake_wakes() == wakes) {
        ring->error = XENSTORE_ERROR_COMM;
        fake_event_raise(PORT);
    }
    return false;
}

TEST(store_ends_a_wait_for_missing_payload_when_xenstored_gives_up)
{
    static const char half[] = "\x02\0\0\0\x01\0\0\0\0\0\0\0\x40\0\0\0only this";
    char value[64];

    start();
    ring->server_features = XENSTORE_SERVER_FEATURE_ERROR;
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_RAW, .at = 1, .bytes = half, .length = 25});
    fake_on_wait(give_up_when_idle, &xs);
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(xs.requests == 1);
    stop();
}

TEST(store_logs_a_broken_connection_once_a_second_at_most)
{
    char value[64];

    start();
    ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    for (unsigned i = 0; i < 100; i++) {
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
        TEST_CHECK(read_small("key", value) == -EIO);
        fake_time_advance(SECOND / 20);
    }
    TEST_CHECK(fake_log_lines() == 5, "%u", fake_log_lines());
    TEST_CHECK(xs.connections == 99, "%u", xs.connections);
    stop();
}

/* ---- transactions ---- */

struct attempt {
    unsigned runs;
    int result;
    unsigned disturb; /* so many runs meet somebody else's change */
};

static int attempt(xen_store_tx tx, void *arg)
{
    struct attempt *all = arg;
    char value[16];
    int error;

    all->runs++;
    error = xen_store_read(tx, "counter", value, sizeof value, NULL);
    if (error)
        return error;
    if (all->disturb) {
        all->disturb--;
        xs_set(&xs, "counter", "100");
    }
    error = xen_store_printf(tx, "counter", "%s1", value);
    if (error)
        return error;
    return xen_store_write(tx, "other", "x", 1) ? -EIO : all->result;
}

TEST(store_transactions_commit_abort_and_retry)
{
    static const struct {
        unsigned conflicts, disturb;
        int body, result;
        unsigned runs;
        const char *counter;
    } rows[] = {
        {0, 0, 0, 0, 1, "51"},
        {3, 0, 0, 0, 4, "51"},
        {0, 2, 0, 0, 3, "1001"},
        {31, 0, 0, 0, 32, "51"},
        {32, 0, 0, -EAGAIN, 32, "5"},
        {0, 0, 5, 0, 1, "51"}, /* only a negative result aborts */
        {0, 0, -ENODEV, -ENODEV, 1, "5"},
        {2, 0, -EAGAIN, -EAGAIN, 1, "5"}, /* the body's own */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct attempt all = {.result = rows[i].body, .disturb = rows[i].disturb};
        int result;

        start();
        xs_set(&xs, "counter", "5");
        xs.conflicts = rows[i].conflicts;
        result = xen_store_transaction(attempt, &all);
        TEST_CHECK(result == rows[i].result, "row %zu: %d", i, result);
        TEST_CHECK(all.runs == rows[i].runs, "row %zu: %u", i, all.runs);
        TEST_CHECK(!strcmp(xs_get(&xs, "counter"), rows[i].counter), "row %zu: %s", i,
                   xs_get(&xs, "counter"));
        TEST_CHECK(!!xs_get(&xs, "other") == !strcmp(rows[i].counter + (rows[i].disturb ? 3 : 1), "1"),
                   "row %zu", i);
        stop();
    }
}

TEST(store_refuses_transaction_ids_that_make_no_sense)
{
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {{"", 0},
                {"1", 1},
                {"\0", 1},
                {"0\0", 2},
                {"x\0", 2},
                {"-1\0", 3},
                {"4294967296\0", 11},
                {"1\0\0", 3},
                {"00000000000000000000000000000001\0", 33}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct attempt all = {0};
        int result;

        start();
        xs_arm(&xs, (struct xs_fault){
                        .kind = XS_FAULT_PAYLOAD, .at = 1, .bytes = rows[i].bytes, .length = rows[i].length});
        result = xen_store_transaction(attempt, &all);
        TEST_CHECK(result == -EPROTO && !all.runs, "row %zu: %d", i, result);
        stop();
    }
}

/* ---- watches ---- */

TEST(store_watch_fires_when_set_up_and_at_every_change_below)
{
    struct xen_store_watch watch;
    uint64_t deadline;

    start();
    xs_set(&xs, "dir", "");
    xs.chunk = 1; /* so that the answer comes long before the first event */
    memset(&watch, 0xee, sizeof watch);
    TEST_REQUIRE(xen_store_watch(&watch, "dir") == 0);
    TEST_CHECK(!watch.fired);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs.chunk = 0;
    deadline = fake_time() + 5 * SECOND;
    TEST_CHECK(xen_store_watch_wait(&watch, deadline) == -ETIMEDOUT);
    TEST_CHECK(fake_time() == deadline);
    xs_set(&xs, "dir/sub/key", "1");
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs_set(&xs, "dirt", "1");
    TEST_CHECK(xen_store_watch_wait(&watch, fake_time() + 1) == -ETIMEDOUT);
    xs_set(&xs, "dir/a", "1");
    xs_set(&xs, "dir/b", "1");
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, fake_time() + 1) == -ETIMEDOUT, "events merge");
    xs_delete(&xs, "dir");
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xen_store_unwatch(&watch);
    TEST_CHECK(xs_watch_count(&xs) == 0);
    stop();
}

TEST(store_watch_wait_past_its_deadline_still_takes_what_is_there)
{
    struct xen_store_watch watch;

    start();
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs_set(&xs, "key", "1");
    xs_wait_hook(&xs);
    TEST_CHECK(xen_store_watch_wait(&watch, 0) == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, 0) == -ETIMEDOUT);
    xen_store_unwatch(&watch);
    stop();
}

TEST(store_watch_that_is_fired_by_hand_is_taken_once_and_asks_nothing)
{
    struct xen_store_watch watch;

    start();
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xen_store_watch_fire(&watch);
    TEST_CHECK(xen_store_watch_wait(&watch, fake_time() + 1) == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, fake_time() + 1) == -ETIMEDOUT);
    xen_store_unwatch(&watch);
    stop();
}

TEST(store_watch_wait_any_tells_which)
{
    struct xen_store_watch watches[3], *all[3] = {&watches[0], &watches[1], &watches[2]};
    static const char *const paths[] = {"a", "b", "c"};
    size_t which = 99;

    start();
    for (size_t i = 0; i < 3; i++) {
        TEST_REQUIRE(xen_store_watch(&watches[i], paths[i]) == 0);
        TEST_CHECK(xen_store_watch_wait(&watches[i], XEN_FOREVER) == 0);
    }
    for (size_t i = 0; i < 3; i++) {
        xs_set(&xs, paths[i], "1");
        TEST_CHECK(xen_store_watch_wait_any(all, 3, XEN_FOREVER, &which) == 0 && which == i, "%zu", i);
    }
    xs_set(&xs, "a", "1");
    xs_set(&xs, "c", "1");
    TEST_CHECK(xen_store_watch_wait_any(all, 3, XEN_FOREVER, &which) == 0 && which == 0);
    TEST_CHECK(xen_store_watch_wait_any(all, 3, XEN_FOREVER, &which) == 0 && which == 2);
    TEST_CHECK(xen_store_watch_wait_any(all, 3, fake_time() + 9, &which) == -ETIMEDOUT);
    for (size_t i = 0; i < 3; i++)
        xen_store_unwatch(&watches[i]);
    stop();
}

TEST(store_takes_only_events_that_are_well_formed)
{
    static const struct {
        const char *before; /* the token */
        size_t before_length;
        const char *after;
        size_t after_length;
        bool fires;
    } rows[] = {
        {"key\0", 4, "\0", 1, true},
        {"\0", 1, "\0", 1, true},
        {"any\0", 4, "\0", 1, true},
        {"key\0", 4, "", 0, false},
        {"key\0", 4, "\0\0", 2, false},
        {"key\0", 4, "\0x", 2, false},
        {"key\0", 4, "x\0", 2, false},
        {"key\0 ", 5, "\0", 1, false},
        {"", 0, "\0", 1, false},
        {"key\0+", 5, "\0", 1, false},
        {"key\0-", 5, "\0", 1, false},
        {"key\0\0", 5, "\0", 1, false},
        {"", 0, "\0\0", 2, false},
        {"key\0", 4, "0\0", 2, false},
        {"key\0aaaaaaaaaaaaaaaaaaaaaaaaa", 29, "\0", 1, false},
        {"key\0"
         "184467440737",
         16, "\0", 1, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct xen_store_watch watch;
        char payload[96], event[128];
        size_t length = rows[i].before_length, token;

        start();
        TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
        TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
        token = strlen(xs.watches[0].token);
        memcpy(payload, rows[i].before, length);
        memcpy(payload + length, xs.watches[0].token, token);
        memcpy(payload + length + token, rows[i].after, rows[i].after_length);
        length += token + rows[i].after_length;
        length = xs_message(event, XS_WATCH_EVENT, 0, (uint32_t)length, payload, length);
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_BEFORE, .at = 1, .bytes = event, .length = length});
        TEST_CHECK(op_read() == -ENOENT);
        TEST_CHECK(watch.fired == rows[i].fires, "row %zu", i);
        xen_store_unwatch(&watch);
        stop();
    }
}

TEST(store_takes_a_full_ring_and_refuses_an_overfull_one)
{
    static const struct {
        uint32_t jump;
        int result;
    } rows[] = {{1024 - 16, -ENOENT}, {1024, -ENOENT}, {1040, -EIO}, {0x80000000, -EIO}, {0xffffffe0, -EIO}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int result;

        start();
        /* All that the index may claim to be there is harmless: events of nobody. */
        for (size_t at = 0; at < XENSTORE_RING_SIZE; at += 16)
            xs_message(ring->rsp + at, XS_WATCH_EVENT, 0, 0, NULL, 0);
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_RSP_INDEX, .at = 1, .number = rows[i].jump});
        result = op_read();
        TEST_CHECK(result == rows[i].result, "row %zu: %d", i, result);
        stop();
    }
}

TEST(store_events_come_between_answers)
{
    struct xen_store_watch watch;
    char value[64];

    start();
    xs_set(&xs, "key", "1");
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs.event_first = true;
    xs_set(&xs, "key", "2");
    TEST_CHECK(read_small("key", value) == 0 && !strcmp(value, "2"));
    TEST_CHECK(watch.fired);
    xen_store_unwatch(&watch);
    stop();
}

TEST(store_drops_late_events_of_a_watch_that_is_gone)
{
    struct xen_store_watch watch, other;
    char value[64];

    start();
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    xs_set(&xs, "key", "1");
    xs_set(&xs, "key", "2"); /* these events come after the unwatching began */
    xen_store_unwatch(&watch);
    memset(&watch, 0xee, sizeof watch);
    TEST_REQUIRE(xen_store_watch(&other, "other") == 0);
    TEST_CHECK(xen_store_watch_wait(&other, XEN_FOREVER) == 0);
    TEST_CHECK(read_small("key", value) == 0);
    TEST_CHECK(xen_store_watch_wait(&other, fake_time()) == -ETIMEDOUT);
    xen_store_unwatch(&other);
    stop();
}

TEST(store_watch_that_fails_leaves_nothing_behind)
{
    struct xen_store_watch watch;

    start();
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ERROR, .at = 1, .bytes = "ENOSPC", .length = 7});
    TEST_CHECK(xen_store_watch(&watch, "key") == -ENOSPC);
    memset(&watch, 0xee, sizeof watch);
    TEST_CHECK(xen_store_watch(&watch, "") == -EINVAL);
    memset(&watch, 0xee, sizeof watch);
    xs_set(&xs, "key", "1");
    TEST_CHECK(op_read() == 0);
    stop();
}

/* ---- many at once ---- */

#define THREADS     6
#define STACK_BYTES 262144

static struct {
    ucontext_t context;
    char *stack;
    unsigned wakes;
    bool sleeping, done, fine;
} threads[THREADS];
static ucontext_t scheduler;
static size_t running;

static bool switch_away(void *arg)
{
    size_t self = running;

    (void)arg;
    threads[self].wakes = fake_wakes();
    threads[self].sleeping = true;
    swapcontext(&threads[self].context, &scheduler);
    threads[self].sleeping = false;
    return true;
}

static bool thread_round(unsigned self, unsigned round)
{
    static char large[THREADS][3000], got[THREADS][3001];
    char path[32], value[64];
    struct xen_store_watch watch;

    snprintf(path, sizeof path, "thread-%u", self);
    fill(large[self], sizeof large[self], self * 31 + round);
    switch ((self + round) % 4) {
    case 0:
        return !xen_store_write(XEN_STORE_NONE, path, large[self], sizeof large[self]) &&
               !xen_store_read(XEN_STORE_NONE, path, got[self], sizeof got[self], NULL) &&
               !memcmp(large[self], got[self], sizeof large[self]);
    case 1:
        return !xen_store_printf(XEN_STORE_NONE, path, "%u", round) && !read_small(path, value) &&
               (unsigned)atoi(value) == round;
    case 2:
        return !xen_store_watch(&watch, path) && !xen_store_watch_wait(&watch, XEN_FOREVER) &&
               (xen_store_unwatch(&watch), true);
    default:
        return !xen_store_transaction(body, NULL) && read_small("nowhere", value) == -ENOENT;
    }
}

static void thread_main(void)
{
    size_t self = running;

    threads[self].fine = true;
    for (unsigned round = 0; round < 24; round++)
        if (!thread_round((unsigned)self, round))
            threads[self].fine = false;
    threads[self].done = true;
    swapcontext(&threads[self].context, &scheduler);
}

/* Runs a thread only if somebody woke it: a wake-up that is missing shows as a dead-lock. */
static bool run_one(unsigned *random)
{
    for (size_t tries = 0; tries < THREADS; tries++) {
        *random = *random * 1103515245 + 12345;
        running = (*random >> 16) % THREADS;
        for (size_t i = 0; i < THREADS; i++, running = (running + 1) % THREADS) {
            if (threads[running].done ||
                (threads[running].sleeping && threads[running].wakes == fake_wakes()))
                continue;
            swapcontext(&scheduler, &threads[running].context);
            return true;
        }
    }
    return false;
}

static bool all_done(void)
{
    for (size_t i = 0; i < THREADS; i++)
        if (!threads[i].done)
            return false;
    return true;
}

TEST(store_serves_many_threads_at_once_in_any_order)
{
    static const struct {
        size_t chunk;
        bool newest_first;
        unsigned turns; /* of xenstored for each of a thread */
    } rows[] = {{0, false, 1}, {0, true, 1}, {1, false, 40}, {77, true, 3}, {1024, true, 1}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned random = 42 + (unsigned)i;
        bool stuck = false;

        start_at(0xffffff00);
        xs_set(&xs, "counter", "5");
        xs.chunk = rows[i].chunk;
        xs.newest_first = rows[i].newest_first;
        fake_on_wait(switch_away, NULL);
        memset(threads, 0, sizeof threads);
        for (size_t t = 0; t < THREADS; t++) {
            threads[t].stack = malloc(STACK_BYTES);
            getcontext(&threads[t].context);
            threads[t].context.uc_stack.ss_sp = threads[t].stack;
            threads[t].context.uc_stack.ss_size = STACK_BYTES;
            makecontext(&threads[t].context, thread_main, 0);
        }
        while (!all_done() && !stuck) {
            bool ran = run_one(&random), acted = false;

            for (unsigned turn = 0; turn < rows[i].turns; turn++)
                acted |= xs_act(&xs);
            stuck = !ran && !acted;
        }
        TEST_CHECK(!stuck, "row %zu", i);
        for (size_t t = 0; t < THREADS; t++) {
            TEST_CHECK(threads[t].fine, "row %zu thread %zu", i, t);
            free(threads[t].stack);
        }
        TEST_CHECK(xs_watch_count(&xs) == 0);
        stop();
    }
}

/* ---- connections ---- */

static unsigned nested_left;
static int nested_results[8];

/* Within the wait of one request, another thread makes another one; then the fault strikes. */
static bool nest(void *arg)
{
    char value[64];

    if (nested_left) {
        unsigned self = --nested_left;

        nested_results[self] = read_small("key", value);
        return true;
    }
    return xs_wait_hook(arg);
}

TEST(store_ends_every_outstanding_request_when_the_connection_breaks)
{
    char value[64];

    start();
    fake_on_wait(nest, &xs);
    nested_left = 8;
    memset(nested_results, 0, sizeof nested_results);
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 1000});
    TEST_CHECK(read_small("key", value) == -EIO);
    for (size_t i = 0; i < 8; i++)
        TEST_CHECK(nested_results[i] == -EIO, "%zu: %d", i, nested_results[i]);
    TEST_CHECK(xs.requests == 9, "%u", xs.requests);
    TEST_CHECK(op_write() == -EIO && xs.requests == 9, "nothing is sent any more");
    stop();
}

TEST(store_gives_the_errors_of_each_to_its_own_requester)
{
    char value[64];

    for (unsigned order = 0; order < 2; order++) {
        start();
        xs_set(&xs, "key", "v");
        xs.newest_first = order;
        fake_on_wait(nest, &xs);
        nested_left = 8;
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ERROR, .at = 9, .bytes = "EISDIR", .length = 7});
        TEST_CHECK(read_small("key", value) == 0);
        for (size_t i = 0; i < 8; i++)
            TEST_CHECK(nested_results[i] == (i == 0 ? -EISDIR : 0), "%zu: %d", i, nested_results[i]);
        stop();
    }
}

TEST(store_reconnects_when_xenstored_offers_it)
{
    static const uint32_t indices[] = {0, 5, 0xfffffff0};

    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++) {
        struct xen_store_watch watches[3], *all[3] = {&watches[0], &watches[1], &watches[2]};
        size_t which;
        char value[64];

        start_at(0x12345678);
        ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
        xs.reconnect_index = indices[i];
        xs_set(&xs, "key", "v");
        for (size_t w = 0; w < 3; w++) {
            TEST_REQUIRE(xen_store_watch(&watches[w], w == 1 ? "key" : "other") == 0);
            TEST_CHECK(xen_store_watch_wait(&watches[w], XEN_FOREVER) == 0);
        }
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_GIVE_UP, .at = 1, .number = XENSTORE_ERROR_RINGIDX});
        TEST_CHECK(read_small("key", value) == -EIO);
        TEST_CHECK(read_small("key", value) == 0 && !strcmp(value, "v"));
        TEST_CHECK(xs.connections == 1);
        for (size_t w = 0; w < 3; w++)
            TEST_CHECK(xen_store_watch_wait_any(all, 3, XEN_FOREVER, &which) == 0 && which == w);
        TEST_CHECK(xs_watch_count(&xs) == 3);
        xs_set(&xs, "key", "w");
        TEST_CHECK(xen_store_watch_wait_any(all, 3, XEN_FOREVER, &which) == 0 && which == 1);
        for (size_t w = 0; w < 3; w++)
            xen_store_unwatch(&watches[w]);
        TEST_CHECK(xs_watch_count(&xs) == 0);
        stop();
    }
}

TEST(store_watch_wait_reconnects_by_itself)
{
    struct xen_store_watch watch;
    char value[64];

    start();
    ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    TEST_CHECK(xs.connections == 1 && xs_watch_count(&xs) == 1);
    xen_store_unwatch(&watch);
    stop();
}

TEST(store_tells_the_owner_of_a_watch_that_could_not_be_set_up_again)
{
    struct xen_store_watch watch;
    char value[64];

    start();
    ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
    TEST_CHECK(read_small("key", value) == -EIO);
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ERROR, .at = 1, .bytes = "EACCES", .length = 7});
    TEST_CHECK(xen_store_watch_wait(&watch, fake_time() + SECOND) == 0);
    TEST_CHECK(strstr(fake_log(), "watch on key is lost") != NULL, "%s", fake_log());
    xen_store_unwatch(&watch);
    stop();
}

TEST(store_unwatch_keeps_no_pointer_whatever_reconnection_was_doing)
{
    /* When the read returns, one watch was set up again and the next is asked for; then xenstored may fail.
     */
    static const unsigned fails_at[] = {0, 1, 2, 3, 4, 5};

    for (size_t i = 0; i < sizeof fails_at / sizeof *fails_at; i++) {
        struct xen_store_watch *watches[4];
        char value[64];

        start();
        ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
        for (unsigned w = 0; w < 4; w++) {
            char *path = malloc(8);

            snprintf(path, 8, "key-%u", w);
            watches[w] = malloc(sizeof *watches[w]);
            TEST_REQUIRE(xen_store_watch(watches[w], path) == 0);
        }
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
        TEST_CHECK(read_small("key", value) == -EIO);
        xs_arm(&xs, (struct xs_fault){.kind = fails_at[i] ? XS_FAULT_GIVE_UP : XS_FAULT_NONE,
                                      .at = fails_at[i],
                                      .number = XENSTORE_ERROR_COMM});
        (void)!read_small("key", value);
        for (unsigned w = 0; w < 4; w++) {
            xen_store_unwatch(watches[w ^ 1]);
            free((void *)(uintptr_t)watches[w ^ 1]->path);
            free(watches[w ^ 1]);
        }
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_NONE});
        TEST_CHECK(read_small("key", value) == -ENOENT);
        TEST_CHECK(read_small("key", value) == -ENOENT);
        TEST_CHECK(xs_watch_count(&xs) == 0, "row %zu: %u", i, xs_watch_count(&xs));
        stop();
    }
}

TEST(store_watch_made_while_reconnecting_is_set_up_once)
{
    struct xen_store_watch watch;
    char value[64];

    start();
    ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xs_watch_count(&xs) == 1);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xen_store_unwatch(&watch);
    TEST_CHECK(xs_watch_count(&xs) == 0);
    stop();
}

TEST(store_gives_up_a_reconnection_that_does_not_come)
{
    struct xen_store_watch watch;
    char value[64];
    uint64_t before;

    start();
    ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs.no_reconnection = true;
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
    TEST_CHECK(read_small("key", value) == -EIO);
    before = fake_time();
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(fake_time() == before + SECOND);
    TEST_CHECK(xen_store_watch_wait(&watch, fake_time() + 3 * SECOND) == -ETIMEDOUT);
    TEST_CHECK(fake_time() == before + 4 * SECOND);
    xen_store_unwatch(&watch);
    TEST_CHECK(fake_time() == before + 4 * SECOND, "unwatch does not wait for it");
    xs.no_reconnection = false;
    fake_port(PORT)->sends++;
    TEST_CHECK(read_small("key", value) == -ENOENT, "it came after all");
    stop();
}

TEST(store_waits_for_nothing_when_xenstored_offers_no_reconnection)
{
    struct xen_store_watch watch;
    char value[64];
    uint64_t before;

    start();
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
    TEST_CHECK(read_small("key", value) == -EIO);
    before = fake_time();
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == -EIO);
    TEST_CHECK(xen_store_transaction(body, NULL) == -EIO);
    xen_store_unwatch(&watch);
    TEST_CHECK(fake_time() == before);
    TEST_CHECK(ring->connection == XENSTORE_CONNECTED);
    stop();
}

static int broken_body(xen_store_tx tx, void *arg)
{
    struct attempt *all = arg;
    char value[64];

    if (!all->runs++) {
        xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 5});
        (void)!read_small("key", value); /* breaks the connection */
        (void)!read_small("key", value); /* and this one is another */
    }
    return xen_store_write(tx, "key", "done", 4);
}

TEST(store_transaction_of_a_lost_connection_runs_again_on_the_next)
{
    struct attempt all = {0};

    start();
    ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    TEST_CHECK(xen_store_transaction(broken_body, &all) == 0);
    TEST_CHECK(all.runs == 2 && xs.connections == 1);
    TEST_CHECK(!strcmp(xs_get(&xs, "key"), "done"));
    stop();
}

TEST(store_waits_for_a_xenstored_that_is_not_there_yet)
{
    char value[64];

    fake_reset();
    fake_event_reset();
    ring = malloc(sizeof *ring);
    xs_start(&xs, ring, PORT, DOMAIN, 9);
    fake_on_wait(xs_wait_hook, &xs);
    ring->connection = XENSTORE_RECONNECT;
    ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    ring->rsp_prod = 0xdeadbeef; /* means nothing yet */
    TEST_CHECK(xen_store_init(ring, PORT) == 0);
    TEST_CHECK(read_small("key", value) == -EIO);
    fake_port(PORT)->sends++;
    TEST_CHECK(read_small("key", value) == -ENOENT);
    stop();
}

TEST(store_ignores_what_lay_in_the_ring_before_it)
{
    char value[64];

    fake_reset();
    fake_event_reset();
    ring = malloc(sizeof *ring);
    xs_start(&xs, ring, PORT, DOMAIN, 0xffffff80);
    fake_on_wait(xs_wait_hook, &xs);
    ring->rsp_prod += 700;
    TEST_CHECK(xen_store_init(ring, PORT) == 0);
    xs_set(&xs, "key", "v");
    TEST_CHECK(read_small("key", value) == 0 && !strcmp(value, "v"));
    stop();
}

static unsigned found;
static xen_port_t late_port;

static void find_ring(struct xenstore_domain_interface **where, xen_port_t *port)
{
    found++;
    *where = ring;
    *port = late_port;
}

static void start_late(xen_port_t port)
{
    fake_reset();
    fake_event_reset();
    ring = malloc(sizeof *ring);
    xs_start(&xs, ring, PORT, DOMAIN, 9);
    fake_on_wait(xs_wait_hook, &xs);
    found = 0;
    late_port = port;
    xen_store_init_late(find_ring);
}

TEST(store_that_is_late_looks_for_its_ring_at_the_first_request_only)
{
    struct xen_store_watch watch;
    char value[64];

    start_late(PORT);
    TEST_CHECK(found == 0);
    TEST_CHECK(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(found == 1);
    xs_set(&xs, "key", "v");
    TEST_CHECK(read_small("key", value) == 0 && !strcmp(value, "v"));
    TEST_CHECK(found == 1);
    xen_store_unwatch(&watch);
    stop();
}

TEST(store_that_is_late_and_finds_no_port_fails_every_request)
{
    char value[64];

    start_late((xen_port_t){0});
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(found == 1);
    stop();
}

TEST(store_init_fails_without_a_port)
{
    char value[64];
    struct xen_store_watch watch;

    fake_reset();
    fake_event_reset();
    ring = malloc(sizeof *ring);
    xs_start(&xs, ring, PORT, DOMAIN, 0);
    TEST_CHECK(xen_store_init(ring, (xen_port_t){0}) == -EINVAL);
    TEST_CHECK(read_small("key", value) == -EIO);
    TEST_CHECK(xen_store_watch(&watch, "key") == -EIO);
    stop();
}

/* The domain is away and back while requests are outstanding. */
static struct xenstore_domain_interface *next_ring;
static struct fake_xenstored next_xs;

static bool resume_once(void *arg)
{
    struct fake_xenstored *server = arg;

    if (next_ring) {
        struct xenstore_domain_interface *new_ring = next_ring;

        next_ring = NULL;
        TEST_CHECK(xen_store_resume(new_ring, (xen_port_t){5}) == 0);
        fake_on_wait(xs_wait_hook, &next_xs);
        return false;
    }
    return xs_wait_hook(server);
}

TEST(store_resume_ends_requests_and_sets_watches_up_again)
{
    struct xenstore_domain_interface *new_ring = malloc(sizeof *new_ring);
    struct xen_store_watch watch;
    char value[64];

    start();
    xs_start(&next_xs, new_ring, (xen_port_t){5}, 9, 77);
    TEST_REQUIRE(xen_store_watch(&watch, "key") == 0);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    next_ring = new_ring;
    fake_on_wait(resume_once, &xs);
    TEST_CHECK(read_small("key", value) == -EAGAIN);
    TEST_CHECK(xen_store_watch_wait(&watch, XEN_FOREVER) == 0);
    TEST_CHECK(xs_watch_count(&next_xs) == 1);
    xs_set(&next_xs, "key", "new");
    TEST_CHECK(read_small("key", value) == 0 && !strcmp(value, "new"));
    xen_store_unwatch(&watch);
    xs_stop(&next_xs);
    free(new_ring);
    stop();
}

static bool resume_in_place(void *arg)
{
    if (nested_left) {
        nested_left = 0;
        TEST_CHECK(xen_store_resume(ring, PORT) == 0);
        return false;
    }
    return xs_wait_hook(arg);
}

TEST(store_resume_in_place_drops_the_answers_of_before)
{
    char value[64];

    start();
    xs_set(&xs, "key", "v");
    nested_left = 1;
    fake_on_wait(resume_in_place, &xs);
    TEST_CHECK(read_small("key", value) == -EAGAIN);
    TEST_CHECK(read_small("key", value) == 0 && !strcmp(value, "v"));
    TEST_CHECK(xs.answers == 2);
    xs_arm(&xs, (struct xs_fault){.kind = XS_FAULT_ID, .at = 1, .number = 0xfffffffd});
    TEST_CHECK(read_small("key", value) == -EIO, "none of before");
    stop();
}

TEST(store_transaction_of_before_a_resume_is_retried)
{
    struct attempt all = {0};
    xen_store_tx old = {1, 1};

    start();
    xs_set(&xs, "counter", "5");
    TEST_CHECK(xen_store_resume(ring, PORT) == 0);
    TEST_CHECK(xen_store_write(old, "counter", "x", 1) == -EAGAIN);
    TEST_CHECK(xs.requests == 0);
    TEST_CHECK(xen_store_transaction(attempt, &all) == 0 && all.runs == 1);
    stop();
}

TEST(store_resume_without_a_port_gives_errors)
{
    char value[64];

    start();
    TEST_CHECK(xen_store_resume(ring, (xen_port_t){0}) == -EINVAL);
    TEST_CHECK(read_small("key", value) == -EIO);
    stop();
}

int main(void)
{
    return tap_run();
}

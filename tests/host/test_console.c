/* links: console.c fake.c fake_event.c */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xenlib/console.h>
#include <xenlib/sched.h>
#include <xensys/abi.h>

#include "fake.h"
#include "tap.h"

#define OUT      2048u
#define IN       1024u
#define MS       1000000ull
#define PATIENCE (20 * MS)

static struct xencons_interface page;
static const xen_port_t port = {4};

/* ---- xenconsoled, as the fake peer ---- */

static char received[1 << 20];
static size_t received_count;
static size_t reads_at_once; /* bytes that the reader takes at each of its turns; 0: nobody reads */
static unsigned yields;
static unsigned idle_events; /* at so many more turns the peer sends an event, having read or not */

/* Takes what is there, at most `count` bytes. Returns whether anything was. */
static bool peer_takes(size_t count)
{
    size_t before = received_count;

    while (page.out_cons != page.out_prod && count-- && received_count < sizeof(received))
        received[received_count++] = page.out[page.out_cons++ % OUT];
    return received_count != before;
}

static bool on_wait(void *arg)
{
    bool acted = peer_takes(reads_at_once);

    (void)arg;
    if (idle_events)
        fake_time_advance(MS);
    if (acted || idle_events)
        fake_event_raise(port);
    idle_events -= idle_events > 0;
    return false;
}

void xen_sched_yield(void)
{
    yields++;
    peer_takes(reads_at_once);
}

static void peer_types(const char *text)
{
    for (; *text; text++)
        page.in[page.in_prod++ % IN] = *text;
    fake_event_raise(port);
}

/* All indices start at `index`, as if the console had been used for long. */
static void begin(uint32_t index)
{
    fake_reset();
    fake_event_reset();
    memset(&page, 0, sizeof(page));
    page.in_cons = page.in_prod = page.out_cons = page.out_prod = index;
    received_count = 0;
    reads_at_once = OUT;
    yields = 0;
    idle_events = 0;
    xen_console_attach(&page, port);
    TEST_CHECK(xen_console_init() == 0);
    fake_on_wait(on_wait, NULL);
    fake_port(port)->sends = 0;
}

/* Where rings begin: also just before the indices wrap. */
static const uint32_t starts[] = {0, 1000, UINT32_MAX - 100, UINT32_MAX - OUT + 1};
#define STARTS (sizeof(starts) / sizeof(starts[0]))

static char pattern(size_t i)
{
    return (char)('!' + (i * 7 + i / 89) % 90);
}

static const char *text_of(size_t count)
{
    static char text[1 << 16];

    for (size_t i = 0; i < count; i++)
        text[i] = pattern(i);
    return text;
}

static bool received_is(size_t count)
{
    if (received_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (received[i] != pattern(i))
            return false;
    }
    return true;
}

TEST(console_put_writes_what_fits_and_notifies)
{
    for (size_t s = 0; s < STARTS; s++) {
        begin(starts[s]);
        TEST_CHECK(xen_console_put(text_of(5000), 5000) == OUT, "from %u", starts[s]);
        TEST_CHECK(fake_port(port)->sends == 1);
        TEST_CHECK(xen_console_put("x", 1) == 0);
        TEST_CHECK(fake_port(port)->sends == 1, "nothing new, no event");
        peer_takes(OUT);
        TEST_CHECK(received_is(OUT), "from %u", starts[s]);
        TEST_CHECK(xen_console_put(text_of(3), 0) == 0);
    }
}

TEST(console_write_gets_through_a_ring_that_wraps)
{
    static const size_t paces[] = {1, 100, 1023, OUT};

    for (size_t s = 0; s < STARTS; s++) {
        for (size_t p = 0; p < sizeof(paces) / sizeof(paces[0]); p++) {
            begin(starts[s]);
            reads_at_once = paces[p];
            TEST_CHECK(xen_console_write(text_of(20000), 20000, PATIENCE) == 20000, "from %u", starts[s]);
            peer_takes(OUT);
            TEST_CHECK(received_is(20000), "from %u, %zu at once", starts[s], paces[p]);
        }
    }
}

TEST(console_full_ring_that_nobody_reads_drops_after_patience)
{
    uint64_t before, dropped;

    begin(0);
    reads_at_once = 0;
    before = fake_time();
    dropped = xen_console_dropped();
    TEST_CHECK(xen_console_write(text_of(5000), 5000, PATIENCE) == OUT);
    TEST_CHECK(fake_time() - before <= PATIENCE, "%lu ns", fake_time() - before);
    TEST_CHECK(xen_console_dropped() - dropped == 5000 - OUT);
    TEST_CHECK(xen_console_write("y", 1, PATIENCE) == 0);
    TEST_CHECK(xen_console_dropped() - dropped == 5001 - OUT);
    peer_takes(OUT);
    TEST_CHECK(received_is(OUT), "what was taken is whole");
    TEST_CHECK(xen_console_write("z", 1, PATIENCE) == 1, "a reader that comes back is served");
}

/* Events without reading are no progress: somebody types at a terminal whose output is stopped. */
TEST(console_events_without_progress_do_not_prolong_patience)
{
    uint64_t before;

    begin(0);
    reads_at_once = 0;
    TEST_CHECK(xen_console_put(text_of(OUT), OUT) == OUT);
    idle_events = 10 * PATIENCE / MS;
    before = fake_time();
    TEST_CHECK(xen_console_write("more", 4, PATIENCE) == 0);
    TEST_CHECK(fake_time() - before <= 2 * PATIENCE, "gave up after %lu ns", fake_time() - before);
}

TEST(console_a_slow_reader_gets_everything)
{
    begin(0);
    reads_at_once = 1;
    /* Each byte is progress, so patience begins again. */
    TEST_CHECK(xen_console_write(text_of(OUT + 500), OUT + 500, 2 * MS) == OUT + 500);
}

/* What a hostile other end writes into the indices: nothing is read or written outside, nothing hangs. */
TEST(console_hostile_output_indices_count_as_full)
{
    static const uint32_t lies[] = {1, 2, OUT, OUT + 1, 0x7fffffff, 0x80000000, UINT32_MAX - OUT - 1};

    for (size_t s = 0; s < STARTS; s++) {
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
            begin(starts[s]);
            reads_at_once = 0;
            page.out_cons = page.out_prod + lies[i];
            TEST_CHECK(xen_console_put("text", 4) == 0, "ahead by %u", lies[i]);
            TEST_CHECK(xen_console_write("text", 4, PATIENCE) == 0, "ahead by %u", lies[i]);
            xen_console_emergency("text", 4);
            xen_console_flush(fake_time() + PATIENCE);
            TEST_CHECK(page.out_prod == starts[s]);
        }
    }
}

TEST(console_emergency_writes_all_while_somebody_reads)
{
    begin(UINT32_MAX - 50);
    reads_at_once = 3;
    xen_console_emergency(text_of(10000), 10000);
    peer_takes(OUT);
    TEST_CHECK(received_is(10000));
}

TEST(console_emergency_gives_up_on_a_ring_that_nobody_reads)
{
    begin(0);
    reads_at_once = 0;
    xen_console_emergency(text_of(10000), 10000);
    TEST_CHECK(yields > 0, "%u turns", yields);
    peer_takes(OUT);
    TEST_CHECK(received_is(OUT));
}

static void emergency_under_a_lock(void *arg)
{
    struct xen_lock *lock = arg;

    xen_platform_lock(lock);
    xen_console_emergency("x", 1);
    xen_platform_unlock(lock);
}

TEST(console_emergency_takes_no_lock_and_needs_no_page)
{
    struct xen_lock lock = {0};

    begin(0);
    TEST_CHECK(!fake_panics(emergency_under_a_lock, &lock));
    TEST_CHECK(page.out_prod == 1 && fake_waits() == 0);
    xen_console_attach(NULL, port);
    xen_console_emergency("x", 1);
    xen_console_attach(&page, port);
}

TEST(console_flush_waits_for_the_reader_and_not_longer)
{
    uint64_t before;

    begin(0);
    xen_console_put("0123456789", 10);
    reads_at_once = 1;
    xen_console_flush(fake_time() + PATIENCE);
    TEST_CHECK(page.out_cons == page.out_prod && received_count == 10);

    reads_at_once = 0;
    xen_console_put("0123456789", 10);
    before = fake_time();
    xen_console_flush(before + PATIENCE);
    TEST_CHECK(fake_time() == before + PATIENCE);
}

/* ---- input ---- */

TEST(console_read_gives_what_is_there)
{
    char buffer[64];

    for (size_t s = 0; s < STARTS; s++) {
        begin(starts[s]);
        peer_types("hello");
        TEST_CHECK(xen_console_read(buffer, sizeof(buffer), fake_time()) == 5);
        TEST_CHECK(memcmp(buffer, "hello", 5) == 0);
        TEST_CHECK(fake_port(port)->sends == 1, "the other end learns that there is room");
        peer_types("abcdef");
        TEST_CHECK(xen_console_read(buffer, 4, fake_time()) == 4 && memcmp(buffer, "abcd", 4) == 0);
        TEST_CHECK(xen_console_read(buffer, 4, fake_time()) == 2 && memcmp(buffer, "ef", 2) == 0);
        TEST_CHECK(xen_console_read(buffer, 4, fake_time() + MS) == -ETIMEDOUT);
        TEST_CHECK(page.in_cons == page.in_prod);
    }
}

TEST(console_read_takes_a_whole_ring_past_the_wrap)
{
    char buffer[IN + 1];

    for (size_t s = 0; s < STARTS; s++) {
        begin(starts[s]);
        for (size_t i = 0; i < IN; i++)
            page.in[page.in_prod++ % IN] = pattern(i);
        TEST_CHECK(xen_console_read(buffer, sizeof(buffer), fake_time()) == IN);
        for (size_t i = 0; i < IN; i++)
            TEST_CHECK(buffer[i] == pattern(i), "from %u, byte %zu", starts[s], i);
    }
}

TEST(console_hostile_input_indices_count_as_empty)
{
    static const uint32_t lies[] = {IN + 1, IN + 2, 0x7fffffff, 0x80000000, UINT32_MAX - IN, UINT32_MAX};
    char buffer[2 * IN];

    for (size_t s = 0; s < STARTS; s++) {
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
            begin(starts[s]);
            page.in_prod = page.in_cons + lies[i];
            TEST_CHECK(xen_console_read(buffer, sizeof(buffer), fake_time() + MS) == -ETIMEDOUT, "%u",
                       lies[i]);
            TEST_CHECK(xen_console_read_line(buffer, sizeof(buffer), fake_time() + MS) == -ETIMEDOUT, "%u",
                       lies[i]);
            TEST_CHECK(page.in_cons == starts[s], "%u", lies[i]);
        }
    }
}

/* Lines as they come, ends as terminals, pipes and files send them. `want` has its lines ended by '|'. */
TEST(console_read_line_splits_input)
{
    static const struct {
        const char *typed;
        size_t size;
        const char *want;
    } rows[] = {
        {"one\n", 32, "one|"},
        {"one\r", 32, "one|"},
        {"one\r\n", 32, "one|"},
        {"one\ntwo\n", 32, "one|two|"},
        {"one\rtwo\r", 32, "one|two|"},
        {"one\r\ntwo\r\n", 32, "one|two|"},
        {"\n", 32, "|"},
        {"\n\n", 32, "||"},
        {"\r\r", 32, "||"},
        {"\r\n\r\n", 32, "||"},
        {"\n\r", 32, "||"},
        {"a\r\n\nb\n", 32, "a||b|"},
        {"no end", 32, ""},
        {"one\nno end", 32, "one|"},
        {"12345678\n", 10, "12345678|"},
        {"123456789\n", 10, "123456789|"},
        {"123456789\r\n", 10, "123456789|"},
        {"1234567890\n", 10, "123456789|0|"},
        {"123456789012345678\n", 10, "123456789|012345678|"},
        {"123456789012345678901\nx\n", 10, "123456789|012345678|901|x|"},
        {"ab\n", 2, "a|b|"},
        {"a\n", 2, "a|"},
        {"\xff\x01\t \n", 32, "\xff\x01\t |"},
    };

    for (size_t s = 0; s < STARTS; s++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            char line[32], got[128] = "";
            long length;

            begin(starts[s]);
            peer_types(rows[i].typed);
            while ((length = xen_console_read_line(line, rows[i].size, fake_time() + MS)) >= 0) {
                TEST_REQUIRE((size_t)length < rows[i].size && line[length] == '\0', "row %zu", i);
                TEST_REQUIRE((size_t)length == strlen(line), "row %zu", i);
                TEST_REQUIRE(strlen(got) + (size_t)length + 2 < sizeof(got), "row %zu", i);
                strcat(strcat(got, line), "|");
            }
            TEST_CHECK(length == -ETIMEDOUT, "row %zu", i);
            TEST_CHECK(strcmp(got, rows[i].want) == 0, "row %zu: got %s, want %s", i, got, rows[i].want);
        }
    }
}

/* The same, typed key by key: each byte an event of its own, with a time-out in between. */
TEST(console_read_line_does_not_depend_on_how_input_is_cut)
{
    static const struct {
        const char *typed;
        size_t size;
        const char *want;
    } rows[] = {
        {"one\r\ntwo\nthree\r", 32, "one|two|three|"}, {"\r\n\r\n\n", 32, "|||"},
        {"123456789\nx\n", 10, "123456789|x|"},        {"123456789\r\nx\n", 10, "123456789|x|"},
        {"12345678901\n", 10, "123456789|01|"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[32], got[128] = "";

        begin(UINT32_MAX - 3);
        for (const char *key = rows[i].typed; *key; key++) {
            const char text[2] = {*key, '\0'};

            peer_types(text);
            while (xen_console_read_line(line, rows[i].size, fake_time() + MS) >= 0)
                strcat(strcat(got, line), "|");
        }
        TEST_CHECK(strcmp(got, rows[i].want) == 0, "row %zu: got %s, want %s", i, got, rows[i].want);
    }
}

TEST(console_read_line_longer_than_the_ring_comes_in_pieces)
{
    static char line[4 * IN];
    size_t total = 0;
    long length;

    begin(77);
    for (size_t i = 0; i < IN; i++)
        page.in[page.in_prod++ % IN] = 'x';
    length = xen_console_read_line(line, sizeof(line), fake_time() + MS);
    TEST_CHECK(length > 0 && length <= (long)IN, "%ld", length);
    total += (size_t)length;
    peer_types("the end\n");
    while ((length = xen_console_read_line(line, sizeof(line), fake_time() + MS)) >= 0)
        total += (size_t)length;
    TEST_CHECK(total == IN + 7, "%zu", total);
}

TEST(console_read_line_buffers_about_the_size_of_the_ring)
{
    for (size_t size = IN - 2; size < IN + 4; size++) {
        char *line = malloc(size); /* of just this size, for the sanitizer */
        size_t total = 0;
        long length;

        begin(UINT32_MAX - 9);
        for (size_t i = 0; i < IN; i++)
            page.in[page.in_prod++ % IN] = pattern(i);
        while ((length = xen_console_read_line(line, size, fake_time() + MS)) >= 0) {
            TEST_REQUIRE((size_t)length < size && line[length] == '\0' && strlen(line) == (size_t)length);
            for (size_t i = 0; i < (size_t)length; i++)
                TEST_REQUIRE(line[i] == pattern(total + i), "size %zu: byte %zu", size, total + i);
            total += (size_t)length;
        }
        TEST_CHECK(total >= size - 1 || total == IN, "size %zu: %zu", size, total);
        free(line);
    }
}

TEST(console_read_line_time_out_keeps_what_was_typed)
{
    char line[32];

    begin(0);
    peer_types("half");
    TEST_CHECK(xen_console_read_line(line, sizeof(line), fake_time() + MS) == -ETIMEDOUT);
    peer_types(" and half\n");
    TEST_CHECK(xen_console_read_line(line, sizeof(line), fake_time() + MS) == 13);
    TEST_CHECK(strcmp(line, "half and half") == 0);
}

/* Input that reaches the ring together with the deadline: the wait times out, and the line is there. */
static bool type_at_the_deadline(void *arg)
{
    for (const char *text = arg; *text; text++)
        page.in[page.in_prod++ % IN] = *text;
    return false;
}

TEST(console_line_that_comes_at_the_deadline_is_not_lost)
{
    char line[32] = "";
    long length;

    begin(0);
    fake_on_wait(type_at_the_deadline, (char[]){"late\n"});
    length = xen_console_read_line(line, sizeof(line), fake_time() + MS);
    fake_on_wait(NULL, NULL);
    if (length == -ETIMEDOUT)
        length = xen_console_read_line(line, sizeof(line), fake_time() + MS);
    TEST_CHECK(length == 4 && strcmp(line, "late") == 0, "%ld \"%s\"", length, line);
}

TEST(console_read_line_refuses_a_buffer_without_room)
{
    char line[2] = {'~', '~'};

    begin(0);
    peer_types("abc\n");
    TEST_CHECK(xen_console_read_line(line, 0, fake_time() + MS) == -EINVAL);
    TEST_CHECK(xen_console_read_line(line, 1, fake_time() + MS) == -EINVAL);
    TEST_CHECK(line[0] == '~' && line[1] == '~');
}

TEST(console_init_passes_on_what_the_port_says)
{
    fake_event_reset();
    fake_event_fail_next(-ENOMEM);
    TEST_CHECK(xen_console_init() == -ENOMEM);
    /* And without events nothing waits. */
    page.out_prod = page.out_cons + OUT;
    TEST_CHECK(xen_console_write("x", 1, PATIENCE) == 0);
    xen_console_flush(XEN_FOREVER);
}

int main(void)
{
    return tap_run();
}

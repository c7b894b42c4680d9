/* links: time.c fake.c fake_event.c */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <xenlib/start.h>
#include <xenlib/time.h>
#include <xensys/hypercall.h>

#include "fake.h"
#include "tap.h"

static struct shared_info shared;
static struct vcpu_time_info *const record = &shared.vcpu_info[0].time;

const struct xen_start *xen_start(void)
{
    static const struct xen_start start = {.type = "fake", .shared = &shared};

    return &start;
}

/* Time never goes back, over all tests; so each takes a later stretch of it. */
static uint64_t later(void)
{
    static uint64_t hour;

    hour += 3600ull * 1000000000;
    return hour;
}

/* With a multiplier of 0 the counter does not count, and the time is what the record says. */
static uint64_t stand_still(uint64_t now)
{
    record->tsc_to_system_mul = 0;
    record->tsc_shift = 0;
    record->tsc_timestamp = 0;
    record->system_time = now;
    return now;
}

static uint64_t ticks(void)
{
    return __builtin_ia32_rdtsc();
}

TEST(time_scales_in_128_bits)
{
    static const struct {
        uint64_t ticks;
        uint32_t multiplier;
        int8_t shift;
        uint64_t ns;
    } rows[] = {
        {0, UINT32_MAX, 0, 0},
        {1, UINT32_MAX, 0, 0},
        {2, UINT32_MAX, 0, 1},
        {1, 1u << 31, 1, 1},
        {1000, 1u << 31, 0, 500},
        {1000, 1u << 31, -1, 250},
        {1001, 1u << 31, -1, 250},
        {7, 1u << 31, -3, 0},
        {1u << 31, 1u << 31, -31, 0},
        {1ull << 63, 1u << 31, -31, 1ull << 31},
        {1, 1u << 31, 31, 1ull << 30},
        {1ull << 32, 1u << 31, 0, 1ull << 31},
        /* From here on the product does not fit 64 bits. */
        {1ull << 40, 1u << 31, 0, 1ull << 39},
        {1ull << 40, 3u << 30, 0, 3ull << 38},
        {1ull << 62, 1u << 31, 1, 1ull << 62},
        {UINT64_MAX, UINT32_MAX, 0, 0xfffffffeffffffff},
        {UINT64_MAX, 1u << 31, 0, 0x7fffffffffffffff},
        {UINT64_MAX, 1u << 31, -4, 0x07ffffffffffffff},
        {3000000000, 1431655765, 0, 999999999},                            /* 3 GHz: a second */
        {3000000000ull * 86400 * 3650, 1431655765, 0, 315359999926574528}, /* and ten years of it */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t ns = xen_time_scale(rows[i].ticks, rows[i].multiplier, rows[i].shift);

        TEST_CHECK(ns == rows[i].ns, "row %zu: %" PRIu64 ", expected %" PRIu64, i, ns, rows[i].ns);
    }
}

TEST(time_now_is_the_record_plus_the_counted_ticks)
{
    static const struct {
        uint32_t multiplier;
        int8_t shift;
    } rows[] = {{1u << 31, 1}, {1u << 31, 0}, {1u << 31, -1}, {3u << 30, 0}, {1u << 30, 3}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t base = later(), start = ticks() - 1000000, before, now, after;

        record->tsc_timestamp = start;
        record->system_time = base;
        record->tsc_to_system_mul = rows[i].multiplier;
        record->tsc_shift = rows[i].shift;
        before = ticks();
        now = xen_time_now();
        after = ticks();
        TEST_CHECK(now >= base + xen_time_scale(before - start, rows[i].multiplier, rows[i].shift), "row %zu",
                   i);
        TEST_CHECK(now <= base + xen_time_scale(after - start, rows[i].multiplier, rows[i].shift), "row %zu",
                   i);
    }
}

TEST(time_at_counts_both_ways_from_the_record)
{
    uint64_t base = later(), start = ticks() + (1ull << 40);

    record->tsc_timestamp = start;
    record->system_time = base;
    record->tsc_to_system_mul = 1u << 31;
    record->tsc_shift = 1;
    TEST_CHECK(xen_time_at(start) == base);
    TEST_CHECK(xen_time_at(start + 1000) == base + 1000);
    TEST_CHECK(xen_time_at(start - 1000) == base - 1000);
    record->tsc_shift = -1;
    TEST_CHECK(xen_time_at(start + 1000) == base + 250);
    TEST_CHECK(xen_time_at(start - 1000) == base - 250);
}

TEST(time_now_never_goes_back)
{
    uint64_t base = later();

    stand_still(base);
    TEST_CHECK(xen_time_now() == base);
    stand_still(base - 5);
    TEST_CHECK(xen_time_now() == base);
    stand_still(base + 1);
    TEST_CHECK(xen_time_now() == base + 1);
}

/* ---- Xen rewriting the record meanwhile ---- */

static atomic_bool stop;

/* The record always says "system time = counter + offset"; only a mixture of two says anything else. */
static void write_record(uint64_t offset, uint64_t back)
{
    volatile struct vcpu_time_info *live = record;
    uint64_t start = ticks() - back;

    live->version++;
    atomic_thread_fence(memory_order_seq_cst);
    live->tsc_timestamp = start;
    atomic_thread_fence(memory_order_seq_cst);
    live->system_time = start + offset;
    live->tsc_to_system_mul = 1u << 31;
    live->tsc_shift = 1;
    atomic_thread_fence(memory_order_seq_cst);
    live->version++;
}

static void *writer(void *arg)
{
    uint32_t random = 1;

    while (!stop) {
        random = random * 1664525 + 1013904223;
        write_record(*(uint64_t *)arg, random % 1000000000);
    }
    return NULL;
}

TEST(time_now_reads_again_when_the_record_changes_under_it)
{
    uint64_t offset = later() - ticks();
    pthread_t thread;

    stop = false;
    write_record(offset, 0);
    TEST_REQUIRE(pthread_create(&thread, NULL, writer, &offset) == 0);
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t before = ticks() + offset, now = xen_time_now(), after = ticks() + offset;

        if (!TEST_CHECK(now >= before && now <= after, "read %u: %" PRIu64 " not in %" PRIu64 "…%" PRIu64, i,
                        now, before, after))
            break;
    }
    stop = true;
    pthread_join(thread, NULL);
}

static void *finish_update(void *arg)
{
    usleep(20000);
    stand_still(*(uint64_t *)arg);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_fetch_add(&record->version, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

TEST(time_now_waits_for_an_update_under_way)
{
    uint64_t base = later(), finished = base + 1000;
    pthread_t thread;

    stand_still(base);
    record->version = 7; /* odd: being written */
    TEST_REQUIRE(pthread_create(&thread, NULL, finish_update, &finished) == 0);
    TEST_CHECK(xen_time_now() == finished);
    pthread_join(thread, NULL);
}

/* ---- wall clock ---- */

TEST(time_wall_is_its_start_plus_system_time)
{
    static const struct {
        uint32_t seconds, seconds_high, nanoseconds;
        uint64_t ns_of_second; /* of system time */
        uint64_t carry;
        uint32_t want_nanoseconds;
    } rows[] = {
        {0, 0, 0, 0, 0, 0},
        {1700000000, 0, 0, 5, 0, 5},
        {1700000000, 0, 750000000, 500000000, 1, 250000000},
        {1700000000, 0, 999999999, 1, 1, 0},
        {1700000000, 0, 999999999, 999999999, 1, 999999998},
        {UINT32_MAX, 0, 999999999, 1, 1, 0}, /* over 2^32: in 2106 */
        {5, 1, 0, 0, 0, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t base = later();
        struct xen_wall_time wall;

        stand_still(base + rows[i].ns_of_second);
        shared.wc_sec = rows[i].seconds;
        shared.wc_sec_hi = rows[i].seconds_high;
        shared.wc_nsec = rows[i].nanoseconds;
        wall = xen_time_wall();
        TEST_CHECK(wall.seconds == ((uint64_t)rows[i].seconds_high << 32) + rows[i].seconds + rows[i].carry +
                                       base / 1000000000,
                   "row %zu: %" PRIu64, i, wall.seconds);
        TEST_CHECK(wall.nanoseconds == rows[i].want_nanoseconds, "row %zu: %u", i, wall.nanoseconds);
    }
}

static void *finish_wall(void *arg)
{
    (void)arg;
    usleep(20000);
    shared.wc_sec = 2000;
    __atomic_fetch_add(&shared.wc_version, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

TEST(time_wall_waits_for_an_update_under_way)
{
    uint64_t base = later();
    pthread_t thread;

    stand_still(base);
    shared.wc_sec = 1000;
    shared.wc_sec_hi = shared.wc_nsec = 0;
    shared.wc_version = 3;
    TEST_REQUIRE(pthread_create(&thread, NULL, finish_wall, NULL) == 0);
    TEST_CHECK(xen_time_wall().seconds == 2000 + base / 1000000000);
    pthread_join(thread, NULL);
}

/* ---- timer ---- */

static uint64_t asked;

static long set_timer_op(long deadline, long a2, long a3, long a4, long a5)
{
    (void)a2, (void)a3, (void)a4, (void)a5;
    asked = (uint64_t)deadline;
    return 0;
}

TEST(timer_set_tells_xen_the_deadline_and_cuts_far_ones)
{
    uint64_t now = stand_still(later());
    uint64_t far = 1ull << 50;
    const struct {
        uint64_t deadline, want;
    } rows[] = {
        {now + 5, now + 5},
        {now, now},
        {now - 5, now - 5},
        {1, 1},
        {0, 1}, /* 0 would stop it */
        {now + far - 1, now + far - 1},
        {now + far, now + far},
        {now + far + 1, now + far},
        {1ull << 63, now + far},
        {XEN_FOREVER - 1, now + far},
        {XEN_FOREVER, 0},
    };

    fake_reset();
    fake_on_hypercall(__HYPERVISOR_set_timer_op, set_timer_op);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        asked = 12345;
        xen_timer_set(rows[i].deadline);
        TEST_CHECK(asked == rows[i].want, "row %zu: %" PRIu64, i, asked);
    }
}

static unsigned fired;

static void on_fired(void)
{
    fired++;
}

TEST(timer_event_calls_the_function)
{
    fake_reset();
    fake_event_reset();
    fired = 0;
    TEST_CHECK(xen_timer_init(on_fired) == 0);
    TEST_CHECK(fake_ports_bound() == 1);
    for (uint32_t n = 1; n < FAKE_PORTS; n++) {
        if (fake_port((xen_port_t){n})->bound)
            fake_event_raise((xen_port_t){n});
    }
    TEST_CHECK(fired == 1);

    fake_event_reset();
    fake_event_fail_next(-ENOSPC);
    TEST_CHECK(xen_timer_init(on_fired) == -ENOSPC);
}

int main(void)
{
    return tap_run();
}

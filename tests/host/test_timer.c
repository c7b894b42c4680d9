/* links: timer.c fake.c */
#include <stdint.h>
#include <string.h>

#include <stardust/timer.h>

#include <time/timer.h>

#include "fake.h"
#include "tap.h"

#define COUNT 64

/* What fired, in order. */
static unsigned fired[4096];
static size_t fired_count;

struct item {
    struct sd_timer timer;
    unsigned number;
    bool fired_while_running, fired_under_lock;
    void (*then)(struct item *item);
};
static struct item items[COUNT];

static void on_fired(struct sd_timer *timer)
{
    struct item *item = xen_container_of(timer, struct item, timer);

    if (fired_count < sizeof(fired) / sizeof(fired[0]))
        fired[fired_count++] = item->number;
    item->fired_while_running |= sd_timer_is_running(timer);
    item->fired_under_lock |= fake_locks_held() != 0;
    if (item->then)
        item->then(item);
}

static void begin(void)
{
    fake_reset();
    for (unsigned i = 0; i < COUNT; i++) {
        if (items[i].timer.fired)
            sd_timer_stop(&items[i].timer);
        items[i] = (struct item){.number = i};
        sd_timer_init(&items[i].timer, on_fired);
    }
    fired_count = 0;
}

static bool fired_are(const unsigned *want, size_t count)
{
    bool same = fired_count == count && memcmp(fired, want, count * sizeof(want[0])) == 0;

    fired_count = 0;
    return same;
}
#define FIRED(...)                                                                                           \
    fired_are((const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

TEST(timer_none_running_means_no_deadline)
{
    begin();
    TEST_CHECK(sd_timers_next() == XEN_FOREVER);
    TEST_CHECK(!sd_timer_is_running(&items[0].timer));
    sd_timers_run(UINT64_MAX);
    TEST_CHECK(fired_count == 0);
    sd_timer_stop(&items[0].timer);
    sd_timer_stop(&items[0].timer);
    TEST_CHECK(sd_timers_next() == XEN_FOREVER);
}

TEST(timer_fires_once_at_its_deadline_and_not_before)
{
    begin();
    sd_timer_start(&items[1].timer, 1000);
    TEST_CHECK(sd_timer_is_running(&items[1].timer) && sd_timers_next() == 1000);
    sd_timers_run(999);
    TEST_CHECK(fired_count == 0 && sd_timer_is_running(&items[1].timer));
    sd_timers_run(1000);
    TEST_CHECK(FIRED(1));
    TEST_CHECK(!items[1].fired_while_running && !items[1].fired_under_lock);
    TEST_CHECK(!sd_timer_is_running(&items[1].timer) && sd_timers_next() == XEN_FOREVER);
    sd_timers_run(2000);
    TEST_CHECK(fired_count == 0);
}

TEST(timer_deadlines_fire_in_order_and_equal_ones_as_they_came)
{
    begin();
    sd_timer_start(&items[0].timer, 300);
    sd_timer_start(&items[1].timer, 100);
    sd_timer_start(&items[2].timer, 200);
    sd_timer_start(&items[3].timer, 100);
    sd_timer_start(&items[4].timer, 0);
    sd_timer_start(&items[5].timer, 300);
    TEST_CHECK(sd_timers_next() == 0);
    sd_timers_run(150);
    TEST_CHECK(FIRED(4, 1, 3));
    TEST_CHECK(sd_timers_next() == 200);
    sd_timers_run(300);
    TEST_CHECK(FIRED(2, 0, 5));
}

TEST(timer_started_again_moves)
{
    begin();
    sd_timer_start(&items[0].timer, 100);
    sd_timer_start(&items[1].timer, 200);
    sd_timer_start(&items[0].timer, 300);
    TEST_CHECK(sd_timers_next() == 200);
    sd_timer_start(&items[1].timer, 50);
    TEST_CHECK(sd_timers_next() == 50);
    sd_timers_run(299);
    TEST_CHECK(FIRED(1));
    sd_timers_run(300);
    TEST_CHECK(FIRED(0));
}

TEST(timer_stopped_does_not_fire)
{
    begin();
    for (unsigned i = 0; i < 5; i++)
        sd_timer_start(&items[i].timer, 100 + i);
    sd_timer_stop(&items[0].timer);
    sd_timer_stop(&items[2].timer);
    sd_timer_stop(&items[4].timer);
    TEST_CHECK(sd_timers_next() == 101);
    sd_timers_run(1000);
    TEST_CHECK(FIRED(1, 3));
}

static void stop_next(struct item *item)
{
    sd_timer_stop(&items[item->number + 1].timer);
}

static void start_one_hundred_later(struct item *item)
{
    sd_timer_start(&item->timer, item->timer.deadline + 100);
}

static void start_item_9_now(struct item *item)
{
    sd_timer_start(&items[9].timer, item->timer.deadline);
}

TEST(timer_callbacks_may_stop_and_start_others_and_themselves)
{
    begin();
    items[0].then = stop_next;
    sd_timer_start(&items[0].timer, 100);
    sd_timer_start(&items[1].timer, 100);
    sd_timer_start(&items[2].timer, 100);
    sd_timers_run(100);
    TEST_CHECK(FIRED(0, 2));

    items[3].then = start_one_hundred_later;
    sd_timer_start(&items[3].timer, 200);
    sd_timers_run(250);
    TEST_CHECK(FIRED(3));
    TEST_CHECK(sd_timers_next() == 300 && sd_timer_is_running(&items[3].timer));
    sd_timers_run(520);
    TEST_CHECK(FIRED(3, 3, 3));
    sd_timer_stop(&items[3].timer);

    items[4].then = start_item_9_now;
    sd_timer_start(&items[4].timer, 600);
    sd_timers_run(600);
    TEST_CHECK(FIRED(4, 9));
}

TEST(timer_far_and_forever_deadlines_stay_last)
{
    begin();
    sd_timer_start(&items[0].timer, XEN_FOREVER);
    sd_timer_start(&items[1].timer, XEN_FOREVER - 1);
    sd_timer_start(&items[2].timer, 5);
    TEST_CHECK(sd_timers_next() == 5);
    sd_timers_run(1ull << 62);
    TEST_CHECK(FIRED(2));
    TEST_CHECK(sd_timers_next() == XEN_FOREVER - 1);
    sd_timer_stop(&items[0].timer);
    sd_timer_stop(&items[1].timer);
}

TEST(timer_random_use_agrees_with_a_model)
{
    uint64_t deadlines[COUNT], now = 0;
    uint32_t random = 7;

    begin();
    memset(deadlines, 0xff, sizeof(deadlines));
    for (unsigned step = 0; step < 50000; step++) {
        uint64_t next = XEN_FOREVER;
        unsigned which;
        size_t due = 0;

        random = random * 1664525 + 1013904223;
        which = random >> 10 & (COUNT - 1);
        if (random >> 28 < 8) {
            deadlines[which] = now + (random >> 16 & 1023);
            sd_timer_start(&items[which].timer, deadlines[which]);
        } else if (random >> 28 < 12) {
            deadlines[which] = XEN_FOREVER;
            sd_timer_stop(&items[which].timer);
        } else {
            now += random >> 18 & 255;
            sd_timers_run(now);
            for (size_t i = 0; i < fired_count; i++) {
                TEST_REQUIRE(deadlines[fired[i]] <= now, "step %u: %u fired early or twice", step, fired[i]);
                TEST_REQUIRE(i == 0 || due <= deadlines[fired[i]], "step %u: out of order", step);
                due = deadlines[fired[i]];
                deadlines[fired[i]] = XEN_FOREVER;
            }
            fired_count = 0;
            for (unsigned i = 0; i < COUNT; i++)
                TEST_REQUIRE(deadlines[i] > now, "step %u: %u did not fire", step, i);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            next = deadlines[i] < next ? deadlines[i] : next;
            TEST_REQUIRE(sd_timer_is_running(&items[i].timer) == (deadlines[i] != XEN_FOREVER), "step %u",
                         step);
        }
        TEST_REQUIRE(sd_timers_next() == next, "step %u", step);
    }
}

int main(void)
{
    return tap_run();
}

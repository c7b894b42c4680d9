/* Time, the vCPU's sleep, timers. */
#include <stardust/test.h>

#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/event.h>
#include <xenlib/sched.h>
#include <xenlib/time.h>
#include <xensys/abi.h>

SD_TEST(system_time_never_goes_back)
{
    uint64_t last = xen_time_now(), start = last;

    for (int i = 0; i < 100000; i++) {
        uint64_t now = xen_time_now();

        if (now < last && !SD_CHECK(now >= last))
            return;
        last = now;
    }
    SD_CHECK(last > start);
}

SD_TEST(wall_clock_is_of_this_decade_and_advances)
{
    struct xen_wall_time first = xen_time_wall(), second;

    sd_thread_sleep_until(xen_time_now() + 20 * SD_MS);
    second = xen_time_wall();
    SD_CHECK(first.seconds > 1700000000 && first.seconds < 4000000000);
    SD_CHECK(first.nanoseconds < 1000000000 && second.nanoseconds < 1000000000);
    SD_CHECK((second.seconds - first.seconds) * SD_SECOND + second.nanoseconds - first.nanoseconds >=
             20 * SD_MS);
}

SD_TEST(sleep_lasts_at_least_as_long_as_asked)
{
    for (uint64_t ms = 1; ms <= 32; ms *= 2) {
        uint64_t deadline = xen_time_now() + ms * SD_MS;

        sd_thread_sleep_until(deadline);
        SD_CHECK(xen_time_now() >= deadline);
    }
}

static struct sd_timer timers[5];
static unsigned order[5], fired;

static void on_timer(struct sd_timer *timer)
{
    order[fired++] = (unsigned)(timer - timers);
}

SD_TEST(timers_fire_in_the_order_of_their_deadlines)
{
    static const uint64_t at[] = {30, 10, 20, 10, 5};
    uint64_t now = xen_time_now();

    fired = 0;
    for (unsigned i = 0; i < 5; i++) {
        sd_timer_init(&timers[i], on_timer);
        sd_timer_start(&timers[i], now + at[i] * SD_MS);
    }
    sd_timer_stop(&timers[2]);
    sd_timer_start(&timers[4], now + 15 * SD_MS);
    sd_thread_sleep_until(now + 40 * SD_MS);
    SD_CHECK(fired == 4);
    SD_CHECK(order[0] == 1 && order[1] == 3 && order[2] == 4 && order[3] == 0);
    SD_CHECK(!sd_timer_is_running(&timers[0]));
}

static void ignore(xen_port_t port, void *arg)
{
    (void)port;
    (void)arg;
}

SD_TEST(poll_returns_at_its_deadline_and_at_an_event)
{
    xen_port_t ipi;
    uint64_t deadline;

    SD_REQUIRE(!xen_event_bind_ipi(0, ignore, NULL, &ipi));
    xen_event_mask(ipi);
    xen_upcalls_off();
    deadline = xen_time_now() + 5 * SD_MS;
    /* Other events may end it early; then it is called again. */
    while (xen_time_now() < deadline && !xen_event_is_pending(ipi))
        SD_CHECK(!xen_sched_poll(&ipi, 1, deadline));
    SD_CHECK(xen_time_now() >= deadline && !xen_event_is_pending(ipi));
    SD_CHECK(!xen_event_send(ipi));
    SD_CHECK(!xen_sched_poll(&ipi, 1, xen_time_now() + 60 * SD_SECOND));
    SD_CHECK(xen_event_is_pending(ipi));
    xen_upcalls_on();
    xen_event_close(ipi);
}

SD_TEST(watchdog_can_be_set_renewed_and_stopped)
{
    uint32_t id = 0, none = 77;

    SD_REQUIRE(!xen_sched_watchdog(&id, 30));
    SD_CHECK(id != 0);
    SD_CHECK(!xen_sched_watchdog(&id, 30));
    SD_CHECK(!xen_sched_watchdog(&id, 0));
    SD_CHECK(xen_sched_watchdog(&none, 30) < 0);
}

SD_TEST(far_deadlines_do_not_fire_early)
{
    struct sd_timer *far = &timers[0];

    fired = 0;
    sd_timer_init(far, on_timer);
    sd_timer_start(far, UINT64_MAX - 1);
    sd_thread_sleep_until(xen_time_now() + 5 * SD_MS);
    SD_CHECK(fired == 0 && sd_timer_is_running(far));
    sd_timer_stop(far);
}

/* links: sched.c fake.c */
#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include <xenlib/event.h>
#include <xenlib/sched.h>
#include <xensys/hypercall.h>

#include "fake.h"
#include "tap.h"

static long last_op, next_result;
static struct sched_poll poll;
static evtchn_port_t polled[200];
static struct sched_watchdog watchdog;
static unsigned reason, shutdowns;
static jmp_buf after_shutdown;

static long sched_op(long op, long arg, long a3, long a4, long a5)
{
    void *args = (void *)(uintptr_t)arg;

    (void)a3, (void)a4, (void)a5;
    last_op = op;
    switch (op) {
    case SCHEDOP_poll:
        poll = *(struct sched_poll *)args;
        if (poll.nr_ports <= 200)
            memcpy(polled, poll.ports.p, poll.nr_ports * sizeof(polled[0]));
        break;
    case SCHEDOP_watchdog:
        watchdog = *(struct sched_watchdog *)args;
        break;
    case SCHEDOP_shutdown:
        reason = ((struct sched_shutdown *)args)->reason;
        /* Xen is asked again should it come back; the third time it does not. */
        if (++shutdowns == 3)
            longjmp(after_shutdown, 1);
        break;
    default:
        break;
    }
    return next_result;
}

static void begin(void)
{
    fake_reset();
    fake_on_hypercall(__HYPERVISOR_sched_op, sched_op);
    last_op = -1;
    next_result = 0;
    shutdowns = 0;
}

TEST(sched_yield_asks_xen)
{
    begin();
    xen_sched_yield();
    TEST_CHECK(last_op == SCHEDOP_yield);
}

TEST(sched_poll_hands_over_ports_and_deadline)
{
    static const struct {
        uint64_t deadline, timeout;
    } rows[] = {{XEN_FOREVER, 0}, {1, 1}, {123456789, 123456789}, {XEN_FOREVER - 1, XEN_FOREVER - 1}};
    xen_port_t ports[128];

    for (uint32_t i = 0; i < 128; i++)
        ports[i] = (xen_port_t){1000 + i};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        TEST_CHECK(xen_sched_poll(ports, 128, rows[i].deadline) == 0);
        TEST_CHECK(last_op == SCHEDOP_poll && poll.nr_ports == 128 && poll.timeout == rows[i].timeout,
                   "row %zu", i);
        for (uint32_t k = 0; k < 128; k++)
            TEST_CHECK(polled[k] == 1000 + k, "port %u", k);
    }
    next_result = -EINVAL;
    TEST_CHECK(xen_sched_poll(ports, 1, 1) == -EINVAL);
}

/* To Xen a time-out of 0 is none; to us it is a deadline that has passed. */
TEST(sched_poll_until_the_past_does_not_wait_for_ever)
{
    xen_port_t port = {1};

    begin();
    TEST_CHECK(xen_sched_poll(&port, 1, 0) == 0);
    TEST_CHECK(last_op != SCHEDOP_poll || poll.timeout != 0);
}

TEST(sched_poll_refuses_more_ports_than_xen_takes)
{
    static const size_t counts[] = {129, 200, 1ull << 32, SIZE_MAX};
    static xen_port_t ports[200];

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        begin();
        TEST_CHECK(xen_sched_poll(ports, counts[i], XEN_FOREVER) == -EINVAL, "%zu", counts[i]);
        TEST_CHECK(last_op == -1, "%zu", counts[i]);
    }
}

TEST(sched_shutdown_gives_the_reason_and_never_returns)
{
    static const unsigned reasons[][2] = {
        {XEN_SHUTDOWN_POWEROFF, 0}, {XEN_SHUTDOWN_REBOOT, 1},   {XEN_SHUTDOWN_SUSPEND, 2},
        {XEN_SHUTDOWN_CRASH, 3},    {XEN_SHUTDOWN_WATCHDOG, 4}, {XEN_SHUTDOWN_SOFT_RESET, 5},
    };

    for (volatile size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        begin();
        if (!setjmp(after_shutdown))
            xen_sched_shutdown((enum xen_shutdown)reasons[i][0]);
        TEST_CHECK(last_op == SCHEDOP_shutdown && shutdowns == 3 && reason == reasons[i][1], "row %zu",
                   (size_t)i);
    }
}

TEST(sched_watchdog_is_made_kept_alive_and_stopped)
{
    uint32_t id = 0;

    begin();
    next_result = 2;
    TEST_CHECK(xen_sched_watchdog(&id, 30) == 0 && id == 2);
    TEST_CHECK(watchdog.id == 0 && watchdog.timeout == 30);
    next_result = 0;
    TEST_CHECK(xen_sched_watchdog(&id, 10) == 0 && id == 2 && watchdog.id == 2);
    TEST_CHECK(xen_sched_watchdog(&id, 0) == 0 && watchdog.timeout == 0);
    id = 0;
    next_result = -EEXIST;
    TEST_CHECK(xen_sched_watchdog(&id, 1) == -EEXIST && id == 0);
    id = 7;
    next_result = -EINVAL;
    TEST_CHECK(xen_sched_watchdog(&id, 1) == -EINVAL && id == 7);
}

int main(void)
{
    return tap_run();
}

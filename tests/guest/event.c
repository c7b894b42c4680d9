/* Event channels: each claim with a channel whose two ends are both this guest's. */
#include <stardust/test.h>

#include <errno.h>
#include <string.h>

#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/event.h>
#include <xenlib/sched.h>
#include <xenlib/start.h>
#include <xenlib/time.h>
#include <xensys/abi.h>

static volatile unsigned received;
static volatile bool pending_in_handler;

static void count(xen_port_t port, void *arg)
{
    pending_in_handler = xen_event_is_pending(port);
    if (arg == &received)
        received = received + 1;
}

struct channel {
    xen_port_t near, far; /* what is sent on far arrives at near */
};

static bool open_channel(struct channel *channel, enum xen_event_mode mode)
{
    xen_domid_t self = {DOMID_SELF};

    received = 0;
    if (xen_event_alloc_unbound(self, mode, count, (void *)(uintptr_t)&received, &channel->near))
        return false;
    if (xen_event_bind_interdomain(self, channel->near.n, XEN_EVENT_PLAIN, count, NULL, &channel->far)) {
        xen_event_close(channel->near);
        return false;
    }
    return true;
}

static void close_channel(struct channel *channel)
{
    xen_event_close(channel->far);
    xen_event_close(channel->near);
}

SD_TEST(event_reaches_its_handler_acknowledged)
{
    struct channel channel;

    SD_REQUIRE(open_channel(&channel, XEN_EVENT_PLAIN));
    for (unsigned i = 1; i <= 3; i++) {
        SD_CHECK(!xen_event_send(channel.far));
        SD_CHECK(received == i);
        SD_CHECK(!pending_in_handler);
    }
    close_channel(&channel);
}

SD_TEST(unmask_redelivers_what_came_while_masked)
{
    struct channel channel;

    SD_REQUIRE(open_channel(&channel, XEN_EVENT_PLAIN));
    xen_event_mask(channel.near);
    SD_CHECK(!xen_event_send(channel.far) && !xen_event_send(channel.far));
    SD_CHECK(received == 0 && xen_event_is_pending(channel.near));
    xen_event_unmask(channel.near);
    SD_CHECK(received == 1 && !xen_event_is_pending(channel.near));
    close_channel(&channel);
}

SD_TEST(upcalls_off_hold_events_back)
{
    struct channel channel;

    SD_REQUIRE(open_channel(&channel, XEN_EVENT_PLAIN));
    SD_CHECK(xen_upcalls_off());
    SD_CHECK(!xen_upcalls_off());
    SD_CHECK(!xen_event_send(channel.far));
    SD_CHECK(received == 0);
    xen_upcalls_on();
    SD_CHECK(received == 1);
    close_channel(&channel);
}

/* Blocks as the scheduler does; in a PVH guest events come in at the last moment, at hlt itself. */
static void block_late(void)
{
    if (!strcmp(xen_start()->type, "PVH"))
        __asm__ volatile("sti\n\tcall xen_pvh_halt" ::: "memory", "cc");
    else
        xen_sched_block();
}

SD_TEST(event_that_comes_when_the_vcpu_is_about_to_block_is_not_slept_through)
{
    struct channel channel;

    SD_REQUIRE(open_channel(&channel, XEN_EVENT_PLAIN));
    for (unsigned i = 1; i <= 100; i++) {
        (void)xen_upcalls_off();
        SD_CHECK(!xen_event_send(channel.far));
        block_late();
        SD_CHECK(received == i);
    }
    close_channel(&channel);
}

static struct channel second;
static volatile bool went_on;

/* Lets events in while it handles one, and has the next come. */
static void let_in(xen_port_t port, void *arg)
{
    volatile uint64_t words[32];

    (void)port;
    (void)arg;
    for (unsigned i = 0; i < 32; i++)
        words[i] = i;
    xen_upcalls_on();
    (void)xen_event_send(second.far);
    (void)xen_upcalls_off();
    went_on = received == 1;
    for (unsigned i = 0; i < 32; i++)
        went_on = went_on && words[i] == i;
}

SD_TEST(event_that_comes_while_another_is_handled_leaves_that_whole)
{
    xen_domid_t self = {DOMID_SELF};
    xen_port_t near, far;

    SD_REQUIRE(open_channel(&second, XEN_EVENT_PLAIN));
    SD_REQUIRE(!xen_event_alloc_unbound(self, XEN_EVENT_PLAIN, let_in, NULL, &near));
    SD_REQUIRE(!xen_event_bind_interdomain(self, near.n, XEN_EVENT_PLAIN, count, NULL, &far));
    SD_CHECK(!xen_event_send(far));
    SD_CHECK(went_on && received == 1);
    xen_event_close(far);
    xen_event_close(near);
    close_channel(&second);
}

SD_TEST(late_port_waits_for_its_consumer)
{
    struct channel channel;

    SD_REQUIRE(open_channel(&channel, XEN_EVENT_LATE));
    SD_CHECK(!xen_event_send(channel.far) && received == 1);
    SD_CHECK(!xen_event_send(channel.far) && received == 1);
    xen_event_done(channel.near, true);
    SD_CHECK(received == 2);
    xen_event_done(channel.near, true);
    SD_CHECK(received == 2);
    close_channel(&channel);
}

/* A peer that sends all the time, and a consumer that never finds anything: how often is the guest disturbed
 * in 50 ms? */
SD_TEST(port_without_work_is_unmasked_late)
{
    struct channel channel;
    uint64_t end = xen_time_now() + 50 * SD_MS, patience = end + 10 * SD_SECOND;
    unsigned handled = 0;

    SD_REQUIRE(open_channel(&channel, XEN_EVENT_LATE));
    /* On a busy host the guest may not run for long; it is disturbed less often then. */
    while (xen_time_now() < (received < 2 ? patience : end)) {
        SD_CHECK(!xen_event_send(channel.far));
        if (received > handled) {
            handled = received;
            xen_event_done(channel.near, false);
        }
        sd_thread_yield();
    }
    /* 1 + 2 + 4 + … ms: at the sixth time the 50 ms are over; the first one is free. */
    SD_CHECK(received >= 2 && received <= 8);
    close_channel(&channel);
}

SD_TEST(ipi_and_closed_ports)
{
    xen_port_t ipi;

    received = 0;
    SD_REQUIRE(!xen_event_bind_ipi(0, count, (void *)(uintptr_t)&received, &ipi));
    SD_CHECK(!xen_event_send(ipi) && received == 1);
    xen_event_close(ipi);
    SD_CHECK(xen_event_send(ipi) == -EINVAL && received == 1);
}

SD_TEST(events_refuse_bad_ports_and_peers)
{
    xen_port_t port;

    SD_CHECK(xen_event_adopt((xen_port_t){0}, XEN_EVENT_PLAIN, count, NULL) == -EINVAL);
    SD_CHECK(xen_event_adopt((xen_port_t){4096}, XEN_EVENT_PLAIN, count, NULL) == -EINVAL);
    SD_CHECK(
        xen_event_bind_interdomain((xen_domid_t){DOMID_SELF}, 4000, XEN_EVENT_PLAIN, count, NULL, &port) < 0);
    SD_CHECK(xen_event_bind_virq(NR_VIRQS, 0, count, NULL, &port) == -EINVAL);
    xen_event_close((xen_port_t){4000});
    xen_event_mask((xen_port_t){UINT32_MAX});
    xen_event_unmask((xen_port_t){UINT32_MAX});
}

/* Ports in more than one word of 64, and in more than one page of entries. */
SD_TEST(two_hundred_channels_each_reach_their_handler)
{
    enum { CHANNELS = 100 };
    static struct channel channels[CHANNELS];
    unsigned opened = 0;

    while (opened < CHANNELS && open_channel(&channels[opened], XEN_EVENT_PLAIN))
        opened++;
    SD_CHECK(opened == CHANNELS);
    received = 0;
    for (unsigned i = 0; i < opened; i++) {
        SD_CHECK(!xen_event_send(channels[i].far));
        SD_CHECK(received == i + 1);
    }
    while (opened)
        close_channel(&channels[--opened]);
}

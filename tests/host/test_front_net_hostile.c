/* links: front/net.c front/net_rx.c front/net_tx.c ring.c grant.c bus.c */
/* links: store.c store_ops.c store_watch.c store_wire.c format.c */
/* links: fake.c fake_event.c fake_grant.c fake_xenstored.c fake_netback.c net_fixture.c */
#include "tap.h"

#include <errno.h>
#include <string.h>

#include <xenlib/grant.h>

#include "fake.h"
#include "fake_grant.h"
#include "net_fixture.h"

static struct net_fixture fix;
static uint8_t data[XEN_NET_RX_MAX];

static const uint32_t starts[] = {0, 0x7fffffe0u, 0xffffff00u, 0xffffffe0u, 0xfffffffdu};
#define STARTS (sizeof starts / sizeof *starts)

/* What a lie has to end in. */
enum outcome { DELIVERED, ERROR, MALFORMED, BUSY, BROKEN };

static uint64_t *counter_of(enum outcome outcome)
{
    switch (outcome) {
    case ERROR:
        return &fix.front.stats.rx_errors;
    case MALFORMED:
        return &fix.front.stats.rx_malformed;
    case BUSY:
        return &fix.front.stats.rx_busy;
    case BROKEN:
        return &fix.front.stats.broken;
    default:
        return &fix.front.stats.rx_packets;
    }
}

/* Connected at `first`, with some traffic behind it. */
static bool set_up(uint32_t first)
{
    struct xen_netfront_config config = {.first_index = first};

    if (!net_up(&fix, &config) || net_connect(&fix))
        return false;
    net_pump(&fix);
    return !net_traffic(&fix, 1);
}

/* Honest traffic flows: at once, or after a reconnection if the device is broken; and nothing was lost. */
static void check_recovery(const char *name, enum outcome outcome)
{
    const char *wrong;

    if (outcome == BROKEN) {
        unsigned events = (unsigned)fix.front.stats.events;

        TEST_CHECK(fix.poll_error == -EPROTO, "%s: %d", name, fix.poll_error);
        TEST_CHECK(xen_netfront_poll(&fix.front) == -EPROTO, "%s: it stays broken", name);
        TEST_CHECK(xen_netfront_append(&fix.front, data, 60) == -ENOTCONN, "%s", name);
        xen_netfront_flush(&fix.front);
        netback_raise(&fix.nb);
        netback_raise(&fix.nb);
        TEST_CHECK(fix.front.stats.events <= events + 1, "%s: events are off", name);
        TEST_CHECK(fake_log_lines() == 1, "%s: logged once: %s", name, fake_log());
        net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix), "%s", name);
        TEST_REQUIRE(!net_connect(&fix), "%s", name);
        net_pump(&fix);
    } else {
        TEST_CHECK(!fix.poll_error, "%s: %d", name, fix.poll_error);
        TEST_CHECK(netback_room(&fix.nb) == 256, "%s: every buffer is posted again: %u", name,
                   netback_room(&fix.nb));
    }
    wrong = net_traffic(&fix, 99);
    TEST_CHECK(!wrong, "%s: %s", name, wrong);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix), "%s", name);
}

#define MORE  NETRXF_more_data
#define EXTRA NETRXF_extra_info
#define X(kind, flag, mss, protocol)                                                                         \
    {                                                                                                        \
        .is_extra = true, .extra = { kind, flag, .u.gso = {.size = mss, .type = protocol} }                  \
    }
#define GSO XEN_NETIF_EXTRA_TYPE_GSO

static const struct {
    const char *name;
    enum outcome outcome;
    unsigned count; /* 0: as many as are given; else the first repeated, the last ending it */
    struct netback_raw raw[6];
} rx_lies[] = {
    {"an honest small packet", DELIVERED, 0, {{.status = 60}}},
    {"an honest page", DELIVERED, 0, {{.status = 4096}}},
    {"at a page's end", DELIVERED, 0, {{.offset = 4082, .status = 14}}},
    {"id one ahead", BROKEN, 0, {{.id = 1, .status = 60}}},
    {"id one behind", BROKEN, 0, {{.id = 0xffff, .status = 60}}},
    {"id beyond the ring", BROKEN, 0, {{.id = 256, .status = 60}}},
    {"id far off", BROKEN, 0, {{.id = 0x8000, .status = 60}}},
    {"id wrong in a later fragment", BROKEN, 0, {{.flags = MORE, .status = 60}, {.id = 7, .status = 60}}},
    {"id wrong and an error", BROKEN, 0, {{.id = 3, .status = -1}}},
    {"length 0", MALFORMED, 0, {{.status = 0}}},
    {"shorter than a header", MALFORMED, 0, {{.status = 13}}},
    {"a header in two parts", MALFORMED, 0, {{.flags = MORE, .status = 13}, {.status = 100}}},
    {"one byte beyond the page", MALFORMED, 0, {{.offset = 1, .status = 4096}}},
    {"longer than a page", MALFORMED, 0, {{.status = 4097}}},
    {"offset at the end", MALFORMED, 0, {{.offset = 4096, .status = 60}}},
    {"offset far out", MALFORMED, 0, {{.offset = 0xffff, .status = 60}}},
    {"offset and length that wrap 16 bits", MALFORMED, 0, {{.offset = 0xffff, .status = 0x7fff}}},
    {"longest status", MALFORMED, 0, {{.status = 0x7fff}}},
    {"an error", ERROR, 0, {{.status = NETIF_RSP_ERROR}}},
    {"dropped", ERROR, 0, {{.status = NETIF_RSP_DROPPED}}},
    {"the least status", ERROR, 0, {{.status = INT16_MIN}}},
    {"an error in a later fragment", ERROR, 0, {{.flags = MORE, .status = 60}, {.status = -1}}},
    {"an error first, then data", ERROR, 0, {{.flags = MORE, .status = -1}, {.status = 60}}},
    {"bad offset in a later fragment",
     MALFORMED,
     0,
     {{.flags = MORE, .status = 60}, {.offset = 4096, .status = 1}}},
    {"an empty later fragment",
     DELIVERED,
     0,
     {{.flags = MORE, .status = 60}, {.flags = MORE}, {.status = 60}}},
    {"an empty first fragment", DELIVERED, 0, {{.flags = MORE}, {.status = 60}}},
    {"only empty fragments", MALFORMED, 3, {{.flags = MORE}, {.status = 0}}},
    {"deprecated gso prefix", MALFORMED, 0, {{.flags = NETRXF_gso_prefix, .status = 60}}},
    {"unknown flags", MALFORMED, 0, {{.flags = 0xff00, .status = 60}}},
    {"unknown flags later", MALFORMED, 0, {{.flags = MORE, .status = 60}, {.flags = 0x8000, .status = 60}}},
    {"an extra announced later",
     MALFORMED,
     0,
     {{.flags = MORE, .status = 60}, {.flags = EXTRA, .status = 60}}},
    {"18 fragments", DELIVERED, 18, {{.flags = MORE, .status = 100}, {.status = 100}}},
    {"19 fragments", DELIVERED, 19, {{.flags = MORE, .status = 100}, {.status = 100}}},
    {"20 fragments", BROKEN, 20, {{.flags = MORE, .status = 100}, {.status = 100}}},
    {"20 empty fragments", BROKEN, 20, {{.flags = MORE}, {.status = 100}}},
    {"fragments without end", BROKEN, 150, {{.flags = MORE, .status = 100}, {.flags = MORE}}},
    {"64 KiB", DELIVERED, 16, {{.flags = MORE, .status = 4096}, {.status = 4096}}},
    {"more than 64 KiB", MALFORMED, 17, {{.flags = MORE, .status = 4096}, {.status = 4096}}},
    {"segmentation over IPv4", DELIVERED, 0, {{.flags = EXTRA, .status = 60}, X(GSO, 0, 1448, 1)}},
    {"segmentation over IPv6", DELIVERED, 0, {{.flags = EXTRA, .status = 60}, X(GSO, 0, 1, 2)}},
    {"segments of 0 bytes", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(GSO, 0, 0, 1)}},
    {"segmentation of type 0", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(GSO, 0, 1448, 0)}},
    {"segmentation of type 3", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(GSO, 0, 1448, 3)}},
    {"segmentation of type 255", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(GSO, 0, 1448, 255)}},
    {"segmentation twice",
     MALFORMED,
     0,
     {{.flags = EXTRA, .status = 60}, X(GSO, 1, 1448, 1), X(GSO, 0, 9, 1)}},
    {"extra of type 0", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(0, 0, 1448, 1)}},
    {"extra of type multicast", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(2, 0, 1448, 1)}},
    {"extra of type hash", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(4, 0, 1448, 1)}},
    {"extra of type 255", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(255, 0, 1448, 1)}},
    {"unknown flags of an extra", MALFORMED, 0, {{.flags = EXTRA, .status = 60}, X(GSO, 0xfe, 1448, 1)}},
    {"a bad extra, then data",
     MALFORMED,
     0,
     {{.flags = EXTRA | MORE, .status = 60}, X(9, 0, 0, 0), {.status = 60}}},
    {"an extra, then data",
     DELIVERED,
     0,
     {{.flags = EXTRA | MORE, .status = 60}, X(GSO, 0, 1448, 1), {.status = 60}}},
    {"an extra, then an id that is wrong",
     BROKEN,
     0,
     {{.flags = EXTRA | MORE, .status = 60}, X(GSO, 0, 1448, 1), {.id = 1, .status = 60}}},
    {"four extras",
     MALFORMED,
     0,
     {{.flags = EXTRA, .status = 60}, X(GSO, 1, 9, 1), X(9, 1, 0, 0), X(9, 1, 0, 0), X(9, 0, 0, 0)}},
    {"five extras",
     BROKEN,
     0,
     {{.flags = EXTRA, .status = 60},
      X(GSO, 1, 9, 1),
      X(9, 1, 0, 0),
      X(9, 1, 0, 0),
      X(9, 1, 0, 0),
      X(9, 0, 0, 0)}},
};

static unsigned lay_out(struct netback_raw *into, size_t row)
{
    unsigned count = 0;

    if (rx_lies[row].count) {
        for (count = 0; count < rx_lies[row].count - 1; count++)
            into[count] = rx_lies[row].raw[0];
        into[count++] = rx_lies[row].raw[1];
        return count;
    }
    /* What is not given is all zero. */
    for (unsigned i = 0; i < 6; i++) {
        static const struct netback_raw nothing;

        into[i] = rx_lies[row].raw[i];
        if (memcmp(&into[i], &nothing, sizeof nothing))
            count = i + 1;
    }
    return count ? count : 1;
}

TEST(every_lie_in_a_receive_response_ends_in_a_drop_or_a_closed_device)
{
    static struct netback_raw raw[256];

    for (size_t s = 0; s < STARTS; s++) {
        for (size_t row = 0; row < sizeof rx_lies / sizeof *rx_lies; row++) {
            const char *name = rx_lies[row].name;
            unsigned count = lay_out(raw, row);
            uint64_t before, delivered;

            TEST_REQUIRE(set_up(starts[s]), "%s", name);
            before = *counter_of(rx_lies[row].outcome);
            delivered = fix.front.stats.rx_packets;
            netback_rx_raw(&fix.nb, raw, count);
            net_pump(&fix);
            TEST_CHECK(*counter_of(rx_lies[row].outcome) == before + 1, "%s", name);
            TEST_CHECK(fix.front.stats.rx_packets == delivered + (rx_lies[row].outcome == DELIVERED), "%s",
                       name);
            TEST_CHECK(fix.received_count == (rx_lies[row].outcome == DELIVERED), "%s", name);
            check_recovery(name, rx_lies[row].outcome);
            net_down(&fix);
        }
    }
}

TEST(an_honest_packet_behind_a_dropped_one_in_the_same_batch_is_delivered)
{
    static struct netback_raw raw[256];

    for (size_t row = 0; row < sizeof rx_lies / sizeof *rx_lies; row++) {
        unsigned count = lay_out(raw, row);

        if (rx_lies[row].outcome == BROKEN)
            continue;
        TEST_REQUIRE(set_up(0xffffffe0u));
        raw[count] = (struct netback_raw){.status = 77};
        netback_rx_raw(&fix.nb, raw, count + 1);
        net_pump(&fix);
        TEST_CHECK(fix.received_count && fix.received[fix.received_count - 1].length == 77, "%s",
                   rx_lies[row].name);
        TEST_CHECK(fix.received_count && fix.received[fix.received_count - 1].gso_type == XEN_NET_GSO_NONE);
        check_recovery(rx_lies[row].name, DELIVERED);
        net_down(&fix);
    }
}

TEST(a_buffer_that_the_backend_keeps_is_quarantined_and_its_packet_dropped)
{
    for (size_t s = 0; s < STARTS; s++) {
        uint32_t ref;

        TEST_REQUIRE(set_up(starts[s]));
        net_pattern(data, 9000, 1);
        /* The second of three. */
        TEST_REQUIRE(netback_send(&fix.nb, data, 60, NULL));
        ref = netback_rx_hold(&fix.nb);
        TEST_REQUIRE(netback_send(&fix.nb, data, 9000, NULL));
        TEST_REQUIRE(netback_send(&fix.nb, data, 61, NULL));
        net_pump(&fix);
        TEST_CHECK(fix.front.stats.rx_busy == 1);
        TEST_CHECK(fix.received_count == 2);
        TEST_CHECK(xen_grant_quarantined() == 1);
        net_forget_received(&fix);
        TEST_CHECK(netback_room(&fix.nb) == 256, "another page took its place");
        TEST_CHECK(!net_traffic(&fix, 2));
        TEST_CHECK(fake_grant_access(NETBACK_DOMAIN, ref, true) != NULL, "and stays what it was");
        fake_grant_release(ref);
        check_recovery("kept", DELIVERED);
        net_down(&fix);
    }
}

TEST(a_backend_that_keeps_every_buffer_is_stopped_before_memory_ends)
{
    static uint32_t refs[2000];
    unsigned count = 0;

    TEST_REQUIRE(set_up(0));
    for (unsigned i = 0; i < 2000 && !fix.poll_error && netback_room(&fix.nb); i++) {
        refs[count++] = netback_rx_hold(&fix.nb);
        netback_rx_raw(&fix.nb, &(struct netback_raw){.status = 60}, 1);
        net_pump(&fix);
    }
    TEST_CHECK(count == 256 + 1, "one more than there are buffers: %u", count);
    TEST_CHECK(fix.received_count == 0 && fix.poll_error == -EPROTO);
    /* While it holds them there is no connection either, which would only feed it more. */
    net_disconnect(&fix);
    TEST_CHECK(xen_grant_quarantined() >= count);
    while (count)
        fake_grant_release(refs[--count]);
    TEST_REQUIRE(!net_connect(&fix));
    net_pump(&fix);
    TEST_CHECK(!net_traffic(&fix, 99));
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

/* ---- transmission ---- */

enum tx_lie {
    ID_OUT_OF_RANGE,
    ID_LAST,
    ID_NEVER_SENT,
    ID_NOT_PUBLISHED,
    ID_TWICE,
    STATUS_2,
    STATUS_MINUS_3,
    STATUS_MAX,
    STATUS_MIN,
    NULL_WITHOUT_EXTRA,
    NULL_TWICE,
    HONEST_ERROR,
    HONEST_DROP,
    HONEST_ORDER,
    TX_LIES
};

/* Three packets of one slot are out, with ids 2, 1, 0 of the free list's top, and one of two slots. */
static void tell_tx_lie(enum tx_lie lie)
{
    uint16_t first = fix.nb.pending[0].id, second = fix.nb.pending[1].id;

    switch (lie) {
    case ID_OUT_OF_RANGE:
        netback_tx_raw(&fix.nb, 256, NETIF_RSP_OKAY);
        break;
    case ID_LAST:
        netback_tx_raw(&fix.nb, 0xffff, NETIF_RSP_OKAY);
        break;
    case ID_NEVER_SENT:
        netback_tx_raw(&fix.nb, 200, NETIF_RSP_OKAY);
        break;
    case ID_NOT_PUBLISHED:
        if (xen_netfront_append(&fix.front, data, 60))
            abort();
        netback_tx_raw(&fix.nb, fix.front.tx.build[0], NETIF_RSP_OKAY);
        break;
    case ID_TWICE:
        netback_tx_raw(&fix.nb, first, NETIF_RSP_OKAY);
        netback_tx_raw(&fix.nb, first, NETIF_RSP_OKAY);
        break;
    case STATUS_2:
        netback_tx_raw(&fix.nb, first, 2);
        break;
    case STATUS_MINUS_3:
        netback_tx_raw(&fix.nb, first, -3);
        break;
    case STATUS_MAX:
        netback_tx_raw(&fix.nb, first, INT16_MAX);
        break;
    case STATUS_MIN:
        netback_tx_raw(&fix.nb, first, INT16_MIN);
        break;
    case NULL_WITHOUT_EXTRA:
    case NULL_TWICE:
        netback_tx_raw(&fix.nb, first, NETIF_RSP_NULL);
        if (lie == NULL_TWICE)
            netback_tx_raw(&fix.nb, first, NETIF_RSP_NULL);
        break;
    case HONEST_ERROR:
        netback_answer(&fix.nb, 256, NETIF_RSP_ERROR);
        netback_raise(&fix.nb);
        break;
    case HONEST_DROP:
        netback_answer(&fix.nb, 256, NETIF_RSP_DROPPED);
        netback_raise(&fix.nb);
        break;
    default:
        fix.nb.pending[0].id = second;
        fix.nb.pending[1].id = first;
        netback_answer(&fix.nb, 256, NETIF_RSP_OKAY);
        netback_raise(&fix.nb);
        break;
    }
}

TEST(every_lie_in_a_transmit_response_closes_the_device_and_no_honest_one_does)
{
    static const struct xen_net_offload gso = {true, XEN_NET_GSO_TCPV4, 1448};

    for (size_t s = 0; s < STARTS; s++) {
        for (int lie = 0; lie < TX_LIES; lie++) {
            bool honest = lie >= HONEST_ERROR;
            char name[40];

            snprintf(name, sizeof name, "lie %d at %x", lie, starts[s]);
            TEST_REQUIRE(set_up(starts[s]), "%s", name);
            fix.nb.hold_responses = true;
            TEST_REQUIRE(!net_transmit(&fix, data, 60, NULL));
            TEST_REQUIRE(!net_transmit(&fix, data, 5000, NULL));
            if (lie == NULL_TWICE)
                TEST_REQUIRE(!net_transmit(&fix, data, 60, &gso));
            xen_netfront_flush(&fix.front);
            net_pump(&fix);
            TEST_REQUIRE(fix.nb.pending_count >= 3);
            tell_tx_lie((enum tx_lie)lie);
            net_pump(&fix);
            TEST_CHECK(fix.front.stats.broken == !honest, "%s", name);
            if (lie == HONEST_ERROR || lie == HONEST_DROP)
                TEST_CHECK(fix.front.stats.tx_failed == 3, "%s", name);
            fix.nb.hold_responses = false;
            netback_forget_packets(&fix.nb);
            check_recovery(name, honest ? DELIVERED : BROKEN);
            net_down(&fix);
        }
    }
}

TEST(a_lie_found_while_there_is_no_room_is_reported_by_the_next_poll)
{
    TEST_REQUIRE(set_up(0xfffffff0u));
    fix.nb.hold_responses = true;
    while (!net_transmit(&fix, data, 60, NULL)) {
    }
    xen_netfront_flush(&fix.front);
    net_pump(&fix);
    netback_tx_raw(&fix.nb, 999, 0);
    fix.kicked = false;
    TEST_CHECK(xen_netfront_append(&fix.front, data, 60) == -ENOTCONN);
    TEST_CHECK(fix.kicked, "it asks to be polled");
    net_pump(&fix);
    fix.nb.hold_responses = false;
    netback_forget_packets(&fix.nb);
    check_recovery("no room", BROKEN);
    net_down(&fix);
}

/* ---- indices and events ---- */

TEST(producers_that_jump_ahead_or_back_close_the_device)
{
    static const uint32_t jumps[] = {257, 300, 0x7fffffff, 0x80000000u, 0xffffffffu, 0xffffff00u};

    for (size_t s = 0; s < STARTS; s++) {
        for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
            for (int tx = 0; tx < 2; tx++) {
                char name[60];

                snprintf(name, sizeof name, "%s by %x at %x", tx ? "tx" : "rx", jumps[i], starts[s]);
                TEST_REQUIRE(set_up(starts[s]), "%s", name);
                TEST_REQUIRE(!xen_netfront_poll(&fix.front), "takes what there is");
                (tx ? netback_tx_index : netback_rx_index)(&fix.nb, jumps[i]);
                net_pump(&fix);
                check_recovery(name, BROKEN);
                net_down(&fix);
            }
        }
        /* Of transmissions none is out: even one answer is too much. */
        TEST_REQUIRE(set_up(starts[s]));
        TEST_REQUIRE(!xen_netfront_poll(&fix.front));
        netback_tx_index(&fix.nb, 1);
        net_pump(&fix);
        check_recovery("tx by one", BROKEN);
        net_down(&fix);
    }
}

TEST(responses_given_twice_close_the_device)
{
    for (size_t s = 0; s < STARTS; s++) {
        static const struct netback_raw twice[] = {{.status = 60}, {.id = 0xffff, .status = 60}};

        TEST_REQUIRE(set_up(starts[s]));
        netback_rx_raw(&fix.nb, twice, 2);
        net_pump(&fix);
        TEST_CHECK(fix.received_count == 1, "the first was good");
        check_recovery("twice", BROKEN);
        net_down(&fix);
    }
}

TEST(a_whole_ring_of_stale_responses_is_survived)
{
    for (size_t s = 0; s < STARTS; s++) {
        TEST_REQUIRE(set_up(starts[s]));
        /* What stands in the slots is requests and old responses. */
        netback_rx_index(&fix.nb, netback_room(&fix.nb));
        net_pump(&fix);
        if (fix.front.stats.broken)
            check_recovery("stale", BROKEN);
        net_down(&fix);
        TEST_CHECK(net_is_clean(&fix));
    }
}

TEST(an_event_storm_without_work_is_reported_as_such_each_time)
{
    struct fake_port *port;

    TEST_REQUIRE(set_up(0));
    net_pump(&fix);
    port = fake_port((xen_port_t){fix.nb.port});
    TEST_REQUIRE(!xen_netfront_poll(&fix.front));
    netback_raise(&fix.nb);
    net_pump(&fix);
    port->dones = port->idle_dones = 0;
    for (unsigned i = 0; i < 10000; i++) {
        netback_raise(&fix.nb);
        net_pump(&fix);
    }
    TEST_CHECK(port->dones == 10000 && port->idle_dones == 10000, "%u %u", port->dones, port->idle_dones);
    check_recovery("storm", DELIVERED);
    net_down(&fix);
}

TEST(work_found_before_its_event_came_counts_as_that_events_work)
{
    struct fake_port *port;

    TEST_REQUIRE(set_up(0));
    TEST_REQUIRE(!xen_netfront_poll(&fix.front));
    netback_raise(&fix.nb);
    net_pump(&fix);
    port = fake_port((xen_port_t){fix.nb.port});
    port->dones = port->idle_dones = 0;
    port->masked = true; /* the event is under way */
    TEST_REQUIRE(netback_send(&fix.nb, data, 60, NULL));
    TEST_CHECK(!xen_netfront_poll(&fix.front));
    TEST_CHECK(fix.received_count == 1 && port->dones == 0);
    port->masked = false;
    netback_raise(&fix.nb);
    net_pump(&fix);
    TEST_CHECK(port->dones == 1 && port->idle_dones == 0);
    net_down(&fix);
}

TEST(a_packet_that_is_never_finished_holds_its_pages_until_the_device_is_closed)
{
    static const struct netback_raw unfinished[] = {
        {.flags = MORE, .status = 4096}, {.flags = MORE, .status = 4096}, {.flags = MORE, .status = 4096}};

    for (size_t s = 0; s < STARTS; s++) {
        TEST_REQUIRE(set_up(starts[s]));
        netback_rx_raw(&fix.nb, unfinished, 3);
        net_pump(&fix);
        TEST_CHECK(fix.received_count == 0 && !fix.poll_error);
        net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix));
        TEST_REQUIRE(!net_connect(&fix));
        TEST_CHECK(!net_traffic(&fix, 4), "and does not run into the next connection");
        net_down(&fix);
    }
}

TEST(log_lines_about_a_backend_come_at_most_once_a_second)
{
    TEST_REQUIRE(set_up(0));
    for (unsigned i = 0; i < 50; i++) {
        netback_rx_index(&fix.nb, 1000);
        net_pump(&fix);
        TEST_CHECK(fix.poll_error == -EPROTO);
        net_disconnect(&fix);
        TEST_REQUIRE(!net_connect(&fix));
        fake_time_advance(100000000);
    }
    TEST_CHECK(fix.front.stats.broken == 50);
    TEST_CHECK(fake_log_lines() >= 3 && fake_log_lines() <= 6, "%u", fake_log_lines());
    net_down(&fix);
}

int main(void)
{
    return tap_run();
}

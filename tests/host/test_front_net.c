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

static const uint32_t starts[] = {0, 0x7fffff80u, 0xffffff00u, 0xfffffff1u};
#define STARTS (sizeof starts / sizeof *starts)

#define REQUIRE_TRAFFIC(seed)                                                                                \
    do {                                                                                                     \
        const char *wrong = net_traffic(&fix, seed);                                                         \
                                                                                                             \
        TEST_REQUIRE(!wrong, "%s", wrong);                                                                   \
    } while (0)

/* ---- life ---- */

TEST(traffic_flows_both_ways_at_any_start_index_and_through_wraps)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct xen_netfront_config config = {.first_index = starts[i]};

        TEST_REQUIRE(net_up(&fix, &config));
        TEST_REQUIRE(!net_connect(&fix), "start %x", starts[i]);
        for (uint32_t round = 0; round < 40; round++)
            REQUIRE_TRAFFIC(round);
        TEST_CHECK(fix.front.rx.ring.consumed - starts[i] > 3 * 256, "several times around");
        TEST_CHECK(fix.front.tx.ring.consumed - starts[i] > 3 * 256);
        net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix));
        net_down(&fix);
    }
}

TEST(everything_is_published_in_one_transaction_that_is_retried)
{
    static const struct {
        const char *key, *value;
    } expected[] = {
        {"request-rx-copy", "1"},
        {"feature-rx-notify", "1"},
        {"feature-sg", "1"},
        {"feature-gso-tcpv4", "1"},
        {"feature-gso-tcpv6", "1"},
        {"feature-ipv6-csum-offload", "1"},
        {"feature-no-csum-offload", "0"},
        {"state", "4"},
    };

    TEST_REQUIRE(net_up(&fix, NULL));
    fix.xs.conflicts = 3;
    TEST_REQUIRE(!net_connect(&fix));
    TEST_CHECK(fix.xs.asked[XS_TRANSACTION_END] == 4);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char path[64];
        const char *value;

        snprintf(path, sizeof path, "device/vif/0/%s", expected[i].key);
        value = xs_get(&fix.xs, path);
        TEST_CHECK(value && !strcmp(value, expected[i].value), "%s is %s", path, value);
    }
    TEST_CHECK(fake_grant_access(NETBACK_DOMAIN, fix.nb.tx_ref, true) == fix.front.tx.page);
    TEST_CHECK(fake_grant_access(NETBACK_DOMAIN, fix.nb.rx_ref, true) == fix.front.rx.page);
    TEST_CHECK(fake_port((xen_port_t){fix.nb.port})->mode == XEN_EVENT_LATE);
    TEST_CHECK(!memcmp(fix.front.mac, "\x00\x16\x3e\x0a\xbc\x9f", 6));
    REQUIRE_TRAFFIC(1);
    net_down(&fix);
}

TEST(the_backends_features_are_those_it_offers)
{
    static const struct {
        const char *key, *value;
        struct xen_net_features features;
    } cases[] = {
        {"feature-x", "1", {true, true, true, true, true}},
        {"feature-sg", NULL, {false, true, true, false, false}},
        {"feature-sg", "0", {false, true, true, false, false}},
        {"feature-gso-tcpv4", NULL, {true, true, true, false, true}},
        {"feature-gso-tcpv6", "0", {true, true, true, true, false}},
        {"feature-gso-tcpv6", "garbage", {true, true, true, true, false}},
        {"feature-gso-tcpv6", "99999999999999999999999", {true, true, true, true, false}},
        {"feature-ipv6-csum-offload", NULL, {true, true, false, true, true}},
        {"feature-no-csum-offload", "1", {true, false, true, true, true}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TEST_REQUIRE(net_up(&fix, NULL));
        netback_feature(&fix.nb, cases[i].key, cases[i].value);
        TEST_REQUIRE(!net_connect(&fix));
        TEST_CHECK(!memcmp(&fix.front.features, &cases[i].features, sizeof cases[i].features), "%s=%s",
                   cases[i].key, cases[i].value);
        net_down(&fix);
    }
}

TEST(a_backend_that_cannot_copy_or_a_bad_mac_is_refused_and_nothing_is_held)
{
    static const struct {
        const char *path, *value;
        int error;
    } cases[] = {
        {NETBACK_BACKEND "/feature-rx-copy", "0", -EOPNOTSUPP},
        {NETBACK_BACKEND "/feature-rx-copy", "", -EOPNOTSUPP},
        {"device/vif/0/mac", "", -EINVAL},
        {"device/vif/0/mac", "00:16:3e:0a:0b", -EINVAL},
        {"device/vif/0/mac", "00:16:3e:0a:0b:0", -EINVAL},
        {"device/vif/0/mac", "00:16:3e:0a:0b:0c:", -EINVAL},
        {"device/vif/0/mac", "00:16:3e:0a:0b:0c:0d", -EINVAL},
        {"device/vif/0/mac", "00-16-3e-0a-0b-0c", -EINVAL},
        {"device/vif/0/mac", "00:16:3g:0a:0b:0c", -EINVAL},
        {"device/vif/0/mac", "00:16:3e:0a::b:0c", -EINVAL},
        {"device/vif/0/mac", "01:16:3e:0a:0b:0c", -EINVAL},
        {"device/vif/0/mac", "ff:ff:ff:ff:ff:ff", -EINVAL},
        {"device/vif/0/mac", "00:16:3e:0a:0b:0c", 0},
        {"device/vif/0/mac", "FE:FF:FF:FF:FF:FF", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int error;

        TEST_REQUIRE(net_up(&fix, NULL));
        xs_set(&fix.xs, cases[i].path, cases[i].value);
        error = net_connect(&fix);
        TEST_CHECK(error == cases[i].error, "%s = '%s': %d", cases[i].path, cases[i].value, error);
        if (!error)
            net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix));
        net_down(&fix);
    }
}

TEST(whatever_runs_out_while_connecting_connect_fails_clean_and_works_later)
{
    long pages;

    for (pages = 0;; pages++) {
        int error;

        TEST_REQUIRE(net_up(&fix, NULL));
        fake_pages_left(pages);
        error = net_connect(&fix);
        fake_pages_left(-1);
        if (!error)
            break;
        TEST_CHECK(error == -ENOMEM, "%ld pages: %d", pages, error);
        TEST_CHECK(net_is_clean(&fix), "%ld pages", pages);
        TEST_REQUIRE(!net_connect(&fix));
        if (pages % 50 == 0)
            REQUIRE_TRAFFIC(7);
        net_down(&fix);
    }
    TEST_CHECK(pages >= 256 + 4, "rings, tables and buffers: %ld", pages);
    net_down(&fix);

    TEST_REQUIRE(net_up(&fix, NULL));
    fake_event_fail_next(-ENOSPC);
    TEST_CHECK(net_connect(&fix) == -ENOSPC);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(without_grants_connect_fails_clean)
{
    static xen_gref_t taken[64 * 512];
    size_t count = 0;

    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix), "so that the table has its frames");
    net_disconnect(&fix);
    fake_grant_limit(0);
    while (!xen_grant_alloc(&taken[count]))
        count++;
    for (size_t left = 0; left < 258; left += 43) {
        fix.grants_before = count;
        TEST_CHECK(net_connect(&fix) == -ENOSPC, "%zu references", left);
        TEST_CHECK(net_is_clean(&fix));
        for (size_t i = 0; i < 43; i++)
            xen_grant_free(taken[--count]);
    }
    fix.grants_before = count;
    TEST_CHECK(!net_connect(&fix));
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    while (count)
        xen_grant_free(taken[--count]);
    net_down(&fix);
}

TEST(the_number_of_receive_buffers_is_the_configurations_within_20_and_256)
{
    static const struct {
        uint32_t asked, posted;
    } cases[] = {{0, 256}, {1, 20}, {19, 20}, {20, 20}, {33, 33}, {256, 256}, {257, 256}, {UINT32_MAX, 256}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xen_netfront_config config = {.rx_buffers = cases[i].asked, .first_index = 0xffffffc0u};

        TEST_REQUIRE(net_up(&fix, &config));
        TEST_REQUIRE(!net_connect(&fix));
        TEST_CHECK(netback_room(&fix.nb) == cases[i].posted, "asked %u", cases[i].asked);
        for (uint32_t round = 0; round < 10; round++)
            REQUIRE_TRAFFIC(round);
        TEST_CHECK(netback_room(&fix.nb) == cases[i].posted, "and stays so");
        net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix));
        net_down(&fix);
    }
}

TEST(it_connects_again_and_again_and_nothing_is_lost)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    for (uint32_t i = 0; i < 20; i++) {
        TEST_REQUIRE(!net_connect(&fix));
        REQUIRE_TRAFFIC(i);
        net_disconnect(&fix);
        TEST_REQUIRE(net_is_clean(&fix));
        TEST_CHECK(xen_netfront_poll(&fix.front) == -ENOTCONN);
        TEST_CHECK(xen_netfront_append(&fix.front, "x", 1) == -ENOTCONN);
        TEST_CHECK(xen_netfront_commit(&fix.front, NULL) == -ENOTCONN);
        xen_netfront_flush(&fix.front);
        xen_netfront_abort(&fix.front);
    }
    TEST_CHECK(fix.nb.connections == 20);
    net_down(&fix);
}

TEST(disconnecting_at_any_moment_loses_nothing)
{
    enum { IDLE, BUILDING, COMMITTED, FLUSHED, TAKEN, ARRIVED, KEPT, MOMENTS };

    for (int moment = IDLE; moment < MOMENTS; moment++) {
        TEST_REQUIRE(net_up(&fix, NULL));
        TEST_REQUIRE(!net_connect(&fix));
        net_pattern(data, 20000, 5);
        fix.keep_pages = true;
        fix.nb.hold_responses = true;
        if (moment >= BUILDING)
            TEST_REQUIRE(!xen_netfront_append(&fix.front, data, 20000));
        if (moment >= COMMITTED)
            TEST_REQUIRE(!xen_netfront_commit(&fix.front, NULL));
        if (moment >= FLUSHED)
            xen_netfront_flush(&fix.front);
        if (moment >= TAKEN)
            netback_take(&fix.nb);
        if (moment >= ARRIVED)
            TEST_REQUIRE(netback_send(&fix.nb, data, 20000, NULL));
        if (moment >= KEPT)
            net_pump(&fix);
        net_disconnect(&fix);
        TEST_CHECK(fix.kept_count == (moment >= KEPT ? 5 : 0));
        TEST_CHECK(fix.front.rx.held == fix.kept_count);
        TEST_CHECK(net_is_clean(&fix), "moment %d", moment);
        fix.keep_pages = fix.nb.hold_responses = false;
        netback_forget_packets(&fix.nb);
        TEST_REQUIRE(!net_connect(&fix));
        REQUIRE_TRAFFIC(3);
        net_disconnect(&fix);
        net_return_all(&fix);
        TEST_CHECK(fix.front.rx.held == 0);
        TEST_CHECK(net_is_clean(&fix), "moment %d, second time", moment);
        net_down(&fix);
    }
}

TEST(the_backend_may_close_first)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    netback_set_state(&fix.nb, XenbusStateClosing);
    TEST_CHECK(!net_transmit(&fix, data, 60, NULL));
    xen_netfront_flush(&fix.front);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    TEST_REQUIRE(!net_connect(&fix));
    REQUIRE_TRAFFIC(9);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(a_backend_that_does_not_connect_costs_the_deadline_and_nothing_else)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    fix.nb.answer_state = XenbusStateClosing;
    TEST_CHECK(net_connect(&fix) == -ECONNRESET);
    TEST_CHECK(net_is_clean(&fix));
    fix.nb.silent = true;
    netback_set_state(&fix.nb, XenbusStateInitWait);
    TEST_CHECK(net_connect(&fix) == -ETIMEDOUT);
    fix.nb.silent = false;
    netback_stop(&fix.nb);
    TEST_CHECK(net_is_clean(&fix));
    xs_delete(&fix.xs, NETBACK_BACKEND);
    TEST_CHECK(net_connect(&fix) == -ENODEV);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(pages_that_the_backend_keeps_mapped_are_quarantined_until_it_lets_go)
{
    uint32_t buffer;

    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    fix.nb.never_lets_go = true;
    buffer = netback_rx_hold(&fix.nb);
    net_disconnect(&fix);
    TEST_CHECK(xen_grant_quarantined() == 3);
    fix.nb.never_lets_go = false;
    TEST_REQUIRE(!net_connect(&fix));
    REQUIRE_TRAFFIC(2);
    net_disconnect(&fix);
    TEST_CHECK(xen_grant_quarantined() == 3);
    for (uint32_t ref = 8; fake_grant_entry(ref); ref++)
        fake_grant_release(ref);
    (void)buffer;
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(an_event_before_connected_is_not_lost)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    TEST_CHECK(fix.kicked, "connect asks for a poll");
    net_down(&fix);
}

/* ---- reception ---- */

TEST(pages_with_the_owner_come_back_in_any_order_and_the_ring_stays_full)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    fix.keep_pages = true;
    for (uint32_t i = 0; i < 100; i++) {
        net_pattern(data, 1500, i);
        TEST_REQUIRE(netback_send(&fix.nb, data, 1500, NULL));
        net_pump(&fix);
        TEST_REQUIRE(netback_room(&fix.nb) == 256);
    }
    TEST_CHECK(fix.kept_count == 100 && fix.front.rx.held == 100);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t pick = (i * 37 + 11) % fix.kept_count;

        xen_netfront_return(&fix.front, fix.kept[pick]);
        fix.kept[pick] = fix.kept[--fix.kept_count];
    }
    TEST_CHECK(fix.front.rx.held == 0);
    TEST_CHECK(fake_pages_in_use() <= fix.pages_before + 4 + 256 + 64, "not all of them are hoarded");
    net_forget_received(&fix);
    fix.keep_pages = false;
    REQUIRE_TRAFFIC(1);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(without_memory_large_packets_are_dropped_small_ones_pass_and_the_ring_stays_full)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    fix.keep_pages = true;
    fake_pages_left(3);
    for (uint32_t i = 0; i < 300; i++) {
        TEST_REQUIRE(netback_send(&fix.nb, data, 1500, NULL));
        TEST_REQUIRE(netback_send(&fix.nb, data, 60, NULL));
        net_pump(&fix);
        TEST_REQUIRE(netback_room(&fix.nb) == 256, "packet %u", i);
    }
    TEST_CHECK(fix.front.stats.rx_memory == 297);
    TEST_CHECK(fix.received_count == 303);
    net_return_all(&fix);
    net_forget_received(&fix);
    fix.keep_pages = false;
    TEST_CHECK(netback_send(&fix.nb, data, 10000, NULL));
    net_pump(&fix);
    TEST_CHECK(fix.received_count == 1, "with pages back it goes on, without the allocator");
    fake_pages_left(-1);
    net_forget_received(&fix);
    REQUIRE_TRAFFIC(1);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(a_packet_may_arrive_in_parts)
{
    static const struct netback_raw parts[] = {
        {.flags = NETRXF_more_data, .status = 100},
        {.flags = NETRXF_more_data, .status = 200},
        {.status = 300},
    };

    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    for (unsigned i = 0; i < 3; i++) {
        TEST_CHECK(fix.received_count == 0);
        netback_rx_raw(&fix.nb, &parts[i], 1);
        net_pump(&fix);
    }
    TEST_CHECK(fix.received_count == 1 && fix.received[0].length == 600 && fix.received[0].fragments == 3);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

/* The backend acts while the owner is in its callback. */
static void send_another(struct net_fixture *fixture)
{
    if (fixture->received_count < 5)
        (void)netback_send(&fixture->nb, data, 100, NULL);
}

TEST(what_arrives_during_a_poll_is_received_by_it_or_raises_an_event)
{
    for (size_t s = 0; s < STARTS; s++) {
        struct xen_netfront_config config = {.first_index = starts[s]};

        TEST_REQUIRE(net_up(&fix, &config));
        TEST_REQUIRE(!net_connect(&fix));
        net_pump(&fix);
        fix.on_receive = send_another;
        TEST_REQUIRE(netback_send(&fix.nb, data, 100, NULL));
        net_pump(&fix);
        TEST_CHECK(fix.received_count == 5, "start %x: %u", starts[s], fix.received_count);
        net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix));
        net_down(&fix);
    }
}

/* ---- transmission ---- */

TEST(a_full_ring_says_so_and_room_is_called_once_half_has_come_back)
{
    for (size_t s = 0; s < STARTS; s++) {
        struct xen_netfront_config config = {.tx_buffers = 64, .first_index = starts[s]};
        unsigned sent = 0;

        TEST_REQUIRE(net_up(&fix, &config));
        TEST_REQUIRE(!net_connect(&fix));
        net_pump(&fix);
        fix.nb.hold_responses = true;
        while (!net_transmit(&fix, data, 100, NULL))
            sent++;
        TEST_CHECK(sent == 64);
        TEST_CHECK(net_transmit(&fix, data, 100, NULL) == -EAGAIN);
        xen_netfront_flush(&fix.front);
        net_pump(&fix);
        TEST_CHECK(fix.nb.packet_count == 64 && fix.rooms == 0);
        fix.nb.raised = 0;
        for (unsigned i = 0; i < 64; i++) {
            /* Told -EAGAIN before the flush: there was nothing out then, so the first one counts. */
            netback_answer(&fix.nb, 1, NETIF_RSP_OKAY);
        }
        net_pump(&fix);
        TEST_CHECK(fix.rooms == 1 && fix.nb.raised == 1, "rooms %u events %u", fix.rooms, fix.nb.raised);

        for (sent = 0; !net_transmit(&fix, data, 100, NULL); sent++)
            xen_netfront_flush(&fix.front);
        net_pump(&fix);
        TEST_CHECK(sent == 64);
        fix.nb.raised = fix.rooms = 0;
        for (unsigned i = 1; i <= 64; i++) {
            netback_answer(&fix.nb, 1, NETIF_RSP_OKAY);
            TEST_CHECK(fix.nb.raised == (i > 32), "answer %u: %u events", i, fix.nb.raised);
            if (i == 33)
                net_pump(&fix);
        }
        TEST_CHECK(fix.rooms == 1);
        fix.nb.hold_responses = false;
        netback_forget_packets(&fix.nb);
        REQUIRE_TRAFFIC(4);
        net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix));
        net_down(&fix);
    }
}

TEST(room_is_called_once_for_each_refusal)
{
    struct xen_netfront_config config = {.tx_buffers = 18};

    TEST_REQUIRE(net_up(&fix, &config));
    TEST_REQUIRE(!net_connect(&fix));
    net_pump(&fix);
    fix.nb.hold_responses = true;
    while (!net_transmit(&fix, data, 60, NULL)) {
    }
    xen_netfront_flush(&fix.front);
    net_pump(&fix);
    TEST_CHECK(!xen_netfront_poll(&fix.front) && fix.rooms == 0, "not while there is none");
    netback_answer(&fix.nb, 18, NETIF_RSP_OKAY);
    for (unsigned i = 0; i < 5; i++)
        TEST_CHECK(!xen_netfront_poll(&fix.front));
    TEST_CHECK(fix.rooms == 1, "%u", fix.rooms);
    net_down(&fix);
}

TEST(a_refused_append_leaves_the_packet_as_it_was)
{
    struct xen_netfront_config config = {.tx_buffers = 18};

    TEST_REQUIRE(net_up(&fix, &config));
    TEST_REQUIRE(!net_connect(&fix));
    net_pump(&fix);
    net_pattern(data, 65000, 3);
    fix.nb.hold_responses = true;
    for (unsigned i = 0; i < 8; i++)
        TEST_REQUIRE(!net_transmit(&fix, data, 60, NULL));
    TEST_REQUIRE(!xen_netfront_append(&fix.front, data, 5000));
    TEST_CHECK(xen_netfront_append(&fix.front, data, 60000) == -EAGAIN);
    TEST_CHECK(xen_netfront_building(&fix.front) == 5000);
    TEST_REQUIRE(!xen_netfront_append(&fix.front, data + 5000, 2000), "a smaller one fits");
    TEST_REQUIRE(!xen_netfront_commit(&fix.front, NULL));
    xen_netfront_flush(&fix.front);
    net_pump(&fix);
    TEST_REQUIRE(!fix.nb.complaint && fix.nb.packet_count == 9, "%s", fix.nb.complaint);
    TEST_CHECK(fix.nb.packets[8].slots == 2 && fix.nb.packets[8].length == 7000);
    TEST_CHECK(!memcmp(fix.nb.packets[8].data, data, 7000));
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(transmission_asks_for_no_event_while_there_is_room)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    net_pump(&fix);
    fix.nb.raised = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        TEST_REQUIRE(!net_transmit(&fix, data, 1514, NULL));
        xen_netfront_flush(&fix.front);
        net_pump(&fix);
        TEST_REQUIRE(fix.nb.packet_count == 1);
        netback_forget_packets(&fix.nb);
    }
    TEST_CHECK(fix.nb.raised == 0, "%u", fix.nb.raised);
    net_down(&fix);
}

TEST(a_backend_that_can_gets_an_event_channel_for_each_ring)
{
    struct fake_port *rx, *tx;
    unsigned rx_sends, tx_sends;

    TEST_REQUIRE(net_up(&fix, NULL));
    netback_feature(&fix.nb, "feature-split-event-channels", "1");
    TEST_REQUIRE(!net_connect(&fix));
    TEST_CHECK(fix.nb.port && fix.nb.tx_port && fix.nb.port != fix.nb.tx_port);
    TEST_CHECK(!xs_get(&fix.xs, "device/vif/0/event-channel"));
    REQUIRE_TRAFFIC(300);
    rx = fake_port((xen_port_t){fix.nb.port});
    tx = fake_port((xen_port_t){fix.nb.tx_port});
    TEST_CHECK(rx->mode == XEN_EVENT_LATE && tx->mode == XEN_EVENT_LATE);
    rx_sends = rx->sends;
    tx_sends = tx->sends;
    TEST_REQUIRE(!net_transmit(&fix, data, 1514, NULL));
    xen_netfront_flush(&fix.front);
    TEST_CHECK(rx->sends == rx_sends && tx->sends == tx_sends + 1);
    TEST_REQUIRE(netback_send(&fix.nb, data, 1514, NULL));
    TEST_CHECK(!xen_netfront_poll(&fix.front));
    xen_netfront_flush(&fix.front);
    TEST_CHECK(tx->sends == tx_sends + 1, "a page for reception is not told by the other ring's channel");
    net_down(&fix);
}

TEST(a_backend_without_split_channels_finds_none_of_those_of_one_before_it)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    netback_feature(&fix.nb, "feature-split-event-channels", "1");
    TEST_REQUIRE(!net_connect(&fix));
    net_disconnect(&fix);
    netback_feature(&fix.nb, "feature-split-event-channels", NULL);
    netback_set_state(&fix.nb, XenbusStateInitWait);
    TEST_REQUIRE(!net_connect(&fix));
    TEST_CHECK(!xs_get(&fix.xs, "device/vif/0/event-channel-tx"));
    TEST_CHECK(!xs_get(&fix.xs, "device/vif/0/event-channel-rx"));
    REQUIRE_TRAFFIC(310);
    net_down(&fix);
}

TEST(an_event_of_one_ring_leaves_that_of_the_other)
{
    struct fake_port *rx, *tx;

    TEST_REQUIRE(net_up(&fix, NULL));
    netback_feature(&fix.nb, "feature-split-event-channels", "1");
    TEST_REQUIRE(!net_connect(&fix));
    net_pump(&fix);
    rx = fake_port((xen_port_t){fix.nb.port});
    tx = fake_port((xen_port_t){fix.nb.tx_port});
    rx->dones = rx->idle_dones = tx->dones = tx->idle_dones = 0;
    TEST_REQUIRE(netback_send(&fix.nb, data, 60, NULL));
    net_pump(&fix);
    TEST_CHECK(rx->dones == 1 && rx->idle_dones == 0 && tx->dones == 0);
    fake_event_raise((xen_port_t){fix.nb.tx_port});
    net_pump(&fix);
    TEST_CHECK(rx->dones == 1 && tx->dones == 1 && tx->idle_dones == 1);
    net_down(&fix);
}

TEST(without_a_port_for_the_second_channel_nothing_is_left_behind)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    netback_feature(&fix.nb, "feature-split-event-channels", "1");
    fake_event_fail_next(-ENOSPC);
    TEST_CHECK(net_connect(&fix) == -ENOSPC);
    TEST_CHECK(net_is_clean(&fix));
    netback_feature(&fix.nb, "feature-split-event-channels", NULL);
    net_down(&fix);
}

TEST(a_pass_costs_one_event_and_a_packet_no_hypercall)
{
    unsigned sends, hypercalls;

    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    REQUIRE_TRAFFIC(1);
    hypercalls = fake_hypercalls(__HYPERVISOR_grant_table_op);
    sends = fake_port((xen_port_t){fix.nb.port})->sends;
    for (uint32_t i = 0; i < 30; i++)
        TEST_REQUIRE(!net_transmit(&fix, data, 1514, NULL));
    for (uint32_t i = 0; i < 30; i++)
        TEST_REQUIRE(netback_send(&fix.nb, data, 1514, NULL));
    TEST_CHECK(!xen_netfront_poll(&fix.front));
    TEST_CHECK(fake_port((xen_port_t){fix.nb.port})->sends == sends);
    xen_netfront_flush(&fix.front);
    TEST_CHECK(fake_port((xen_port_t){fix.nb.port})->sends == sends + 1);
    xen_netfront_flush(&fix.front);
    TEST_CHECK(fake_port((xen_port_t){fix.nb.port})->sends == sends + 1, "nothing new, no event");
    TEST_CHECK(fix.received_count == 30);
    TEST_CHECK(fake_hypercalls(__HYPERVISOR_grant_table_op) == hypercalls);
    net_down(&fix);
}

TEST(transmit_pages_are_taken_when_first_needed_and_reused_before_new_ones)
{
    size_t before;

    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    net_pump(&fix);
    before = fake_pages_in_use();
    for (uint32_t i = 0; i < 100; i++) {
        TEST_REQUIRE(!net_transmit(&fix, data, 1514, NULL));
        xen_netfront_flush(&fix.front);
        net_pump(&fix);
        TEST_CHECK(!xen_netfront_poll(&fix.front));
    }
    TEST_CHECK(fake_pages_in_use() == before + 1);
    TEST_REQUIRE(!net_transmit(&fix, data, 65535, NULL));
    TEST_CHECK(fake_pages_in_use() == before + 16);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(without_memory_transmission_makes_do_with_the_pages_it_has)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    net_pump(&fix);
    fix.nb.hold_responses = true;
    fake_pages_left(0);
    TEST_CHECK(net_transmit(&fix, data, 60, NULL) == -ENOMEM, "none at all");
    fake_pages_left(2);
    TEST_CHECK(net_transmit(&fix, data, 9000, NULL) == -ENOMEM, "and what was taken for it is given back");
    TEST_CHECK(xen_netfront_building(&fix.front) == 0);
    TEST_REQUIRE(!net_transmit(&fix, data, 60, NULL));
    TEST_REQUIRE(!net_transmit(&fix, data, 60, NULL));
    TEST_CHECK(net_transmit(&fix, data, 60, NULL) == -EAGAIN, "others are under way");
    xen_netfront_flush(&fix.front);
    net_pump(&fix);
    netback_answer(&fix.nb, 2, NETIF_RSP_OKAY);
    net_pump(&fix);
    TEST_CHECK(fix.rooms == 1);
    TEST_CHECK(!net_transmit(&fix, data, 60, NULL));
    fake_pages_left(-1);
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(what_does_not_fit_or_the_backend_does_not_do_is_refused)
{
    static const struct xen_net_offload blank = {.checksum_blank = true};
    static const struct {
        struct xen_net_offload offload;
        uint16_t ether_type;
        const char *missing; /* this feature of the backend's */
        int error;
    } cases[] = {
        {{.checksum_blank = true}, 0x0800, NULL, 0},
        {{.checksum_blank = true}, 0x86dd, NULL, 0},
        {{.checksum_blank = true}, 0x86dd, "feature-ipv6-csum-offload", -EOPNOTSUPP},
        {{.checksum_blank = true}, 0x0800, "feature-ipv6-csum-offload", 0},
        {{true, XEN_NET_GSO_TCPV4, 1448}, 0x0800, NULL, 0},
        {{true, XEN_NET_GSO_TCPV4, 1448}, 0x0800, "feature-gso-tcpv4", -EOPNOTSUPP},
        {{true, XEN_NET_GSO_TCPV6, 1448}, 0x86dd, "feature-gso-tcpv6", -EOPNOTSUPP},
        {{true, XEN_NET_GSO_TCPV6, 1448}, 0x86dd, "feature-gso-tcpv4", 0},
        {{true, XEN_NET_GSO_TCPV4, 0}, 0x0800, NULL, -EINVAL},
        {{true, XEN_NET_GSO_NONE, 1448}, 0x0800, NULL, -EINVAL},
        {{true, (enum xen_net_gso)3, 1448}, 0x0800, NULL, -EINVAL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TEST_REQUIRE(net_up(&fix, NULL));
        if (cases[i].missing)
            netback_feature(&fix.nb, cases[i].missing, NULL);
        TEST_REQUIRE(!net_connect(&fix));
        net_pattern(data, 3000, 1);
        data[12] = (uint8_t)(cases[i].ether_type >> 8);
        data[13] = (uint8_t)cases[i].ether_type;
        TEST_CHECK(net_transmit(&fix, data, 3000, &cases[i].offload) == cases[i].error, "row %zu", i);
        TEST_CHECK(xen_netfront_building(&fix.front) == (cases[i].error ? 3000 : 0), "and kept");
        xen_netfront_abort(&fix.front);
        xen_netfront_flush(&fix.front);
        net_pump(&fix);
        TEST_CHECK(fix.nb.packet_count == (cases[i].error ? 0 : 1) && !fix.nb.complaint, "row %zu: %s", i,
                   fix.nb.complaint);
        net_down(&fix);
    }

    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    TEST_CHECK(net_transmit(&fix, data, 13, NULL) == -EINVAL);
    TEST_CHECK(!xen_netfront_append(&fix.front, data, 65522));
    TEST_CHECK(xen_netfront_append(&fix.front, data, 1) == -EMSGSIZE);
    TEST_CHECK(xen_netfront_append(&fix.front, data, SIZE_MAX) == -EMSGSIZE);
    TEST_CHECK(xen_netfront_building(&fix.front) == 65535);
    TEST_CHECK(!xen_netfront_commit(&fix.front, &blank));
    net_disconnect(&fix);
    netback_feature(&fix.nb, "feature-sg", "0");
    TEST_REQUIRE(!net_connect(&fix));
    TEST_CHECK(net_transmit(&fix, data, 4097, NULL) == -EMSGSIZE);
    TEST_CHECK(!net_transmit(&fix, data, 4096, NULL));
    net_disconnect(&fix);
    TEST_CHECK(net_is_clean(&fix));
    net_down(&fix);
}

TEST(the_head_of_a_packet_can_be_changed_until_it_is_committed)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    net_pattern(data, 9000, 1);
    TEST_CHECK(!xen_netfront_head(&fix.front));
    TEST_REQUIRE(!xen_netfront_append(&fix.front, data, 54));
    TEST_REQUIRE(!xen_netfront_append(&fix.front, data + 54, 8946));
    memcpy(xen_netfront_head(&fix.front), "changed", 7);
    memcpy(data, "changed", 7);
    TEST_REQUIRE(!xen_netfront_commit(&fix.front, NULL));
    TEST_CHECK(!xen_netfront_head(&fix.front));
    xen_netfront_flush(&fix.front);
    net_pump(&fix);
    TEST_CHECK(fix.nb.packet_count == 1 && !memcmp(fix.nb.packets[0].data, data, 9000));
    TEST_CHECK(!fix.nb.complaint, "%s", fix.nb.complaint);
    net_down(&fix);
}

TEST(an_aborted_packet_leaves_no_trace)
{
    TEST_REQUIRE(net_up(&fix, NULL));
    TEST_REQUIRE(!net_connect(&fix));
    for (unsigned i = 0; i < 1000; i++) {
        TEST_REQUIRE(!xen_netfront_append(&fix.front, data, 60000));
        xen_netfront_abort(&fix.front);
    }
    xen_netfront_flush(&fix.front);
    net_pump(&fix);
    TEST_CHECK(fix.nb.packet_count == 0);
    REQUIRE_TRAFFIC(1);
    net_down(&fix);
}

TEST(segmented_packets_fill_the_ring_and_empty_it_with_their_extra_slots)
{
    static const struct xen_net_offload gso = {true, XEN_NET_GSO_TCPV4, 1448};

    for (size_t s = 0; s < STARTS; s++) {
        struct xen_netfront_config config = {.first_index = starts[s]};

        TEST_REQUIRE(net_up(&fix, &config));
        TEST_REQUIRE(!net_connect(&fix));
        fix.nb.hold_responses = true;
        for (unsigned round = 0; round < 20; round++) {
            unsigned sent = 0;

            while (!net_transmit(&fix, data, 1000, &gso))
                sent++;
            TEST_CHECK(sent == 128, "two slots each: %u", sent);
            xen_netfront_flush(&fix.front);
            net_pump(&fix);
            TEST_REQUIRE(fix.nb.packet_count == sent && !fix.nb.complaint, "%s", fix.nb.complaint);
            netback_forget_packets(&fix.nb);
            netback_answer(&fix.nb, 256, NETIF_RSP_OKAY);
            net_pump(&fix);
        }
        TEST_CHECK(fix.rooms == 20);
        net_disconnect(&fix);
        TEST_CHECK(net_is_clean(&fix));
        net_down(&fix);
    }
}

int main(void)
{
    return tap_run();
}

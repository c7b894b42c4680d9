/*
 * The protocol in a paragraph: two rings of 256 slots, pages of ours granted to the backend. On `tx` we name
 * pages with bytes to send, and get them back one by one; on `rx` we name empty pages, and get each back in
 * the same slot of the ring, with the length of what is in it. A packet may be several slots long (`more`),
 * and have slots without a page behind its first (`extra`: segmentation). An event channel for each ring, or
 * one for both, tells either side to look. What is named where, and who can do what, is agreed on in
 * xenstore.
 */
#include <xenlib/front/net.h>

#include <errno.h>
#include <string.h>

#include <xenlib/event.h>
#include <xenlib/grant.h>
#include <xenlib/platform.h>
#include <xenlib/time.h>

#include "net_private.h"

#define LOG_INTERVAL   1000000000ULL /* one second */
#define RX_BUFFERS_MIN 20            /* with GSO, 64 KiB and their extra slot must fit with room to spare */

void *net_clear_page(void)
{
    void *page = xen_platform_page_alloc();

    if (page)
        memset(page, 0, XEN_PAGE_SIZE);
    return page;
}

int net_grant_page(struct xen_netfront *front, bool readonly, void **page, xen_gref_t *ref)
{
    void *new_page = net_clear_page();
    int error;

    if (!new_page)
        return -ENOMEM;
    error = xen_grant_alloc(ref);
    if (error)
        goto free_page;
    xen_grant_enable(*ref, front->device.backend_domain, new_page, readonly);
    *page = new_page;
    return 0;

free_page:
    xen_platform_page_free(new_page);
    return error;
}

int net_break(struct xen_netfront *front, const char *what)
{
    uint64_t now = xen_time_now();

    front->broken = true;
    front->stats.broken++;
    if (now >= front->next_log) {
        front->next_log = now + LOG_INTERVAL;
        xen_platform_log(XEN_LOG_WARN, "%s: the backend in domain %u broke the protocol: %s",
                         front->device.path, (unsigned)front->device.backend_domain.n, what);
    }
    front->ops->kick(front->arg);
    return -EPROTO;
}

static void handle_event(xen_port_t port, void *arg)
{
    struct xen_netfront *front = arg;

    /* The port is masked until poll, which reads this, says that it is done. */
    for (unsigned i = 0; i < front->channel_count; i++) {
        if (front->channels[i].port.n == port.n)
            WRITE_ONCE(front->channels[i].fired, true);
    }
    front->stats.events++;
    front->ops->kick(front->arg);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "00:16:3e:12:34:56", no more and no less, and no multicast address. */
static int parse_mac(const char *text, uint8_t mac[6])
{
    uint8_t bytes[6];

    if (strlen(text) != 17)
        return -EINVAL;
    for (unsigned i = 0; i < 6; i++, text += 3) {
        int high = hex_digit(text[0]), low = hex_digit(text[1]);

        if (high < 0 || low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return -EINVAL;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    if (bytes[0] & 1)
        return -EINVAL;
    memcpy(mac, bytes, sizeof bytes);
    return 0;
}

static int read_mac(struct xen_netfront *front)
{
    char text[18];
    int error = xen_bus_read_front(&front->device, "mac", text, sizeof text);

    if (error)
        return error == -ERANGE ? -EINVAL : error;
    return parse_mac(text, front->mac);
}

/* A feature that is not there, or makes no sense, is not offered. */
static bool backend_has(struct xen_netfront *front, const char *feature)
{
    uint64_t value;

    return xen_bus_read_backend_uint(&front->device, feature, UINT32_MAX, &value) == 0 && value != 0;
}

static void read_features(struct xen_netfront *front)
{
    front->features = (struct xen_net_features){
        .scatter = backend_has(front, "feature-sg"),
        .checksum_ipv4 = !backend_has(front, "feature-no-csum-offload"),
        .checksum_ipv6 = backend_has(front, "feature-ipv6-csum-offload"),
    };
    /* More than a page of payload needs more than a page of packet. */
    front->features.gso_tcpv4 = front->features.scatter && backend_has(front, "feature-gso-tcpv4");
    front->features.gso_tcpv6 = front->features.scatter && backend_has(front, "feature-gso-tcpv6");
}

static void stop(struct xen_netfront *front)
{
    front->connected = false;
    for (unsigned i = 0; i < front->channel_count; i++) {
        if (front->channels[i].port.n)
            xen_event_close(front->channels[i].port);
        front->channels[i].port.n = 0;
    }
    net_rx_stop(front);
    net_tx_stop(front);
}

static int start_channels(struct xen_netfront *front)
{
    int error = 0;

    memset(front->channels, 0, sizeof front->channels);
    front->channel_count = backend_has(front, "feature-split-event-channels") ? 2 : 1;
    for (unsigned i = 0; !error && i < front->channel_count; i++)
        error = xen_event_alloc_unbound(front->device.backend_domain, XEN_EVENT_LATE, handle_event, front,
                                        &front->channels[i].port);
    return error;
}

static int start(struct xen_netfront *front)
{
    int error;

    front->broken = false;
    error = net_tx_start(front);
    if (!error)
        error = net_rx_start(front);
    if (!error)
        error = start_channels(front);
    if (error)
        stop(front);
    return error;
}

static int probe(struct xen_bus_device *device, void *instance)
{
    struct xen_netfront *front = instance;
    int error;

    (void)device;
    /* It, or one before it, still holds more than a device's worth of pages: no more for now. */
    if (xen_grant_quarantined() > front->config.rx_buffers + front->config.tx_buffers)
        return -EBUSY;
    if (!backend_has(front, "feature-rx-copy"))
        return -EOPNOTSUPP;
    error = read_mac(front);
    if (error)
        return error;
    read_features(front);
    return start(front);
}

/* A backend looks for two channels first: none of those that one before it was told of may be left. */
static int publish_channels(xen_store_tx tx, struct xen_netfront *front)
{
    bool split = front->channel_count > 1;
    int error = 0;

    if (!split && front->told_of_two) {
        error = xen_bus_remove_front(&front->device, tx, "event-channel-tx");
        if (!error)
            error = xen_bus_remove_front(&front->device, tx, "event-channel-rx");
    }
    front->told_of_two |= split;
    if (!error)
        error = xen_bus_write_front(&front->device, tx, split ? "event-channel-tx" : "event-channel", "%u",
                                    (unsigned)net_tx_channel(front)->port.n);
    if (!error && split)
        error = xen_bus_write_front(&front->device, tx, "event-channel-rx", "%u",
                                    (unsigned)net_rx_channel(front)->port.n);
    return error;
}

static int publish(xen_store_tx tx, struct xen_bus_device *device, void *instance)
{
    struct xen_netfront *front = instance;
    const struct {
        const char *key;
        uint32_t value;
    } settings[] = {
        {"tx-ring-ref", front->tx.page_ref.n},
        {"rx-ring-ref", front->rx.page_ref.n},
        {"request-rx-copy", 1},
        {"feature-rx-notify", 1},
        {"feature-sg", 1},
        {"feature-gso-tcpv4", 1},
        {"feature-gso-tcpv6", 1},
        {"feature-ipv6-csum-offload", 1},
        {"feature-no-csum-offload", 0},
    };

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        int error = xen_bus_write_front(device, tx, settings[i].key, "%u", (unsigned)settings[i].value);

        if (error)
            return error;
    }
    return publish_channels(tx, front);
}

static int connected(struct xen_bus_device *device, void *instance)
{
    struct xen_netfront *front = instance;

    (void)device;
    for (unsigned i = 0; i < front->channel_count; i++) {
        int error = xen_event_send(front->channels[i].port);

        if (error)
            return error;
        front->stats.notified++;
    }
    front->connected = true;
    /* An event may have come before, when poll would not yet have looked. */
    front->ops->kick(front->arg);
    return 0;
}

static void closing(struct xen_bus_device *device, void *instance)
{
    (void)device;
    stop(instance);
}

static const struct xen_bus_driver driver = {
    .class = "vif",
    .probe = probe,
    .publish = publish,
    .connected = connected,
    .closing = closing,
};

static uint32_t in_range(uint32_t value, uint32_t least)
{
    if (!value || value > XEN_NET_RING_SLOTS)
        return XEN_NET_RING_SLOTS;
    return value < least ? least : value;
}

int xen_netfront_open(struct xen_netfront *front, uint32_t index, const struct xen_netfront_config *config,
                      const struct xen_netfront_ops *ops, void *arg)
{
    memset(front, 0, sizeof *front);
    front->config.rx_buffers = in_range(config->rx_buffers, RX_BUFFERS_MIN);
    front->config.tx_buffers = in_range(config->tx_buffers, XEN_NETIF_NR_SLOTS_MIN);
    front->config.first_index = config->first_index;
    front->ops = ops;
    front->arg = arg;
    return xen_bus_open(&front->device, driver.class, index);
}

int xen_netfront_connect(struct xen_netfront *front, uint64_t deadline)
{
    return xen_bus_connect(&front->device, &driver, front, deadline);
}

void xen_netfront_disconnect(struct xen_netfront *front, uint64_t deadline)
{
    front->connected = false;
    xen_bus_disconnect(&front->device, &driver, front, deadline);
}

void xen_netfront_close(struct xen_netfront *front)
{
    xen_bus_close(&front->device);
}

/* Takes everything from both rings, until events are asked for and nothing came meanwhile. The requests out
 * bound it: none are published here. */
static int drain(struct xen_netfront *front)
{
    bool ready;

    do {
        int error = net_tx_drain(front, &net_tx_channel(front)->worked);

        if (!error)
            error = net_rx_drain(front, &net_rx_channel(front)->worked);
        if (error)
            return error;
        if (xen_ring_arm(&front->rx.ring, 1, &ready))
            return net_break(front, "impossible rx response index");
    } while (ready);
    net_tx_room(front);
    return 0;
}

/* Asked only after an event: what was drained before one, unasked, still counts as its work. */
static void end_event(struct xen_netfront_channel *channel)
{
    bool worked = channel->worked;

    if (!READ_ONCE(channel->fired))
        return;
    channel->worked = false;
    WRITE_ONCE(channel->fired, false);
    xen_event_done(channel->port, worked);
}

int xen_netfront_poll(struct xen_netfront *front)
{
    int error;

    if (!front->connected)
        return -ENOTCONN;
    if (front->broken)
        return -EPROTO;
    error = drain(front);
    if (error)
        return error;
    net_rx_post(front);
    for (unsigned i = 0; i < front->channel_count; i++)
        end_event(&front->channels[i]);
    return 0;
}

static void notify(struct xen_netfront *front, const struct xen_netfront_channel *channel)
{
    front->stats.notified++;
    /* Fails when the backend closed its end: its state will say so. */
    (void)xen_event_send(channel->port);
}

void xen_netfront_flush(struct xen_netfront *front)
{
    bool rx, tx;

    if (!front->connected || front->broken)
        return;
    net_rx_post(front);
    rx = xen_ring_publish(&front->rx.ring);
    tx = xen_ring_publish(&front->tx.ring);
    if (rx)
        notify(front, net_rx_channel(front));
    if (tx && !(rx && front->channel_count == 1))
        notify(front, net_tx_channel(front));
}

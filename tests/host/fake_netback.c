#include "fake_netback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "fake_grant.h"

#define xen_mb()  __sync_synchronize()
#define xen_wmb() __sync_synchronize()

#define FRONT      "device/vif/0"
#define STALE_BYTE 0xa5 /* what fake.c fills fresh pages with: the guest's own data */

/* ---- xenstore ---- */

static const char *const features[] = {"feature-sg",        "feature-gso-tcpv4",         "feature-gso-tcpv6",
                                       "feature-rx-copy",   "feature-ipv6-csum-offload", "feature-rx-flip",
                                       "feature-rx-notify", "feature-multicast-control"};

void netback_feature(struct netback *nb, const char *key, const char *value)
{
    char path[256];

    snprintf(path, sizeof path, NETBACK_BACKEND "/%s", key);
    if (value)
        xs_set(nb->xs, path, value);
    else
        xs_delete(nb->xs, path);
}

void netback_set_state(struct netback *nb, unsigned state)
{
    char text[12];

    nb->state = state;
    snprintf(text, sizeof text, "%u", state);
    xs_set(nb->xs, NETBACK_BACKEND "/state", text);
}

void netback_start(struct netback *nb, struct fake_xenstored *xs)
{
    memset(nb, 0, sizeof *nb);
    nb->xs = xs;
    nb->answer_state = XenbusStateConnected;
    xs_set_owner(xs, NETBACK_BACKEND, "n5|r3");
    xs_set(xs, FRONT "/backend", NETBACK_BACKEND);
    xs_set(xs, FRONT "/backend-id", "5");
    xs_set(xs, FRONT "/mac", NETBACK_MAC);
    xs_set(xs, FRONT "/state", "1");
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        netback_feature(nb, features[i], "1");
    netback_set_state(nb, XenbusStateInitWait);
}

static uint32_t front_number(struct netback *nb, const char *key)
{
    char path[64], *end;
    const char *value;
    unsigned long number;

    snprintf(path, sizeof path, FRONT "/%s", key);
    value = xs_get(nb->xs, path);
    if (!value)
        return UINT32_MAX;
    number = strtoul(value, &end, 10);
    return *end || end == value ? UINT32_MAX : (uint32_t)number;
}

static void complain(struct netback *nb, const char *what)
{
    if (!nb->complaint)
        nb->complaint = what;
}

static bool is_for_us(uint32_t number)
{
    const struct fake_port *port = number < FAKE_PORTS ? fake_port((xen_port_t){number}) : NULL;

    return port && port->bound && port->remote.n == NETBACK_DOMAIN;
}

static bool attach(struct netback *nb)
{
    struct netif_tx_sring *tx;
    struct netif_rx_sring *rx;

    nb->tx_ref = front_number(nb, "tx-ring-ref");
    nb->rx_ref = front_number(nb, "rx-ring-ref");
    nb->port = front_number(nb, "event-channel-rx");
    nb->tx_port = front_number(nb, "event-channel-tx");
    if (nb->port == UINT32_MAX && nb->tx_port == UINT32_MAX)
        nb->port = nb->tx_port = front_number(nb, "event-channel");
    if (front_number(nb, "request-rx-copy") != 1)
        return false;
    tx = fake_grant_hold(NETBACK_DOMAIN, nb->tx_ref, true);
    rx = fake_grant_hold(NETBACK_DOMAIN, nb->rx_ref, true);
    if (!tx || !rx || !is_for_us(nb->port) || !is_for_us(nb->tx_port))
        return false;
    /* As Linux from 5.5 on: at whatever index the ring is. */
    BACK_RING_ATTACH(&nb->tx, tx, tx->rsp_prod, XEN_PAGE_SIZE);
    BACK_RING_ATTACH(&nb->rx, rx, rx->rsp_prod, XEN_PAGE_SIZE);
    if (tx->req_prod - tx->rsp_prod > 256 || rx->req_prod - rx->rsp_prod > 256)
        return false;
    nb->pending_count = 0;
    nb->attached = true;
    nb->connections++;
    return true;
}

static void detach(struct netback *nb)
{
    if (nb->attached && !nb->never_lets_go) {
        fake_grant_release(nb->tx_ref);
        fake_grant_release(nb->rx_ref);
    }
    nb->attached = false;
}

void netback_stop(struct netback *nb)
{
    detach(nb);
    netback_forget_packets(nb);
}

/* The answer to the front's state. Whether it was one. */
static bool follow(struct netback *nb)
{
    unsigned before = nb->state;

    if (nb->silent)
        return false;
    switch (front_number(nb, "state")) {
    case XenbusStateInitialising:
        if (nb->state == XenbusStateClosed)
            netback_set_state(nb, XenbusStateInitWait);
        break;
    case XenbusStateConnected:
        if (nb->state == XenbusStateInitWait)
            netback_set_state(nb, attach(nb) ? nb->answer_state : XenbusStateClosed);
        break;
    case XenbusStateClosing:
        if (nb->state == XenbusStateConnected) {
            detach(nb);
            netback_set_state(nb, XenbusStateClosing);
        }
        break;
    case XenbusStateClosed:
        detach(nb);
        if (nb->state != XenbusStateClosed && nb->state != XenbusStateInitWait)
            netback_set_state(nb, XenbusStateClosed);
        break;
    default:
        break;
    }
    return nb->state != before;
}

bool netback_wait_hook(void *arg)
{
    struct netback *nb = arg;
    unsigned wakes = fake_wakes();

    do {
        xs_wait_hook(nb->xs);
    } while (fake_wakes() == wakes && follow(nb));
    return false;
}

/* ---- towards the front ---- */

void netback_raise(struct netback *nb)
{
    nb->raised++;
    fake_event_raise((xen_port_t){nb->port});
}

static void push_rx(struct netback *nb)
{
    bool notify;

    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&nb->rx, notify);
    if (notify)
        netback_raise(nb);
}

static void push_tx(struct netback *nb)
{
    bool notify;

    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&nb->tx, notify);
    if (!notify)
        return;
    nb->raised++;
    fake_event_raise((xen_port_t){nb->tx_port});
}

unsigned netback_room(struct netback *nb)
{
    return XEN_RING_NR_UNCONSUMED_REQUESTS(&nb->rx);
}

static struct netif_rx_request next_buffer(struct netback *nb)
{
    struct netif_rx_request request;

    RING_COPY_REQUEST(&nb->rx, nb->rx.req_cons, &request);
    nb->rx.req_cons++;
    return request;
}

static void put_rx(struct netback *nb, struct netif_rx_response response)
{
    *RING_GET_RESPONSE(&nb->rx, nb->rx.rsp_prod_pvt) = response;
    nb->rx.rsp_prod_pvt++;
}

static void put_rx_extra(struct netback *nb, const struct netif_extra_info *extra)
{
    memcpy(RING_GET_RESPONSE(&nb->rx, nb->rx.rsp_prod_pvt), extra, sizeof *extra);
    nb->rx.rsp_prod_pvt++;
}

static void check_no_stale_bytes(struct netback *nb, const uint8_t *page)
{
    uint64_t link;

    for (size_t i = 0; i + 4 <= XEN_PAGE_SIZE; i += 4) {
        if (page[i] == STALE_BYTE && page[i + 1] == STALE_BYTE && page[i + 2] == STALE_BYTE &&
            page[i + 3] == STALE_BYTE)
            complain(nb, "the guest's own data in a page for us");
    }
    memcpy(&link, page, sizeof link);
    if (link && link % XEN_PAGE_SIZE == 0 && link >> 48 == 0)
        complain(nb, "a pointer of the guest's in a page for us");
}

static void send_fragment(struct netback *nb, const uint8_t *data, uint16_t length, uint16_t offset,
                          uint16_t flags)
{
    struct netif_rx_request request = next_buffer(nb);
    uint8_t *page = fake_grant_access(NETBACK_DOMAIN, request.gref, true);

    if (!page) {
        complain(nb, "a receive buffer that is not granted");
    } else {
        check_no_stale_bytes(nb, page);
        memcpy(page + offset, data, length);
    }
    put_rx(nb, (struct netif_rx_response){request.id, offset, flags, (int16_t)length});
}

bool netback_send(struct netback *nb, const uint8_t *data, uint32_t length, const struct netback_offload *how)
{
    static const struct netback_offload plain;
    uint32_t at = 0, most, slots;

    if (!how)
        how = &plain;
    most = how->slot_bytes ? how->slot_bytes : (uint32_t)XEN_PAGE_SIZE;
    slots = (length + how->offset + most - 1) / most + 1 + !!how->gso_type;
    if (slots > netback_room(nb)) {
        nb->rx.sring->req_event = nb->rx.sring->req_prod + 1;
        return false;
    }
    while (at < length) {
        uint16_t offset = at ? 0 : how->offset;
        uint32_t limit = most < XEN_PAGE_SIZE - offset ? most : (uint32_t)XEN_PAGE_SIZE - offset;
        uint32_t part = length - at < limit ? length - at : limit;
        uint16_t flags = 0;

        if (at + part < length)
            flags |= NETRXF_more_data;
        if (!at && how->checksum_blank)
            flags |= NETRXF_csum_blank | NETRXF_data_validated;
        if (!at && how->validated)
            flags |= NETRXF_data_validated;
        if (!at && how->gso_type)
            flags |= NETRXF_extra_info;
        send_fragment(nb, data + at, (uint16_t)part, offset, flags);
        if (!at && how->gso_type) {
            struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

            extra.u.gso.type = how->gso_type;
            extra.u.gso.size = how->gso_size;
            next_buffer(nb);
            put_rx_extra(nb, &extra);
        }
        at += part;
    }
    push_rx(nb);
    return true;
}

/* ---- from the front ---- */

static void owe(struct netback *nb, uint16_t id, bool extra)
{
    if (nb->pending_count == sizeof nb->pending / sizeof *nb->pending) {
        complain(nb, "more requests than slots");
        return;
    }
    nb->pending[nb->pending_count].id = id;
    nb->pending[nb->pending_count].extra = extra;
    nb->pending_count++;
}

static bool next_request(struct netback *nb, struct netif_tx_request *request)
{
    if (!RING_HAS_UNCONSUMED_REQUESTS(&nb->tx)) {
        complain(nb, "a packet without its end");
        return false;
    }
    RING_COPY_REQUEST(&nb->tx, nb->tx.req_cons, request);
    nb->tx.req_cons++;
    return true;
}

static void add_bytes(struct netback *nb, struct netback_packet *packet,
                      const struct netif_tx_request *request, uint32_t bytes)
{
    const uint8_t *page = fake_grant_access(NETBACK_DOMAIN, request->gref, false);

    for (unsigned i = 0; i < nb->pending_count; i++) {
        if (!nb->pending[i].extra && nb->pending[i].id == request->id)
            complain(nb, "an id that is under way already");
    }
    owe(nb, request->id, false);
    packet->slots++;
    if (!page || request->offset + bytes > XEN_PAGE_SIZE || packet->length + bytes > XEN_NETIF_MAX_TX_SIZE) {
        complain(nb, "a transmitted page that is not granted, or too much of it");
        return;
    }
    if (fake_grant_access(NETBACK_DOMAIN, request->gref, true))
        complain(nb, "a transmitted page that we can write to");
    check_no_stale_bytes(nb, page);
    memcpy(packet->data + packet->length, page + request->offset, bytes);
    packet->length += bytes;
}

static void take_extras(struct netback *nb, struct netback_packet *packet)
{
    struct netif_tx_request slot;
    struct netif_extra_info extra;

    do {
        if (!next_request(nb, &slot))
            return;
        memcpy(&extra, &slot, sizeof extra);
        owe(nb, 0, true);
        if (extra.type != XEN_NETIF_EXTRA_TYPE_GSO || !extra.u.gso.size || extra.u.gso.features ||
            (extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 && extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6))
            complain(nb, "a bad extra");
        packet->gso_type = extra.u.gso.type;
        packet->gso_size = extra.u.gso.size;
    } while (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
}

/* As Linux counts: the first slot tells the size of the whole, the later ones their own; the rest is in the
 * first. */
static void take_packet(struct netback *nb, struct netback_packet *packet)
{
    struct netif_tx_request slots[XEN_NETIF_NR_SLOTS_MIN];
    uint32_t count = 0, rest;

    *packet = (struct netback_packet){.data = malloc(XEN_NETIF_MAX_TX_SIZE)};
    do {
        if (count == XEN_NETIF_NR_SLOTS_MIN) {
            complain(nb, "more than 18 slots");
            return;
        }
        if (!next_request(nb, &slots[count]))
            return;
        if (!count && slots[0].flags & NETTXF_extra_info)
            take_extras(nb, packet);
        if (count && slots[count].flags & ~NETTXF_more_data)
            complain(nb, "flags on a later slot");
    } while (slots[count++].flags & NETTXF_more_data);

    rest = slots[0].size;
    for (uint32_t i = 1; i < count; i++)
        rest -= slots[i].size;
    if (rest < 14 || rest > XEN_PAGE_SIZE)
        complain(nb, "a first slot of an impossible size");
    packet->checksum_blank = slots[0].flags & NETTXF_csum_blank;
    if (packet->gso_type && !packet->checksum_blank)
        complain(nb, "segmentation without checksums");
    for (uint32_t i = 0; i < count; i++)
        add_bytes(nb, packet, &slots[i], i ? slots[i].size : rest);
    if (packet->length != slots[0].size)
        complain(nb, "the sizes do not add up");
}

void netback_take(struct netback *nb)
{
    bool more;

    do {
        while (RING_HAS_UNCONSUMED_REQUESTS(&nb->tx) && !nb->complaint) {
            struct netback_packet packet;

            take_packet(nb, &packet);
            if (nb->packet_count < NETBACK_PACKETS)
                nb->packets[nb->packet_count++] = packet;
            else
                free(packet.data);
        }
        RING_FINAL_CHECK_FOR_REQUESTS(&nb->tx, more);
    } while (more && !nb->complaint);
    if (!nb->hold_responses)
        netback_answer(nb, nb->pending_count, NETIF_RSP_OKAY);
}

void netback_answer(struct netback *nb, unsigned count, int16_t status)
{
    if (count > nb->pending_count)
        count = nb->pending_count;
    if (!count)
        return;
    for (unsigned i = 0; i < count; i++) {
        struct netif_tx_response response = {nb->pending[i].id, status};

        if (nb->pending[i].extra)
            response = (struct netif_tx_response){0x5a5a, NETIF_RSP_NULL};
        *RING_GET_RESPONSE(&nb->tx, nb->tx.rsp_prod_pvt) = response;
        nb->tx.rsp_prod_pvt++;
    }
    nb->pending_count -= count;
    memmove(nb->pending, nb->pending + count, nb->pending_count * sizeof *nb->pending);
    push_tx(nb);
}

void netback_forget_packets(struct netback *nb)
{
    while (nb->packet_count)
        free(nb->packets[--nb->packet_count].data);
}

/* ---- lies ---- */

void netback_rx_raw(struct netback *nb, const struct netback_raw *raw, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct netif_rx_request request = next_buffer(nb);

        if (raw[i].is_extra)
            put_rx_extra(nb, &raw[i].extra);
        else
            put_rx(nb, (struct netif_rx_response){(uint16_t)(request.id + raw[i].id), raw[i].offset,
                                                  raw[i].flags, raw[i].status});
    }
    push_rx(nb);
    netback_raise(nb);
}

uint32_t netback_rx_hold(struct netback *nb)
{
    struct netif_rx_request request;

    RING_COPY_REQUEST(&nb->rx, nb->rx.req_cons, &request);
    fake_grant_hold(NETBACK_DOMAIN, request.gref, true);
    return request.gref;
}

void netback_tx_raw(struct netback *nb, uint16_t id, int16_t status)
{
    *RING_GET_RESPONSE(&nb->tx, nb->tx.rsp_prod_pvt) = (struct netif_tx_response){id, status};
    nb->tx.rsp_prod_pvt++;
    push_tx(nb);
    netback_raise(nb);
}

void netback_rx_index(struct netback *nb, uint32_t by)
{
    nb->rx.sring->rsp_prod += by;
    netback_raise(nb);
}

void netback_tx_index(struct netback *nb, uint32_t by)
{
    nb->tx.sring->rsp_prod += by;
    netback_raise(nb);
}

/*
 * Transmission. Ids are the pages: each free one is in a list, the last used first, so that a device with
 * little to send touches few of them. What was sent is not looked after until somebody needs room: no event
 * is asked for before.
 */
#include "net_private.h"

#include <errno.h>
#include <string.h>

#include <xenlib/grant.h>
#include <xenlib/platform.h>

#define NO_ID      UINT16_MAX
#define ETHER_IPV6 0x86dd

_Static_assert(XEN_NET_RING_SLOTS * sizeof(struct xen_netfront_tx_slot) <= XEN_PAGE_SIZE, "");
_Static_assert((XEN_NET_TX_MAX + XEN_PAGE_SIZE - 1) / XEN_PAGE_SIZE <= XEN_NETIF_NR_SLOTS_MIN, "");

static void release(struct xen_netfront *front, uint16_t id)
{
    front->tx.slots[id].in_flight = false;
    front->tx.slots[id].next = front->tx.free;
    front->tx.free = id;
}

int net_tx_start(struct xen_netfront *front)
{
    int error = net_grant_page(front, false, &front->tx.page, &front->tx.page_ref);

    if (error)
        return error;
    xen_ring_init(&front->tx.ring, front->tx.page, sizeof(union netif_tx_sring_entry),
                  front->config.first_index);
    /* No event with the first response. */
    WRITE_ONCE(front->tx.ring.shared->rsp_event, front->config.first_index);
    front->tx.slots = net_clear_page();
    if (!front->tx.slots)
        return -ENOMEM;
    front->tx.free = NO_ID;
    for (uint32_t id = front->config.tx_buffers; id-- > 0;)
        release(front, (uint16_t)id);
    return 0;
}

void net_tx_stop(struct xen_netfront *front)
{
    if (front->tx.slots) {
        for (uint32_t id = 0; id < front->config.tx_buffers; id++) {
            if (front->tx.slots[id].page)
                (void)xen_grant_end_and_free(front->tx.slots[id].ref, front->tx.slots[id].page);
        }
        xen_platform_page_free(front->tx.slots);
    }
    if (front->tx.page)
        (void)xen_grant_end_and_free(front->tx.page_ref, front->tx.page);
    memset(&front->tx, 0, sizeof front->tx);
}

/* An answer to a page. 0 or -EPROTO. */
static int take_back(struct xen_netfront *front, const struct netif_tx_response *response)
{
    if (response->id >= front->config.tx_buffers || !front->tx.slots[response->id].in_flight)
        return net_break(front, "wrong tx id");
    if (response->status == NETIF_RSP_ERROR || response->status == NETIF_RSP_DROPPED)
        front->stats.tx_failed++;
    else if (response->status != NETIF_RSP_OKAY)
        return net_break(front, "impossible tx status");
    front->tx.in_flight--;
    release(front, response->id);
    return 0;
}

static int take_response(struct xen_netfront *front)
{
    struct netif_tx_response response;

    xen_ring_get(&front->tx.ring, &response, sizeof response);
    if (response.status != NETIF_RSP_NULL)
        return take_back(front, &response);
    /* In the place of an extra slot, and without an id. */
    if (!front->tx.extras)
        return net_break(front, "tx response to nothing");
    front->tx.extras--;
    return 0;
}

int net_tx_drain(struct xen_netfront *front, bool *worked)
{
    uint32_t count;

    if (xen_ring_pending(&front->tx.ring, &count))
        return net_break(front, "impossible tx response index");
    if (count)
        *worked = true;
    while (count--) {
        int error = take_response(front);

        if (error)
            return error;
    }
    return 0;
}

void net_tx_room(struct xen_netfront *front)
{
    if (!front->tx.waiting || front->tx.free == NO_ID || xen_ring_free(&front->tx.ring) < 2)
        return;
    front->tx.waiting = false;
    front->ops->room(front->arg);
}

/* Takes one more page for the packet being built. */
static int take_page(struct xen_netfront *front)
{
    uint16_t id = front->tx.free;
    struct xen_netfront_tx_slot *slot;

    /* One slot of the ring stays for the extra. */
    if (id == NO_ID || xen_ring_free(&front->tx.ring) < front->tx.build_slots + 2)
        return -EAGAIN;
    slot = &front->tx.slots[id];
    if (!slot->page) {
        int error = net_grant_page(front, true, &slot->page, &slot->ref);

        /* Without memory for another, one that is under way will do. */
        if (error)
            return front->tx.in_flight ? -EAGAIN : error;
    }
    front->tx.free = slot->next;
    front->tx.build[front->tx.build_slots++] = id;
    return 0;
}

static void give_back_pages(struct xen_netfront *front, uint32_t keep)
{
    while (front->tx.build_slots > keep)
        release(front, front->tx.build[--front->tx.build_slots]);
}

/* The packet being built gets `count` pages, or keeps those that it has. */
static int take_pages(struct xen_netfront *front, uint32_t count)
{
    uint32_t before = front->tx.build_slots;

    while (front->tx.build_slots < count) {
        int error = take_page(front);

        if (error) {
            give_back_pages(front, before);
            return error;
        }
    }
    return 0;
}

/* The same, taking back from the backend if need be; and if that is not enough, asking for an event when half
 * of what is out has come back. */
static int find_pages(struct xen_netfront *front, uint32_t count)
{
    int error = take_pages(front, count);
    bool ready = true;

    while (error == -EAGAIN && ready) {
        if (net_tx_drain(front, &net_tx_channel(front)->worked))
            return -ENOTCONN;
        error = take_pages(front, count);
        if (error != -EAGAIN)
            break;
        front->tx.waiting = true;
        if (xen_ring_arm(&front->tx.ring, xen_ring_outstanding(&front->tx.ring) / 2 + 1, &ready)) {
            net_break(front, "impossible tx response index");
            return -ENOTCONN;
        }
    }
    return error;
}

static bool is_usable(const struct xen_netfront *front)
{
    return front->connected && !front->broken;
}

static uint8_t *build_page(const struct xen_netfront *front, size_t index)
{
    return front->tx.slots[front->tx.build[index]].page;
}

int xen_netfront_append(struct xen_netfront *front, const void *data, size_t bytes)
{
    const uint8_t *from = data;
    size_t most = front->features.scatter ? XEN_NET_TX_MAX : XEN_PAGE_SIZE;
    uint32_t pages;
    int error;

    if (!is_usable(front))
        return -ENOTCONN;
    if (bytes > most - front->tx.build_bytes)
        return -EMSGSIZE;
    pages = (uint32_t)xen_pages_for(front->tx.build_bytes + bytes);
    error = pages > front->tx.build_slots ? find_pages(front, pages) : 0;
    if (error)
        return error;
    while (bytes) {
        size_t offset = front->tx.build_bytes % XEN_PAGE_SIZE;
        size_t part = XEN_PAGE_SIZE - offset < bytes ? XEN_PAGE_SIZE - offset : bytes;

        memcpy(build_page(front, front->tx.build_bytes / XEN_PAGE_SIZE) + offset, from, part);
        front->tx.build_bytes += (uint32_t)part;
        from += part;
        bytes -= part;
    }
    return 0;
}

size_t xen_netfront_building(const struct xen_netfront *front)
{
    return front->tx.build_bytes;
}

void *xen_netfront_head(struct xen_netfront *front)
{
    return front->tx.build_bytes ? build_page(front, 0) : NULL;
}

void xen_netfront_abort(struct xen_netfront *front)
{
    give_back_pages(front, 0);
    front->tx.build_bytes = 0;
}

/* By what the packet says it is. */
static bool can_fill_checksum(const struct xen_netfront *front)
{
    const uint8_t *header = build_page(front, 0);

    if ((header[12] << 8 | header[13]) == ETHER_IPV6)
        return front->features.checksum_ipv6;
    return front->features.checksum_ipv4;
}

static int check_offload(const struct xen_netfront *front, const struct xen_net_offload *offload)
{
    if (!offload->gso_size != (offload->gso_type == XEN_NET_GSO_NONE))
        return -EINVAL;
    switch (offload->gso_type) {
    case XEN_NET_GSO_NONE:
        return offload->checksum_blank && !can_fill_checksum(front) ? -EOPNOTSUPP : 0;
    case XEN_NET_GSO_TCPV4:
        return front->features.gso_tcpv4 ? 0 : -EOPNOTSUPP;
    case XEN_NET_GSO_TCPV6:
        return front->features.gso_tcpv6 ? 0 : -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

static uint16_t first_flags(const struct xen_net_offload *offload)
{
    uint16_t flags = 0;

    if (offload->checksum_blank || offload->gso_size)
        flags |= NETTXF_csum_blank | NETTXF_data_validated;
    if (offload->gso_size)
        flags |= NETTXF_extra_info;
    return flags;
}

static void put_extra(struct xen_netfront *front, const struct xen_net_offload *offload)
{
    union {
        struct netif_tx_request slot;
        struct netif_extra_info extra;
    } u;

    memset(&u, 0, sizeof u);
    u.extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
    u.extra.u.gso.size = offload->gso_size;
    u.extra.u.gso.type = (uint8_t)offload->gso_type;
    xen_ring_put(&front->tx.ring, &u.slot, sizeof u.slot);
    front->tx.extras++;
}

static void put_pages(struct xen_netfront *front, const struct xen_net_offload *offload)
{
    uint32_t left = front->tx.build_bytes;

    for (uint32_t i = 0; i < front->tx.build_slots; i++) {
        struct xen_netfront_tx_slot *slot = &front->tx.slots[front->tx.build[i]];
        bool last = i + 1 == front->tx.build_slots;
        struct netif_tx_request request = {
            .gref = slot->ref.n,
            .flags = (uint16_t)((i ? 0 : first_flags(offload)) | (last ? 0 : NETTXF_more_data)),
            .id = front->tx.build[i],
            /* The first tells the size of the whole. */
            .size = (uint16_t)(i && left > XEN_PAGE_SIZE ? XEN_PAGE_SIZE : left),
        };

        xen_ring_put(&front->tx.ring, &request, sizeof request);
        slot->in_flight = true;
        left -= left > XEN_PAGE_SIZE ? (uint32_t)XEN_PAGE_SIZE : left;
        if (!i && offload->gso_size)
            put_extra(front, offload);
    }
    front->tx.in_flight += front->tx.build_slots;
}

int xen_netfront_commit(struct xen_netfront *front, const struct xen_net_offload *offload)
{
    static const struct xen_net_offload none;
    int error;

    if (!is_usable(front))
        return -ENOTCONN;
    if (front->tx.build_bytes < NET_ETHERNET_HEADER)
        return -EINVAL;
    if (!offload)
        offload = &none;
    error = check_offload(front, offload);
    if (error)
        return error;
    put_pages(front, offload);
    front->stats.tx_packets++;
    front->stats.tx_bytes += front->tx.build_bytes;
    front->tx.build_slots = 0;
    front->tx.build_bytes = 0;
    return 0;
}

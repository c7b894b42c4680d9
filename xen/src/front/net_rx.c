/*
 * Reception. The number of pages posted stays what the configuration says: a packet is handed up only when
 * other pages stand ready to take the place of its own, and else dropped.
 */
#include "net_private.h"

#include <errno.h>
#include <string.h>

#include <xenlib/grant.h>
#include <xenlib/platform.h>

_Static_assert(XEN_NET_RING_SLOTS * sizeof(struct xen_netfront_rx_slot) <= XEN_PAGE_SIZE, "");

#define KNOWN_FLAGS (NETRXF_data_validated | NETRXF_csum_blank | NETRXF_more_data | NETRXF_extra_info)
/* One of each type at most. */
#define EXTRAS_MAX (XEN_NETIF_EXTRA_TYPE_MAX - 1)

union response {
    struct netif_rx_response data;
    struct netif_extra_info extra;
};

/* Keeps a page to be posted, or frees it when there are enough: pages that come back from above in bursts go
 * round without the allocator, and without being cleared again. */
static void spare_put(struct xen_netfront *front, void *page)
{
    uint32_t enough = front->config.rx_buffers + front->config.rx_buffers / 4;

    if (!front->rx.slots || front->rx.posted + front->rx.spares >= enough) {
        xen_platform_page_free(page);
        return;
    }
    *(void **)page = front->rx.spare;
    front->rx.spare = page;
    front->rx.spares++;
}

static void *spare_take(struct xen_netfront *front)
{
    void *page = front->rx.spare;

    front->rx.spare = *(void **)page;
    front->rx.spares--;
    return page;
}

/* Whether there are pages for every slot that should have one, taking more if need be. */
static bool spare_fill(struct xen_netfront *front)
{
    while (front->rx.posted + front->rx.spares < front->config.rx_buffers) {
        void *page = net_clear_page();

        if (!page)
            return false;
        spare_put(front, page);
    }
    return true;
}

/* Posts a spare page in the next slot of the ring, which is free because fewer pages than slots are posted.
 */
static int post_one(struct xen_netfront *front)
{
    uint32_t index = xen_ring_slot(&front->rx.ring, front->rx.ring.produced);
    struct xen_netfront_rx_slot *slot = &front->rx.slots[index];
    struct netif_rx_request request = {.id = (uint16_t)index};

    if (!slot->ref.n) {
        int error = xen_grant_alloc(&slot->ref);

        if (error)
            return error;
    }
    slot->page = spare_take(front);
    *(void **)slot->page = NULL; /* the link is not the backend's business */
    xen_grant_enable(slot->ref, front->device.backend_domain, slot->page, false);
    request.gref = slot->ref.n;
    xen_ring_put(&front->rx.ring, &request, sizeof request);
    front->rx.posted++;
    return 0;
}

static int post_all(struct xen_netfront *front)
{
    int error = 0;

    while (!error && front->rx.spares && front->rx.posted < front->config.rx_buffers)
        error = post_one(front);
    return error;
}

void net_rx_post(struct xen_netfront *front)
{
    (void)spare_fill(front);
    (void)post_all(front);
}

int net_rx_start(struct xen_netfront *front)
{
    int error = net_grant_page(front, false, &front->rx.page, &front->rx.page_ref);

    if (error)
        return error;
    xen_ring_init(&front->rx.ring, front->rx.page, sizeof(union netif_rx_sring_entry),
                  front->config.first_index);
    front->rx.slots = net_clear_page();
    if (!front->rx.slots || !spare_fill(front))
        return -ENOMEM;
    error = post_all(front);
    /* The backend is not connected yet: it finds them when it is. */
    (void)xen_ring_publish(&front->rx.ring);
    return error;
}

static void drop_fragments(struct xen_netfront *front)
{
    for (unsigned i = 0; i < front->rx.packet.count; i++)
        spare_put(front, xen_page_of(front->rx.packet.fragments[i].data));
    front->rx.packet.count = 0;
}

static void end_slots(struct xen_netfront *front)
{
    for (unsigned i = 0; i < XEN_NET_RING_SLOTS; i++) {
        struct xen_netfront_rx_slot *slot = &front->rx.slots[i];

        if (slot->page)
            (void)xen_grant_end_and_free(slot->ref, slot->page);
        else if (slot->ref.n)
            xen_grant_free(slot->ref);
    }
    xen_platform_page_free(front->rx.slots);
    front->rx.slots = NULL;
}

void net_rx_stop(struct xen_netfront *front)
{
    uint32_t held = front->rx.held;

    drop_fragments(front);
    while (front->rx.spares)
        xen_platform_page_free(spare_take(front));
    if (front->rx.slots)
        end_slots(front);
    if (front->rx.page)
        (void)xen_grant_end_and_free(front->rx.page_ref, front->rx.page);
    memset(&front->rx, 0, sizeof front->rx);
    front->rx.held = held;
}

/* The page of a slot whose response came, no longer the backend's; NULL when it does not let go. */
static void *take_page(struct xen_netfront *front, struct xen_netfront_rx_slot *slot)
{
    void *page = slot->page;

    slot->page = NULL;
    front->rx.posted--;
    if (!xen_grant_revoke(slot->ref))
        return page;
    (void)xen_grant_end_and_free(slot->ref, page);
    slot->ref.n = 0;
    front->rx.kept++;
    return NULL;
}

/* The first reason counts. */
static void drop_for(struct xen_netfront *front, uint64_t *reason)
{
    if (!front->rx.drop)
        front->rx.drop = reason;
}

static void begin_packet(struct xen_netfront *front, uint16_t flags)
{
    front->rx.extras = 0;
    front->rx.extra = flags & NETRXF_extra_info;
    front->rx.drop = NULL;
    front->rx.packet.count = 0;
    front->rx.packet.length = 0;
    front->rx.packet.checksum_blank = flags & NETRXF_csum_blank;
    front->rx.packet.checksum_valid = flags & (NETRXF_csum_blank | NETRXF_data_validated);
    front->rx.packet.gso_type = XEN_NET_GSO_NONE;
    front->rx.packet.gso_size = 0;
}

static void add_fragment(struct xen_netfront *front, const struct netif_rx_response *response, void *page)
{
    struct xen_net_packet *packet = &front->rx.packet;
    uint32_t length = (uint32_t)response->status;

    packet->fragments[packet->count++] = (struct xen_net_fragment){
        .data = (uint8_t *)page + response->offset,
        .length = length,
    };
    packet->length += length;
}

/* A response with a page, `slot` of the ring. 0 or -EPROTO. */
static int take_data(struct xen_netfront *front, uint32_t slot, const struct netif_rx_response *response,
                     void *page)
{
    bool first = !front->rx.slots_taken;

    if (response->id != slot || front->rx.slots_taken == XEN_NET_FRAGMENTS_MAX) {
        if (page)
            spare_put(front, page);
        return net_break(front, response->id != slot ? "wrong rx id" : "endless packet");
    }
    if (first)
        begin_packet(front, response->flags);
    front->rx.slots_taken++;
    front->rx.more = response->flags & NETRXF_more_data;

    if (!page) {
        drop_for(front, &front->stats.rx_busy);
        return 0;
    }
    if (response->status < 0)
        drop_for(front, &front->stats.rx_errors);
    else if (response->offset + response->status > (int)XEN_PAGE_SIZE || response->flags & ~KNOWN_FLAGS ||
             (!first && response->flags & NETRXF_extra_info))
        drop_for(front, &front->stats.rx_malformed);
    if (front->rx.drop || !response->status)
        spare_put(front, page);
    else
        add_fragment(front, response, page);
    return 0;
}

/* A response in whose place a description of the packet stands; its page was not used. 0 or -EPROTO. */
static int take_extra(struct xen_netfront *front, const struct netif_extra_info *extra, void *page)
{
    struct xen_net_packet *packet = &front->rx.packet;

    if (page)
        spare_put(front, page);
    else
        drop_for(front, &front->stats.rx_busy);
    if (front->rx.extras++ == EXTRAS_MAX)
        return net_break(front, "endless extra slots");
    front->rx.extra = extra->flags & XEN_NETIF_EXTRA_FLAG_MORE;
    if (extra->type != XEN_NETIF_EXTRA_TYPE_GSO || extra->flags & ~XEN_NETIF_EXTRA_FLAG_MORE ||
        packet->gso_type != XEN_NET_GSO_NONE || !extra->u.gso.size ||
        (extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 && extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6)) {
        drop_for(front, &front->stats.rx_malformed);
        return 0;
    }
    packet->gso_type = (enum xen_net_gso)extra->u.gso.type;
    packet->gso_size = extra->u.gso.size;
    return 0;
}

static void deliver(struct xen_netfront *front)
{
    struct xen_net_packet *packet = &front->rx.packet;
    bool lent = packet->count == 1 && packet->length <= XEN_NET_COPY_MAX;

    packet->lent = lent;
    front->stats.rx_packets++;
    front->stats.rx_bytes += packet->length;
    if (!lent)
        front->rx.held += packet->count;
    front->ops->receive(front->arg, packet);
    if (!lent)
        packet->count = 0;
}

/* All of a packet is there: hands it up, or drops it. */
static void end_packet(struct xen_netfront *front)
{
    const struct xen_net_packet *packet = &front->rx.packet;

    front->rx.slots_taken = 0;
    if (!packet->count || packet->fragments[0].length < NET_ETHERNET_HEADER ||
        packet->length > XEN_NET_RX_MAX)
        drop_for(front, &front->stats.rx_malformed);
    else if ((packet->count > 1 || packet->length > XEN_NET_COPY_MAX) && !spare_fill(front))
        drop_for(front, &front->stats.rx_memory);

    if (front->rx.drop)
        ++*front->rx.drop;
    else
        deliver(front);
    drop_fragments(front);
}

static int take_response(struct xen_netfront *front)
{
    uint32_t slot = xen_ring_slot(&front->rx.ring, front->rx.ring.consumed);
    union response response;
    void *page = take_page(front, &front->rx.slots[slot]);
    int error;

    xen_ring_get(&front->rx.ring, &response, sizeof response);
    /* Each page that is kept is replaced by a new one: there has to be an end, before that of all memory. */
    if (front->rx.kept > front->config.rx_buffers)
        return net_break(front, "keeps the pages that it has answered");
    if (front->rx.slots_taken && front->rx.extra)
        error = take_extra(front, &response.extra, page);
    else
        error = take_data(front, slot, &response.data, page);
    if (!error && !front->rx.extra && !front->rx.more)
        end_packet(front);
    return error;
}

int net_rx_drain(struct xen_netfront *front, bool *worked)
{
    uint32_t count;

    if (xen_ring_pending(&front->rx.ring, &count))
        return net_break(front, "impossible rx response index");
    if (count)
        *worked = true;
    while (count--) {
        int error = take_response(front);

        if (error)
            return error;
    }
    return 0;
}

void xen_netfront_return(struct xen_netfront *front, void *data)
{
    front->rx.held--;
    spare_put(front, xen_page_of(data));
}

#include "receive.h"

#include <string.h>

#include "lwip/etharp.h"
#include "lwip/inet.h"
#include "lwip/ip4.h"
#include "lwip/ip6.h"
#include "lwip/prot/ethernet.h"
#include "netif/ethernet.h"
#include "lwip/prot/iana.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip.h"

#include "memory.h"
#include "timers.h"

/* A page of netfront's in lwIP's hands. */
struct page_pbuf {
    struct pbuf_custom custom;
    struct sd_interface *interface;
    void *data;
};

static void on_free(struct pbuf *pbuf)
{
    struct page_pbuf *page = (struct page_pbuf *)(void *)pbuf;

    xen_netfront_return(&page->interface->front, page->data);
    sd_net_free(page);
}

static struct pbuf *wrap_page(struct sd_interface *interface, const struct xen_net_fragment *fragment,
                              uint16_t skip)
{
    struct page_pbuf *page = sd_net_alloc(sizeof *page);
    uint16_t length = (uint16_t)(fragment->length - skip);

    if (!page)
        return NULL;
    page->interface = interface;
    page->data = fragment->data;
    page->custom.custom_free_function = on_free;
    return pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, &page->custom, fragment->data + skip, length);
}

/* From the last to the first, so that tot_len is known. On failure the pages not wrapped go back here. */
static struct pbuf *wrap(struct sd_interface *interface, const struct xen_net_packet *packet)
{
    struct pbuf *chain = NULL;

    for (unsigned i = packet->count; i-- > 0;) {
        struct pbuf *pbuf = wrap_page(interface, &packet->fragments[i], i ? 0 : SIZEOF_ETH_HDR);

        if (!pbuf) {
            for (i++; i-- > 0;)
                xen_netfront_return(&interface->front, packet->fragments[i].data);
            if (chain)
                pbuf_free(chain);
            return NULL;
        }
        if (chain) {
            pbuf->next = chain;
            pbuf->tot_len = (uint16_t)(pbuf->len + chain->tot_len);
        }
        chain = pbuf;
    }
    return chain;
}

/* Room for an Ethernet header in front lets lwIP answer a ping in place. */
static struct pbuf *copy(const struct xen_net_packet *packet)
{
    uint16_t length = (uint16_t)(packet->length - SIZEOF_ETH_HDR);
    struct pbuf *pbuf = pbuf_alloc(PBUF_LINK, length, PBUF_RAM);

    if (pbuf)
        memcpy(pbuf->payload, packet->fragments[0].data + SIZEOF_ETH_HDR, length);
    return pbuf;
}

static void give_back(struct sd_interface *interface, const struct xen_net_packet *packet)
{
    for (unsigned i = 0; i < packet->count && !packet->lent; i++)
        xen_netfront_return(&interface->front, packet->fragments[i].data);
}

/* Both as they stand in memory, at any alignment. */
struct ipv4_view {
    uint8_t version, tos, length[2], id[2], fragment[2], ttl, protocol;
};
struct ipv6_view {
    uint8_t version[4], length[2], next, hops;
};

/* A whole TCP or UDP packet, for which the backend's word counts: not a fragment of one. Tells the timers of
 * fragments. */
static bool is_whole(const struct pbuf *packet, uint16_t type)
{
    const struct ipv4_view *ipv4 = packet->payload;
    const struct ipv6_view *ipv6 = packet->payload;

    if (type == PP_HTONS(ETHTYPE_IP) && packet->len >= sizeof *ipv4) {
        if (!(ipv4->fragment[0] & 0x3f) && !ipv4->fragment[1])
            return ipv4->protocol == IP_PROTO_TCP || ipv4->protocol == IP_PROTO_UDP;
        sd_net_timers_fragment(false);
    }
    if (type == PP_HTONS(ETHTYPE_IPV6) && packet->len >= sizeof *ipv6) {
        if (ipv6->next == IP_PROTO_TCP || ipv6->next == IP_PROTO_UDP)
            return true;
        if (ipv6->next != IP6_NEXTH_ICMP6)
            sd_net_timers_fragment(true);
    }
    return false;
}

/* "Packet too big": from now on lwIP may cut TCP segments into fragments, whose checksum nobody but lwIP can
 * fill in. */
static void look_for_narrow_path(struct sd_interface *interface, const struct pbuf *packet, uint16_t type)
{
    const uint8_t *bytes = packet->payload;

    if (type != PP_HTONS(ETHTYPE_IPV6) || packet->len <= IP6_HLEN || bytes[6] != IP6_NEXTH_ICMP6 ||
        bytes[IP6_HLEN] != ICMP6_TYPE_PTB || !interface->transmit.offload)
        return;
    sd_transmit_finish(&interface->transmit);
    interface->transmit.offload = false;
    interface->netif.chksum_flags |= NETIF_CHECKSUM_GEN_TCP;
}

static void input(struct sd_interface *interface, struct pbuf *packet, uint16_t type, bool vouched)
{
    struct netif *netif = &interface->netif;
    bool skip = is_whole(packet, type) && vouched;

    look_for_narrow_path(interface, packet, type);
    if (skip)
        netif->chksum_flags &= (uint16_t) ~(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP);
    if (type == PP_HTONS(ETHTYPE_IP))
        ip4_input(packet, netif);
    else if (type == PP_HTONS(ETHTYPE_IPV6))
        ip6_input(packet, netif);
    else
        etharp_input(packet, netif);
    if (skip)
        netif->chksum_flags |= NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
}

/* For us, and of a kind that lwIP knows. */
static bool is_wanted(const struct sd_interface *interface, const struct eth_hdr *header)
{
    return (header->dest.addr[0] & 1 || !memcmp(&header->dest, interface->front.mac, ETH_HWADDR_LEN)) &&
           (header->type == PP_HTONS(ETHTYPE_IP) || header->type == PP_HTONS(ETHTYPE_IPV6) ||
            header->type == PP_HTONS(ETHTYPE_ARP));
}

static struct pbuf *take(struct sd_interface *interface, const struct xen_net_packet *packet)
{
    struct pbuf *pbuf = NULL;

    if (packet->lent)
        pbuf = copy(packet);
    else if (sd_net_memory_is_short())
        give_back(interface, packet);
    else
        pbuf = wrap(interface, packet);
    if (!pbuf && sd_log_allowed(&interface->short_of_memory, "packets dropped"))
        sd_warn("net%u: short of memory, packet dropped", (unsigned)interface->index);
    return pbuf;
}

void sd_receive(void *arg, const struct xen_net_packet *packet)
{
    struct sd_interface *interface = arg;
    struct eth_hdr header;
    struct pbuf *pbuf;

    memcpy(&header, packet->fragments[0].data, sizeof header);
    /* Without its Ethernet header the longest packet just fits tot_len, which has 16 bits. */
    if (!is_wanted(interface, &header) || packet->fragments[0].length <= sizeof header ||
        packet->length - sizeof header > UINT16_MAX) {
        give_back(interface, packet);
        return;
    }
    pbuf = take(interface, packet);
    if (!pbuf)
        return;
    pbuf->if_idx = netif_get_index(&interface->netif);
    if (eth_addr_cmp(&header.dest, &ethbroadcast))
        pbuf->flags |= PBUF_FLAG_LLBCAST;
    else if (header.dest.addr[0] & 1)
        pbuf->flags |= PBUF_FLAG_LLMCAST;
    input(interface, pbuf, header.type, packet->checksum_valid);
}

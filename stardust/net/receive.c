#include "receive.h"

#include <string.h>

#include "lwip/etharp.h"
#include "lwip/inet.h"
#include "lwip/ip4.h"
#include "lwip/ip6.h"
#include "lwip/prot/ethernet.h"
#include "netif/ethernet.h"
#include "lwip/prot/iana.h"
#include "lwip/prot/ip.h"

#include "memory.h"
#include "path.h"
#include "timers.h"

#define SHORT_PACKET                                                                                         \
    142 /* bytes: an ACK or a FIN with all its options, and then some; ARP, a neighbour's question */

/* A page of netfront's in lwIP's hands. */
struct page_pbuf {
    struct pbuf_custom custom;
    struct sd_interface *interface;
    void *data;
};

static size_t pages_held;

static void on_free(struct pbuf *pbuf)
{
    struct page_pbuf *page = (struct page_pbuf *)(void *)pbuf;

    pages_held--;
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
    pages_held++;
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
    struct pbuf *pbuf;

    pbuf = pbuf_alloc(PBUF_LINK, length, PBUF_RAM);
    if (pbuf)
        memcpy(pbuf->payload, packet->fragments[0].data + SIZEOF_ETH_HDR, length);
    return pbuf;
}

static void give_back(struct sd_interface *interface, const struct xen_net_packet *packet)
{
    for (unsigned i = 0; i < packet->count && !packet->lent; i++)
        xen_netfront_return(&interface->front, packet->fragments[i].data);
}

static uint32_t load16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

enum kind { WHOLE, PART, REFUSED };

/*
 * WHOLE: lwIP takes it as it is. PART: it has to be put together first, and the backend's word about a
 * checksum does not count. REFUSED: what lwIP 2.1.3 cannot bear. With fragments an assertion fails when what
 * they make does not fit the 16 bits of tot_len; to keep that from it, an IPv6 fragment must stand right
 * behind its IPv6 header, be of TCP, UDP or ICMPv6, and end at byte 65,495 at the latest.
 */
static enum kind kind_of_ipv4(const uint8_t *bytes, unsigned length)
{
    return length >= IP_HLEN && load16(bytes + 6) & (IP_MF | IP_OFFMASK) ? PART : WHOLE;
}

static bool is_extension(uint8_t next)
{
    return next == IP6_NEXTH_HOPBYHOP || next == IP6_NEXTH_ROUTING || next == IP6_NEXTH_DESTOPTS;
}

static enum kind kind_of_ipv6(const uint8_t *bytes, unsigned length)
{
    unsigned at = IP6_HLEN, end;
    uint8_t next;

    if (length < IP6_HLEN + 8)
        return WHOLE;
    for (next = bytes[6]; is_extension(next) && at + 2 <= length; at += 8u * (1u + bytes[at + 1]))
        next = bytes[at];
    if (next != IP6_NEXTH_FRAGMENT)
        return WHOLE;
    end = (load16(bytes + IP6_HLEN + 2) & 0xfff8) + load16(bytes + 4);
    end -= end < 8 ? end : 8; /* the fragment header itself */
    next = bytes[IP6_HLEN];
    if (at != IP6_HLEN || end > UINT16_MAX - IP6_HLEN ||
        (next != IP6_NEXTH_TCP && next != IP6_NEXTH_UDP && next != IP6_NEXTH_ICMP6))
        return REFUSED;
    return PART;
}

/* lwIP reads all of an ARP packet without a look at its length. */
static enum kind kind_of(const struct pbuf *packet, uint16_t type)
{
    if (type == PP_HTONS(ETHTYPE_IP))
        return kind_of_ipv4(packet->payload, packet->len);
    if (type == PP_HTONS(ETHTYPE_IPV6))
        return kind_of_ipv6(packet->payload, packet->len);
    return packet->len >= SIZEOF_ETHARP_HDR ? WHOLE : REFUSED;
}

/* ICMPv6, which may also come in fragments or behind other headers. */
static bool may_tell_of_paths(const struct pbuf *packet, uint16_t type)
{
    const uint8_t *bytes = packet->payload;

    return type == PP_HTONS(ETHTYPE_IPV6) && packet->len >= IP6_HLEN && bytes[6] != IP6_NEXTH_TCP &&
           bytes[6] != IP6_NEXTH_UDP;
}

static void hand_to_lwip(struct netif *netif, struct pbuf *packet, uint16_t type)
{
    if (type == PP_HTONS(ETHTYPE_IP))
        ip4_input(packet, netif);
    else if (type == PP_HTONS(ETHTYPE_IPV6))
        ip6_input(packet, netif);
    else
        etharp_input(packet, netif);
}

static void input(struct sd_interface *interface, struct pbuf *packet, uint16_t type, bool vouched)
{
    const uint16_t checks = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
    enum kind kind = kind_of(packet, type);
    bool of_paths = may_tell_of_paths(packet, type);

    if (kind == REFUSED) {
        pbuf_free(packet);
        return;
    }
    if (kind == PART)
        sd_net_timers_fragment(type == PP_HTONS(ETHTYPE_IPV6));
    if (kind == WHOLE && vouched)
        interface->netif.chksum_flags &= (uint16_t)~checks;
    hand_to_lwip(&interface->netif, packet, type);
    interface->netif.chksum_flags |= checks;
    if (of_paths)
        sd_net_paths_heard(&interface->netif);
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
    else if (sd_net_memory_takes_page(pages_held))
        pbuf = wrap(interface, packet);
    else
        give_back(interface, packet);
    if (!pbuf && sd_log_allowed(&interface->short_of_memory, "packets dropped"))
        sd_warn("net%u: short of memory, packet dropped", (unsigned)interface->index);
    return pbuf;
}

static void look_at(struct sd_interface *interface, struct pbuf *pbuf, const struct eth_hdr *header,
                    bool vouched)
{
    pbuf->if_idx = netif_get_index(&interface->netif);
    if (eth_addr_cmp(&header->dest, &ethbroadcast))
        pbuf->flags |= PBUF_FLAG_LLBCAST;
    else if (header->dest.addr[0] & 1)
        pbuf->flags |= PBUF_FLAG_LLMCAST;
    input(interface, pbuf, header->type, vouched);
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
    sd_net_memory_dip(packet->length <= SHORT_PACKET);
    pbuf = take(interface, packet);
    if (pbuf)
        look_at(interface, pbuf, &header, packet->checksum_valid);
    sd_net_memory_dip(false);
}

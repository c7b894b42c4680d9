#include "interface.h"

#include <errno.h>
#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/ethip6.h"
#include "lwip/etharp.h"
#include "lwip/nd6.h"
#include "lwip/prot/etharp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/tcp.h"
#include "lwip/priv/tcp_priv.h"

#include "neighbour.h"
#include "net.h"
#include "publish.h"
#include "random.h"
#include "receive.h"
#include "timers.h"

#define MTU 1500

/* ---- towards netfront ---- */

/* A question that lwIP waits for an answer to; it also announces itself by asking for its own address. */
static bool is_arp_question(const struct pbuf *packet)
{
    const uint8_t *bytes = packet->payload, *arp = bytes + SIZEOF_ETH_HDR;

    return packet->len >= SIZEOF_ETH_HDR + SIZEOF_ETHARP_HDR && bytes[12] == 0x08 && bytes[13] == 0x06 &&
           arp[7] == ARP_REQUEST && memcmp(arp + 14, arp + 24, 4) != 0;
}

/* Its sending may have begun to ask whether the neighbour is still there. */
static bool is_ipv6(const struct pbuf *packet)
{
    const uint8_t *bytes = packet->payload;

    return packet->len >= SIZEOF_ETH_HDR && bytes[12] == 0x86 && bytes[13] == 0xdd;
}

static err_t link_output(struct netif *netif, struct pbuf *packet)
{
    struct sd_interface *interface = netif->state;

    if (!interface->attached)
        return ERR_IF;
    interface->unpublished = true;
    if (is_arp_question(packet))
        sd_net_timers_arp_asked();
    else if (is_ipv6(packet))
        sd_net_timers_neighbour_used();
    return sd_transmit_packet(&interface->transmit, packet);
}

static void on_kick(void *arg)
{
    struct sd_interface *interface = arg;

    sd_net_kick(&interface->kicked);
}

static void on_room(void *arg)
{
    struct sd_interface *interface = arg;

    interface->has_room = true;
}

const struct xen_netfront_ops sd_interface_ops = {
    .kick = on_kick,
    .receive = sd_receive,
    .room = on_room,
};

/* ---- addresses ---- */

static const char *way_name(const struct sd_interface *interface)
{
    return interface->config.way == SD_NET_DHCP ? "by DHCP" : "as configured";
}

static void log_ipv4(struct sd_interface *interface)
{
    const uint8_t *mac = interface->front.mac;
    const ip4_addr_t *address = netif_ip4_addr(&interface->netif);
    uint32_t mask = lwip_ntohl(netif_ip4_netmask(&interface->netif)->addr);
    unsigned bits = mask ? 32 - (unsigned)__builtin_ctz(mask) : 0;
    bool has = !ip4_addr_isany(address);

    if (has == interface->said)
        return;
    interface->said = has;
    if (has)
        sd_info("net%u: mac %02x:%02x:%02x:%02x:%02x:%02x, %u.%u.%u.%u/%u %s", interface->index, mac[0],
                mac[1], mac[2], mac[3], mac[4], mac[5], ip4_addr1(address), ip4_addr2(address),
                ip4_addr3(address), ip4_addr4(address), bits, way_name(interface));
    else
        sd_warn("net%u: lost its IPv4 address", interface->index);
}

void sd_interface_format_ipv6(char *text, size_t size, const ip6_addr_t *address)
{
    ip6addr_ntoa_r(address, text, (int)size);
    for (char *at = text; *at; at++)
        *at = *at >= 'A' && *at <= 'F' ? (char)(*at | 0x20) : *at;
}

/* Those of more than this link, once each. */
static void log_ipv6(struct sd_interface *interface)
{
    for (int8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        const ip6_addr_t *address = netif_ip6_addr(&interface->netif, i);
        bool is_valid = ip6_addr_isvalid(netif_ip6_addr_state(&interface->netif, i));
        uint8_t bit = (uint8_t)(1 << i);
        char text[IP6ADDR_STRLEN_MAX];

        if (!is_valid)
            interface->said_ipv6 &= (uint8_t)~bit;
        if (!is_valid || interface->said_ipv6 & bit || ip6_addr_islinklocal(address))
            continue;
        interface->said_ipv6 |= bit;
        sd_interface_format_ipv6(text, sizeof text, address);
        sd_info("net%u: %s", interface->index, text);
    }
}

static void on_status(struct netif *netif)
{
    struct sd_interface *interface = netif->state;

    log_ipv4(interface);
    log_ipv6(interface);
    sd_net_addresses_changed(interface);
}

/* ---- towards lwIP ---- */

static err_t init_netif(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->output = sd_neighbour_output_ipv4;
    netif->output_ip6 = sd_neighbour_output_ipv6;
    netif->linkoutput = link_output;
    netif->mtu = MTU;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    return ERR_OK;
}

/* Packets go straight to the protocols (receive.c). */
static err_t no_input(struct pbuf *packet, struct netif *netif)
{
    (void)netif;
    pbuf_free(packet);
    return ERR_OK;
}

static ip4_addr_t quad(const uint8_t bytes[4])
{
    ip4_addr_t address;

    IP4_ADDR(&address, bytes[0], bytes[1], bytes[2], bytes[3]);
    return address;
}

static int configure_ipv4(struct sd_interface *interface)
{
    const struct sd_net_address *config = &interface->config;
    ip4_addr_t address, mask, gateway;

    if (config->way == SD_NET_DHCP)
        return dhcp_start(&interface->netif) == ERR_OK ? 0 : -ENOMEM;
    if (config->way == SD_NET_NONE && !interface->index)
        sd_net_no_address();
    if (config->way == SD_NET_FIXED) {
        address = quad(config->address);
        mask.addr = lwip_htonl(UINT32_MAX << (32 - config->bits));
        gateway = quad(config->gateway);
        netif_set_addr(&interface->netif, &address, &mask, &gateway);
    }
    return 0;
}

/* TCP's checksum is for the backend to fill in, or for sd_transmit_packet. */
static void set_offload(struct sd_interface *interface)
{
    interface->transmit.front = &interface->front;
    interface->transmit.open = false;
    NETIF_SET_CHECKSUM_CTRL(&interface->netif, NETIF_CHECKSUM_ENABLE_ALL & ~NETIF_CHECKSUM_GEN_TCP);
}

static void use_default_route(void)
{
    struct netif *netif, *best = NULL;

    NETIF_FOREACH(netif)
    {
        const struct sd_interface *interface = netif->state; /* NULL for the loopback interface */

        if (!interface)
            continue;
        if (!best || interface->index < ((const struct sd_interface *)best->state)->index)
            best = netif;
    }
    netif_set_default(best);
}

static int introduce(struct sd_interface *interface)
{
    struct netif *netif = &interface->netif;

    memset(netif, 0, sizeof *netif);
    if (!netif_add_noaddr(netif, interface, init_netif, no_input))
        return -ENOMEM;
    interface->known = true;
    netif_set_status_callback(netif, on_status);
    use_default_route();
    return 0;
}

int sd_interface_attach(struct sd_interface *interface)
{
    struct netif *netif = &interface->netif;
    bool is_new = !interface->known;
    int error = is_new ? introduce(interface) : 0;

    if (error)
        return error;
    memcpy(netif->hwaddr, interface->front.mac, ETH_HWADDR_LEN);
    sd_net_random_add(netif->hwaddr, ETH_HWADDR_LEN);
    set_offload(interface);
    interface->attached = true;
    interface->has_room = true;
    /* What came before this found nobody to poll for it. */
    sd_net_kick(&interface->kicked);
    if (is_new) {
        netif_create_ip6_linklocal_address(netif, 1);
        netif_set_ip6_autoconfig_enabled(netif, 1);
    }
    netif_set_link_up(netif);
    if (!is_new)
        return 0;
    netif_set_up(netif);
    return configure_ipv4(interface);
}

static void forget_netif(struct sd_interface *interface)
{
    struct netif *netif = &interface->netif;

    dhcp_stop(netif);
    dhcp_cleanup(netif);
    netif_remove(netif);
    interface->known = false;
    sd_net_addresses_changed(interface);
    interface->said = false;
    interface->said_ipv6 = 0;
    use_default_route();
}

void sd_interface_detach(struct sd_interface *interface, bool forget)
{
    if (interface->attached) {
        sd_transmit_finish(&interface->transmit);
        interface->attached = false;
        netif_set_link_down(&interface->netif);
    }
    if (forget && interface->known)
        forget_netif(interface);
}

void sd_interface_poll(struct sd_interface *interface)
{
    if (!interface->attached)
        return;
    if (sd_net_take_kick(&interface->kicked) && xen_netfront_poll(&interface->front) == -EPROTO)
        sd_net_broken(interface);
    if (interface->has_room) {
        interface->has_room = false;
        tcp_txnow();
    }
}

void sd_interface_flush(struct sd_interface *interface)
{
    interface->unpublished = false;
    if (!interface->attached)
        return;
    sd_transmit_finish(&interface->transmit);
    xen_netfront_flush(&interface->front);
}

#include "neighbour.h"

#include <string.h>

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/sys.h"

/* lwIP asks for five seconds at most. A place is free one later, so that it never stands for two. */
#define ASK_MS  5000
#define FREE_MS 6000
/* Half of lwIP's tables; and the hosts of an IPv4 network of 8 bits do not share. */
#define PLACES_IPV4 (ARP_TABLE_SIZE / 2)
#define PLACES_IPV6 (LWIP_ND6_NUM_NEIGHBORS / 2)

struct place {
    uint32_t address[4];
    uint32_t since; /* ms */
    uint8_t netif;  /* its index; 0: never used */
};

static struct place places_ipv4[PLACES_IPV4], places_ipv6[PLACES_IPV6];

static bool may_ask(struct place *place, const struct netif *netif, const uint32_t *address, size_t words)
{
    uint32_t age = sys_now() - place->since;

    if (place->netif && age < FREE_MS)
        return age < ASK_MS && place->netif == netif_get_index(netif) &&
               !memcmp(place->address, address, words * sizeof(*address));
    place->netif = netif_get_index(netif);
    place->since = sys_now();
    memcpy(place->address, address, words * sizeof(*address));
    return true;
}

/* ---- IPv4 ---- */

/* The neighbour that the connection which sends has sent to last, if it is still known. */
static const ip4_addr_t *remembered(struct netif *netif)
{
    ip4_addr_t *address;
    struct netif *on;
    struct eth_addr *mac;

    if (!netif->hints || !etharp_get_entry(netif->hints->addr_hint, &address, &on, &mac) || on != netif)
        return NULL;
    return address;
}

static bool may_send_ipv4(struct netif *netif, const ip4_addr_t *to)
{
    const ip4_addr_t *last = remembered(netif), *next = to, *found;
    struct eth_addr *mac;

    if (last && ip4_addr_cmp(last, to))
        return true;
    if (!ip4_addr_netcmp(to, netif_ip4_addr(netif), netif_ip4_netmask(netif)) && !ip4_addr_islinklocal(to))
        next = netif_ip4_gw(netif);
    if (last && ip4_addr_cmp(last, next))
        return true;
    return ip4_addr_isany(next) || ip4_addr_isbroadcast(to, netif) || ip4_addr_ismulticast(to) ||
           etharp_find_addr(netif, next, &mac, &found) >= 0 ||
           may_ask(&places_ipv4[lwip_ntohl(next->addr) % PLACES_IPV4], netif, &next->addr, 1);
}

err_t sd_neighbour_output_ipv4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
    return may_send_ipv4(netif, to) ? etharp_output(netif, packet, to) : ERR_OK;
}

/* ---- IPv6 ---- */

static bool is_on_link(const struct netif *netif, const ip6_addr_t *address)
{
    if (ip6_addr_islinklocal(address))
        return true;
    for (unsigned i = 0; i < LWIP_ND6_NUM_PREFIXES; i++) {
        const struct nd6_prefix_list_entry *entry = &prefix_list[i];

        if (entry->netif == netif && entry->invalidation_timer && ip6_addr_netcmp(address, &entry->prefix))
            return true;
    }
    return false;
}

static bool is_in_place(unsigned place, const ip6_addr_t *address)
{
    return neighbor_cache[place].state != ND6_NO_ENTRY && neighbor_cache[place].state != ND6_INCOMPLETE &&
           ip6_addr_cmp(&neighbor_cache[place].next_hop_address, address);
}

static bool has_answered_ipv6(const ip6_addr_t *address)
{
    static unsigned last;

    if (is_in_place(last, address))
        return true;
    for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
        if (is_in_place(i, address)) {
            last = i;
            return true;
        }
    }
    return false;
}

err_t sd_neighbour_output_ipv6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *to)
{
    if (!ip6_addr_ismulticast(to) && is_on_link(netif, to) && !has_answered_ipv6(to) &&
        !may_ask(&places_ipv6[lwip_ntohl(to->addr[3]) % PLACES_IPV6], netif, to->addr, 4))
        return ERR_OK;
    return ethip6_output(netif, packet, to);
}

#include "neighbour.h"

#include <string.h>

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/sys.h"

/* Half of lwIP's tables; and the hosts of an IPv4 network of 8 bits do not share. */
#define PLACES_IPV4 (ARP_TABLE_SIZE / 2)
#define PLACES_IPV6 (LWIP_ND6_NUM_NEIGHBORS / 2)

/* lwIP asks for a host for longer than ASK_MS and for less than FREE_MS. Between, it could begin a second
 * time, and go on when the place is another's. */
#define ASK_MS_IPV4  4000
#define FREE_MS_IPV4 6000
#define ASK_MS_IPV6  2000
#define FREE_MS_IPV6 4000

struct place {
    uint32_t address[4];
    uint32_t since; /* ms */
    uint8_t netif;  /* its index; 0: never used */
};

static struct place places_ipv4[PLACES_IPV4], places_ipv6[PLACES_IPV6];

static uint32_t age(const struct place *place)
{
    return place->netif ? sys_now() - place->since : UINT32_MAX;
}

static bool is_held_for(const struct place *place, const struct netif *netif, const uint32_t *address,
                        size_t words)
{
    return place->netif == netif_get_index(netif) &&
           !memcmp(place->address, address, words * sizeof(*address));
}

static void hold(struct place *place, const struct netif *netif, const uint32_t *address, size_t words)
{
    place->netif = netif_get_index(netif);
    place->since = sys_now();
    memcpy(place->address, address, words * sizeof(*address));
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

static bool has_answered_ipv4(struct netif *netif, const ip4_addr_t *address)
{
    const ip4_addr_t *found;
    struct eth_addr *mac;

    return etharp_find_addr(netif, address, &mac, &found) >= 0;
}

static bool may_ask_ipv4(struct netif *netif, const ip4_addr_t *address)
{
    struct place *place = &places_ipv4[(lwip_ntohl(address->addr) + netif->num) % PLACES_IPV4];

    if (age(place) < FREE_MS_IPV4) {
        if (is_held_for(place, netif, &address->addr, 1))
            return age(place) < ASK_MS_IPV4;
        if (!has_answered_ipv4(netif_get_by_index(place->netif), &(ip4_addr_t){place->address[0]}))
            return false;
    }
    hold(place, netif, &address->addr, 1);
    return true;
}

static bool may_send_ipv4(struct netif *netif, const ip4_addr_t *to)
{
    const ip4_addr_t *last = remembered(netif), *next = to;

    if (last && ip4_addr_cmp(last, to))
        return true;
    if (!ip4_addr_netcmp(to, netif_ip4_addr(netif), netif_ip4_netmask(netif)) && !ip4_addr_islinklocal(to))
        next = netif_ip4_gw(netif);
    if (last && ip4_addr_cmp(last, next))
        return true;
    return ip4_addr_isany(next) || ip4_addr_isbroadcast(to, netif) || ip4_addr_ismulticast(to) ||
           has_answered_ipv4(netif, next) || may_ask_ipv4(netif, next);
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

static bool may_ask_ipv6(struct netif *netif, const ip6_addr_t *address)
{
    struct place *place = &places_ipv6[(lwip_ntohl(address->addr[3]) + netif->num) % PLACES_IPV6];
    ip6_addr_t holder;

    if (age(place) < FREE_MS_IPV6) {
        if (is_held_for(place, netif, address->addr, 4))
            return age(place) < ASK_MS_IPV6;
        memcpy(holder.addr, place->address, sizeof(place->address));
        ip6_addr_set_zone(&holder, ip6_addr_has_scope(&holder, IP6_UNICAST) ? place->netif : IP6_NO_ZONE);
        if (!has_answered_ipv6(&holder))
            return false;
    }
    hold(place, netif, address->addr, 4);
    return true;
}

err_t sd_neighbour_output_ipv6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *to)
{
    if (!ip6_addr_ismulticast(to) && is_on_link(netif, to) && !has_answered_ipv6(to) &&
        !may_ask_ipv6(netif, to))
        return ERR_OK;
    return ethip6_output(netif, packet, to);
}

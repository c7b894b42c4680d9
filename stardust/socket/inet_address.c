/* Addresses, as the program has them and as lwIP has them. */
#define _GNU_SOURCE
#include "inet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lwip/ip.h"
#include "lwip/netif.h"

#define SOCKADDR_IN6_LEAST 24 /* RFC 2133's, without the scope */

void sd_end_any(const struct sd_inet *inet, struct sd_end *end)
{
    memset(end, 0, sizeof(*end));
    if (inet->socket.family == AF_INET6)
        IP_SET_TYPE_VAL(end->address, inet->v6_only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
}

static int take4(const void *address, struct sd_end *end)
{
    struct sockaddr_in in;

    memcpy(&in, address, sizeof(in));
    ip_addr_set_ip4_u32_val(end->address, in.sin_addr.s_addr);
    end->port = lwip_ntohs(in.sin_port);
    return 0;
}

static int take6(const struct sd_inet *inet, const void *address, unsigned bytes, struct sd_end *end)
{
    struct sockaddr_in6 in = {0};
    ip6_addr_t *to = ip_2_ip6(&end->address);

    memcpy(&in, address, bytes < sizeof(in) ? bytes : sizeof(in));
    end->port = lwip_ntohs(in.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
        uint32_t mapped;

        if (inet->v6_only)
            return -ENETUNREACH;
        memcpy(&mapped, in.sin6_addr.s6_addr + 12, sizeof(mapped));
        ip_addr_set_ip4_u32_val(end->address, mapped);
        return 0;
    }
    IP_SET_TYPE_VAL(end->address, IPADDR_TYPE_V6);
    memcpy(to->addr, in.sin6_addr.s6_addr, sizeof(to->addr));
    if (ip6_addr_islinklocal(to)) {
        if (!in.sin6_scope_id || in.sin6_scope_id > UINT8_MAX)
            return -EINVAL;
        ip6_addr_set_zone(to, (uint8_t)in.sin6_scope_id);
    }
    if (ip6_addr_isany(to) && !inet->v6_only)
        IP_SET_TYPE_VAL(end->address, IPADDR_TYPE_ANY);
    return 0;
}

int sd_end_take(const struct sd_inet *inet, const void *address, unsigned bytes, struct sd_end *end)
{
    sa_family_t family;

    if (bytes < sizeof(family))
        return -EINVAL;
    memcpy(&family, address, sizeof(family));
    if (bytes < (inet->socket.family == AF_INET ? sizeof(struct sockaddr_in) : SOCKADDR_IN6_LEAST))
        return -EINVAL;
    if (family != inet->socket.family)
        return -EAFNOSUPPORT;
    memset(end, 0, sizeof(*end));
    return family == AF_INET ? take4(address, end) : take6(inet, address, bytes, end);
}

static unsigned give6(const struct sd_end *end, void *address)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = lwip_htons(end->port)};

    if (IP_IS_V4_VAL(end->address)) {
        in.sin6_addr.s6_addr[10] = in.sin6_addr.s6_addr[11] = 0xff;
        memcpy(in.sin6_addr.s6_addr + 12, &ip_2_ip4(&end->address)->addr, 4);
    } else {
        memcpy(in.sin6_addr.s6_addr, ip_2_ip6(&end->address)->addr, 16);
        if (ip6_addr_islinklocal(ip_2_ip6(&end->address)))
            in.sin6_scope_id = ip6_addr_zone(ip_2_ip6(&end->address));
    }
    memcpy(address, &in, sizeof(in));
    return sizeof(in);
}

unsigned sd_end_give(const struct sd_inet *inet, const struct sd_end *end, void *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = lwip_htons(end->port)};

    if (inet->socket.family == AF_INET6)
        return give6(end, address);
    in.sin_addr.s_addr = ip_2_ip4(&end->address)->addr;
    memcpy(address, &in, sizeof(in));
    return sizeof(in);
}

bool sd_end_is_any(const struct sd_end *end)
{
    return ip_addr_isany_val(end->address);
}

bool sd_end_is_loopback(const struct sd_end *end)
{
    return ip_addr_isloopback(&end->address);
}

static bool is_of(struct netif *netif, const ip_addr_t *address)
{
    if (IP_IS_V4(address))
        return ip4_addr_cmp(ip_2_ip4(address), netif_ip4_addr(netif));
    return netif_get_ip6_addr_match(netif, ip_2_ip6(address)) >= 0;
}

bool sd_end_is_own(const struct sd_end *end)
{
    struct netif *netif;

    if (sd_end_is_any(end) || (IP_IS_V4_VAL(end->address) && sd_end_is_loopback(end)))
        return true;
    NETIF_FOREACH(netif)
    {
        if (is_of(netif, &end->address))
            return true;
    }
    return false;
}

bool sd_end_overlaps(const ip_addr_t *a, const ip_addr_t *b)
{
    if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b))
        return true;
    if (IP_GET_TYPE(a) != IP_GET_TYPE(b))
        return false;
    return ip_addr_isany(a) || ip_addr_isany(b) || ip_addr_cmp(a, b);
}

int sd_end_route(const struct sd_end *from, const ip_addr_t *to, ip_addr_t *own)
{
    bool bound = !sd_end_is_any(from);
    struct netif *netif;
    const ip_addr_t *found;

    if (bound && IP_GET_TYPE(&from->address) != IP_GET_TYPE(to))
        return -ENETUNREACH;
    netif = ip_route(&from->address, to);
    /* Alone, the loopback interface takes for IPv6 whatever there is. */
    if (!netif || (!netif->state && !is_of(netif, to) && !ip_addr_isloopback(to)))
        return -ENETUNREACH;
    found = ip_netif_get_local_ip(netif, to);
    if (!bound && !found)
        return -ENETUNREACH;
    if (bound)
        found = &from->address;
    ip_addr_copy(*own, *found);
    return 0;
}

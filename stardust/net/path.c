#include "path.h"

#include <stdbool.h>

#include "arch/hooks.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/netif.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/tcp.h"
#include "lwip/tcp.h"

#include "timers.h"

static bool narrow; /* some path may be too narrow for a segment */

/*
 * A "packet too big" that passes lwIP's checks (its checksum, a destination that is talked to) sets the
 * path's size to what it says. It may say anything: with 48 lwIP would cut packets into empty fragments for
 * ever, and with 65,535 it would no longer cut any. IPv6 has every link take 1,280 (RFC 8200, 5), and ours
 * bounds every path.
 */
void sd_net_paths_heard(const struct netif *netif)
{
    uint16_t most = netif_mtu6(netif);

    narrow = most < netif->mtu;
    for (unsigned i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++) {
        struct nd6_destination_cache_entry *path = &destination_cache[i];

        if (ip6_addr_isany(&path->destination_addr))
            continue;
        if (path->pmtu < IP6_MIN_MTU_LENGTH)
            path->pmtu = IP6_MIN_MTU_LENGTH;
        if (path->pmtu > most)
            path->pmtu = most;
        narrow |= path->pmtu < netif->mtu;
    }
}

void sd_net_tcp_leaves(const struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *packet)
{
    uint32_t size = (uint32_t)packet->tot_len + IP6_HLEN;
    const ip6_addr_t *local, *remote;
    struct netif *netif;

    sd_net_timers_tcp_touched();
    if (!narrow || size <= IP6_MIN_MTU_LENGTH || !pcb || !IP_IS_V6_VAL(pcb->remote_ip))
        return;
    local = ip_2_ip6(&pcb->local_ip);
    remote = ip_2_ip6(&pcb->remote_ip);
    netif = pcb->netif_idx == NETIF_NO_INDEX ? ip6_route(local, remote) : netif_get_by_index(pcb->netif_idx);
    if (!netif || netif->chksum_flags & NETIF_CHECKSUM_GEN_TCP ||
        size <= nd6_get_destination_mtu(remote, netif))
        return;
    header->chksum = ip6_chksum_pseudo(packet, IP6_NEXTH_TCP, packet->tot_len, local, remote);
}

/*
 * Who may be asked for on a link. lwIP 2.1.3 forgets a neighbour that has answered before one that it still
 * waits for, so that packets in the name of hosts that are not there would cut off all that are. Its tables
 * have more places than hosts that are asked for at once: each address has one place among those, which it
 * shares with some others, and until its host has answered or was given up, a packet for another of these is
 * lost. Under the network's lock.
 */
#ifndef STARDUST_NET_NEIGHBOUR_H
#define STARDUST_NET_NEIGHBOUR_H

#include "lwip/netif.h"

/* A netif's output and output_ip6: etharp_output and ethip6_output, but for what is lost (ERR_OK). */
err_t sd_neighbour_output_ipv4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to);
err_t sd_neighbour_output_ipv6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *to);

#endif

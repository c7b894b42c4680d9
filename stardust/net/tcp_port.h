/*
 * Ports that the guest chooses for its ends of connections. lwIP's own choice counts each port once for all
 * peers, tries one after another, and looks at all connections for each that it tries. Under the network's
 * lock.
 */
#ifndef STARDUST_NET_TCP_PORT_H
#define STARDUST_NET_TCP_PORT_H

#include <stdint.h>

#include "lwip/ip_addr.h"

/*
 * A port by chance (RFC 6056) of Linux's range that no connection to this peer has and nobody is bound to;
 * NULL: that nobody uses. Where there is none, the older half of what is in TIME_WAIT gives way, until there
 * is one: 0 when there never is.
 */
uint16_t sd_net_tcp_port(const ip_addr_t *peer, uint16_t peer_port);

/* A port that the program chose. All are to be told; connections are looked at only once in so many ports. */
void sd_net_tcp_port_used(uint16_t port);

#endif

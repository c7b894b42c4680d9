/*
 * Who answers for names (DNS): only the addresses, in place of lwIP's resolver (its core/dns.c), as the C
 * library asks by itself. Private to stardust/.
 */
#ifndef STARDUST_NET_NAMESERVER_H
#define STARDUST_NET_NAMESERVER_H

#include "lwip/ip_addr.h"

#define SD_NAMESERVERS 3 /* of each kind, and as many as the C library asks */

/*
 * The name servers in the order in which they are to be asked: those of the option dns=; if there is none,
 * those that DHCP told, then those of router advertisements. How many. Under the network's lock.
 */
unsigned sd_net_nameservers(ip_addr_t servers[SD_NAMESERVERS]);

#endif

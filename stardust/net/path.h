/*
 * How large an IPv6 packet may be on its way (RFC 8201), where lwIP 2.1.3 leaves something to do. Under the
 * network's lock.
 */
#ifndef STARDUST_NET_PATH_H
#define STARDUST_NET_PATH_H

struct netif;

/* lwIP was given a packet of this interface that may have told the size for a link or a path. */
void sd_net_paths_heard(const struct netif *netif);

#endif

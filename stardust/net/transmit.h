/*
 * From lwIP's packets to the backend's pages. Consecutive segments of one TCP connection are put back to back
 * under one header and sent as a single packet that the backend cuts up again (GSO), for lwIP sends segments
 * of 1,460 bytes only. Under the network's lock.
 */
#ifndef STARDUST_NET_TRANSMIT_H
#define STARDUST_NET_TRANSMIT_H

#include <xenlib/front/net.h>

#include "lwip/netif.h"
#include "lwip/pbuf.h"

/* Ethernet, IPv6, TCP with all its options. */
#define SD_TRANSMIT_HEADER_MAX (14 + 40 + 60)

struct sd_transmit {
    struct xen_netfront *front; /* its features say what the backend does for IPv4 and for IPv6 */

    /* The packet that is open for more segments. */
    bool open;
    bool ended; /* its last segment is short: no more */
    bool ipv6;
    uint8_t flags; /* TCP's, of all its segments */
    unsigned header_bytes, tcp_at;
    unsigned segments;
    uint16_t segment_bytes; /* payload of each but the last */
    uint32_t next_sequence;
    uint8_t header[SD_TRANSMIT_HEADER_MAX]; /* its first segment's */
};

/* Takes a packet with its Ethernet header, as netif->linkoutput. lwIP leaves TCP's checksum blank: the
 * backend fills it in, or it is done here. ERR_MEM: no room now; ERR_IF: never. */
err_t sd_transmit_packet(struct sd_transmit *transmit, const struct pbuf *packet);

/* Closes the packet that is open. Before every xen_netfront_flush. */
void sd_transmit_finish(struct sd_transmit *transmit);

#endif

/*
 * Where lwIP asks us in the middle of its work (LWIP_HOOK_*, lwip/opt.h).
 */
#ifndef STARDUST_NET_PORT_ARCH_HOOKS_H
#define STARDUST_NET_PORT_ARCH_HOOKS_H

#include <stdbool.h>

#include "lwip/ip_addr.h"

struct netif;
struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* Initial sequence number of a connection (RFC 6528). */
uint32_t sd_net_tcp_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port)                                            \
    sd_net_tcp_isn(local, local_port, remote, remote_port)

/*
 * A segment for `pcb`, with its header in host byte order, taken off `packet`. Asks for an ACK at once after
 * a large one. False: it is not to be looked at.
 */
bool sd_net_tcp_arrived(struct tcp_pcb *pcb, const struct tcp_hdr *header, const struct pbuf *packet);
/* Whether a listener has a place for one more connection: socket/tcp_listen.c, if it is in the image. */
struct tcp_pcb_listen;
bool sd_tcp_admits(const struct tcp_pcb_listen *listener) __attribute__((weak));
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, length, length1, options2, packet)                           \
    (sd_net_tcp_arrived(pcb, header, packet) ? ERR_OK : ERR_VAL)

/*
 * An IPv4 packet, before it is looked at. The loopback interface is all of 127.0.0.0/8, but lwIP's has one
 * address: it takes on the one that each packet is for (sd_net_loop_home undoes it).
 */
void sd_net_ip4_arrived(const struct pbuf *packet, struct netif *netif);
void sd_net_loop_home(struct netif *netif);
#define LWIP_HOOK_IP4_INPUT(packet, netif) (sd_net_ip4_arrived(packet, netif), 0)

#endif

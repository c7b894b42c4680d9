/*
 * Where lwIP asks us in the middle of its work (LWIP_HOOK_*, lwip/opt.h).
 */
#ifndef STARDUST_NET_PORT_ARCH_HOOKS_H
#define STARDUST_NET_PORT_ARCH_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

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
 * A segment for `pcb`, with its header in host byte order, taken off `packet`; so many bytes of options lie
 * behind it. Asks for an ACK at once after a large one. False: it is not to be looked at.
 */
bool sd_net_tcp_arrived(struct tcp_pcb *pcb, struct tcp_hdr *header, size_t options, struct pbuf *packet);
/* Whether a listener has a place for one more connection: socket/tcp_listen.c, if it is in the image. */
struct tcp_pcb_listen;
bool sd_tcp_admits(const struct tcp_pcb_listen *listener) __attribute__((weak));
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, length, length1, options2, packet)                           \
    (sd_net_tcp_arrived(pcb, header, length1, packet) ? ERR_OK : ERR_VAL)

/*
 * A segment on its way out, complete but for its checksum; `pcb` may be NULL. The clock may have to be told
 * (timers.c). Where the backend fills in the checksum, one that IPv6 is to cut into fragments gets it here:
 * nobody sees it in one piece behind that (path.c).
 */
void sd_net_tcp_leaves(const struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *packet);
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS(packet, header, pcb, options)                                          \
    (sd_net_tcp_leaves(pcb, header, packet), (options))

/*
 * A packet, before it is looked at. A SYN may end the TIME_WAIT of a connection with the same addresses and
 * ports. The loopback interface is all of 127.0.0.0/8, but lwIP's has one address: it takes on the one that
 * each packet is for (sd_net_loop_home undoes it).
 */
void sd_net_ip4_arrived(const struct pbuf *packet, struct netif *netif);
void sd_net_ip6_arrived(const struct pbuf *packet);
void sd_net_loop_home(struct netif *netif);
#define LWIP_HOOK_IP4_INPUT(packet, netif) (sd_net_ip4_arrived(packet, netif), 0)
#define LWIP_HOOK_IP6_INPUT(packet, netif) (sd_net_ip6_arrived(packet), 0)

#endif

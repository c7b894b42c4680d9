/*
 * Where lwIP asks us in the middle of its work (LWIP_HOOK_*, lwip/opt.h).
 */
#ifndef STARDUST_NET_PORT_ARCH_HOOKS_H
#define STARDUST_NET_PORT_ARCH_HOOKS_H

#include <stdbool.h>

#include "lwip/ip_addr.h"

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
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, length, length1, options2, packet)                           \
    (sd_net_tcp_arrived(pcb, header, packet) ? ERR_OK : ERR_VAL)

#endif

/* UDP sockets. All of it under the network's lock. Private to stardust/socket/udp*.c. */
#ifndef STARDUST_SOCKET_UDP_H
#define STARDUST_SOCKET_UDP_H

#include "inet.h"
#include "lwip/udp.h"

struct sd_datagram {
    struct xen_list link;
    struct pbuf *packet;
    size_t cost; /* of the room in SO_RCVBUF */
    struct sd_end from;
    ip_addr_t to;
    uint8_t interface; /* that it came by */
    uint8_t tos, ttl;
};

struct sd_udp {
    struct sd_inet inet;
    struct udp_pcb *pcb;
    bool is_bound;
    struct xen_list datagrams;
    size_t queued; /* what they cost */
};

static inline struct sd_udp *sd_udp_of(struct sd_socket *socket)
{
    return xen_container_of(socket, struct sd_udp, inet.socket);
}

/* ---- udp_message.c: of struct sd_socket_ops ---- */

long sd_udp_recvmsg(struct sd_socket *socket, struct sd_message *message);
long sd_udp_sendmsg(struct sd_socket *socket, struct sd_message *message);

/* The socket of a PCB; NULL for one that is none's. */
struct sd_udp *sd_udp_of_pcb(const struct udp_pcb *pcb);

/* From here on ICMP's errors are told to connected sockets: udp_error.c. Without memory some are not. */
void sd_udp_hear_errors(void);

/* Frees one that is in the queue. */
void sd_udp_drop(struct sd_udp *udp, struct sd_datagram *datagram);

#endif

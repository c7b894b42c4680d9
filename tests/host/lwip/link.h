/*
 * An interface on the real lwIP, with stardust/net's receive and transmit path; netfront and the kernel are
 * played. Built by deps/lwip-host.mk.
 */
#ifndef TESTS_HOST_LWIP_LINK_H
#define TESTS_HOST_LWIP_LINK_H

#include <stdint.h>

#include "lwip/ip_addr.h"

#include "interface.h"

#define MAC     "\x02\0\0\0\0\x01"
#define PEER    "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01" /* at MAC; or 10.0.2.2 */
#define OUR_MAC "\x00\x16\x3e\x5d\x00\x01"
#define OURS                                                                                                 \
    "\xfe\x80\0\0\0\0\0\0\x02\x16\x3e\xff\xfe\x5d\x00\x01" /* the interface's address; or 10.0.2.15 */

extern uint64_t now; /* ns */
extern struct sd_interface interface;
extern bool memory_is_short;
extern bool ring_is_full; /* for the next packet */

/* What was sent since `packets` was zero, and the first of it. */
#define PACKETS_MAX 16
extern struct sent {
    uint8_t bytes[XEN_NET_TX_MAX];
    size_t length;
    struct xen_net_offload offload;
} sent[PACKETS_MAX];
extern unsigned packets;

/* Once: the interface is there, and the peer is met. */
void start(void);

/* The peer is known, by IPv6 at the first place of the cache. */
void meet(void);

/* A frame comes in, and what it brings goes out. */
void receive(const uint8_t *frame, size_t bytes);

/* So many seconds pass, or quarters of one. */
void pass(unsigned seconds);
void pass_quarters(unsigned count);

void set_ipv6(ip_addr_t *address, const char *bytes);

#endif

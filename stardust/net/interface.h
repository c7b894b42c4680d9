/*
 * One vif: netfront below, lwIP above. Everything here runs under the network's lock unless noted.
 */
#ifndef STARDUST_NET_INTERFACE_H
#define STARDUST_NET_INTERFACE_H

#include <xenlib/front/net.h>

#include <stardust/log.h>

#include "lwip/netif.h"

#include "address.h"
#include "transmit.h"

#define SD_INTERFACES_MAX 16

/* Addresses as they lie in a packet, IPv4's first, then those for IPv6: zeros for none. publish.c's. */
#define SD_SHOWN (1 + LWIP_IPV6_NUM_ADDRESSES)
struct sd_shown {
    uint8_t addresses[SD_SHOWN][16]; /* as they are */
    uint8_t written[SD_SHOWN][16];   /* as xenstore has them */
};

/* Never freed once made, for lwIP may hold packets in its pages long after the device went away. */
struct sd_interface {
    uint32_t index; /* of the vif */
    struct xen_netfront front;
    struct netif netif;
    struct sd_transmit transmit;

    bool kicked;       /* an event came; guarded by the lock of sd_net_kick */
    bool attached;     /* lwIP may use `front`; else it is net/control.c's */
    bool known;        /* to lwIP; changed by net/control.c's thread */
    bool unpublished;  /* packets for the backend */
    bool has_room;     /* for what lwIP could not transmit before */
    bool said;         /* the address was logged */
    uint8_t said_ipv6; /* which addresses were */
    struct sd_net_address config;
    struct sd_log_limit short_of_memory;
    struct sd_shown shown;

    /* net/control.c's: */
    bool open; /* `front` is */
    bool connected;
    bool broken;       /* the backend is to be connected anew; written by the network thread */
    unsigned failures; /* in a row */
    uint64_t retry;    /* not to be connected before */
};

/* The front is connected: gives it to lwIP, and, unless it was known before, the address that `config` says.
 * 0 or -ENOMEM. */
int sd_interface_attach(struct sd_interface *interface);

/* Takes it from lwIP, before the front is disconnected. Addresses and connections stay unless `forget`. */
void sd_interface_detach(struct sd_interface *interface, bool forget);

/* As RFC 5952 has it, but for the choice of which zeros are left out. Any context. */
void sd_interface_format_ipv6(char *text, size_t size, const ip6_addr_t *address);

/* Receives, if it was kicked. */
void sd_interface_poll(struct sd_interface *interface);

/* Publishes what was transmitted. */
void sd_interface_flush(struct sd_interface *interface);

extern const struct xen_netfront_ops sd_interface_ops;

#endif

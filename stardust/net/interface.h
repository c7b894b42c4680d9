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

/* Never freed once made, for lwIP may hold packets in its pages long after the device went away. */
struct sd_interface {
    uint32_t index; /* of the vif */
    struct xen_netfront front;
    struct netif netif;
    struct sd_transmit transmit;

    bool kicked;       /* an event came; guarded by the lock of sd_net_kick */
    bool attached;     /* lwIP may use `front`; else it is net/control.c's */
    bool known;        /* to lwIP */
    bool unpublished;  /* packets for the backend */
    bool has_room;     /* for what lwIP could not transmit before */
    bool said;         /* the address was logged */
    uint8_t said_ipv6; /* which addresses were */
    struct sd_net_address config;
    struct sd_log_limit short_of_memory;

    /* net/control.c's: */
    bool open; /* `front` is */
    bool connected;
    bool broken;       /* the backend is to be connected anew; written by the network thread */
    unsigned failures; /* in a row */
    uint64_t retry;    /* not to be connected before */
};

/* The front is connected: gives it to lwIP, and configures it unless it was known before. 0 or -ENOMEM. */
int sd_interface_attach(struct sd_interface *interface);

/* Takes it from lwIP, before the front is disconnected. Addresses and connections stay unless `forget`. */
void sd_interface_detach(struct sd_interface *interface, bool forget);

/* Receives, if it was kicked. */
void sd_interface_poll(struct sd_interface *interface);

/* Publishes what was transmitted. */
void sd_interface_flush(struct sd_interface *interface);

extern const struct xen_netfront_ops sd_interface_ops;

#endif

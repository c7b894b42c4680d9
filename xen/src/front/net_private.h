/*
 * What the three files of netfront share: net.c (its life), net_rx.c and net_tx.c.
 */
#ifndef XEN_SRC_FRONT_NET_PRIVATE_H
#define XEN_SRC_FRONT_NET_PRIVATE_H

#include <xenlib/front/net.h>

#define NET_ETHERNET_HEADER 14

/* By slot of the ring. The reference stays with the slot, and is 0 until it is first used. */
struct xen_netfront_rx_slot {
    void *page; /* posted: the backend's now */
    xen_gref_t ref;
};

/* By request id. Page and reference stay, granted, until the device is disconnected; NULL until first used.
 */
struct xen_netfront_tx_slot {
    void *page;
    xen_gref_t ref;
    uint16_t next; /* in the list of free ids */
    bool in_flight;
};

static inline struct xen_netfront_channel *net_rx_channel(struct xen_netfront *front)
{
    return &front->channels[0];
}

static inline struct xen_netfront_channel *net_tx_channel(struct xen_netfront *front)
{
    return &front->channels[front->channel_count - 1];
}

/* A page for the backend, cleared, so that no byte of what it held before is shown. NULL without memory. */
void *net_clear_page(void);

/* The same, granted. 0; -ENOMEM; -ENOSPC without references. */
int net_grant_page(struct xen_netfront *front, bool readonly, void **page, xen_gref_t *ref) xen_must_check;

/* The backend did `what`, which the protocol forbids: nothing is done with the device any more. -EPROTO. */
int net_break(struct xen_netfront *front, const char *what);

/* Rings, tables and, for reception, pages. On an error, stop() cleans up what was taken. */
int net_rx_start(struct xen_netfront *front) xen_must_check;
int net_tx_start(struct xen_netfront *front) xen_must_check;
/* Ends every grant. Harmless after a start that failed or never was. */
void net_rx_stop(struct xen_netfront *front);
void net_tx_stop(struct xen_netfront *front);

/* Takes what the backend has answered. *worked becomes true if there was anything. 0 or -EPROTO. */
int net_rx_drain(struct xen_netfront *front, bool *worked) xen_must_check;
int net_tx_drain(struct xen_netfront *front, bool *worked) xen_must_check;

/* Tells the owner that there is room, if it waits for that. */
void net_tx_room(struct xen_netfront *front);

/* Puts pages into free slots of the ring, as far as there are any. */
void net_rx_post(struct xen_netfront *front);

#endif

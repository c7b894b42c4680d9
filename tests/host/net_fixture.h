/*
 * A netfront between a fake owner and a fake backend, on the real bus, store, ring and grant modules: what
 * the tests and the fuzzer of front/net share.
 */
#ifndef TESTS_HOST_NET_FIXTURE_H
#define TESTS_HOST_NET_FIXTURE_H

#include <xenlib/front/net.h>

#include "fake_netback.h"
#include "fake_xenstored.h"

#define NET_RECEIVED 600

struct net_received {
    uint8_t *data;
    uint32_t length;
    unsigned fragments;
    bool lent, checksum_valid, checksum_blank;
    enum xen_net_gso gso_type;
    uint16_t gso_size;
};

struct net_fixture {
    struct fake_xenstored xs;
    struct netback nb;
    struct xen_netfront front;

    /* the owner */
    bool kicked;
    unsigned kicks, rooms;
    int poll_error;
    bool keep_pages; /* does not return them at once */
    void *kept[4096];
    unsigned kept_count;
    void (*on_receive)(struct net_fixture *fix);
    struct net_received received[NET_RECEIVED];
    unsigned received_count;

    unsigned sends_seen; /* events that the backend has looked after */
    size_t pages_before, grants_before, quarantined_before;
    unsigned ports_before;
};

/* Xenstore, backend and an open front. False when the front did not open. */
bool net_up(struct net_fixture *fix, const struct xen_netfront_config *config);
int net_connect(struct net_fixture *fix);
void net_disconnect(struct net_fixture *fix);
/* Disconnects, closes, takes all down. */
void net_down(struct net_fixture *fix);
/* Whether pages, grants and ports are as they were before net_up(), but for what the owner keeps. Call it
 * disconnected. */
bool net_is_clean(struct net_fixture *fix);

/* Backend and owner act until neither has been notified. */
void net_pump(struct net_fixture *fix);
void net_return_all(struct net_fixture *fix);
void net_forget_received(struct net_fixture *fix);

/* Bytes that tell one packet from another. */
void net_pattern(uint8_t *data, uint32_t length, uint32_t seed);
/* append and commit. */
int net_transmit(struct net_fixture *fix, const uint8_t *data, uint32_t length,
                 const struct xen_net_offload *offload);
/* Packets of many sizes in both directions arrive as they were sent. NULL, or what went wrong. */
const char *net_traffic(struct net_fixture *fix, uint32_t seed);

#endif
